"""How full something is, in one line of text."""

import math

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(fraction: float | None, width: int, *, ascii_only: bool = False) -> str:
    """A bar of exactly `width` cells, in eighths of a cell; `####----` where the terminal has only ASCII.

    Args:
        fraction: 0 to 1; more fills the bar, unknown or less leaves it empty. Anything above 0 shows.
    """
    if width <= 0:
        return ""
    known = 0.0 if fraction is None or not math.isfinite(fraction) else min(1.0, max(0.0, fraction))
    if ascii_only:
        full = math.ceil(known * width) if known < 1 / width else int(known * width)
        return "#" * full + "-" * (width - full)
    eighths = max(int(known * width * 8), 1 if known > 0 else 0)
    full, rest = divmod(eighths, 8)
    return ("█" * full + _EIGHTHS[rest] * (rest > 0)).ljust(width)
