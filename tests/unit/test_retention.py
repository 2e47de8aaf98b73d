"""What retention keeps: by example, and for any history of backups."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.backup_view import INSTANCE, SetView, StoreSeen, merged
from dfly_tui.models.retention import Decision, decide, expiries, is_good, is_proven, leftovers
from dfly_tui.models.snapshots import SnapshotFile, SnapshotFormat
from dfly_tui.settings_backup import BackupSettings
from tests.support.sets import NOW, base_at, files_of, proof, record_of, sets_at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NONE: dict[str, Any] = {
    "keep_last": 0, "keep_hourly": 0, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0, "keep_yearly": 0,
    "keep_at_least": 1, "delay_days": 0.0,
}  # fmt: skip


def policy(**more: Any) -> BackupSettings:
    return BackupSettings(**{**NONE, **more})


def by_age(decisions: tuple[Decision, ...], now: datetime = NOW) -> list[tuple[str, bool]]:
    return [(each.base.removeprefix("dump-"), each.keep) for each in decisions]


def kept(decisions: tuple[Decision, ...]) -> list[str]:
    return [each.base for each in decisions if each.keep]


def days(*ages: float) -> list[str]:
    return [base_at(NOW - DAY * age) for age in ages]


def test_the_last_ones_are_kept() -> None:
    found = decide(sets_at(*(DAY * age for age in range(1, 6))), policy(keep_last=3), now=NOW, zone=UTC)
    assert kept(found) == days(1, 2, 3)
    assert [each.reasons[0] for each in found[:3]] == ["last 1 of 3", "last 2 of 3", "last 3 of 3"]
    assert [(each.why, each.goes_at) for each in found[3:]] == [("not among last 3", NOW)] * 2


def test_each_rule_keeps_the_newest_of_its_period_and_they_add_up() -> None:
    ages = [HOUR * 2, HOUR * 3, HOUR * 26, HOUR * 27, DAY * 8, DAY * 9, DAY * 40, DAY * 41, DAY * 400]
    wanted = policy(keep_hourly=1, keep_daily=2, keep_weekly=2, keep_monthly=2, keep_yearly=2)
    found = {each.base: each.reasons for each in decide(sets_at(*ages), wanted, now=NOW, zone=UTC) if each.keep}
    assert found == {
        base_at(NOW - HOUR * 2): (
            "hourly 2026-11-23 03h", "daily 2026-11-23", "weekly 2026-W48", "monthly 2026-11", "yearly 2026",
            "the newest whole one", "there is no newer good one",
        ),
        base_at(NOW - HOUR * 26): ("daily 2026-11-22", "weekly 2026-W47"),
        base_at(NOW - DAY * 40): ("monthly 2026-10",),
        base_at(NOW - DAY * 400): ("yearly 2025",),
    }  # fmt: skip


def test_days_begin_where_the_server_is() -> None:
    from zoneinfo import ZoneInfo

    from tests.unit.test_cron import DATA

    with (DATA / "New_York.tzif").open("rb") as file:
        new_york = ZoneInfo.from_file(file)
    ages = [HOUR * 2, HOUR * 6]  # 03:00 and 23:00 UTC: one day there, two here
    assert len(kept(decide(sets_at(*ages), policy(keep_daily=2), now=NOW, zone=UTC))) == 2
    assert len(kept(decide(sets_at(*ages), policy(keep_daily=2), now=NOW, zone=new_york))) == 1


def test_what_is_not_wanted_goes_when_the_delay_is_over() -> None:
    ages = [DAY, DAY * 2, DAY * 3]
    record = record_of(base_at(NOW - DAY * 3), NOW - DAY * 3, expired_at=NOW - DAY)
    _, fresh, waiting = decide(
        sets_at(*ages, records=[record]), policy(keep_last=1, delay_days=3), now=NOW, zone=UTC
    )  # fmt: skip
    assert (fresh.expired_at, fresh.goes_at) == (NOW, NOW + DAY * 3)
    assert (waiting.expired_at, waiting.goes_at) == (NOW - DAY, NOW + DAY * 2)
    assert not waiting.is_due(NOW)
    assert waiting.is_due(NOW + DAY * 2)


def test_what_is_pinned_stays_and_is_not_expired_any_more() -> None:
    old = record_of(base_at(NOW - DAY * 99), NOW - DAY * 99, pinned="before the move", expired_at=NOW - DAY * 9)
    found = decide(sets_at(DAY, DAY * 99, records=[old]), policy(keep_last=1), now=NOW, zone=UTC)
    assert found[-1].reasons == ("pinned: before the move",)
    assert found[-1].expired_at is None


def test_never_fewer_good_ones_than_the_minimum() -> None:
    found = decide(sets_at(DAY, DAY * 2, DAY * 3, DAY * 4), policy(keep_at_least=3), now=NOW, zone=UTC)
    assert kept(found) == days(1, 2, 3)
    assert found[2].why == "at least 3 good ones stay"
    assert found[3].why == "no rule keeps any"


def test_never_the_only_one_that_was_proven() -> None:
    proven = record_of(base_at(NOW - DAY * 9), NOW - DAY * 9, proofs=[proof(NOW - DAY * 8)])
    older = record_of(base_at(NOW - DAY * 10), NOW - DAY * 10, proofs=[proof(NOW - DAY * 9)])
    found = decide(
        sets_at(DAY, DAY * 9, DAY * 10, records=[proven, older]), policy(keep_last=1), now=NOW, zone=UTC
    )  # fmt: skip
    assert kept(found) == days(1, 9)
    assert found[1].why == "the only one a restore was proven of"


def test_nothing_goes_before_a_newer_good_one_is_there() -> None:
    broken = record_of(base_at(NOW - DAY), NOW - DAY, proofs=[proof(NOW, ok=False, level=ProofLevel.CHECKSUMS)])
    found = decide(sets_at(DAY, DAY * 2, DAY * 3, records=[broken]), policy(keep_last=1), now=NOW, zone=UTC)
    assert kept(found) == days(1, 2)
    assert found[0].reasons == ("the newest whole one", "there is no newer good one")
    # Once a newer one is there, the broken one goes like any other, and says why.
    found = decide(sets_at(HOUR * 2, DAY, DAY * 2, records=[broken]), policy(keep_last=1), now=NOW, zone=UTC)
    assert found[1].why == "no good: a shard has other bytes than were recorded"
    assert found[1].is_due(NOW)


def test_an_incomplete_set_counts_for_nothing() -> None:
    files = [*files_of("half", NOW - DAY, whole=False), *files_of("old", NOW - DAY * 2)]
    store = StoreSeen(name=INSTANCE, files=tuple(files))
    found = decide(merged([store], ()), policy(keep_last=5), now=NOW, zone=UTC)
    assert kept(found) == ["half", "old"]
    assert found[0].reasons == ("there is no newer good one",)
    files += files_of("new", NOW - HOUR * 3)
    found = decide(merged([StoreSeen(name=INSTANCE, files=tuple(files))], ()), policy(keep_last=5), now=NOW, zone=UTC)
    assert found[1].why == "incomplete: the summary is missing"
    assert found[1].is_due(NOW)
    assert expiries(found)["half"] == (NOW, "incomplete: the summary is missing")
    assert expiries(found)["new"].at is None


def test_what_was_just_written_is_left_alone() -> None:
    sets = sets_at(HOUR / 2, HOUR / 3, DAY)
    found = decide(sets, policy(keep_last=1), now=NOW, zone=UTC)
    assert found[1].reasons == ("written 30 m ago",)
    found = decide(sets, policy(keep_last=1), now=NOW + HOUR, zone=UTC)
    assert found[1].why == "not among last 1"
    found = decide(sets, policy(keep_last=1), now=NOW + HOUR, zone=UTC, saving_since=NOW - DAY)
    assert [each.reasons[-1] for each in found] == ["younger than the running save"] * 3


def test_what_also_lies_where_nobody_can_look_is_left_alone() -> None:
    record = record_of(base_at(NOW - DAY * 2), NOW - DAY * 2, store="nas")
    sets = sets_at(DAY, DAY * 2, records=[record])
    found = decide(sets, policy(keep_last=1), now=NOW, zone=UTC, unreadable={"nas"})
    assert found[1].reasons == ("it also lies in nas, which cannot be read now",)
    assert decide(sets, policy(keep_last=1), now=NOW, zone=UTC)[1].is_due(NOW)


def test_leftovers_go_after_a_day_and_not_while_a_save_runs() -> None:
    old = SnapshotFile(name="dump-0000.dfs.tmp", size_bytes=1, modified_at=NOW - DAY * 2)
    new = SnapshotFile(name="x-0000.dfs.tmp", size_bytes=1, modified_at=NOW - HOUR)
    copy = SnapshotFile(name="y-0000.dfs.part", size_bytes=1, modified_at=NOW - DAY * 3)
    stores = [StoreSeen(name=INSTANCE, files=(old, new)), StoreSeen(name="nas", files=(copy,)), StoreSeen(name="gone")]
    found = leftovers(stores, now=NOW)
    assert [(each.store, each.file.name, each.goes_at <= NOW) for each in found] == [
        (INSTANCE, "dump-0000.dfs.tmp", True), (INSTANCE, "x-0000.dfs.tmp", False), ("nas", "y-0000.dfs.part", True),
    ]  # fmt: skip
    assert "left of a save that did not end, written 2 d ago" in found[0].why
    assert "left of a copy" in found[2].why
    busy = leftovers(stores, now=NOW, saving_since=NOW - HOUR * 2)
    assert [each.file.name for each in busy] == ["dump-0000.dfs.tmp", "y-0000.dfs.part"]


@pytest.mark.parametrize("sets", [(), sets_at(DAY)])
def test_with_few_or_none(sets: tuple[SetView, ...]) -> None:
    assert len(kept(decide(sets, policy(), now=NOW, zone=UTC))) == len(sets)


# For any history.

_ONE = st.fixed_dictionaries({
    "age": st.integers(0, 200 * 24 * 60),
    "state": st.sampled_from(["whole", "whole", "whole", "half", "gone"]),
    "proofs": st.lists(st.tuples(st.sampled_from(list(ProofLevel)), st.booleans()), max_size=3),
    "pinned": st.sampled_from([None, None, None, "why"]),
    "expired": st.one_of(st.none(), st.integers(0, 20)),
    "recorded": st.booleans(),
    "copied": st.booleans(),
})  # fmt: skip
_COUNT = st.integers(0, 4)
_POLICY = st.builds(
    BackupSettings, keep_last=_COUNT, keep_hourly=_COUNT, keep_daily=_COUNT, keep_weekly=_COUNT, keep_monthly=_COUNT,
    keep_yearly=_COUNT, keep_at_least=st.integers(1, 4), delay_days=st.sampled_from([0.0, 0.5, 3.0]),
)  # fmt: skip


def history(made: list[dict[str, Any]]) -> tuple[SetView, ...]:
    """Sets as they were made; two of one minute share their files."""
    files: list[SnapshotFile] = []
    copies: list[SnapshotFile] = []
    records = []
    for one in {each["age"]: each for each in made}.values():
        at = NOW - timedelta(minutes=one["age"])
        base = base_at(at)
        if one["state"] != "gone":
            files += files_of(base, at, whole=one["state"] == "whole")
        if one["copied"]:
            copies += files_of(base, at + HOUR)
        if one["recorded"] or one["state"] == "gone":
            tried = [proof(at + HOUR * number, ok=ok, level=level) for number, (level, ok) in enumerate(one["proofs"])]
            expired = None if one["expired"] is None else NOW - DAY * one["expired"]
            store = "nas" if one["copied"] else INSTANCE
            records.append(
                record_of(base, at, store=store, proofs=tried, pinned=one["pinned"], expired_at=expired)
            )  # fmt: skip
    stores = [StoreSeen(name=INSTANCE, files=tuple(files)), StoreSeen(name="nas", files=tuple(copies))]
    return merged(stores, records)


@settings(max_examples=150, deadline=None)
@given(made=st.lists(_ONE, max_size=14), wanted=_POLICY, later=st.integers(0, 90 * 24))
def test_for_any_history(made: list[dict[str, Any]], wanted: BackupSettings, later: int) -> None:
    sets = history(made)
    found = decide(sets, wanted, now=NOW, zone=UTC)
    by_key = {each.key: each for each in sets}
    assert [each.key for each in found] == [each.key for each in sets]
    assert all(each.reasons for each in found)
    goes = {each.key for each in found if not each.keep}
    good = [each for each in sets if is_good(each)]
    stays = [each for each in good if each.key not in goes]

    # Nothing goes that is pinned, or the newest whole, or has no newer good one, or was written a moment ago.
    for key in goes:
        each = by_key[key]
        assert each.pinned is None
        assert any(one.written_at > each.written_at for one in stays)
        assert each.written_at <= NOW - HOUR
    whole = [each for each in sets if each.is_complete]
    assert not whole or whole[0].key not in goes
    # As many good ones stay as must, and one that was proven.
    assert len(stays) >= min(wanted.keep_at_least, len(good))
    proven = [each for each in sets if is_proven(each)]
    assert not proven or any(each.key not in goes for each in proven)
    # The last ones, and of each day that counts one.
    assert not goes & {each.key for each in good[: wanted.keep_last]}
    for day in sorted({each.written_at.date() for each in good}, reverse=True)[: wanted.keep_daily]:
        assert any(each.written_at.date() == day for each in stays)

    # Removing what goes changes nothing for what stays; doing it twice neither.
    rest = tuple(each for each in sets if each.key not in goes)
    again = decide(rest, wanted, now=NOW, zone=UTC)
    assert [(each.key, each.reasons) for each in again] == [(each.key, each.reasons) for each in found if each.keep]
    assert decide(rest, wanted, now=NOW, zone=UTC) == again
    # What is not wanted is not wanted later either, and goes no later than was said.
    then = {each.key: each for each in decide(sets, wanted, now=NOW + HOUR * later, zone=UTC)}
    assert all(not then[key].keep for key in goes)
    assert all(each.goes_at is None or each.expired_at is not None for each in found)
    for one in found:
        recorded = by_key[one.key].record
        if not one.keep and recorded is not None and recorded.expired_at is not None:
            assert then[one.key].goes_at == one.goes_at == recorded.expired_at + DAY * wanted.delay_days


def test_two_formats_of_one_name_are_two_sets() -> None:
    rdb = SnapshotFile(name="dump.rdb", size_bytes=9, modified_at=NOW - DAY * 3)
    store = StoreSeen(name=INSTANCE, files=(*files_of("dump", NOW - DAY), rdb))
    found = decide(merged([store], ()), policy(keep_last=1), now=NOW, zone=UTC)
    assert [(each.format, each.keep) for each in found] == [(SnapshotFormat.DF, True), (SnapshotFormat.RDB, False)]
