"""RDB files that a real redis-server wrote: tried in a throw-away server, and restored."""

from pathlib import Path

import pytest

from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.drill import drill
from tests.support.group import outcome, told
from tests.support.hurry import hurried
from tests.support.real_rdb import KEYS, real_rdb
from tests.support.restores import RDB, WAS, Stage, stage
from tests.support.restoring import PATIENT_SECONDS

pytestmark = pytest.mark.redis_server


@pytest.fixture(scope="module")
async def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await real_rdb(tmp_path_factory.mktemp("real") / "dump.rdb")


def take(at: Stage, written: Path) -> bytes:
    """It lies among the server's own, in the place of the lab's set."""
    data = written.read_bytes()
    (at.folder / "dump-1.rdb").write_bytes(data)
    at.record = at.record.model_copy(update={"files": (), "keys": KEYS})
    return data


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
@pytest.mark.parametrize("options", [{}, RDB], ids=["beside", "exact"])
def test_it_is_served(flavour: str, options: dict[str, object], written: Path) -> None:
    @hurried
    async def run() -> None:
        async with stage("RDB", flavour=flavour, **options) as at:
            data = take(at, written)
            _, events = await at.restored()
            assert outcome(events) is Outcome.DONE, told(events)
            assert await at.keys() == KEYS[0]
            assert await at.ask("GET", "key:7") == "7"
            name = next(name for name in at.names() if "restored" in name) if not options else "dump.rdb"
            assert (at.folder / name).read_bytes() == data

    run()


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
def test_one_that_is_damaged_is_not(flavour: str, written: Path) -> None:
    @hurried
    async def run() -> None:
        async with stage("RDB", flavour=flavour) as at:
            data = take(at, written)
            (at.folder / "dump-1.rdb").write_bytes(data[:-60] + bytes(60))
            _, events = await at.restored()
            assert outcome(events) is Outcome.UNDONE, told(events)
            assert "Rdb load failed" in told(events)
            assert await at.keys() == WAS

    run()


@pytest.mark.parametrize(("version", "blocks"), [(b"0011", False), (b"0012", True), (b"0004", True)])
def test_versions_that_are_not_loaded_are_not_begun_with(version: bytes, blocks: bool, written: Path) -> None:
    @hurried
    async def run() -> None:
        async with stage("RDB", flavour="1.22") as at, at.servers.access() as access:
            data = take(at, written)
            (at.folder / "dump-1.rdb").write_bytes(b"REDIS" + version + data[9:])
            _, plan = await at.plan(access)
            events = await at.servers.run(plan, access, dry_run=True)
            assert (outcome(events) is Outcome.BLOCKED) == blocks, told(events)
            assert ("format=RDB version" in told(events)) == blocks

    run()


async def test_it_is_tried_in_a_process(written: Path) -> None:
    """Where there is no Docker: as the instances are those of the lab, so is the throw-away server."""
    async with stage("RDB") as at:
        take(at, written)
        at.servers.timeout_seconds = PATIENT_SECONDS
        at.servers.configs = (at.servers.configs[0].model_copy(update={"docker": None}),)
        async with at.servers.access() as access:
            kept = at.kept(access)
            events = await at.servers.run(await drill(kept, await at.chosen(kept)), access)
        assert outcome(events) is Outcome.DONE, told(events)
        (proof,) = kept.proofs["dump-1"]
        assert (proof.ok, proof.keys) == (True, KEYS)
