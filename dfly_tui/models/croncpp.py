"""When croncpp says that something is due: its search for the next time, as release 2023.03.30 makes it.

Dragonfly v1.22 and v1.40 wait for what it says (facts §3.4). It counts in the server's local time and keeps a stale
`tm_isdst` while it does, so around a change of the clock it leaves out runs, makes some twice, and may answer with a
time that is over: the server then saves without any pause (croncpp#8, #24, #32; mended in release 2026.08.12). To
foresee that, the search and glibc's `mktime()` are walked here step by step.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from enum import IntEnum
from typing import Final, NamedTuple

MOST_YEARS = 4
"""It looks no further ahead (`CRON_MAX_YEARS_DIFF`)."""
_MOST_DAYS = 366
_MOST_STEPS = 50_000
_DEEPEST = 200
"""Far more than any search takes that ends. One that does not ends the server, or makes it hang: so does `57 * 10 * *`
in Cairo on the evening before the clock is put forward."""
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001
_STRIDE = 601_200
_FARTHEST = 457_243_209 // 2 + _STRIDE
"""How mktime() looks for the other half of the year."""


class Due(NamedTuple):
    """When it is due: values of each field that count, `months` and `weekdays` from 0."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]


def cron_next(due: Due, after: datetime, zone: tzinfo) -> datetime | None:
    """What the server waits for when it asks at `after`; aware, in `zone`.

    Returns:
        A time that may be over, then it does not wait. None when it finds none, and then it does not wait either, or
        hangs or crashes.
    """
    search = _Search(due, zone)
    second = int(after.astimezone(UTC).timestamp())
    try:
        found = search.next_after(second)
    except OverflowError:
        return None
    return None if found is None else datetime.fromtimestamp(found, UTC).astimezone(zone)


class _Field(IntEnum):
    SECOND = 0
    MINUTE = 1
    HOUR = 2
    WEEKDAY = 3
    DAY = 4
    MONTH = 5
    YEAR = 6


class _Local(NamedTuple):
    """What localtime() answers."""

    wall: datetime
    dst: int


