"""The rows of a view as lines: columns fitted to the room there is, states told in words and signs beside colour."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from dfly_tui.models.view import Cell, Heading, Row, Told, View
from dfly_tui.models.view_text import SOON_SECONDS, cell_text, ttl_left
from dfly_tui.text import fit, safe
from dfly_tui.view_words import Column, ColumnKind
from widgets.lines import Line, Run
from widgets.sparkline import sparkline

GAP = 2
INDENT = 2
LEAST_CELLS = 8
MOST_TEXT_CELLS = 60
MOST_OTHER_CELLS = 24
MOST_TREND_CELLS = 60
_CELLS = {ColumnKind.SINCE: 10, ColumnKind.TTL: 10, ColumnKind.SIZE: 9, ColumnKind.LENGTH: 9, ColumnKind.TREND: 20}
"""Of columns whose texts change with the time, and of numbers."""
_NUMBERS = {ColumnKind.SINCE, ColumnKind.TTL, ColumnKind.SIZE, ColumnKind.LENGTH}
_BAD = {"failed", "failure", "error", "blocked", "timeout", "timed_out", "cancelled", "canceled", "dead"}
_GOOD = {"completed", "complete", "done", "ok", "success", "succeeded", "passed", "finished"}
"""Words for a state that are coloured. The word itself stands there."""


class Moment(NamedTuple):
    """When rows are painted, by the clock they were read with."""

    now: datetime
    monotonic: float


def fit_columns(view: View, rows: Iterable[Row], width: int) -> list[int]:
    """Cells for each column; 0 for those at the right for which there is no room.

    Args:
        width: Cells of a row.
    """
    listed = list(rows)
    natural = [_natural(column, index, listed) for index, column in enumerate(view.columns)]
    room = width - (INDENT if view.group_by else 0)
    shown = len(natural)
    while shown > 1 and sum(min(cells, LEAST_CELLS) + GAP for cells in natural[:shown]) - GAP > room:
        shown -= 1
    widths = natural[:shown]
    excess = sum(widths) + GAP * (shown - 1) - room
    while excess > 0 and (widest := max(widths)) > LEAST_CELLS:
        widths[widths.index(widest)] -= 1
        excess -= 1
    trends = [at for at, column in enumerate(view.columns[:shown]) if column.kind is ColumnKind.TREND]
    if trends and excess < 0:
        widths[trends[0]] = min(MOST_TREND_CELLS, widths[trends[0]] - excess)
    return [*widths, *[0] * (len(natural) - shown)]


def _natural(column: Column, index: int, rows: Sequence[Row]) -> int:
    texts = [len(row.cells[index].text) for row in rows]
    most = MOST_OTHER_CELLS if column.kind in _CELLS else MOST_TEXT_CELLS
    return max(len(column.title) + 2, _CELLS.get(column.kind, 0), min(most, max(texts, default=0)))


def heading_line(view: View, widths: Sequence[int], sort: int | None, descending: bool) -> Line:
    """The titles; an arrow on the column that rows are sorted by."""
    runs = [Run(" " * INDENT)] if view.group_by else []
    for index, (column, width) in enumerate(zip(view.columns, widths, strict=True)):
        if width:
            arrow = (" ↓" if descending else " ↑") if index == sort else ""
            title = fit(safe(column.title, limit=width) + arrow, width, right=column.kind in _NUMBERS)
            runs.append(Run(title + " " * GAP, "title"))
    left_out = sum(not width for width in widths)
    runs[-1] = Run(runs[-1].text[:-GAP], "title")
    return (*runs, Run(f" +{left_out}", "muted")) if left_out else tuple(runs)


def group_line(view: View, heading: Heading, is_open: bool) -> Line:
    """What stands above the rows of a group."""
    return (Run(f"{'▾' if is_open else '▸'} {view.heading_words(heading)}", "strong"),)


def row_line(view: View, row: Row, widths: Sequence[int], moment: Moment) -> Line:
    """One key."""
    runs = [Run(" " * INDENT)] if view.group_by else []
    said: set[str] = set()
    for column, cell, width in zip(view.columns, row.cells, widths, strict=True):
        if width:
            text, style = _shown(column, cell, row, width, moment, said)
            runs.append(Run(fit(text, width, right=column.kind in _NUMBERS and cell.told is not Told.TROUBLE), style))
            runs.append(Run(" " * GAP))
    return tuple(runs[:-1])


def _shown(column: Column, cell: Cell, row: Row, width: int, moment: Moment, said: set[str]) -> tuple[str, str]:
    """The words of a cell and their style; what is wrong with the whole key is said once."""
    if cell.told is Told.TREND:
        return sparkline(cell.trend, min(width, MOST_TREND_CELLS)), "series-1"
    text = cell_text(column, cell, row, now=moment.now, monotonic=moment.monotonic)
    match cell.told:
        case Told.TROUBLE | Told.LONG | Told.GONE:
            if text in said:
                return "", "muted"
            said.add(text)
            return text, "warning" if cell.told is Told.TROUBLE else "muted"
        case Told.MISSING:
            return text, "muted"
        case Told.TTL:
            return _ttl(text, ttl_left(cell, row, moment.monotonic))
        case _ if row.is_gone:
            return text, "muted"
        case Told.TEXT if column.kind is ColumnKind.FIELD:
            word = text.casefold()
            return text, "critical" if word in _BAD else "ok" if word in _GOOD else "text"
        case _:
            return text, "text"


def _ttl(text: str, left_ms: float) -> tuple[str, str]:
    if left_ms <= 0:
        return text, "muted"
    return (f"! {text}", "warning") if left_ms < SOON_SECONDS * 1000 else (text, "text")
