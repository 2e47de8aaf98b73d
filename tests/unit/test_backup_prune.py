"""What retention no longer wants: written down first, removed when the delay is over, never half of it."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import OutcomeUnknown, StoreFailed
from dfly_tui.models.backup import Proof, ProofLevel
from dfly_tui.models.operation import Event, Level, Outcome
from dfly_tui.models.snapshots import SnapshotFormat, listing
from dfly_tui.operations.backup.prune import look, prune
from dfly_tui.operations.confirmer import Deny
from tests.support.backed import STORE, Backed, backed
from tests.support.group import Yes, outcome, told
from tests.support.restores import WallClock

KEEP_ONE = {"keep_last": 1, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "keep_at_least": 1, "delay_days": 3.0}


class Later(WallClock):
    """The wall clock of another day."""

    ahead = timedelta(0)

    def now(self) -> Any:
        return super().now() + self.ahead


@pytest.fixture
async def at() -> AsyncIterator[Backed]:
    """With three backups, of which the policy wants one."""
    async with backed({"copy_to": [STORE], **KEEP_ONE}) as at:
        at.servers.clock = Later()
        for number in range(3):
            await at.back_up(str(number))
            # The lab's own clock does not say which was the first.
            newest = max(at.records, key=lambda record: record.why)
            at.catalogue.keep(newest.model_copy(update={"began_at": newest.began_at + timedelta(seconds=number)}))
        yield at


def days_later(at: Backed, days: float) -> None:
    clock = at.servers.clock
    assert isinstance(clock, Later)
    clock.ahead += timedelta(days=days)


async def pruned(at: Backed, confirmer: Any = None, **more: Any) -> list[Event]:
    async with at.scene() as scene:
        plan = await prune(scene.pruning())
        return await at.servers.run(plan, scene.access, confirmer, **more)


async def bases(at: Backed) -> list[str]:
    """In the server's folder, by why they were made."""
    why = {record.base: record.why for record in at.records}
    return sorted(why.get(each.base, each.base) for each in await at.sets())


async def test_nothing_goes_the_first_time(at: Backed) -> None:
    days_later(at, 1)
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await bases(at) == ["0", "1", "2"]
    marked = {record.why: record.expired_at is not None for record in at.records}
    assert marked == {"0": True, "1": True, "2": False}


async def test_it_goes_when_the_delay_is_over(at: Backed) -> None:
    days_later(at, 1)
    await pruned(at)
    days_later(at, 2.9)
    await pruned(at)
    assert await bases(at) == ["0", "1", "2"]
    days_later(at, 0.2)
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await bases(at) == ["2"]
    assert {record.why for record in at.records if record.removed_at is not None} == {"0", "1"}
    kept = next(record for record in at.records if record.why == "2")
    assert {path.name.removeprefix(kept.base) for path in at.copies.iterdir()} == {
        "-0000.dfs", "-0001.dfs", "-summary.dfs", ".manifest.json",
    }  # fmt: skip


async def test_a_second_time_there_is_nothing_to_do(at: Backed) -> None:
    await due(at)
    await pruned(at)
    before = at.records
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert [event.step for event in events if event.step] == ["sets", "sets"]
    assert at.records == before


async def due(at: Backed) -> None:
    days_later(at, 1)
    await pruned(at)
    days_later(at, 4)


async def test_what_is_wanted_again_meanwhile_stays(at: Backed) -> None:
    await due(at)
    async with at.scene() as scene:
        chosen = await scene.chosen(next(record.base for record in at.records if record.why == "0"))
        plan = await prune(scene.pruning())
        scene.pin(chosen.found, "keep it")
        events = await at.servers.run(plan, scene.access)
    assert outcome(events) is Outcome.BLOCKED, told(events)
    assert await bases(at) == ["0", "1", "2"]
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await bases(at) == ["0", "2"]
    assert next(record for record in at.records if record.why == "0").expired_at is None


async def test_the_name_is_typed_when_something_goes(at: Backed) -> None:
    first, second = Yes(), Yes()
    days_later(at, 1)
    await pruned(at, first)
    days_later(at, 4)
    await pruned(at, second)
    assert [each.level for each in (*first.asked, *second.asked)] == [Level.BUTTON, Level.NAME]
    assert "are removed for good. 1 sets stay." in second.asked[0].consequence


async def test_nothing_goes_without_a_yes(at: Backed) -> None:
    await due(at)
    assert outcome(await pruned(at, Deny())) is Outcome.DECLINED
    assert outcome(await pruned(at, dry_run=True)) is Outcome.PLANNED
    assert await bases(at) == ["0", "1", "2"]


async def test_every_set_has_a_reason(at: Backed) -> None:
    await due(at)
    events = await pruned(at, dry_run=True)
    values = [found.value for event in events for found in event.findings]
    assert sum(value.startswith("goes now: not among last 1") for value in values) == 2
    assert any("last 1 of 1" in value for value in values)


async def test_a_store_that_cannot_be_read_is_left_alone(at: Backed) -> None:
    await due(at)
    elsewhere = at.copies.with_name("moved")
    at.copies.rename(elsewhere)
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await bases(at) == ["0", "1", "2"]
    assert "what lies there is left alone" in str([each.findings for each in events])


async def test_a_server_that_does_not_answer_is_told_of(at: Backed) -> None:
    await due(at)
    await at.servers.kill("alpha")
    events = await pruned(at)
    assert any(found.code == "server" for event in events for found in event.findings), told(events)


