"""Who follows whom, how far behind, and who is safe to promote now: by the very checks that a change of roles makes."""

from textual import on
from textual.app import ComposeResult
from textual.events import ScreenResume
from textual.widgets import Input, Static

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.instruments import PANELS
from screens.base import DashboardScreen, filter_box
from screens.charting import chart_data
from screens.commands import REPLICATION, bindings
from screens.failover_plan import unfinished_notice
from screens.replication_view import View, detail_lines, light_lines, picture, worlds_of
from screens.services import Services
from widgets.chart import Chart
from widgets.topology import Node, Topology

LAG = next(panel for panel in PANELS if panel.title == "Lag")
CHART_SECONDS = 3600.0
NOTHING = "No instance has that in its name or group."


class ReplicationScreen(DashboardScreen):
    """The topology, and the link of the chosen instance: its stage, its lag in the last hour, whether to promote it."""

    scope = REPLICATION
    BINDINGS = bindings(REPLICATION)

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._offsets: dict[str, int] = {}
        self._rows: list[Node] = []
        self._everything = False
        self._view: View | None = None

    def compose_body(self) -> ComposeResult:
        yield Topology()
        yield filter_box()
        yield Static(id="unfinished", markup=False)
        yield Static(id="nobody", markup=False)
        yield Static(id="link", markup=False)
        yield Static(id="light", markup=False)
        yield Chart(id="lag")

    @on(ScreenResume)
    def _look_for_unfinished(self) -> None:
        """A run that was killed is told of where its group is shown; journals are read when one comes here."""
        notice = unfinished_notice(self.services)
        self.put("#unfinished", notice or "")
        self.query_one("#unfinished").display = bool(notice)

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self._note_offsets(statuses)
        view = self._view = View(
            worlds_of(statuses),
            {status.name: status for status in statuses},
            self._offsets,
            self.services.settings.failover,
            self.services.clock.monotonic(),
        )
        self._rows = picture(view, self.query_one("#filter", Input).value.strip())
        chosen = self._chosen()
        self.query_one(Topology).show(self._rows, chosen)
        self.put("#nobody", "" if chosen else NOTHING)
        self.query_one("#nobody").display = chosen is None
        for selector in ("#link", "#light", "#lag"):
            self.query_one(selector).set_class(chosen is None, "hidden")
        if chosen is not None:
            self.services.selected = chosen  # the header and the other screens show the same one
            self.put("#link", "\n".join(detail_lines(view, chosen)))
            self.put("#light", "\n".join(self._light(view, chosen)))
            self._paint_chart(view, chosen)

    def _note_offsets(self, statuses: tuple[InstanceStatus, ...]) -> None:
        for status in statuses:
            link = status.snapshot.replication.primary if status.snapshot else None
            if link is not None and link.offset is not None:
                self._offsets[status.name] = link.offset

    def _light(self, view: View, name: str) -> list[str]:
        seen = view.worlds[view.group_of(name)][name]
        if seen.leads:
            return []
        return light_lines(view.findings(name), everything=self._everything)

    def _paint_chart(self, view: View, name: str) -> None:
        """Lag is counted by the primary: its chart is shown for each of its replicas."""
        world = view.worlds[view.group_of(name)]
        leader = world.primary_of(world[name]) or world[name]
        end = self.services.charts_end(leader.name)
        data = chart_data(self.services.hub, LAG, (leader.name,), end - CHART_SECONDS, end)
        self.query_one("#lag", Chart).show(data)

    def _chosen(self) -> str | None:
        """The instance the keys act upon: the selected one, else the first replica there is."""
        names = [node.name for node in self._rows if node.name]
        if self.services.selected in names:
            return self.services.selected
        replicas = [node.name for node in self._rows if node.arm]
        return next(iter((*replicas, *names)), None)

    def _move(self, step: int) -> None:
        names = [node.name for node in self._rows if node.name]
        chosen = self._chosen()
        if chosen is not None:
            at = min(len(names) - 1, max(0, names.index(chosen) + step))
            self.services.selected = names[at]
            self.repaint()

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def action_checks(self) -> None:
        """All checks, or only those that are not as they should be."""
        self._everything = not self._everything
        self.repaint()

    def action_filter(self) -> None:
        self.open_filter()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.repaint()

    def action_change(self, kind: str) -> None:
        """Open the wizard for the chosen instance's group."""
        from screens.failover import FailoverScreen

        name = self._chosen()
        if name is None or self._view is None:
            return
        group = self._view.worlds[self._view.group_of(name)][name].config.group
        if group is None:
            self.notify(
                f"{name} belongs to no group: give it one in the configuration", severity="warning", markup=False
            )
            return
        replica = not self._view.worlds[group][name].leads
        to = name if kind == "change" and replica else None
        instance = name if kind in {"attach", "detach", "rejoin"} else None
        self.app.push_screen(FailoverScreen(self.services, group, kind=kind, to=to, instance=instance))
