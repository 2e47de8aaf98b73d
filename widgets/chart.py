"""A time-series chart: braille lines from zero, few colours per line, gaps where nothing is known."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import ClassVar

from rich.cells import cell_len
from textual.containers import Container
from textual.strip import Strip
from textual.widget import Widget

from dfly_tui.text import fit
from dfly_tui.units import duration_text, value_text
from widgets.canvas import Canvas, braille
from widgets.keylist import MARKER
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes
from widgets.scale import columns, nice_top, value_near

MAX_SERIES = 3
LEGEND = ("━", "╍", "┉")
"""How the lines are drawn, told apart without colour: solid, dashed, dotted."""
STEPS = (1, 2, 4)
MAX_RUNS = 3
"""Colour runs in the plot of one line; where series cross more often the line is in one colour."""
THRESHOLD_ROOM = 4.0
"""A threshold more than this many times above all values is told in words and does not squeeze the scale."""


@dataclass(frozen=True)
class SeriesData:
    """One line of a chart: times in the clock's monotonic seconds, ascending, and a value for each, NaN for a gap."""

    label: str
    times: Sequence[float] = field(repr=False)
    values: Sequence[float] = field(repr=False)


@dataclass(frozen=True)
class ChartData:
    """What a chart shows.

    Attributes:
        unit: As for `dfly_tui.units.value_text`.
        series: Up to three; further ones are not drawn.
        start, end: The window, in the clock's monotonic seconds; `end` is now.
        threshold: A limit worth a line, in the unit.
    """

    title: str
    unit: str
    series: tuple[SeriesData, ...]
    start: float
    end: float
    threshold: float | None = None


def render_chart(data: ChartData, width: int, height: int, *, cursor: float | None = None) -> list[Line]:
    """The chart as `height` lines of `width` cells: a title with the numbers, the plot, the time axis.

    Args:
        cursor: A time; the title then tells the values at that time instead of the newest, and a line marks it.
    """
    if width <= 0 or height <= 0:
        return []
    data = replace(data, series=tuple(_cut(series, data.start, data.end) for series in data.series[:MAX_SERIES]))
    plot_height = height - 1 - (height >= 4)
    shown = [[value for value in series.values if math.isfinite(value)] for series in data.series]
    lines = [_title(data, shown, width, cursor)]
    if plot_height > 0:
        scale = _Scale.of(data, list(chain.from_iterable(shown)))
        labels = _labels(scale, data.unit, plot_height)
        gutter = max(len(label) for label in labels) + 1
        if gutter + 8 > width:
            gutter = 0
        lines += _plot(data, scale, labels, width, gutter, plot_height, cursor)
        if height >= 4:
            lines.append(_axis(data, width, gutter))
    return [fit_line(line, width) for line in lines]


@dataclass(frozen=True)
class _Scale:
    """From `low`, which is 0 unless there are negative values, to `high`."""

    low: float
    high: float

    @classmethod
    def of(cls, data: ChartData, shown: Sequence[float]) -> "_Scale":
        highest, lowest = max(shown, default=0.0), min(shown, default=0.0)
        if data.threshold is not None and highest * THRESHOLD_ROOM >= data.threshold:
            highest = max(highest, data.threshold)
        low = -nice_top(-lowest, data.unit) if lowest < 0 else 0.0
        return cls(low, nice_top(highest, data.unit) if highest > 0 or low == 0 else 0.0)

    def dot(self, value: float, dots: int) -> int:
        """The row of dots of a value, 0 at the bottom."""
        return round((value - self.low) / (self.high - self.low) * (dots - 1))


def _cut(series: SeriesData, start: float, end: float) -> SeriesData:
    """The part of a series that is in the window."""
    first, last = bisect_left(series.times, start), bisect_right(series.times, end)
    return SeriesData(series.label, series.times[first:last], series.values[first:last])


