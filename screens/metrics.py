"""Charts over time: one instance, or two compared; any series of /metrics can be pinned beside them."""

from collections.abc import Callable

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
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
from widgets.chart import Chart

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
        self._zoomed: int | None = None
        self._leave_pages: Callable[[], None] = lambda: None
        self._pages_of: tuple[str, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield filter_box()
        with VerticalScroll(id="charts"):
            for panel in self.panels():
                yield Chart(id=_chart_id(panel))

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
        super().on_mount()
        self.focus_body()

    def on_unmount(self) -> None:
        super().on_unmount()
        self._leave_pages()

    def on_screen_suspend(self) -> None:
        self._leave_pages()
        self._pages_of = ()

    def focus_body(self) -> None:
        self.query_one("#charts").focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self._follow_pages()
        window = WINDOWS[self._window]
        instances = self.instances()
        title = " against ".join(instances) or "no instance"
        self.put("#what", f"{title} · last {duration_text(window)}")
        wanted = self.query_one("#filter", Input).value.strip().lower()
        self.query_one("#charts").set_class(self._zoomed is not None, "zoomed")
        end = self.services.clock.monotonic()
        cursor = end - window * self._cursor / CURSOR_STEPS if self._cursor else None
        for at, panel in enumerate(self.panels()):
            chart = self.query_one(f"#{_chart_id(panel)}", Chart)
            chart.display = wanted in panel.title.lower() and self._zoomed in (None, at)
            if chart.display:
                chart.show(chart_data(self.services.hub, panel, instances, end - window, end), cursor=cursor)

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

    def action_zoom(self) -> None:
        """The first panel that shows, alone; the next press brings all back."""
        if self._zoomed is not None:
            self._zoomed = None
        else:
            shown = [at for at, panel in enumerate(self.panels()) if self.query_one(f"#{_chart_id(panel)}").display]
            self._zoomed = shown[0] if shown else None
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
            await self.query_one("#charts").mount(Chart(id=_chart_id(self.panels()[-1])))
            self.query_one(f"#{_chart_id(self.panels()[-1])}").scroll_visible(animate=False)
            self.repaint()

    async def action_unpin(self) -> None:
        """Remove the panel pinned last."""
        if self.services.pins:
            await self.query_one(f"#{_chart_id(self.panels()[-1])}").remove()
            self.services.pins.pop()
            self.repaint()

    def action_export(self) -> None:
        """Write the columns shown, over the window shown, to a CSV file in the state folder."""
        services = self.services
        since = services.clock.monotonic() - WINDOWS[self._window]
        wanted = self.query_one("#filter", Input).value.strip().lower()
        shown = [panel for panel in self.panels() if wanted in panel.title.lower()]
        if self._zoomed is not None:
            shown = [self.panels()[self._zoomed]]
        text = csv_text(columns_of(services.hub, shown, self.instances(), since), services.clock)
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
