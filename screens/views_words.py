"""What the screen of a view says above its rows."""

from dfly_tui.models.reading import Freshness, Reading
from dfly_tui.models.view import MOST_ROWS, View
from dfly_tui.pollers.views import Look
from dfly_tui.text import safe
from dfly_tui.units import duration_text

SOUGHT_LONG_AGO_SECONDS = 15.0
"""When keys were looked for longer ago than that before they were read, it is said."""


def what_words(view: View, look: Look, reading: Reading[Look], now: float) -> str:
    """How many keys there are, and how old what is shown is.

    Args:
        now: The clock's monotonic seconds.
    """
    words = [f"{len(look.rows):,} key{'s' * (len(look.rows) != 1)}"]
    if view.group_by:
        words[0] += f" in {look.groups:,} group{'s' * (look.groups != 1)}"
    age = reading.age(now)
    freshness = reading.freshness(now)
    if age is not None:
        read = f"read {duration_text(int(age))} ago"
        words.append(f"{read}, {freshness}" if freshness in {Freshness.STALE, Freshness.LOST} else read)
        if look.found_at is not None and now - look.found_at > age + SOUGHT_LONG_AGO_SECONDS:
            words.append(f"new keys looked for {duration_text(int(now - look.found_at))} ago")
    elif reading.error is None:
        words.append(f"{look.scanned:,} names scanned …")
    if reading.paused:
        words.append("paused")
    return " · ".join(words)


def how_words(look: Look, reading: Reading[Look], *, wanted: str, shown: int) -> list[str]:
    """What else there is to say, a line each.

    Args:
        wanted: What rows are filtered by.
        shown: How many rows are listed.
    """
    lines = []
    if wanted:
        lines.append(f"with “{safe(wanted, limit=60)}”: {shown:,} of {len(look.rows):,}")
    if look.is_cut:
        lines.append(f"there are more: only the first {MOST_ROWS:,} keys that were found are shown")
    if look.troubled:
        are = "key is" if look.troubled == 1 else "keys are"
        lines.append(f"{look.troubled:,} {are} not what this view expects: ✗ says why")
    if reading.error is not None:
        lines.append(f"{reading.error}{f' ({reading.error.hint})' if reading.error.hint else ''}")
    return lines