def _title(data: ChartData, shown: list[list[float]], width: int, cursor: float | None) -> Line:
    """`Memory 3.75 GiB  min 3.7 GiB  max 3.8 GiB`; with a cursor the values there and how long ago.

    Where there is no room for all, first the extremes and the limit go, then the time, then the labels: half a number
    would be a wrong one.
    """
    runs = _title_runs(data, shown, cursor, 3)
    for detail in (2, 1, 0):
        if sum(cell_len(run.text) for run in runs) <= width:
            break
        runs = _title_runs(data, shown, cursor, detail)
    return fit_line(runs, width)


def _title_runs(data: ChartData, shown: list[list[float]], cursor: float | None, detail: int) -> list[Run]:
    runs = [Run(data.title, "title")]
    gap = "  " if detail >= 2 else " "
    if cursor is not None and detail >= 2:
        runs.append(Run(f" at {_ago(data.end - cursor)}", "strong"))
    for number, series in enumerate(data.series):
        value = _newest(series) if cursor is None else value_near(series.times, series.values, cursor)
        if len(data.series) > 1:
            label = f" {series.label}" if detail >= 1 else ""
            runs.append(Run(f"{gap}{LEGEND[number]}{label}", f"series-{number + 1}"))
        runs.append(Run(f" {value_text(value, data.unit)}", "strong"))
    if len(data.series) == 1 and cursor is None and shown[0] and detail >= 3:
        low, high = value_text(min(shown[0]), data.unit), value_text(max(shown[0]), data.unit)
        runs.append(Run(f"  min {low}  max {high}", "muted"))
    if data.threshold is not None and detail >= 3:
        runs.append(Run(f"  limit {value_text(data.threshold, data.unit)}", "muted"))
    return runs


def _newest(series: SeriesData) -> float | None:
    """The last value; None when the last poll brought none."""
    return value_near(series.times, series.values, series.times[-1]) if len(series.times) else None


def _ago(seconds: float) -> str:
    return "now" if seconds < 0.5 else f"-{duration_text(round(seconds))}"


def _labels(scale: _Scale, unit: str, height: int) -> list[str]:
    """The texts beside the plot, one per row, most of them empty."""
    labels = [""] * height
    parts = 4 if height >= 13 else 2 if height >= 5 else 1
    for part in range(parts + 1):
        row = round((1 - part / parts) * (height - 1))
        labels[row] = value_text(scale.low + (scale.high - scale.low) * part / parts, unit)
    return labels


def _plot(
    data: ChartData, scale: _Scale, labels: list[str], width: int, gutter: int, height: int, cursor: float | None
) -> Iterator[Line]:
    room = width - gutter
    canvases = [_draw(data, series, scale, room, height, number) for number, series in enumerate(data.series)]
    limit = _limit_row(data, scale, height)
    mark = _cursor_cell(data, cursor, room)
    for row, label in enumerate(labels):
        rows = [canvas.cells(row) for canvas in canvases]
        runs = _plot_runs(rows, room, "╌" if row == limit else " ", mark)
        yield (
            (Run(fit(label, gutter - 1, right=True) + ("┤" if label else "│"), "muted"), *runs)
            if gutter
            else tuple(runs)
        )


def _limit_row(data: ChartData, scale: _Scale, height: int) -> int | None:
    if data.threshold is None or not scale.low <= data.threshold <= scale.high:
        return None
    return height - 1 - scale.dot(data.threshold, height * 4) // 4


def _cursor_cell(data: ChartData, cursor: float | None, room: int) -> int | None:
    if cursor is None or data.end <= data.start:
        return None
    return min(room - 1, max(0, int((cursor - data.start) / (data.end - data.start) * room)))


def _draw(data: ChartData, series: SeriesData, scale: _Scale, width: int, height: int, number: int) -> Canvas:
    canvas = Canvas(width, height)
    step, dots = STEPS[number], height * 4
    before: tuple[int, int] | None = None
    for column in columns(series.times, series.values, data.start, data.end, width * 2):
        first, last, low, high = (scale.dot(value, dots) for value in column[1:5])
        if before is not None and column.joined and before[0] < column.at:
            canvas.line(*before, column.at, first, step)
        if column.at % step == 0 or high - low > 1:
            canvas.vertical(column.at, low, high)
        before = (column.at, last)
    return canvas


