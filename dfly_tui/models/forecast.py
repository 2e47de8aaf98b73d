"""What the backups of one instance are heading for: a full disk, runs that did not come, what a crash would cost."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from dfly_tui.models.backup_view import INSTANCE, SetView
from dfly_tui.models.cron import Cron
from dfly_tui.models.retention import Decision, is_good
from dfly_tui.settings import Thresholds
from dfly_tui.settings_backup import BackupSettings
from dfly_tui.units import bytes_text, count_text, duration_text, percent_text

RECENT = 7
"""So many sets make the usual size and the usual gap."""
FEWEST = 3
ODD = 0.30
"""A set that differs that much from the usual size is worth a look."""
TOO_SMALL = 0.50
FORESEEN_DAYS = 730
"""Nobody plans a disk for longer."""
LATE = timedelta(minutes=10)
"""A run is missed when nothing is there so long after it, or after twice what a save takes."""
MOST_RUNS = 100


class Cadence(NamedTuple):
    """How often sets come.

    Attributes:
        text: For a sentence: `24 a day by the schedule`.
    """

    a_day: float
    text: str


class DiskForecast(NamedTuple):
    """When the disk is full.

    Attributes:
        days: None when it is not, within two years.
        text: For a person.
    """

    days: float | None
    text: str


class Anomaly(NamedTuple):
    """A set of an unusual size.

    Attributes:
        part: Its size as a part of the usual one.
    """

    part: float
    text: str

    @property
    def is_too_small(self) -> bool:
        return self.part < TOO_SMALL


class Missed(NamedTuple):
    """Runs of the schedule that left no set.

    Attributes:
        runs: How many; at most `MOST_RUNS`.
        first: The first of them.
    """

    runs: int
    first: datetime

    @property
    def text(self) -> str:
        count = f"{self.runs}{' or more' if self.runs == MOST_RUNS else ''} run{'' if self.runs == 1 else 's'}"
        return f"{count} of the schedule left no backup, since {self.first:%Y-%m-%d %H:%M} {self.first:%Z}"


def cadence(cron: Cron | None, sets: Sequence[SetView]) -> Cadence | None:
    """By the schedule, else by the usual gap between the last sets; None when nothing tells.

    Args:
        cron: None when it is not known.
        sets: The newest first.
    """
    if cron is not None and not cron.is_off:
        a_day, how = cron.runs_a_day, "by the schedule"
    else:
        times = [each.written_at for each in sets if each.is_complete][: RECENT + 1]
        gaps = [later - earlier for later, earlier in pairwise(times)]
        usual = median(gap.total_seconds() for gap in gaps) if len(gaps) + 1 >= FEWEST else 0.0
        a_day, how = (86_400 / usual, "as they came") if usual else (0.0, "")
    return Cadence(a_day, f"{_rate(a_day)} {how}") if a_day else None


def _rate(a_day: float) -> str:
    for days, name in ((1, "day"), (7, "week"), (30, "month")):
        if a_day * days >= 0.95:
            return f"{count_text(round(a_day * days))} a {name}"
    return f"one in {duration_text(86_400 / a_day)}"


def disk_forecast(
    sets: Sequence[SetView],
    free_bytes: int | None,
    cadence: Cadence | None,
    decisions: Iterable[Decision] = (),
    policy: BackupSettings | None = None,
) -> DiskForecast | None:
    """When the disk the server writes to is full at this cadence, with sets as large as the last ones were.

    Args:
        sets: The newest first.
        free_bytes: On that disk now.
        decisions: What retention says of the sets.
        policy: What retention will keep; None where nobody runs it, so that all stay.

    Returns:
        None when too little is known.
    """
    sizes = sizes_here(sets)
    if free_bytes is None or cadence is None or not sizes:
        return None
    size = max(1.0, median(sizes[:RECENT]))
    room = free_bytes / size
    days = room / cadence.a_day if policy is None else _full_in(room, cadence.a_day, len(sizes), decisions, policy)
    what = f"{bytes_text(free_bytes)} free, {bytes_text(size)} a set, {cadence.text}"
    if days is None or days > FORESEEN_DAYS:
        kept = " and what retention keeps" if policy is not None else ""
        return DiskForecast(None, f"there is room: {what}{kept}")
    how = " with what retention keeps" if policy is not None else ""
    return DiskForecast(days, f"the disk is full in {coarse(days)} at this cadence{how}: {what}")


def _full_in(
    room: float, a_day: float, here: int, decisions: Iterable[Decision], policy: BackupSettings
) -> float | None:
    """Days until so many more sets are there as there is room for; retention never keeps more than its rules add up to,
    and what waits out the delay."""
    known = list(decisions)
    going = sum(not each.keep for each in known)
    pinned = sum(any(reason.startswith("pinned") for reason in each.reasons) for each in known)
    ruled = max(
        policy.keep_at_least,
        policy.keep_last + policy.keep_hourly + policy.keep_daily + policy.keep_weekly + policy.keep_monthly
        + policy.keep_yearly,
    )  # fmt: skip
    for quarter in range(1, FORESEEN_DAYS * 4):
        days = quarter / 4
        waiting = a_day * min(days, policy.delay_days) + (going if days < policy.delay_days else 0)
        there = min(here + a_day * days, ruled + pinned + waiting)
        if there - here >= room:
            return days
    return None


def sizes_here(sets: Iterable[SetView]) -> list[int]:
    """Sizes of the whole sets the server itself wrote, the newest first."""
    return [
        place.found.size_bytes
        for each in sets
        for place in each.places
        if place.store == INSTANCE and not place.problems
    ]


def coarse(days: float) -> str:
    """Days as a person counts them."""
    if days < 1:
        return duration_text(days * 86_400)
    return f"{days:.0f} day{'' if round(days) == 1 else 's'}"


def anomaly(sizes: Sequence[int]) -> Anomaly | None:
    """Whether the newest set is of an unusual size; None when it is as usual, or there are too few to tell.

    Args:
        sizes: Of whole sets, the newest first.
    """
    before = sizes[1 : RECENT + 1]
    if len(before) < FEWEST or not (usual := median(before)):
        return None
    part = sizes[0] / usual
    if abs(part - 1) <= ODD:
        return None
    than = f"{percent_text(part)} of the usual {bytes_text(usual)}"
    return Anomaly(part, f"the last backup has {bytes_text(sizes[0])}, {than}")


def missed(
    cron: Cron | None,
    last_at: datetime | None,
    *,
    now: datetime,
    zone: tzinfo,
    save_seconds: float = 0.0,
    is_sure: bool = True,
) -> Missed | None:
    """Runs after the last set that left none.

    Args:
        last_at: When the save of the last good set began.
        save_seconds: What a save takes.
        is_sure: Whether `zone` is known to be the server's; in another one a run is found that is none.
    """
    if cron is None or last_at is None:
        return None
    over = now - max(LATE, timedelta(seconds=2 * save_seconds))
    # A save begins within a second of its minute, and is no run it left out itself.
    runs = [run for run in cron.next_runs(last_at + timedelta(minutes=1), zone, MOST_RUNS + 1) if run < over]
    runs = runs[0 if is_sure else 1 :][:MOST_RUNS]
    return Missed(len(runs), runs[0]) if runs else None


class Loss(NamedTuple):
    """What a crash now would cost.

    Attributes:
        seconds: Of writes; None when nothing is there to fall back to.
        text: `a crash now would lose 4 h 12 m of writes (1.2k changes); a restore took 38 s last time`.
    """

    seconds: float | None
    text: str
    is_late: bool
    """Whether that is more than the objective allows."""


def loss(
    last_at: datetime | None,
    limits: Thresholds,
    *,
    now: datetime,
    changes: int | None = None,
    restore_seconds: float | None = None,
) -> Loss:
    """What a crash now would cost in writes (RPO) and in time (RTO).

    Args:
        last_at: When the newest good backup began.
        changes: Since that backup, where the server counts them from there.
        restore_seconds: What the last restore that was proven took.
    """
    if restore_seconds is None:
        back = "how long a restore takes was never tried"
    else:
        back = f"a restore took {duration_text(restore_seconds)} last time"
    if last_at is None:
        return Loss(None, f"a crash now would lose everything: there is no good backup; {back}", True)
    seconds = max(0.0, (now - last_at).total_seconds())
    count = f" ({count_text(changes)} change{'' if changes == 1 else 's'})" if changes is not None else ""
    lost = "nothing was changed since the last backup" if changes == 0 else (
        f"a crash now would lose {duration_text(seconds)} of writes{count}"
    )  # fmt: skip
    return Loss(seconds, f"{lost}; {back}", seconds >= limits.snapshot_age_warning_seconds and changes != 0)


def last_good_at(sets: Iterable[SetView]) -> datetime | None:
    """When the newest good set was begun."""
    return max((each.written_at for each in sets if is_good(each)), default=None)
