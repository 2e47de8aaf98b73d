"""`snapshot_cron`, exactly as Dragonfly takes it: five fields, parsed by croncpp with a 0 for the seconds in front.

Unlike crontab's, day of month and day of week must both fit, Sunday is 0 and never 7, and there is no `@daily`
(facts §3.4; croncpp 2023.03.30, which v1.22 and v1.40 are built with).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import combinations, pairwise
from typing import Final

from dfly_tui.errors import BadInput
from dfly_tui.models.cron_fields import FIELDS, BadField, parse, written
from dfly_tui.models.croncpp import Due, cron_next
from dfly_tui.text import safe
from dfly_tui.units import duration_text

_NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_DAY_MINUTES = 24 * 60
_YEARS_DAYS = 4 * 365 + 1
_CALENDAR_DAYS = 28 * 366
"""After so many days, dates fall on the same days of the week again."""
_LOOK_BACK = (1, 8, 32, 367)
"""Days before a change of the clock in which a run is looked for."""
_FORESEEN_DAYS = 400


class BadCron(BadInput, ValueError):
    """No cron expression for Dragonfly.

    Attributes:
        server: How the server's log puts it.
    """

    def __init__(self, detail: str, hint: str, server: str) -> None:
        super().__init__(detail, hint)
        self.server = server


class Cron:
    """A cron expression; the empty one never runs.

    Attributes:
        expression: As it was given.
        remarks: What the server takes for something else than it says, each a sentence: `300` for 44, `MONDAY` for 1.

    Raises:
        BadCron: The server would refuse it.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.remarks: tuple[str, ...] = ()
        self._sets: tuple[frozenset[int], ...] = ()
        if expression:
            self._parse(expression)

    def __repr__(self) -> str:
        return f"Cron({self.expression!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cron) and other._sets == self._sets

    def __hash__(self) -> int:
        return hash(self._sets)

    def _parse(self, expression: str) -> None:
        if expression.startswith('"'):
            server = "Could it be that you put quotes in the flagfile?"
            raise BadCron("an expression does not begin with a quote", "leave the quotes away", server)
        texts = [text for text in expression.split(" ") if text]
        if len(texts) != len(FIELDS):
            detail, hint = _miscounted(texts)
            raise BadCron(detail, hint, "cron expression must have six fields")
        sets, remarks = [], []
        for field, text in zip(FIELDS, texts, strict=True):
            try:
                values, odd = parse(field, text)
            except BadField as problem:
                detail = f"{field.name} “{safe(text, limit=60)}”: {problem.detail}"
                raise BadCron(detail, problem.hint, problem.server) from None
            sets.append(values)
            remarks += [f"{field.name}: {each}" for each in odd]
        self._sets, self.remarks = tuple(sets), tuple(remarks)

    @property
    def is_off(self) -> bool:
        """Whether it is the empty one."""
        return not self._sets

    @property
    def is_impossible(self) -> bool:
        """Whether there is no such day, ever. The server then saves without pause."""
        return not self.is_off and self._days_apart[0] is None

    def is_due(self, minute: datetime) -> bool:
        """Whether it is due in this minute of the server's clock."""
        if self.is_off:
            return False
        return minute.minute in self._sets[0] and minute.hour in self._sets[1] and self._day_fits(minute.date())

    def _day_fits(self, day: date) -> bool:
        _, _, days, months, weekdays = self._sets
        return day.day in days and day.month in months and day.isoweekday() % 7 in weekdays

    def next_runs(self, after: datetime, zone: tzinfo, count: int) -> tuple[datetime, ...]:
        """When it runs next, in the server's zone.

        As the server finds it: a time that the clock jumps over is left out that day, one that comes twice is run
        twice. Fewer than `count` when it never runs, or saves without pause from there on (`stuck_at()`).

        Args:
            after: Aware.
        """
        runs: list[datetime] = []
        while len(runs) < count and (found := self._next(after, zone)) is not None:
            runs.append(found)
            after = found
        return tuple(runs)

    def _next(self, after: datetime, zone: tzinfo) -> datetime | None:
        """The next run; None when there is none, or the server would not wait for it."""
        if self.is_off:
            return None
        found = cron_next(self._due, after, zone)
        # Two times of one zone are compared by the clock on the wall, not by when they are.
        return found if found is not None and found.timestamp() > after.timestamp() else None

    @property
    def _due(self) -> Due:
        minutes, hours, days, months, weekdays = self._sets
        return Due(minutes, hours, days, frozenset(month - 1 for month in months), weekdays)

    def stuck_at(self, after: datetime, zone: tzinfo, days: int = _FORESEEN_DAYS) -> datetime | None:
        """When the server would begin to save without pause; None when that does not come.

        It does from the last run before the clock is put forward, after which croncpp answers with a time that is over;
        and at once where no run comes within four years.

        Args:
            days: How far it is looked ahead.
        """
        if self.is_off:
            return None
        if cron_next(self._due, after, zone) is None:
            return after
        for change in _clock_changes(after, zone, days):
            stuck = self._stuck_before(change, after, zone)
            if stuck is not None:
                return stuck
        return None

    def _stuck_before(self, change: datetime, after: datetime, zone: tzinfo) -> datetime | None:
        """Follow the runs before a change of the clock."""
        for back in _LOOK_BACK:
            run = self._next(change - timedelta(days=back), zone)
            if run is not None and run <= change:
                break
        else:
            return None
        while run <= change:
            following = self._next(run, zone)
            if following is None:
                return max(run, after, key=datetime.timestamp)
            run = following
        return None

    @property
    def words(self) -> str:
        """In plain English, such as `At 02:00, on day 1 of the month, but only when that is Monday`."""
        if self.is_off:
            return "Never by itself"
        from cron_descriptor import Options, get_description

        *rest, weekdays = (written(field, values) for field, values in zip(FIELDS, self._sets, strict=True))
        options = Options(use_24hour_time_format=True, locale_code="en_US")
        if rest[2] == "*" or weekdays == "*":
            said = get_description(" ".join([*rest, weekdays]), options)
        else:
            # cron-descriptor says “or”, as crontab has it.
            names = [_WEEKDAYS[day] for day in sorted(self._sets[4])]
            said = f"{get_description(' '.join([*rest, '*']), options)}, but only when that is {_listed(names)}"
        return f"{said} – a day that never comes" if self.is_impossible else said

    def shortest_gap(self) -> timedelta | None:
        """The least time between two runs, changes of the clock apart; None when it runs once at most."""
        if self.is_off:
            return None
        minutes = sorted(hour * 60 + minute for hour in self._sets[1] for minute in self._sets[0])
        gaps = [later - earlier for earlier, later in pairwise(minutes)]
        last, days = self._days_apart
        if days is not None:
            gaps.append(days * _DAY_MINUTES - minutes[-1] + minutes[0])
        return timedelta(minutes=min(gaps)) if gaps and last is not None else None

    @cached_property
    def _days_apart(self) -> tuple[int | None, int | None]:
        """A day of the calendar on which it runs, and the least number of days between two such."""
        last, apart = None, None
        for day in range(_CALENDAR_DAYS):
            if apart == 1:
                break
            if self._day_fits(date(2001, 1, 1) + timedelta(day)):
                apart = apart if last is None else min(day - last, apart or day)
                last = day
        return last, apart

    @cached_property
    def runs_a_day(self) -> float:
        """On the average of four years."""
        if self.is_off:
            return 0.0
        days = sum(self._day_fits(date(2001, 1, 1) + timedelta(day)) for day in range(_YEARS_DAYS))
        return len(self._sets[0]) * len(self._sets[1]) * days / _YEARS_DAYS

    def overlap(self, save_seconds: float) -> str:
        """Why the next save would come while one is running: the server leaves it out then. Empty when it does not.

        Args:
            save_seconds: What a save takes.
        """
        gap = self.shortest_gap()
        if gap is None or save_seconds < gap.total_seconds():
            return ""
        after = duration_text(gap.total_seconds())
        return f"a save takes {duration_text(save_seconds)}, and the next is due after {after}"

    def meets(self, other: "Cron") -> bool:
        """Whether both run in the same minute some day, clocks being the same."""
        if self.is_off or other.is_off:
            return False
        both = Cron("")
        both._sets = tuple(mine & theirs for mine, theirs in zip(self._sets, other._sets, strict=True))
        return all(both._sets) and not both.is_impossible


