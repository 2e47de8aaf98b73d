"""When `snapshot_cron` is due: five fields, as in crontab."""

from datetime import datetime
from typing import Final

_RANGES: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


class Cron:
    """A cron expression.

    Raises:
        ValueError: It is none.
    """

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) != len(_RANGES):
            raise ValueError(f"cron expression must have five fields: {expression!r}")
        self._fields = [_values(field, low, high) for field, (low, high) in zip(fields, _RANGES, strict=True)]

    def is_due(self, minute: datetime) -> bool:
        """Whether something is to be done in this minute."""
        weekday = (minute.weekday() + 1) % 7  # Sunday is 0, and 7
        now = (minute.minute, minute.hour, minute.day, minute.month, weekday)
        return all(
            value in allowed or (value == 0 and 7 in allowed and allowed is self._fields[4])
            for value, allowed in zip(now, self._fields, strict=True)
        )


def _values(field: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = int(start)
            last = int(end) if dash else (high if step else first)
        if not low <= first <= last <= high or (step and int(step) < 1):
            raise ValueError(f"not a cron field: {field!r}")
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)
