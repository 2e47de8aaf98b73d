"""From the hub's history to what a chart draws or an export writes."""

import math
from collections.abc import Iterable, Sequence

from dfly_tui.models.instruments import PAGE_PREFIX, Line, Panel
from dfly_tui.pollers.export import Column
from dfly_tui.pollers.hub import Hub
from widgets.chart import ChartData, SeriesData


def window_of(hub: Hub, instance: str, line: Line, since: float) -> tuple[Sequence[float], Sequence[float]]:
    """A line's points since a time, from INFO's history or that of the /metrics page."""
    watched = hub[instance]
    if line.column.startswith(PAGE_PREFIX):
        return watched.page_history.series.window(line.column.removeprefix(PAGE_PREFIX), since)
    return watched.history.series.window(line.column, since)


def chart_data(hub: Hub, panel: Panel, instances: Sequence[str], start: float, end: float) -> ChartData:
    """What one panel draws: every line of one instance, or the first line of two."""
    lines = panel.lines if len(instances) == 1 else panel.lines[:1]
    series = []
    for instance in instances:
        for line in lines:
            times, values = window_of(hub, instance, line, start)
            label = line.label if len(instances) == 1 else instance
            series.append(SeriesData(label=label, times=times, values=values))
    limit = hub[instances[0]].history.series.latest(panel.limit) if panel.limit and instances else math.nan
    return ChartData(
        title=panel.title if len(panel.lines) == len(lines) else f"{panel.title} {lines[0].label}",
        unit=panel.unit,
        series=tuple(series),
        start=start,
        end=end,
        threshold=None if math.isnan(limit) else limit,
    )


def columns_of(hub: Hub, panels: Iterable[Panel], instances: Sequence[str], since: float) -> list[Column]:
    """Every line of some panels as columns of an export."""
    return [
        Column(f"{instance} {line.column}", *window_of(hub, instance, line, since))
        for instance in instances
        for panel in panels
        for line in panel.lines
    ]
