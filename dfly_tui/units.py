"""Numbers in the words of a person: bytes, counts, rates, durations, ages."""

import math

MISSING = "–"
"""What is shown for a number that is not known. Never 0."""

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_COUNTS = ("", "k", "M", "G", "T")


def _scaled(value: float, base: float, names: tuple[str, ...]) -> tuple[float, str]:
    """`value` in the largest unit that leaves at least one, after rounding as it will be shown."""
    step = 0
    while abs(value) >= base * 0.9995 and step < len(names) - 1:
        value /= base
        step += 1
    return value, names[step]


def _short(value: float) -> str:
    """Three significant digits at most: 9.99, 12.3, 456."""
    size = abs(value)
    if size >= 99.95 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if size >= 9.995 else f"{value:.2f}"


def bytes_text(value: float | None) -> str:
    """A size in bytes, binary units: `512 B`, `3.75 GiB`; `–` when unknown."""
    if value is None or not math.isfinite(value):
        return MISSING
    scaled, unit = _scaled(value, 1024, _BYTES)
    return f"{_short(scaled)} {unit}"


def count_text(value: float | None) -> str:
    """A count, decimal units: `999`, `12.3k`, `1.05M`; `–` when unknown."""
    if value is None or not math.isfinite(value):
        return MISSING
    scaled, unit = _scaled(value, 1000, _COUNTS)
    return f"{_short(scaled)}{unit}"


def percent_text(fraction: float | None) -> str:
    """A fraction from 0 to 1 as a percentage: `99.2%`; `–` when unknown."""
    if fraction is None or not math.isfinite(fraction):
        return MISSING
    return f"{fraction * 100:.1f}%" if 0 < fraction < 0.9995 else f"{fraction * 100:.0f}%"


def duration_text(seconds: float | None) -> str:
    """A span of seconds in its two largest units: `350 ms`, `42 s`, `3 m 20 s`, `5 d 4 h`; `–` when unknown."""
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 0:
        return "-" + duration_text(-seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds else "0 s"
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {smaller_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def value_text(value: float | None, unit: str) -> str:
    """A number with its unit; `unit` is one of `bytes`, `bytes/s`, `count`, `count/s`, `fraction`, `seconds`,
    or any other word, which is then put behind the number."""
    match unit:
        case "bytes":
            return bytes_text(value)
        case "bytes/s":
            return f"{bytes_text(value)}/s" if value is not None and math.isfinite(value) else MISSING
        case "count":
            return count_text(value)
        case "count/s":
            return f"{count_text(value)}/s" if value is not None and math.isfinite(value) else MISSING
        case "fraction":
            return percent_text(value)
        case "seconds":
            return duration_text(value)
        case _:
            text = count_text(value)
            return f"{text} {unit}" if unit and text != MISSING else text
