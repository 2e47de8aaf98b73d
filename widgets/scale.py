"""Scales of charts: nice upper ends, and columns that keep every spike."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

GAP_INTERVALS = 2.5
"""Samples further apart than this many of their usual intervals are not joined: nothing is known in between.
The same span makes a reading stale (dfly_tui/models/reading.py)."""


def nice_top(highest: float, unit: str) -> float:
    """The upper end of a scale from zero: the next number that reads well in the unit and halves well.

    Args:
        highest: The highest value shown, 0 or more.
        unit: As for `dfly_tui.units.value_text`.
    """
    if highest <= 0 or not math.isfinite(highest):
        return 1.0
    if unit.startswith("bytes"):
        return float(2 ** math.ceil(math.log2(highest) - 1e-9))
    power = 10.0 ** math.floor(math.log10(highest))
    return next((step * power for step in (1, 2, 4, 6, 8) if step * power >= highest * (1 - 1e-9)), 10 * power)


class Column(NamedTuple):
    """What one column of dots stands for.

    Attributes:
        at: Its place from the left.
        first, last, low, high: Of the samples in its span of time.
        joined: Whether it goes on from the column before it in the list, with no gap between.
    """

    at: int
    first: float
    last: float
    low: float
    high: float
    joined: bool


def columns(times: Sequence[float], values: Sequence[float], start: float, end: float, count: int) -> list[Column]:
    """Group samples into `count` columns of equal time, keeping the lowest and highest of each.

    The borders are multiples of the span since the clock's zero, not since `start`: a sample stays in its group while
    the window moves, so the picture moves but does not shimmer. (The leftmost column takes what is older too.)

    Args:
        times: Ascending, in seconds.
        values: One per time; NaN (or infinity) is a gap.
    """
    span = (end - start) / count if count > 0 else 0.0
    if span <= 0:
        return []
    leftmost = math.floor(end / span) - count + 1
    widest = _usual_interval(times) * GAP_INTERVALS
    found: list[Column] = []
    at = bisect_left(times, start)
    stop = bisect_right(times, end)
    broken, previous = True, -math.inf
    while at < stop:
        place = max(leftmost, math.floor(times[at] / span))
        upto = max(at + 1, bisect_left(times, (place + 1) * span, at, stop))
        group = values[at:upto]
        good = [value for value in group if math.isfinite(value)]
        broken = broken or times[at] - previous > widest or not math.isfinite(group[0])
        if good:
            found.append(Column(place - leftmost, good[0], good[-1], min(good), max(good), not broken))
        broken = not good or not math.isfinite(group[-1])
        previous = times[upto - 1]
        at = upto
    return found


def _usual_interval(times: Sequence[float]) -> float:
    """The median step of the newest samples; infinite when there are too few to tell."""
    recent = times[-33:]
    steps = [later - earlier for earlier, later in pairwise(recent)]
    return median(steps) if steps else math.inf


def value_near(times: Sequence[float], values: Sequence[float], at: float) -> float | None:
    """The value at a time: of the nearest sample within the usual interval; None in a gap."""
    if not times:
        return None
    right = bisect_left(times, at)
    nearest = min((index for index in (right - 1, right) if 0 <= index < len(times)), key=lambda i: abs(times[i] - at))
    if abs(times[nearest] - at) > _usual_interval(times) or not math.isfinite(values[nearest]):
        return None
    return values[nearest]
