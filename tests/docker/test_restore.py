"""Restores on a real engine: the set is served, or what was there before is."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from docker import DockerClient

from dfly_tui.models.backup import BackupRecord, Proof, ProofLevel
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.restore import restore
from tests.docker.backups import Instance, instance, keys_of
from tests.support.group import outcome, told

pytestmark = pytest.mark.docker

EXACT = ("--nodf_snapshot_format", "--dbfilename=dump.rdb")


def proven(record: BackupRecord) -> BackupRecord:
    """As if it had been tried a moment ago."""
    proof = Proof(level=ProofLevel.RESTORED, at=datetime.now(UTC), ok=True, store="instance", text="")
    return record.model_copy(update={"proofs": (proof,), "files": ()})


async def with_a_set(alpha: Instance, kind: str) -> BackupRecord:
    record = await alpha.save("dump-1", kind)
    await alpha.ask("FLUSHALL")
    await alpha.ask("SET", "later", "1")
    return record


@pytest.mark.parametrize(
    ("flavour", "kind", "bound", "flags", "tried"),
    [
        ("1.40", "DF", False, (), True),
        ("1.22", "RDB", True, (), False),
        ("1.40", "RDB", False, EXACT, False),
    ],
)
async def test_a_set_is_served_again(
    engine: DockerClient, name: str, tmp_path: Path, flavour: str, kind: str, bound: bool, flags: tuple[str, ...],
    tried: bool,
) -> None:  # fmt: skip
    async with instance(engine, name, tmp_path, *flags, flavour=flavour, bound=bound) as alpha:
        record = await with_a_set(alpha, kind)
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            chosen = await kept.chosen("dump-1", record if tried else proven(record))
            events = await alpha.run(await restore(kept, chosen), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await keys_of(alpha) == 300
        assert await alpha.ask("SET", "x", "1") == "OK"
        assert alpha.container.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        assert alpha.throwaways() == []
        assert len(kept.proofs["dump-1"]) == (2 if tried else 1)
        assert not [file.name for file in await alpha.store().files() if file.name.endswith(".part")]


@pytest.mark.parametrize(("kind", "flags"), [("DF", ()), ("RDB", EXACT)])
async def test_what_was_there_is_served_again(
    engine: DockerClient, name: str, tmp_path: Path, kind: str, flags: tuple[str, ...]
) -> None:
    async with instance(engine, name, tmp_path, *flags) as alpha:
        record = await with_a_set(alpha, kind)
        damaged = "dump-1-0001.dfs" if kind == "DF" else "dump-1.rdb"
        alpha.cut_off(damaged)
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            events = await alpha.run(await restore(kept, await kept.chosen("dump-1", proven(record))), access)
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert "is cut off" in told(events)
        assert await keys_of(alpha) == 1
        assert alpha.container.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        names = {file.name for file in await alpha.store().files()}
        assert not [each for each in names if "restored" in each or each.startswith("dump.rdb.")]
        await alpha.restarts()
        assert await keys_of(alpha) == 1, "the next start loads it, too"
