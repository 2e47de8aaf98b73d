"""What backups are heading for: the disk, odd sizes, missed runs, what a crash costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.cron import Cron
from dfly_tui.models.forecast import Cadence, anomaly, cadence, disk_forecast, last_good_at, loss, missed, sizes_here
from dfly_tui.models.retention import decide
from dfly_tui.settings import Thresholds
from dfly_tui.settings_backup import BackupSettings
from tests.support.sets import MIB, NOW, base_at, proof, record_of, sets_at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DAILY = Cadence(1.0, "1 a day by the schedule")


def rules(**more: Any) -> BackupSettings:
    none = dict.fromkeys(("keep_last", "keep_hourly", "keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"), 0)
    return BackupSettings(**{**none, "keep_at_least": 1, **more})


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("*/5 * * * *", "288 a day by the schedule"),
        ("0 2 * * *", "1 a day by the schedule"),
        ("0 2 * * 0", "1 a week by the schedule"),
        ("0 2 1 * *", "1 a month by the schedule"),
        ("0 2 1 1 *", "one in 365 d 6 h by the schedule"),
    ],
)
def test_the_cadence_by_the_schedule(cron: str, text: str) -> None:
    found = cadence(Cron(cron), ())
    assert found is not None
    assert found.text == text


def test_the_cadence_as_sets_came() -> None:
    found = cadence(Cron(""), sets_at(HOUR, HOUR * 7, HOUR * 13, DAY * 9))
    assert found == (4.0, "4 a day as they came")
    assert cadence(None, sets_at(HOUR, HOUR * 7)) is None
    assert cadence(None, ()) is None
    assert cadence(Cron("0 0 31 2 *"), ()) is None


def test_the_disk_is_full_when_the_free_room_is_used_up() -> None:
    sets = sets_at(DAY, DAY * 2)
    found = disk_forecast(sets, 9 * MIB, DAILY)
    assert found == (
        9.0, "the disk is full in 9 days at this cadence: 9 MiB free, 1 MiB a set, 1 a day by the schedule"
    )  # fmt: skip
    found = disk_forecast(sets, 9 * MIB, Cadence(288.0, "288 a day"))
    assert found is not None
    assert found.text.startswith("the disk is full in 45 m at")
    found = disk_forecast(sets, 9000 * MIB, DAILY)
    assert found is not None
    assert found.days is None
    assert found.text == "there is room: 8.79 GiB free, 1 MiB a set, 1 a day by the schedule"
    assert disk_forecast((), 9 * MIB, DAILY) is None
    assert disk_forecast(sets, None, DAILY) is None
    assert disk_forecast(sets, 9 * MIB, None) is None


def test_what_retention_removes_makes_room() -> None:
    sets = sets_at(*(DAY * age for age in range(1, 6)))
    policy = rules(keep_last=7, delay_days=3)
    decisions = decide(sets, policy, now=NOW, zone=UTC)
    fits = disk_forecast(sets, 6 * MIB, DAILY, decisions, policy)
    assert fits is not None
    assert fits.days is None
    assert fits.text.endswith("1 a day by the schedule and what retention keeps")
    # Seven that are kept and three that wait: five more than now.
    full = disk_forecast(sets, 5 * MIB, DAILY, decisions, policy)
    assert full is not None
    assert full.days == 5.0
    assert "with what retention keeps" in full.text


def test_what_waits_and_what_is_pinned_takes_room_too() -> None:
    old = record_of(base_at(NOW - DAY * 5), NOW - DAY * 5, pinned="why")
    sets = sets_at(*(DAY * age for age in range(1, 6)), records=[old])
    policy = rules(keep_last=2, delay_days=2)
    decisions = decide(sets, policy, now=NOW, zone=UTC)
    assert sum(not each.keep for each in decisions) == 2
    full = disk_forecast(sets, MIB // 2, DAILY, decisions, policy)
    assert full is not None
    assert full.days == 0.5
    fits = disk_forecast(sets, 2 * MIB, DAILY, decisions, policy)
    assert fits is not None
    assert fits.days is None


@given(free=st.integers(0, 10**10), a_day=st.floats(0.01, 1440), keep=st.integers(1, 400), delay=st.floats(0, 30))
def test_retention_never_brings_the_end_nearer(free: int, a_day: float, keep: int, delay: float) -> None:
    sets = sets_at(DAY, DAY * 2)
    policy = rules(keep_last=keep, delay_days=delay)
    decisions = decide(sets, policy, now=NOW, zone=UTC)
    alone = disk_forecast(sets, free, Cadence(a_day, ""))
    ruled = disk_forecast(sets, free, Cadence(a_day, ""), decisions, policy)
    assert alone is not None
    assert ruled is not None
    assert ruled.days is None or (alone.days is not None and ruled.days >= alone.days) or ruled.days >= 729


@pytest.mark.parametrize(
    ("sizes", "part", "too_small"),
    [
        ([100, 100, 100, 100], None, False),
        ([71, 100, 100, 100], None, False),
        ([69, 100, 100, 100], 0.69, False),
        ([49, 100, 1, 100, 1000], 0.49, True),
        ([131, 100, 100, 100], 1.31, False),
        ([1, 100, 100], None, False),
        ([5, 0, 0, 0], None, False),
        ([], None, False),
    ],
)
def test_an_odd_size_is_told_by_the_usual_one(sizes: list[int], part: float | None, too_small: bool) -> None:
    found = anomaly(sizes)
    assert (found.part if found else None) == (None if part is None else pytest.approx(part))
    assert (found is not None and found.is_too_small) is too_small


def test_an_odd_size_in_words() -> None:
    found = anomaly([40 * MIB, 100 * MIB, 100 * MIB, 100 * MIB])
    assert found is not None
    assert found.text == "the last backup has 40 MiB, 40.0% of the usual 100 MiB"
    assert sizes_here(sets_at(DAY, DAY * 2)) == [MIB, MIB]


LAST = datetime(2026, 11, 22, 2, 0, 1, tzinfo=UTC)


def test_runs_that_left_nothing() -> None:
    cron = Cron("0 2 * * *")
    now = datetime(2026, 11, 23, 5, tzinfo=UTC)
    found = missed(cron, LAST, now=now, zone=UTC)
    assert found is not None
    assert found.text == "1 run of the schedule left no backup, since 2026-11-23 02:00 UTC"
    # The one of a minute ago may still be at work.
    assert missed(cron, LAST, now=now.replace(hour=2, minute=5), zone=UTC) is None
    assert missed(cron, LAST, now=now, zone=UTC, save_seconds=7200) is None
    assert missed(Cron("*/5 * * * *"), LAST, now=now, zone=UTC) == (100, datetime(2026, 11, 22, 2, 5, tzinfo=UTC))
    assert missed(None, LAST, now=now, zone=UTC) is None
    assert missed(Cron(""), LAST, now=now, zone=UTC) is None
    assert missed(cron, None, now=now, zone=UTC) is None


def test_one_run_alone_is_no_proof_where_the_zone_is_a_guess() -> None:
    cron, last = Cron("0 2 * * *"), datetime(2026, 11, 23, 1, tzinfo=UTC)  # 02:00 in Berlin
    assert missed(cron, last, now=NOW, zone=UTC, is_sure=False) is None
    assert missed(cron, last, now=NOW + DAY, zone=UTC, is_sure=False) is not None


def test_what_a_crash_would_cost() -> None:
    limits = Thresholds()
    found = loss(NOW - HOUR * 4, limits, now=NOW, changes=1200, restore_seconds=38)
    assert found.text == (
        "a crash now would lose 4 h of writes (1.20k changes); a restore took 38 s last time"
    )  # fmt: skip
    assert not found.is_late
    assert loss(NOW - HOUR * 27, limits, now=NOW).is_late
    quiet = loss(NOW - DAY * 9, limits, now=NOW, changes=0)
    assert quiet.text == "nothing was changed since the last backup; how long a restore takes was never tried"
    assert not quiet.is_late
    none = loss(None, limits, now=NOW)
    assert none.is_late
    assert none.seconds is None
    assert "lose everything" in none.text


def test_the_last_good_one_is_not_one_that_was_found_damaged() -> None:
    broken = record_of(base_at(NOW - HOUR), NOW - HOUR, proofs=[proof(NOW, ok=False, level=ProofLevel.CHECKSUMS)])
    assert last_good_at(sets_at(HOUR, DAY, records=[broken])) == NOW - DAY
    assert last_good_at(()) is None
