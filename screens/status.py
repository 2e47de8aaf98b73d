"""The fleet at a glance: problems first, in plain words, with what to do."""

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from dfly_tui.models.health import InstanceStatus
from screens.base import DashboardScreen, filter_box
from screens.commands import STATUS, bindings
from screens.vital_signs import vital_signs
from widgets.fleet_table import FleetTable
from widgets.reasons import Reasons
from widgets.vitals import Vitals


class StatusScreen(DashboardScreen):
    """Every instance a row; under them the reasons and the vital signs of the one under the cursor."""

    scope = STATUS
    BINDINGS = bindings(STATUS)

    def compose_body(self) -> ComposeResult:
        yield FleetTable()
        yield filter_box()
        yield Reasons()
        yield Vitals()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Vitals).set_class(self.services.low_bandwidth, "hidden")
        self.focus_body()

    def focus_body(self) -> None:
        self.query_one(FleetTable).focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        clock = self.services.clock
        wanted = self.query_one("#filter", Input).value.strip().lower()
        shown = tuple(status for status in statuses if wanted in _searchable(status))
        self.query_one(FleetTable).show(shown, now=clock.monotonic(), wall=clock.now())
        self._paint_selected(statuses)

    def _paint_selected(self, statuses: tuple[InstanceStatus, ...]) -> None:
        name = self.services.current()
        status = next((item for item in statuses if item.name == name), None)
        if status is None:
            return
        self.query_one(Reasons).show(status)
        vitals = self.query_one(Vitals)
        if not self.services.low_bandwidth:
            vitals.show(vital_signs(self.services, status.name))

    @on(FleetTable.Highlighted)
    def _highlighted(self, event: FleetTable.Highlighted) -> None:
        if event.name != self.services.selected:
            self.services.selected = event.name
            self.repaint()

    @on(FleetTable.Selected)
    def _selected(self, event: FleetTable.Selected) -> None:
        self.services.selected = event.name
        self.action_open()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.repaint()

    def action_filter(self) -> None:
        self.open_filter()

    def action_open(self) -> None:
        """Everything about the instance under the cursor."""
        from screens.instance import InstanceScreen

        name = self.services.current()
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
