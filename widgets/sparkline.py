"""A history in one line of text: y starts at zero, a gap stays a gap."""

import math
from collections.abc import Sequence

_LEVELS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int, *, top: float | None = None) -> str:
    """The newest `width` values, one cell each, the newest at the right; exactly `width` cells.

    Args:
        values: Oldest first. None, NaN and infinity are gaps, shown blank.
        top: The value of a full cell; None for the highest shown. Zero is always the lowest level and nothing else
            is, so that a flat zero and a flat 500 differ.
    """
    if width <= 0:
        return ""
    shown = [value if value is not None and math.isfinite(value) else None for value in values[-width:]]
    full = top if top is not None and top > 0 else max((value for value in shown if value is not None), default=0.0)
    return "".join(_level(value, full) for value in shown).rjust(width)


def _level(value: float | None, full: float) -> str:
    if value is None:
        return " "
    if value <= 0 or full <= 0:
        return _LEVELS[0]
    return _LEVELS[max(1, math.ceil(min(1.0, value / full) * 7))]