def _plot_runs(rows: list[bytearray], room: int, blank: str, mark: int | None) -> list[Run]:
    """The cells of one row in the colours of the series they belong to; blanks take the colour they stand beside."""
    dots = [0] * room
    owners = [-1] * room
    for number, cells in enumerate(rows):
        for at, bits in enumerate(cells):
            if bits:
                dots[at] |= bits
                owners[at] = number
    text = [char if char != " " else blank for char in braille(dots)]
    if mark is not None:
        text[mark] = "│"
    runs: list[Run] = []
    owner, begin = -1, 0
    for at in range(room):
        if owners[at] not in (-1, owner):
            if owner != -1:
                runs.append(Run("".join(text[begin:at]), f"series-{owner + 1}"))
                begin = at
            owner = owners[at]
    runs.append(Run("".join(text[begin:]), f"series-{max(owner, 0) + 1}"))
    return runs if len(runs) <= MAX_RUNS - 1 else [Run("".join(text), "text")]


def _axis(data: ChartData, width: int, gutter: int) -> Line:
    """`-5 m        -2 m 30 s        now`"""
    room = width - gutter
    left, middle, right = _ago(data.end - data.start), _ago((data.end - data.start) / 2), "now"
    if len(left) + len(right) + 1 > room:
        return fit_line([Run(right.rjust(room)[:room], "muted")], width, "muted")
    text = left + right.rjust(room - len(left))
    at = (room - len(middle)) // 2
    if room >= len(left) + len(middle) + len(right) + 8:
        text = text[:at] + middle + text[at + len(middle) :]
    return fit_line([Run(" " * gutter + text, "muted")], width, "muted")


class GridChart(LinesWidget):
    """A chart in a `ChartGrid`; writes only the lines that changed."""

    DEFAULT_CSS = "GridChart { height: 10; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._data: ChartData | None = None
        self._cursor: float | None = None
        self._chosen = False

    @property
    def palette(self) -> Widget:
        """The grid's styles."""
        grid = self.parent
        assert isinstance(grid, ChartGrid)
        return grid

    def show(self, data: ChartData, *, cursor: float | None = None, chosen: bool = False) -> None:
        """Show this.

        Args:
            cursor: The time whose values the title tells, in the clock's monotonic seconds; None for the newest.
            chosen: Mark it as the one that keys act upon.
        """
        self._data, self._cursor, self._chosen = data, cursor, chosen
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The whole chart."""
        if self._data is None:
            return []
        if not self._chosen:
            return render_chart(self._data, width, height, cursor=self._cursor)
        marked = replace(self._data, title=f"{MARKER}{self._data.title}")
        return render_chart(marked, width, height, cursor=self._cursor)

    def render_line(self, y: int) -> Strip:
        """A line; the title of the chosen chart looks like a row under the cursor."""
        if y == 0 and self._chosen and self._painted:
            return self.strip(self._painted[0], self.size.width, "cursor")
        return super().render_line(y)


_STYLES = line_classes("strong", "muted", "title", "cursor", "series-1", "series-2", "series-3")


class ChartGrid(Container):
    """Many charts. They share its styles: with their own they would take 4 MiB more, and longer to open."""

    COMPONENT_CLASSES: ClassVar[set[str]] = _STYLES

    def notify_style_update(self) -> None:
        """Another theme: all charts look different."""
        super().notify_style_update()
        for chart in self.query_children(GridChart):
            chart.refresh()


class Chart(GridChart):
    """A chart that stands alone, with styles of its own."""

    COMPONENT_CLASSES: ClassVar[set[str]] = _STYLES

    @property
    def palette(self) -> Widget:
        """Itself."""
        return self
