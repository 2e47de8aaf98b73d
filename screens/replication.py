"""Who follows whom, how far behind, and who is safe to promote now: by the very checks that a change of roles makes."""

import math

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import ScreenResume
from textual.widgets import Input, Static

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.instruments import link_columns, link_lag
from dfly_tui.models.replication import ReplicaSeen
from dfly_tui.models.world import Seen
from dfly_tui.text import fit
from screens.base import DashboardScreen, filter_box
from screens.commands import REPLICATION, bindings
from screens.failover_plan import unfinished_notice
from screens.replication_link import entries_of
from screens.replication_view import View, address, last_worlds_of, picture, worlds_of
from screens.services import Services
from widgets.chart import Chart, ChartData, SeriesData
from widgets.sheet import Sheet
from widgets.topology import Node, Topology

CHART_SECONDS = 3600.0
HEADER_AND_FOOTER = 2
LEAST_DETAILS = 5
CHART_LINES = 6
"""What details leave to the chart at least: its rule, its title, three lines, the time axis."""
TITLE_CELLS = 28
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
        with VerticalScroll(id="details", can_focus=False):
            yield Sheet()
        yield Chart(id="lag")

    @on(ScreenResume)
    def _look_for_unfinished(self) -> None:
        """A run that was killed is told of where its group is shown; journals are read when one comes here."""
        notice = unfinished_notice(self.services)
        self.put("#unfinished", notice or "")
        self.query_one("#unfinished").display = bool(notice)

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self._note_offsets(statuses)
        view = self._view = self._look(statuses)
        self._rows = picture(view, self.query_one("#filter", Input).value.strip())
        chosen = self._chosen()
        topology = self.query_one(Topology)
        topology.show(self._rows, chosen)
        self.put("#nobody", "" if chosen else NOTHING)
        self.query_one("#nobody").display = chosen is None
        for selector in ("#details", "#lag"):
            self.query_one(selector).set_class(chosen is None, "hidden")
        if chosen is not None:
            self.services.selected = chosen  # the header and the other screens show the same one
            room = self.size.height - HEADER_AND_FOOTER - min(len(self._rows), topology.size.height) - CHART_LINES
            self.query_one("#details").styles.max_height = max(LEAST_DETAILS, room)
            self.query_one(Sheet).show(entries_of(view, chosen, everything=self._everything))
            self._paint_chart(view, chosen)

    def _look(self, statuses: tuple[InstanceStatus, ...]) -> View:
        hub = self.services.hub
        worlds = worlds_of(statuses, lambda leader, line: hub[leader].history.link_seconds(line))
        return View(
            worlds,
            last_worlds_of(statuses, worlds),
            {status.name: status for status in statuses},
            self._offsets,
            self.services.settings.failover,
            self.services.clock.monotonic(),
            lambda leader, line: hub[leader].history.last_link_seconds(line),
        )

    def _note_offsets(self, statuses: tuple[InstanceStatus, ...]) -> None:
        for status in statuses:
            link = status.snapshot.replication.primary if status.snapshot else None
            if link is not None and link.offset is not None:
                self._offsets[status.name] = link.offset

    def _paint_chart(self, view: View, name: str) -> None:
        """The lag of a replica, which its primary counts; of a primary, that of its slowest replica."""
        _, seen = view.known(name)
        found = view.line_of(name) or _slowest(seen)
        whose = _short(name)
        if found is None:
            now = self.services.charts_end(name)
            data = ChartData(f"Lag of {whose}: not told", "count", (), now - CHART_SECONDS, now)
        else:
            leader, line = found
            if seen.leads:
                whose = f"{_short(view.labels(leader).get(address(line), address(line)))}, the slowest,"
            data = self._lag_data(leader, line, whose)
        self.query_one("#lag", Chart).show(data)

    def _lag_data(self, leader: Seen, line: ReplicaSeen, whose: str) -> ChartData:
        """In seconds where the rate of writes was known at any time, else as it is counted."""
        end = self.services.charts_end(leader.name)
        start = end - CHART_SECONDS
        counted, timed = link_columns(line)
        history = self.services.hub[leader.name].history.series
        times, values = history.window(timed, start)
        unit, words = "seconds", "in seconds, estimated"
        if all(map(math.isnan, values)):
            times, values = history.window(counted, start)
            unit, words = ("count", "in records") if line.offset is None else ("bytes", "in bytes")
        return ChartData(f"Lag of {whose} {words}", unit, (SeriesData(whose, times, values),), start, end)

    def _chosen(self) -> str | None:
        """The instance the keys act upon: the selected one, else the first replica there is."""
        names = [node.name for node in self._rows if node.name]
        if self.services.selected in names:
            return self.services.selected
        replicas = [node.name for node in self._rows if node.name and node.arm]
        return next(iter((*replicas, *names)), None)

    def _choose(self, name: str) -> None:
        self.services.selected = name
        self.query_one("#details").scroll_home(animate=False)
        self.repaint()

    def _move(self, step: int) -> None:
        names = [node.name for node in self._rows if node.name]
        chosen = self._chosen()
        if chosen is not None:
            at = min(len(names) - 1, max(0, names.index(chosen) + step))
            self._choose(names[at])

    @on(Topology.Chosen)
    def _clicked(self, event: Topology.Chosen) -> None:
        self._choose(event.name)

    def action_up(self) -> None:
        self._move(-1)

    def action_down(self) -> None:
        self._move(1)

    def action_scroll(self, pages: int) -> None:
        """Show more of the details, where not all have room."""
        details = self.query_one("#details", VerticalScroll)
        details.scroll_relative(y=pages * max(1, details.size.height - 1), animate=False)

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


def _short(name: str) -> str:
    return fit(name, min(cell_len(name), TITLE_CELLS))


def _slowest(primary: Seen) -> tuple[Seen, ReplicaSeen] | None:
    """Of a primary's replicas, the one that is furthest behind."""
    if primary.snapshot is None or not primary.leads:
        return None
    lags = [(link_lag(primary.snapshot, line), line) for line in primary.snapshot.replication.replicas]
    told = [(lag, line) for lag, line in lags if lag is not None]
    return (primary, max(told, key=lambda pair: pair[0])[1]) if told else None