class _Search:
    """One search; `_date` is its struct tm, always normalized."""

    def __init__(self, due: Due, zone: tzinfo) -> None:
        self._due = due
        self._zone = zone
        self._offset = 0
        """mktime() begins its search with what it found last."""
        self._date = _Local(_EPOCH, 0)
        self._steps = 0
        self._depth = 0

    def next_after(self, second: int) -> int | None:
        self._date = self._local(second)
        original = self._set(self._date.wall, self._date.dst)
        if not self._find(self._date.wall.year):
            return None
        if self._set(self._date.wall, self._date.dst) == original:
            self._set(self._date.wall + timedelta(seconds=1), self._date.dst)
            if not self._find(self._date.wall.year):
                return None
        return self._set(self._date.wall, self._date.dst)

    def _find(self, began: int) -> bool:
        """croncpp's find_next() for a whole date."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise OverflowError
        marked: list[_Field] = []
        due = self._due
        self._settle(frozenset({0}), _Field.SECOND, marked)
        for field, wanted in ((_Field.MINUTE, due.minutes), (_Field.HOUR, due.hours)):
            if not self._settle(wanted, field, marked) and not self._find(began):
                return False
        if not self._settle_day(marked) and not self._find(began):
            return False
        month = self._date.wall.month - 1
        if self._next(due.months, _Field.MONTH, month, marked) == month:
            return True
        return self._date.wall.year - began <= MOST_YEARS and self._find(began)

    def _settle(self, wanted: frozenset[int], field: _Field, marked: list[_Field]) -> bool:
        """Whether a field is right already; marked then, else moved on."""
        wall = self._date.wall
        value = (wall.second, wall.minute, wall.hour)[field]
        if self._next(wanted, field, value, marked if field is not _Field.SECOND else ()) == value:
            marked.append(field)
            return True
        return False

    def _settle_day(self, marked: list[_Field]) -> bool:
        day = before = self._date.wall
        for _ in range(_MOST_DAYS):
            if day.day in self._due.days and day.isoweekday() % 7 in self._due.weekdays:
                break
            self._add(_Field.DAY)
            day = self._date.wall  # before what follows may take it back to the day before
            self._reset_all(marked)
        if day.day != before.day:
            return False
        marked.append(_Field.DAY)
        return True

    def _next(self, wanted: frozenset[int], field: _Field, value: int, marked: Sequence[_Field]) -> int:
        found = min((each for each in wanted if each >= value), default=None)
        if found is None:
            self._add({_Field.SECOND: _Field.MINUTE, _Field.MINUTE: _Field.HOUR, _Field.HOUR: _Field.WEEKDAY,
                       _Field.MONTH: _Field.YEAR}[field])  # fmt: skip
            self._change(field, 0)
            found = min(wanted)
        if found != value:
            self._change(field, found)
            self._reset_all(marked)
        return found

    def _reset_all(self, marked: Sequence[_Field]) -> None:
        for field in sorted(marked):
            self._change(field, 1 if field is _Field.DAY else 0)

    def _add(self, field: _Field) -> None:
        wall, dst = self._date
        if field in {_Field.WEEKDAY, _Field.DAY}:
            self._set(wall + timedelta(days=1), -1)
        elif field is _Field.YEAR:
            self._set(_wall(wall.year + 1, wall.month, wall.day, wall), dst)
        else:
            self._set(wall + (timedelta(hours=1) if field is _Field.HOUR else timedelta(minutes=1)), dst)

    def _change(self, field: _Field, value: int) -> None:
        wall, dst = self._date
        if field is _Field.DAY:
            self._set(_wall(wall.year, wall.month, value, wall), -1)
        elif field is _Field.MONTH:
            self._set(_wall(wall.year, value + 1, wall.day, wall), -1)
        else:
            changed = {_Field.SECOND: wall.replace(second=value), _Field.MINUTE: wall.replace(minute=value)}
            self._set(changed.get(field) or wall.replace(hour=value), dst)

    def _set(self, wall: datetime, dst: int) -> int:
        """mktime(): what `_date` becomes, normalized; returns the second."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise OverflowError
        began = _seconds(wall) - self._offset
        second = self._mktime(wall, dst, began)
        self._date = self._local(second)
        self._offset += began - second
        return second

    def _mktime(self, wall: datetime, dst: int, guess: int) -> int:
        """glibc's __mktime_internal() from a first guess."""
        now = before = earlier = guess
        dst_before = 0
        while True:
            local = self._local(now)
            missing = _seconds(wall) - _seconds(local.wall)
            if missing == 0:
                break
            if now == before != earlier and (dst_before <= local.dst if dst < 0 else dst != local.dst):
                return now  # no such local time: it went back and forth around the gap
            before, earlier, now, dst_before = earlier, now, now + missing, local.dst
        return now if dst in {-1, local.dst} else self._with_dst(wall, dst, now)

    def _with_dst(self, wall: datetime, dst: int, now: int) -> int:
        """The same clock time as the other half of the year would count it."""
        for delta in range(_STRIDE, _FARTHEST, _STRIDE):
            for other in (now - delta, now + delta):
                local = self._local(other)
                if local.dst == dst:
                    return other + _seconds(wall) - _seconds(local.wall)
        return now

    def _local(self, second: int) -> _Local:
        there = datetime.fromtimestamp(second, UTC).astimezone(self._zone)
        return _Local(there.replace(tzinfo=None, fold=0), int(bool(there.dst())))


def _wall(year: int, month: int, day: int, clock: datetime) -> datetime:
    """A date that may not exist, such as 31 February, carried on as mktime() does."""
    return clock.replace(year=year, month=month, day=1) + timedelta(days=day - 1)


def _seconds(wall: datetime) -> int:
    return int((wall - _EPOCH).total_seconds())
