"""The server's time zone, which no command tells: what a file's name says beside what the server counts."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_STEP = timedelta(minutes=15)
"""Offsets of all zones are multiples of it."""
_SLACK = timedelta(minutes=2)
"""Between the begin of a save and the naming of its files."""
_FARTHEST = timedelta(hours=14)


class ServerZone(NamedTuple):
    """A zone to reckon in, and how it is known.

    Attributes:
        proven: Whether the offset was seen; else it is assumed.
        text: For a person: `UTC+01:00, as its file names show`.
    """

    zone: tzinfo
    proven: bool
    text: str


ASSUMED = ServerZone(UTC, False, "UTC, which is assumed: no file name shows its clock")


def zone_of(file_name: str | None, began_at: datetime | None, here: tzinfo | None = None) -> ServerZone:
    """Compare the `{timestamp}` in a file's name, which is the server's local time, with when that save began.

    Args:
        file_name: Of the last snapshot, with or without its folder (`last_saved_file`).
        began_at: When that save began (`last_success_save`).
        here: The zone of this machine: taken, with its changes of the clock, where it has the offset that was seen.
    """
    match = _TIMESTAMP.search((file_name or "").rpartition("/")[2])
    if match is None or began_at is None:
        return ASSUMED
    try:
        wall = datetime.fromisoformat(match.group())
    except ValueError:
        return ASSUMED
    seen = wall - began_at.astimezone(UTC).replace(tzinfo=None)
    offset = round(seen / _STEP) * _STEP
    if abs(seen - offset) > _SLACK or abs(offset) > _FARTHEST:
        return ASSUMED
    if here is not None and began_at.astimezone(here).utcoffset() == offset and here is not UTC:
        return ServerZone(here, True, f"{_utc(offset)} as here, as its file names show")
    return ServerZone(timezone(offset) if offset else UTC, True, f"{_utc(offset)}, as its file names show")


def _utc(offset: timedelta) -> str:
    return "UTC" if not offset else f"{timezone(offset)}"
