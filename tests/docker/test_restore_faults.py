"""Restores on a real engine in which something goes wrong, and RDB files that a real redis-server wrote."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.models.backup import BackupRecord, FileSum
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.restore import restore
from dfly_tui.operations.backup.restore_resume import resume, situation
from dfly_tui.operations.journal import records
from tests.docker.backups import Instance, fill, instance, keys_of
from tests.docker.test_restore import EXACT, proven, with_a_set
from tests.support.group import Yes, outcome, told
from tests.support.real_rdb import KEYS, real_rdb
from tests.support.restoring import Told, ended, restoring

pytestmark = pytest.mark.docker


async def names(alpha: Instance) -> set[str]:
    return {file.name for file in await alpha.store().files()}


async def test_real_rdb_files_are_tried_and_served(engine: DockerClient, name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    data = (await real_rdb(elsewhere / "dump-1.rdb")).read_bytes()
    async with instance(engine, name, tmp_path) as alpha:
        record = (await alpha.save("dump-1", "RDB")).model_copy(
            update={"keys": KEYS, "files": (FileSum(name="dump-1.rdb", size_bytes=len(data)),)}
        )
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            chosen = await kept.chosen("dump-1", record, FolderStore("elsewhere", elsewhere))
            events = await alpha.run(await restore(kept, chosen), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert [(proof.ok, proof.keys) for proof in kept.proofs["dump-1"]] == [(True, KEYS)] * 2
        assert await keys_of(alpha) == KEYS[0]
        assert await alpha.ask("GET", "key:7") == "7"


async def test_a_throw_away_server_that_dies(engine: DockerClient, name: str, tmp_path: Path) -> None:
    async with instance(engine, name, tmp_path) as alpha:
        record = await with_a_set(alpha, "DF")
        began = alpha.container.attrs["State"]["StartedAt"]
        async with alpha.group.access() as access:
            kept, events = alpha.kept(access), []
            plan = await restore(kept, await kept.chosen("dump-1", record))
            async for event in alpha.group.stream(plan, access, Yes()):
                events.append(event)
                if f"{event.step} {event.state}" == "try done":
                    [throwaway] = alpha.throwaways()
                    with suppress(APIError):
                        await asyncio.to_thread(engine.containers.get(throwaway).kill)
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert "was ended from outside: it ended with code 137" in told(events)
        assert kept.proofs == {}, "this says nothing of the set"
        assert alpha.throwaways() == []
        assert alpha.container.attrs["State"]["StartedAt"] == began, "it went on all the time"


@pytest.mark.parametrize(
    ("kind", "dies", "step"),
    [
        ("DF", {"dies_reading": "dump-1-summary.dfs"}, "swap intended"),
        ("RDB", {"dies_at": "swap done"}, "swap done"),
    ],
)
async def test_the_program_is_killed(
    engine: DockerClient, name: str, tmp_path: Path, kind: str, dies: dict[str, str], step: str
) -> None:
    async with instance(engine, name, tmp_path, *(EXACT if kind == "RDB" else ())) as alpha:
        record = proven(await with_a_set(alpha, kind))
        given = Told(
            config=alpha.config, password=None, state=alpha.group.state, folder=None, record=record, **dies,
        )  # fmt: skip
        await ended(await restoring(given))
        cut_off = next(iter(records(alpha.group.journals)))
        assert " ".join(list(cut_off.steps.items())[-1]) == step
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            assert not (await situation(kept, cut_off)).restored
            events = await alpha.run(await resume(kept, cut_off), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await keys_of(alpha) == 1
        assert await alpha.ask("SET", "x", "1") == "OK"
        assert alpha.container.attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        left = await names(alpha)
        assert not [each for each in left if "restored" in each or ".part" in each or each.startswith("dump.rdb.")]


async def test_the_program_is_killed_while_it_tries_the_set(engine: DockerClient, name: str, tmp_path: Path) -> None:
    async with instance(engine, name, tmp_path) as alpha:
        record = await with_a_set(alpha, "DF")
        given = Told(
            config=alpha.config, password=None, state=alpha.group.state, folder=None, record=record, dies_at="try done"
        )  # fmt: skip
        await ended(await restoring(given))
        [left] = alpha.throwaways()
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            events = await alpha.run(await resume(kept, next(iter(records(alpha.group.journals)))), access)
            assert outcome(events) is Outcome.DONE, told(events)
            assert await keys_of(alpha) == 1
            events = await alpha.run(await drill(kept, await kept.chosen("dump-1", record)), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert left not in alpha.throwaways(), "the next one removes it"


@pytest.mark.parametrize(("kind", "flags"), [("DF", ()), ("RDB", EXACT)])
@pytest.mark.parametrize("step", ["saved done", "stop done"])
async def test_a_disk_that_is_full(
    engine: DockerClient, name: str, tmp_path: Path, small_disk: Container, kind: str, flags: tuple[str, ...], step: str
) -> None:
    """From before it saves for the last time, or from before the last file is put there."""
    async with instance(engine, name, tmp_path, *flags, volume=name) as alpha:
        record: BackupRecord = proven(await with_a_set(alpha, kind))
        async with alpha.group.access() as access:
            kept, events = alpha.kept(access), []
            plan = await restore(kept, await kept.chosen("dump-1", record))
            async for event in alpha.group.stream(plan, access, Yes()):
                events.append(event)
                if f"{event.step} {event.state}" == step:
                    await asyncio.to_thread(fill, small_disk)
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert "no space left" in told(events)
        assert await keys_of(alpha) == 1
        left = await names(alpha)
        assert not [each for each in left if "restored" in each or each.startswith("dump.rdb.")], left
