"""Charts over time: one instance, or two compared; any series of /metrics can be pinned beside them."""

from collections.abc import Callable
from datetime import timedelta

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input, Static

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.instruments import PAGE_PREFIX, PANELS, Line, Panel
from dfly_tui.paths import write_private
from dfly_tui.pollers.export import csv_text
from dfly_tui.units import duration_text
from screens.base import DashboardScreen, filter_box
from screens.charting import chart_data, columns_of
from screens.commands import METRICS, bindings
from screens.picker import PickerDialog
from screens.services import Services
from widgets.chart import LEGEND, ChartGrid, GridChart

WINDOWS = (60.0, 300.0, 900.0, 3600.0)
CURSOR_STEPS = 60
"""The cursor crosses the window in this many steps."""


class MetricsScreen(DashboardScreen):
    """A grid of charts, all over the same window."""

    scope = METRICS
    BINDINGS = bindings(METRICS)

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._window = 1
        self._compare: str | None = None
        self._cursor = 0
        self._zoomed = False
        self._chosen = 0
        self._leave_pages: Callable[[], None] = lambda: None
        self._pages_of: tuple[str, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield filter_box()
        yield Static(id="problems", markup=False)
        yield Static(id="none", markup=False)
        with ChartGrid(id="charts"):
            for panel in self.panels():
                yield GridChart(id=_chart_id(panel))

    def panels(self) -> list[Panel]:
        """The built-in panels, then what was pinned."""
        pinned = [
            Panel(title=name, unit="", lines=(Line(column=PAGE_PREFIX + name, label=""),), explanation="pinned")
            for name in self.services.pins
        ]
        return [*PANELS, *pinned]

    def instances(self) -> tuple[str, ...]:
        """The instances drawn: the selected one, and the one to compare."""
        name = self.services.current()
        if name is None:
            return ()
        return (name, self._compare) if self._compare and self._compare != name else (name,)

    def on_mount(self) -> None:
        self.focus_body()

    def on_unmount(self) -> None:
        self._leave_pages()

    def on_screen_suspend(self) -> None:
        self._leave_pages()
        self._pages_of = ()

    def focus_body(self) -> None:
        self.set_focus(None)

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self.services.selected = self.services.current()  # the worst may change, whose charts these are must not
        self._follow_pages()
        instances = self.instances()
        ago = WINDOWS[self._window] * self._cursor / CURSOR_STEPS
        self.put("#what", self._what(instances, ago))
        self._paint_problems(instances)
        self._paint_charts(instances, ago)

    def _what(self, instances: tuple[str, ...], ago: float) -> str:
        """Whose charts, how long, and the moment of the cursor as logs call it."""
        signed = [f"{LEGEND[at]} {name}" for at, name in enumerate(instances)]
        names = signed if len(instances) > 1 else instances
        words = [" against ".join(names), f"last {duration_text(WINDOWS[self._window])}"]
        if self._cursor:
            late = self.services.clock.monotonic() - self.services.charts_end(instances[0])
            moment = self.services.clock.now() - timedelta(seconds=late + ago)
            words.append(f"cursor at -{duration_text(round(ago))}, {moment:%H:%M:%S} UTC")
        return " · ".join(words)

    def _paint_problems(self, instances: tuple[str, ...]) -> None:
        """Why what comes from /metrics is missing."""
        pages = [(name, self.services.hub[name].page.reading) for name in instances]
        lines = [f"/metrics of {name}: {page.error}" for name, page in pages if page.error is not None]
        self.put("#problems", "\n".join(lines))
        self.query_one("#problems").display = bool(lines)

    def _paint_charts(self, instances: tuple[str, ...], ago: float) -> None:
        end = self.services.charts_end(instances[0])
        start = end - WINDOWS[self._window]
        shown = self._shown()
        if shown and self._chosen not in shown:
            self._chosen = shown[0]
        self.put("#none", f"no panel has “{self._wanted}” in its title; Esc shows all")
        self.query_one("#none").display = not shown
        self.query_one("#charts").set_class(self._zoomed, "zoomed")
        for at, panel in enumerate(self.panels()):
            chart = self._chart(panel)
            chart.display = at == self._chosen if self._zoomed else at in shown
            if chart.display:
                chart.show(
                    chart_data(self.services.hub, panel, instances, start, end),
                    cursor=end - ago if self._cursor else None,
                    chosen=at == self._chosen and not self._zoomed,
                )

    @property
    def _wanted(self) -> str:
        return self.query_one("#filter", Input).value.strip()

    def _shown(self) -> list[int]:
        """Indexes of the panels the filter leaves."""
        wanted = self._wanted.lower()
        return [at for at, panel in enumerate(self.panels()) if wanted in panel.title.lower()]

    def _chart(self, panel: Panel) -> GridChart:
        return self.query_one(f"#{_chart_id(panel)}", GridChart)

    def _follow_pages(self) -> None:
        """Scrape /metrics of the instances shown, and of no others."""
        instances = self.instances()
        if instances == self._pages_of:
            return
        self._leave_pages()
        leaves = [self.services.hub[name].page.subscribe(lambda _: self.changed()) for name in instances]
        self._pages_of = instances

        def leave() -> None:
            for each in leaves:
                each()

        self._leave_pages = leave

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.repaint()

    def action_filter(self) -> None:
        self.open_filter()

    def action_window(self) -> None:
        """The next span."""
        self._window = (self._window + 1) % len(WINDOWS)
        self.repaint()

    def action_instance(self) -> None:
        self._step_instance(1)

    def action_previous(self) -> None:
        self._step_instance(-1)

    def _step_instance(self, step: int) -> None:
        names = [watched.config.name for watched in self.services.hub.watched]
        current = self.services.current()
        if current is not None:
            self.services.selected = names[(names.index(current) + step) % len(names)]
            self.repaint()

    def action_compare(self) -> None:
        """Go through the other instances, then back to none."""
        others = [watched.config.name for watched in self.services.hub.watched]
        choices: list[str | None] = [None, *(name for name in others if name != self.services.current())]
        at = choices.index(self._compare) if self._compare in choices else 0
        self._compare = choices[(at + 1) % len(choices)]
        self.repaint()

    def action_cursor(self, direction: int) -> None:
        self._cursor = min(CURSOR_STEPS, max(0, self._cursor - direction))
        self.repaint()

    def action_panel(self, step: int) -> None:
        """Choose the next panel, or the one before; behind the last is the first."""
        shown = self._shown()
        if shown:
            self._choose(shown[(shown.index(self._chosen) + step) % len(shown)])

    def action_row(self, step: int) -> None:
        """Choose the panel below, or the one above."""
        shown = self._shown()
        if not shown:
            return
        columns = 1 if self._zoomed else self.query_one("#charts").styles.grid_size_columns
        place = shown.index(self._chosen) + step * columns
        if place >= 0:
            self._choose(shown[min(place, len(shown) - 1)])

    def _choose(self, panel: int) -> None:
        self._chosen = panel
        self.repaint()
        self._chart(self.panels()[panel]).scroll_visible(animate=False)

    def action_zoom(self) -> None:
        """The chosen panel alone; the next press brings all back."""
        self._zoomed = not self._zoomed
        self.repaint()
        self._chart(self.panels()[self._chosen]).scroll_visible(animate=False)

    def action_back(self) -> None:
        """Close the filter, or bring all panels back, or take the cursor away."""
        if self.close_filter():
            return
        if self._zoomed:
            self.action_zoom()
        else:
            self._cursor = 0
            self.repaint()

    @work(exclusive=True, group="pin", exit_on_error=False)
    async def action_pin(self) -> None:
        """Choose a series of /metrics and show it as a panel."""
        name = self.services.current()
        page = self.services.hub[name].page.reading if name else None
        if page is None or page.value is None:
            reason = str(page.error) if page and page.error else "no /metrics page was read yet"
            self.app.notify(reason, title="Nothing to pin", severity="warning", markup=False)
            return
        series = [sample for sample in page.value.by_series if sample not in self.services.pins]
        chosen = await self.app.push_screen_wait(PickerDialog("Pin a series of /metrics", series))
        if chosen is not None:
            self.services.pins.append(chosen)
            panels = self.panels()
            await self.query_one("#charts").mount(GridChart(id=_chart_id(panels[-1])))
            self.close_filter()
            self._choose(len(panels) - 1)

    async def action_unpin(self) -> None:
        """Remove the chosen panel if it was pinned, else the one pinned last."""
        pins = self.services.pins
        if not pins:
            return
        place = self._chosen - len(PANELS) if self._chosen >= len(PANELS) else len(pins) - 1
        await self._chart(self.panels()[len(PANELS) + place]).remove()
        del pins[place]
        if self._chosen >= len(PANELS):
            self._chosen, self._zoomed = self._chosen - 1, False
        self.repaint()

    def action_export(self) -> None:
        """Write the columns shown, over the window shown, to a CSV file in the state folder."""
        services = self.services
        instances = self.instances()
        since = services.charts_end(instances[0]) - WINDOWS[self._window]
        panels = self.panels()
        shown = [panels[at] for at in ([self._chosen] if self._zoomed else self._shown())]
        text = csv_text(columns_of(services.hub, shown, instances, since), services.clock)
        path = services.paths.exports_dir / f"metrics-{services.clock.now():%Y%m%dT%H%M%SZ}.csv"
        try:
            write_private(path, text)
        except OSError as error:
            self.app.notify(f"{path}: {error.strerror}", title="Not exported", severity="error", markup=False)
            return
        self.app.notify(str(path), title="Exported", markup=False)


def _chart_id(panel: Panel) -> str:
    """A valid widget id for any title."""
    return "chart-" + panel.title.encode().hex()
