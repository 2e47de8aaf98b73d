"""Sets that are no good, and disks that are full: nothing is lost, and what was there is served."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import Refused
from dfly_tui.lab.keyspace import Change
from dfly_tui.lab.snapshot import read_changes
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.restore import Wish, restore
from tests.support.group import Yes, outcome, told
from tests.support.hurry import hurried
from tests.support.restores import RDB, WAS, Stage, flipped, recorded, stage

both = pytest.mark.parametrize("flavour", ["1.22", "1.40"])
SERVERS = [("DF", {}), ("RDB", {}), ("RDB", RDB)]


async def served_as_before(at: Stage, events: list[Event]) -> None:
    assert outcome(events) is Outcome.UNDONE, told(events)
    assert await at.keys() == WAS, told(events)
    assert await at.ask("SET", "x", "1") == "OK"
    assert at.box.policy["Name"] == "unless-stopped"
    assert not [name for name in at.names() if "restored" in name or "dump.rdb." in name]


@both
@pytest.mark.parametrize(("kind", "options"), SERVERS)
@hurried
async def test_a_byte_that_is_not_what_it_was(flavour: str, kind: str, options: dict[str, Any]) -> None:
    async with stage(kind, flavour=flavour, **options) as at:
        flipped(at)
        _, events = await at.restored()
        assert "does not have the content it was recorded with" in told(events)
        await served_as_before(at, events)
        assert not [words for words in at.engine.commands if words[0] == "stop"], "it was found out before"


@both
@hurried
async def test_a_byte_that_is_not_what_it_was_elsewhere(flavour: str) -> None:
    async with stage("RDB", flavour=flavour) as at, at.servers.access() as access:
        flipped(at)
        elsewhere = at.servers.state / "elsewhere"
        elsewhere.mkdir()
        (at.folder / "dump-1.rdb").rename(elsewhere / "dump-1.rdb")
        kept = at.kept(access)
        plan = await restore(kept, await kept.chosen("dump-1", at.record, FolderStore("elsewhere", elsewhere)))
        events = await at.servers.run(plan, access)
        await served_as_before(at, events)
        assert not [words for words in at.engine.commands if words[0] == "stop"], "it was found out before"


def cut_off(at: Stage) -> None:
    path = at.folder / "dump-1.rdb"
    path.write_bytes(path.read_bytes()[:-30])


@both
@pytest.mark.parametrize("options", [{}, RDB], ids=["beside", "exact"])
@hurried
async def test_an_rdb_file_that_is_cut_off(flavour: str, options: dict[str, Any]) -> None:
    async with stage("RDB", flavour=flavour, **options) as at:
        at.record = at.record.model_copy(update={"files": ()})
        cut_off(at)
        _, events = await at.restored()
        assert "dump" in told(events)
        assert "is cut off" in told(events)
        await served_as_before(at, events)
    async with stage("RDB", flavour=flavour, **options) as at:
        cut_off(at)
        _, events = await at.restored()
        assert "not the " in told(events), "its size was recorded"
        await served_as_before(at, events)
        assert not [words for words in at.engine.commands if words[0] == "stop"]


@both
@hurried
async def test_half_a_set(flavour: str) -> None:
    async with stage(flavour=flavour) as at, at.servers.access() as access:
        (at.folder / "dump-1-0000.dfs").unlink()
        with pytest.raises(Refused, match="shard 0000 is missing"):
            await at.plan(access)
        (at.folder / "dump-1-0001.dfs").rename(at.folder / "dump-1-0000.dfs")
        _, plan = await at.plan(access)
        events = await at.servers.run(plan, access, dry_run=True)
        assert outcome(events) is Outcome.BLOCKED, "the last shard is missing: only the record tells"
        assert "same=dump-1-0001.dfs [block]" in told(events)


def left_over(at: Stage) -> None:
    """Of a set of this name, from when the server had more shards."""
    shard = at.folder / "dump-1-0002.dfs"
    shard.write_bytes((at.folder / "dump-1-0001.dfs").read_bytes())
    old = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    os.utime(shard, (old, old))


@both
@hurried
async def test_shards_left_over_from_another_set(flavour: str) -> None:
    async with stage(flavour=flavour) as at, at.servers.access() as access:
        left_over(at)
        _, plan = await at.plan(access)
        events = await at.servers.run(plan, access)
        assert outcome(events) is Outcome.BLOCKED
        assert "same=dump-1-0002.dfs [block]" in told(events)
        kept = at.kept(access)
        events = await at.servers.run(await drill(kept, await at.chosen(kept)), access, dry_run=True)
        assert outcome(events) is Outcome.BLOCKED
        assert await at.keys() == WAS
        at.record = at.record.model_copy(update={"files": ()})
        _, plan = await at.plan(access)
        events = await at.servers.run(plan, access, dry_run=True)
        assert "apart=3 d" in told(events), "where nobody wrote down what it should be, its age gives it away"


def unreadable(path: Path) -> Iterator[Change]:
    if "-restored-" in path.name:
        raise PermissionError(13, "Permission denied")
    return read_changes(path)


@pytest.mark.parametrize(
    ("flavour", "words"),
    [("1.22", "Failed to load snapshot: "), ("1.40", "it ended with code 1: Failed to load snapshot: ")],
)
@pytest.mark.parametrize("replicas", [0, 1])
def test_a_server_that_may_not_read_the_set(
    flavour: str, words: str, replicas: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dfly_tui.lab.saver.read_changes", unreadable)

    @hurried
    async def run() -> None:
        async with stage(flavour=flavour, replicas=replicas) as at:
            _, events = await at.restored()
            assert words in told(events), "v1.22 goes on with nothing, v1.40 ends"
            await served_as_before(at, events)

    run()


async def saved_when_it_was_empty(at: Stage) -> None:
    """What it would load if it could not save when it is stopped."""
    assert await at.ask("FLUSHALL") == "OK"
    assert await at.ask("SAVE") == "OK"
    for key in ("later", "latest"):
        assert await at.ask("SET", key, "1") == "OK"


@both
@pytest.mark.parametrize(("kind", "options"), SERVERS)
@pytest.mark.parametrize("step", ["stage", "save", "stop", "swap"])
def test_a_disk_that_is_full(
    flavour: str, kind: str, options: dict[str, Any], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From that step on: for the server, and for this program."""
    is_full: list[bool] = []
    real = FolderStore._fill

    def fill(self: FolderStore, write: Callable[[memoryview], int], *rest: Any) -> None:
        def half(piece: memoryview) -> int:
            write(piece[: len(piece) // 2])
            raise OSError(28, "No space left on device")

        real(self, half if is_full else write, *rest)

    monkeypatch.setattr(FolderStore, "_fill", fill)

    @hurried
    async def run() -> None:
        async with stage(kind, flavour=flavour, **options) as at, at.servers.access() as access:
            await saved_when_it_was_empty(at)
            elsewhere = at.servers.state / "elsewhere"
            elsewhere.mkdir()
            for path in at.folder.glob("dump-1*"):
                path.rename(elsewhere / path.name)
            kept = at.kept(access)
            plan = await restore(kept, await kept.chosen("dump-1", at.record, FolderStore("elsewhere", elsewhere)))
            events = []
            async for event in at.servers.stream(plan, access, Yes()):
                events.append(event)
                if event.step == step:
                    is_full.append(True)
                    at.servers.servers["alpha"].faults.disk_full = True
            assert "pace left on device" in told(events) or "no space left" in told(events)
            await served_as_before(at, events)

    run()


@both
@hurried
async def test_it_is_not_even_begun_where_nobody_knows_what_is_in_it(flavour: str) -> None:
    async with stage(flavour=flavour) as at, at.servers.access() as access:
        recorded(proofs=(), keys={})(at)
        _, plan = await at.plan(access, Wish(skip_drill=True))
        events = await at.servers.run(plan, access, dry_run=True)
        wanted = "drilled=never [block]" if flavour == "1.22" else "drilled=never [warn]"
        assert wanted in told(events)
