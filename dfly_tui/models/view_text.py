"""What a cell of a view says at a moment."""

from datetime import datetime

from dfly_tui.models.keys import GONE, NO_TTL, kind_name
from dfly_tui.models.view import Cell, Row, Told
from dfly_tui.units import MISSING, bytes_text, duration_text
from dfly_tui.view_words import Column, ColumnKind

SOON_SECONDS = 60.0
"""A key that expires within that is marked."""


def cell_text(column: Column, cell: Cell, row: Row, *, now: datetime, monotonic: float) -> str:
    """The words of a cell; a trend is drawn by whoever has room for it.

    Args:
        now, monotonic: By the clock that `row.read_at` is of.
    """
    match cell.told:
        case Told.MISSING:
            return MISSING
        case Told.TIME:
            return _age(cell, now)
        case Told.TTL:
            return ttl_words(ttl_left(cell, row, monotonic))
        case Told.NUMBER:
            return _number(column, cell)
        case Told.TREND:
            return " ".join("·" if length is None else str(length) for length in cell.trend)
        case Told.TEXT if column.kind is ColumnKind.TYPE:
            return kind_name(cell.text)
        case _:
            return cell.text


def _number(column: Column, cell: Cell) -> str:
    if column.kind is not ColumnKind.SIZE:
        return f"{cell.number:,.0f}"
    return "inline" if cell.number == 0 else bytes_text(cell.number)


def _age(cell: Cell, now: datetime) -> str:
    seconds = now.timestamp() - (cell.number or 0.0)
    if seconds < -1:
        return f"in {duration_text(round(-seconds))}"
    return duration_text(max(0, int(seconds)))


def ttl_left(cell: Cell, row: Row, monotonic: float) -> float:
    """Milliseconds until it expires, now; below 0 as PTTL has it."""
    told = cell.number if cell.number is not None else GONE
    return told if told < 0 else max(0.0, told - (monotonic - row.read_at) * 1000)


def ttl_words(left_ms: float) -> str:
    """A time to live in a word or two."""
    if left_ms == NO_TTL:
        return "∞"
    if left_ms <= 0:
        return "gone" if left_ms < 0 else "expired"
    return duration_text(left_ms / 1000 if left_ms < 1000 else left_ms // 1000)
