"""Restores in the lab that fail: what was there before is served."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.clients.container_log import Life
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import Refused, ServerError, StoreFailed
from dfly_tui.models.load_log import LoadLog
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup.restore_back import WayBack
from dfly_tui.operations.plan import Act
from tests.support.group import Yes, outcome, told
from tests.support.hurry import hurried
from tests.support.restores import RDB, SAMPLES, WAS, Stage, damaged, recorded, stage, told_all


def emptied(at: Stage) -> None:
    """A set without a single key."""
    at.record = at.record.model_copy(update={"files": (), "keys": {}})
    for path in at.folder.glob("dump-1-000*"):
        path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n")


def full_disk(at: Stage) -> None:
    at.servers.servers["alpha"].faults.disk_full = True


def overtaken(at: Stage) -> None:
    """Somebody puts a newer one there."""

    def newer(words: tuple[str, ...]) -> None:
        if words[0] == "start":
            soon = datetime.now(UTC).timestamp() + 30
            for path in at.folder.glob("*-before-*-summary.dfs"):
                os.utime(path, (soon, soon))

    at.engine.arrived = newer


def removed(at: Stage) -> None:
    """Somebody removes all that there is."""

    def remove(words: tuple[str, ...]) -> None:
        if words[0] == "start":
            for path in at.folder.glob("*.dfs"):
                path.unlink()

    at.engine.arrived = remove


@pytest.mark.parametrize(
    ("change", "kept", "words"),
    [
        (damaged, {}, "is cut off"),
        (recorded(keys={0: 500}), {}, "500 keys were recorded, 50 are there"),
        (recorded(samples=SAMPLES), {"different": ["k1: gone", "k2: gone"]}, "2 of 10 sampled keys differ: k1: gone"),
        (emptied, {}, "it is empty"),
        (full_disk, {}, "No space left on device"),
        (overtaken, {}, "it loads dump-"),
    ],
)
@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
@hurried
async def test_what_was_there_is_served_again(
    flavour: str, change: Callable[[Stage], None], kept: dict[str, Any], words: str
) -> None:
    async with stage(flavour=flavour) as at:
        change(at)
        found, events = await at.restored(**kept)
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert words in told(events)
        assert found.proofs == {}
        assert await at.keys() == WAS
        assert at.box.policy["Name"] == "unless-stopped"
        assert not [name for name in at.names() if "restored" in name]
        assert events[-1].elapsed_seconds < 10, "nobody waits for what will not come"


@hurried
async def test_the_same_of_a_file_of_that_very_name() -> None:
    async with stage("RDB", **RDB) as at:
        at.record = at.record.model_copy(update={"keys": {0: 500}})
        _, events = await at.restored()
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert await at.keys() == WAS
        assert not [name for name in at.names() if "before-" in name and "dump.rdb" in name]


@hurried
async def test_nothing_is_left_to_start_with() -> None:
    async with stage() as at:
        removed(at)
        _, events = await at.restored()
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert "it found nothing to load" in told(events)
        assert "0 keys are there, where 2 were" in told(events)
        assert any(line.startswith("start alpha with what was there before: docker") for line in events[-1].follow_ups)


def test_leftovers_that_cannot_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(self: FolderStore, name: str) -> None:
        if name.endswith(".part"):
            raise StoreFailed("it has no program rm")

    monkeypatch.setattr(FolderStore, "remove", refused)

    @hurried
    async def run() -> None:
        async with stage() as at:
            async with at.servers.access() as access:
                _, plan = await at.plan(access)
                part = at.folder / f"{plan.facts['file']}.part"
                at.engine.arrived = lambda words: part.touch()
                events = await at.servers.run(plan, access)
            assert outcome(events) is Outcome.DONE, told(events)
            assert "empty files may stay" in told(events)

    run()


def test_a_log_that_cannot_be_read_and_a_stop_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    real = WayBack.life

    async def silent(self: WayBack) -> Life:
        now = await real(self)
        return now._replace(log=LoadLog(), tells=False, was_killed=bool(now.end))

    monkeypatch.setattr(WayBack, "life", silent)

    @hurried
    async def run() -> None:
        async with stage() as at:
            _, events = await at.restored()
            assert outcome(events) is Outcome.DONE, told(events)
            assert "its log cannot be read" in told_all(events)
            assert "it was killed after 60 s" in told(events)

    run()


async def undos(at: Stage, access: Access) -> tuple[Path, Act, Act]:
    """The set's last file; what takes it away, and what starts the server again."""
    _, plan = await at.plan(access)
    by_id = {act.id: act.undo for act in plan.acts}
    withdraw, again = by_id["swap"], by_id["stop"]
    assert withdraw is not None
    assert again is not None
    return at.folder / plan.facts["file"], withdraw, again