def both_nodes(schedules: Mapping[str, Cron]) -> tuple[tuple[str, str], ...]:
    """Which of some instances that hold the same data save it in the same minutes; a replica runs its own cron.

    Args:
        schedules: Of the primary and its replicas, by name.
    """
    return tuple((one, other) for one, other in combinations(schedules, 2) if schedules[one].meets(schedules[other]))


def _miscounted(texts: list[str]) -> tuple[str, str]:
    if len(texts) == 1 and texts[0].lower() in _NICKNAMES:
        return f"{texts[0]} is not taken", f"write {_NICKNAMES[texts[0].lower()]}"
    detail = f"five fields are needed ({', '.join(field.name for field in FIELDS)}), not {len(texts)}"
    if len(texts) == len(FIELDS) + 1:
        return detail, f"there are no seconds, and no year: {safe(' '.join(texts[1:]), limit=80)}"
    return detail, "such as 0 2 * * * for 02:00 every day"


def _clock_changes(after: datetime, zone: tzinfo, days: int) -> Iterator[datetime]:
    """When the clock is put forward, to the second."""
    start = after.astimezone(UTC).replace(microsecond=0)
    for day in range(-1, days):
        early, late = start + timedelta(days=day), start + timedelta(days=day + 1)
        before, behind = (each.astimezone(zone).utcoffset() or timedelta() for each in (early, late))
        if behind <= before:
            continue
        while late - early > timedelta(seconds=1):
            middle = early + (late - early) // 2
            early, late = (middle, late) if middle.astimezone(zone).utcoffset() == before else (early, middle)
        yield late


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