async def test_a_set_of_the_server_itself_gets_a_record_when_it_expires(at: Backed) -> None:
    await at.ask("SAVE", "DF", "nightly")
    old = next(path for path in at.folder.glob("nightly-summary.dfs"))
    for path in at.folder.glob("nightly*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    assert old.exists()
    await due(at)
    record = at.catalogue.find(("nightly", SnapshotFormat.DF))
    assert record is not None
    assert (record.who, record.expired_at is not None) == ("cron", True)
    await pruned(at)
    assert "nightly" not in await bases(at)


async def test_what_saves_left_that_did_not_end_goes_after_a_day(at: Backed) -> None:
    old, new = at.folder / "dump-x-0000.dfs.tmp", at.folder / "dump-y-0000.dfs.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1_600_000_000, 1_600_000_000))
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert (old.exists(), new.exists()) == (False, True)


# --- in the middle of it


async def test_the_file_that_makes_it_look_whole_goes_first(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    await due(at)
    remove, removed = FolderStore.remove, list[str]()

    async def once(store: FolderStore, name: str) -> None:
        if removed:
            raise StoreFailed("the disk is gone")
        removed.append(name)
        await remove(store, name)

    monkeypatch.setattr(FolderStore, "remove", once)
    events = await pruned(at)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert removed[0].endswith("-summary.dfs")
    assert "1 of 7 files are removed, then: the disk is gone" in told(events)
    assert "or half of it: run it again" in "".join(events[-1].follow_ups)
    assert sum(each.is_complete for each in await at.sets()) == 2
    assert not [record for record in at.records if record.removed_at is not None]
    monkeypatch.undo()
    assert outcome(await pruned(at)) is Outcome.DONE
    assert await bases(at) == ["2"]


@pytest.mark.parametrize("went", [True, False])
async def test_a_removal_nobody_answered_for_is_looked_at(
    at: Backed, monkeypatch: pytest.MonkeyPatch, went: bool
) -> None:
    await due(at)
    remove, struck = FolderStore.remove, list[str]()

    async def silent(store: FolderStore, name: str) -> None:
        if went or struck:
            await remove(store, name)
        if name.endswith(".json") or (not went and not struck):
            struck.append(name)
            raise OutcomeUnknown("no answer", "look there")

    monkeypatch.setattr(FolderStore, "remove", silent)
    events = await pruned(at)
    assert outcome(events) is (Outcome.DONE if went else Outcome.INCOMPLETE), told(events)


async def test_leftovers_nobody_answered_for_are_looked_at(at: Backed, monkeypatch: pytest.MonkeyPatch) -> None:
    old = at.folder / "dump-x-0000.dfs.tmp"
    old.write_bytes(b"half")
    os.utime(old, (1_600_000_000, 1_600_000_000))
    remove = FolderStore.remove

    async def silent(store: FolderStore, name: str) -> None:
        await remove(store, name)
        raise OutcomeUnknown("no answer", "look there")

    monkeypatch.setattr(FolderStore, "remove", silent)
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert not old.exists()


async def test_a_file_written_anew_since_is_not_removed(at: Backed) -> None:
    await due(at)

    class Meanwhile(Yes):
        async def confirm(self, question: Any) -> bool:
            base = next(record.base for record in at.records if record.why == "0")
            (at.folder / f"{base}-0000.dfs").write_bytes(b"anew")
            return True

    events = await pruned(at, Meanwhile())
    assert outcome(events) in {Outcome.BLOCKED, Outcome.INCOMPLETE}, told(events)
    base = next(record.base for record in at.records if record.why == "0")
    assert (at.folder / f"{base}-0000.dfs").exists()


async def test_a_catalogue_that_cannot_be_written_removes_nothing_more(
    at: Backed, monkeypatch: pytest.MonkeyPatch
) -> None:
    days_later(at, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with at.scene() as scene:
        plan = await prune(scene.pruning())
        monkeypatch.setattr("dfly_tui.operations.backup.catalogue.write_private", full)
        events = await at.servers.run(plan, scene.access)
    assert outcome(events) is Outcome.INCOMPLETE, told(events)
    assert "the catalogue could not be written" in told(events)
    assert await bases(at) == ["0", "1", "2"]


async def test_a_copy_in_a_store_that_is_not_configured_any_more_is_told_of(at: Backed) -> None:
    await due(at)
    at.options["copy_to"] = []
    events = await pruned(at)
    assert outcome(events) is Outcome.DONE, told(events)
    assert f"its copy in {STORE} stays, which is not configured" in told(events)


async def test_the_manifest_stays_for_the_set_of_the_same_name(at: Backed) -> None:
    base = next(record.base for record in at.records if record.why == "0")
    (at.copies / f"{base}.rdb").write_bytes(b"REDIS0009")
    async with at.scene() as scene:
        found = next(each for each in listing(await scene.others[0].files()).sets if each.format == "rdb")
        scene.pin(found, "the other one")
    await due(at)
    await pruned(at)
    assert (at.copies / f"{base}.manifest.json").exists()
    assert (at.copies / f"{base}.rdb").exists()


async def test_the_only_proven_one_stays(at: Backed) -> None:
    oldest = next(record for record in at.records if record.why == "0")
    proven = Proof(level=ProofLevel.RESTORED, at=oldest.began_at, ok=True, store="instance", text="")
    at.catalogue.keep(oldest.model_copy(update={"proofs": (*oldest.proofs, proven)}))
    await due(at)
    await pruned(at)
    assert await bases(at) == ["0", "2"]


async def test_while_a_save_runs_nothing_of_it_goes(at: Backed) -> None:
    at.servers.servers["alpha"].faults.save_seconds = 5.0
    await at.ask("BGSAVE")
    async with at.scene() as scene:
        seen = await look(scene.pruning())
    assert list(at.folder.glob("*.tmp"))
    assert (seen.due, seen.due_leftovers) == ((), ())