@hurried
async def test_what_the_way_back_refuses() -> None:
    async with stage() as at, at.servers.access() as access:
        file, withdraw, again = await undos(at, access)
        hands = access.hands(["alpha"])
        file.write_bytes(b"set")
        with pytest.raises(Refused, match="runs with the set"):
            await withdraw.run(hands)
        with pytest.raises(Refused, match="would be loaded again"):
            await again.run(hands)
        file.unlink()
        assert "is not there" in await withdraw.run(hands)
        assert (await again.run(hands)).startswith("2 keys are there after")
        at.servers.servers["alpha"].faults.loading = True
        with pytest.raises(ServerError, match="was not loaded after 20 s"):
            await again.run(hands)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (Life(False, "it ended with code 1", LoadLog()), "did not come up again: it ended with code 1"),
        (Life(True, "", LoadLog(failure="Rdb load failed")), "did not come up again: Rdb load failed"),
        (Life(True, "", LoadLog(file="FILE", keys_read=1)), "it loaded .* again"),
    ],
)
def test_what_does_not_come_up_as_it_was(seen: Life, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @hurried
    async def run() -> None:
        async with stage() as at, at.servers.access() as access:
            file, _, again = await undos(at, access)
            log = seen.log.model_copy(update={"file": f"/data/{file.name}"} if seen.log.file else {})
            lives = [Life(True, "", LoadLog()), seen._replace(log=log)]

            async def life(self: WayBack) -> Life:
                return lives.pop(0)

            monkeypatch.setattr(WayBack, "life", life)
            with pytest.raises(ServerError, match=words):
                await again.run(access.hands(["alpha"]))

    run()


@hurried
async def test_nothing_was_saved_at_the_end_under_the_very_name() -> None:
    async with stage("RDB", **RDB) as at:
        at.record = at.record.model_copy(update={"keys": {0: 500}})

        def lose(words: tuple[str, ...]) -> None:
            if words[0] == "stop":
                at.servers.servers["alpha"].config.set("dbfilename", "")  # it does not save when it ends

        at.engine.arrived = lose
        _, events = await at.restored()
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert await at.keys() == WAS, "the snapshot made before took its place"


@pytest.mark.parametrize("is_stale", [False, True])
@hurried
async def test_given_up_where_nothing_was_saved_at_the_end(is_stale: bool) -> None:
    async with stage("RDB", **RDB) as at, at.servers.access() as access:
        if is_stale:
            assert await at.ask("FLUSHALL") == "OK"
            assert await at.ask("SAVE") == "OK"
            assert await at.ask("MSET", "later", "1", "latest", "1") == "OK"
        _, plan = await at.plan(access)
        stop, events = asyncio.Event(), []
        async for event in at.servers.stream(plan, access, Yes(), stop=stop):
            events.append(event)
            if event.step == "saved":
                at.servers.servers["alpha"].faults.disk_full = True
            if f"{event.step} {event.state}" == "stop done":
                stop.set()
        assert outcome(events) is Outcome.DECLINED, told(events)
        assert await at.keys() == WAS, "the snapshot made before took its place"
        assert not [name for name in at.names() if name.startswith("dump.rdb.")]
