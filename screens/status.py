"""The fleet at a glance: problems first, in plain words, with what to do."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Input

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.instruments import PANELS
from dfly_tui.models.reading import Freshness
from screens.base import DashboardScreen, filter_box
from screens.charting import chart_data
from screens.commands import STATUS, bindings
from screens.vital_signs import vital_signs
from widgets.chart import Chart
from widgets.fleet_table import FleetTable
from widgets.left_out import LeftOut
from widgets.reasons import Reasons
from widgets.vitals import Vitals

CHARTED = PANELS[:6]
"""What is drawn where the terminal is tall: commands, hit rate, memory, keys, clients, network."""
CHART_SECONDS = 300.0


class StatusScreen(DashboardScreen):
    """Every instance a row; under them the reasons and the vital signs of the one under the cursor.

    The cursor is on the worst instance until somebody chooses another.
    """

    scope = STATUS
    BINDINGS = bindings(STATUS)

    def compose_body(self) -> ComposeResult:
        yield FleetTable()
        yield filter_box()
        yield Reasons()
        yield LeftOut()
        yield Vitals()
        with Container(id="signs"):
            for _ in CHARTED:
                yield Chart()

    def on_mount(self) -> None:
        self.set_class(self.services.low_bandwidth, "frugal")
        self.focus_body()

    def on_resize(self) -> None:
        self.repaint()

    def focus_body(self) -> None:
        self.query_one(FleetTable).focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        clock = self.services.clock
        wanted = self.query_one("#filter", Input).value.strip()
        shown = tuple(status for status in statuses if wanted.lower() in _searchable(status))
        table = self.query_one(FleetTable)
        table.say_when_empty(f"no instance has “{wanted}” in its name, group, environment, state, role or version")
        table.show(shown, now=clock.monotonic(), wall=clock.now(), current=self.services.current())
        self._paint_details(table.highlighted)

    def _paint_details(self, status: InstanceStatus | None) -> None:
        old = status is not None and status.freshness in (Freshness.STALE, Freshness.LOST)
        self.query_one(LeftOut).show(self.query_one(FleetTable).left_out, dimmed=old)
        self.query_one(Reasons).show(status)
        for selector in ("Reasons", "Vitals", "#signs"):
            self.query_one(selector).set_class(status is None, "hidden")
        if status is None or self.services.low_bandwidth:
            return
        if self.has_class("-roomy"):
            self._paint_charts(status.name)
        else:
            self.query_one(Vitals).show(vital_signs(self.services, status.name))

    def _paint_charts(self, name: str) -> None:
        end = self.services.charts_end(name)
        for panel, chart in zip(CHARTED, self.query(Chart), strict=True):
            chart.show(chart_data(self.services.hub, panel, (name,), end - CHART_SECONDS, end))

    @on(FleetTable.Highlighted)
    def _highlighted(self, event: FleetTable.Highlighted) -> None:
        if event.name != self.services.selected:
            self.services.selected = event.name
            self.repaint()

    @on(FleetTable.Selected)
    async def _selected(self, event: FleetTable.Selected) -> None:
        self.services.selected = event.name
        await self.run_action("open")

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.repaint()

    def action_filter(self) -> None:
        self.open_filter()

    def action_open(self) -> None:
        """Everything about the instance under the cursor."""
        from screens.instance import InstanceScreen

        name = self.services.selected = self.services.current()
        if name is not None:
            self.app.push_screen(InstanceScreen(self.services, name))

    async def action_metrics(self) -> None:
        """The charts of the instance under the cursor."""
        await self.app.run_action("go('metrics')")


def _searchable(status: InstanceStatus) -> str:
    seen = status.snapshot
    words = [status.name, status.config.group or "", status.config.environment, status.state]
    words += [seen.role or "", seen.flavour, seen.version or ""] if seen else []
    return " ".join(words).lower()
