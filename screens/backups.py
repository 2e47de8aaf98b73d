"""What was saved of each instance, where it lies, what a crash would cost, and whether a restore was ever proven."""

import random
from collections.abc import Callable
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.events import ScreenResume, ScreenSuspend, Unmount
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dfly_tui.models.backup_view import SetView, Standing
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.reading import Freshness
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.pollers.backups import BACKUPS_SECONDS, SLOW_LINK_SECONDS, BackupFeeds
from screens.backups_actions import BackupsActions
from screens.backups_view import Views, here
from screens.base import filter_box
from screens.commands import BACKUPS, bindings
from screens.services import Services
from widgets.backup_about import About, about_lines, leftover_paragraphs, set_paragraphs, whole_text
from widgets.backup_lines import (
    Shown,
    instance_heading,
    instance_line,
    leftover_line,
    name_room,
    proof_run,
    set_columns,
    set_heading,
    set_line,
    where_text,
)
from widgets.dialog import TextDialog
from widgets.keylist import MARKER, LongList
from widgets.plan_view import Details

Leftover = tuple[str, SnapshotFile]
LEAST_INSTANCES = 3
WORST_FIRST = (Freshness.LOST, Freshness.STALE, Freshness.PENDING, Freshness.FRESH)


class BackupsScreen(BackupsActions):
    """Every instance a row; below it the sets of the one under the cursor."""

    scope = BACKUPS
    BINDINGS = bindings(BACKUPS)

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        names = [watched.config.name for watched in services.hub.watched]
        self._feeds = BackupFeeds(
            names,
            services.backup_work().seen,
            interval=SLOW_LINK_SECONDS if services.low_bandwidth else BACKUPS_SECONDS,
            clock=services.clock, rng=random.Random(0),  # noqa: S311 - only for the jitter of retries
        )  # fmt: skip
        self._views = Views(services)
        self._shown: list[Shown] = []
        self._listed: list[SetView | Leftover] = []
        self._is_hidden = False

    # --- what is chosen

    @property
    def shown(self) -> Shown | None:
        """The chosen instance's backups."""
        name = self.services.current()
        return next((each for each in self._shown if each.view.name == name), None)

    @property
    def chosen(self) -> SetView | None:
        """The set under the cursor."""
        item = self._under()
        return item if isinstance(item, SetView) else None

    def freshness_of_files(self, name: str) -> Freshness:
        return self._feeds.reading(name).freshness(self.services.clock.monotonic())

    def schedules_beside(self, name: str) -> dict[str, str]:
        groups = {watched.config.name: watched.config.group for watched in self.services.hub.watched}
        beside = [each for each, group in groups.items() if each != name and group and group == groups[name]]
        looks = {each: self._feeds.reading(each).value for each in beside}
        return {each: look.cron for each, look in looks.items() if look is not None and look.cron}

    def _under(self) -> SetView | Leftover | None:
        at = self.query_one("#sets", LongList).cursor
        return self._listed[at] if at < len(self._listed) else None

    # --- reading

    def subscribe(self) -> Callable[[], None]:
        leaves = super().subscribe(), self._feeds.subscribe(self.changed)

        def leave() -> None:
            for each in leaves:
                each()

        return leave

    @on(Unmount)
    async def _stop(self) -> None:
        await self._feeds.aclose()

    @on(ScreenSuspend)
    def _hidden(self) -> None:
        self._is_hidden = not isinstance(self.app.screen, ModalScreen)
        self._pause()

    @on(ScreenResume)
    def _comes_back(self) -> None:
        self._is_hidden = False
        self._pause()
        self.look_for_unfinished()

    def _pause(self) -> None:
        """Look only while it is shown, and not while the user paused all reading."""
        self._feeds.pause(self._is_hidden or self.services.hub.paused)

    def read_again(self) -> None:
        self._feeds.refresh_now()

    # --- painting

    def compose_body(self) -> ComposeResult:
        yield LongList(id="instances")
        yield Static(id="unfinished", markup=False)
        yield About()
        yield filter_box()
        yield LongList(id="sets")
        yield Details(id="set")

    def on_mount(self) -> None:
        self.focus_body()

    def focus_body(self) -> None:
        self.query_one("#sets").focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self._pause()
        by_name = {status.name: status for status in statuses}
        self._shown = [self._look(by_name[watched.config.name]) for watched in self.services.hub.watched]
        self._paint_instances()
        shown = self.shown
        if shown is not None:
            self.services.selected = shown.view.name
            clock = self.services.clock
            self.query_one(About).show(about_lines(shown.view, clock.now(), here(clock.now())))
            self._paint_sets(shown)
        self._paint_details()

    def _look(self, status: InstanceStatus) -> Shown:
        now = self.services.clock.monotonic()
        reading = self._feeds.reading(status.name)
        view = self._views.view(status, reading)
        both = reading.freshness(now), status.freshness
        freshness = next(each for each in WORST_FIRST if each in both)
        age = (reading if reading.freshness(now) is freshness else status.observation.status).age(now)
        return Shown(view, freshness, age, self.services.hub.paused)

    def _paint_instances(self) -> None:
        table, now = self.query_one("#instances", LongList), self.services.clock.now()
        names = name_room(each.view.name for each in self._shown)
        width = max(0, table.room - len(MARKER))
        table.styles.height = 1 + min(len(self._shown), max(LEAST_INSTANCES, self.size.height // 5))
        lines = [instance_line(each, width, names, now) for each in self._shown]
        table.set_lines(lines, heading=instance_heading(width, names))
        current = next((at for at, each in enumerate(self._shown) if each.view.name == self.services.current()), 0)
        if table.cursor != current:
            table.cursor = current

    def _paint_sets(self, shown: Shown) -> None:
        table, now = self.query_one("#sets", LongList), self.services.clock.now()
        kept = self._under()
        wanted = self.query_one("#filter", Input).value.casefold().split()
        sets = [each for each in shown.view.sets if all(word in _searchable(each) for word in wanted)]
        left = [each for each in shown.view.leftovers if all(word in each[1].name.casefold() for word in wanted)]
        self._listed = [*sets, *left]
        width = max(0, table.room - len(MARKER))
        columns = set_columns(sets, width)
        line = partial(set_line, width=width, columns=columns, now=now)
        rest = partial(leftover_line, width=width, columns=columns, now=now)
        table.say_when_empty(_empty_words(shown, filtered=bool(wanted)))
        heading = set_heading(width, columns) if self._listed else None
        table.set_lines([*map(line, sets), *(rest(*each) for each in left)], heading=heading)
        at = next((at for at, each in enumerate(self._listed) if kept is not None and _is_same(each, kept)), None)
        if at is not None and at != table.cursor:
            table.cursor = at

    def _paint_details(self) -> None:
        item, now = self._under(), self.services.clock.now()
        if isinstance(item, SetView):
            paragraphs = set_paragraphs(item, now)
        else:
            paragraphs = leftover_paragraphs(*item, now) if item is not None else ()
        self.query_one(Details).show(paragraphs, "Enter shows all")
        self.query_one(Details).display = bool(paragraphs)

    # --- keys

    @on(LongList.Highlighted, "#instances")
    def _instance_chosen(self, event: LongList.Highlighted) -> None:
        name = self._shown[event.index].view.name if event.index < len(self._shown) else None
        if name is not None and name != self.services.selected:
            self._choose(name)

    @on(LongList.Selected, "#instances")
    def _to_sets(self) -> None:
        self.focus_body()

    @on(LongList.Highlighted, "#sets")
    def _set_chosen(self) -> None:
        self._paint_details()

    @on(LongList.Selected, "#sets")
    def action_open(self) -> None:
        """All that is known of the set under the cursor."""
        each = self.chosen
        if each is not None:
            self.app.push_screen(TextDialog(each.shown, whole_text(each, self.services.clock.now())))

    def _choose(self, name: str) -> None:
        self.services.selected = name
        self.query_one("#sets", LongList).cursor = 0
        self.repaint()

    def _step(self, step: int) -> None:
        names = [each.view.name for each in self._shown]
        current = self.services.current()
        if current in names:
            self._choose(names[(names.index(current) + step) % len(names)])

    def action_instance(self) -> None:
        self._step(1)

    def action_previous(self) -> None:
        self._step(-1)

    def action_switch(self) -> None:
        """Move the focus between the two tables."""
        instances = self.query_one("#instances")
        self.focus_body() if instances.has_focus else instances.focus()

    def action_filter(self) -> None:
        self.open_filter()

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.repaint()


def _searchable(each: SetView) -> str:
    pinned = f"pinned {each.pinned}" if each.pinned is not None else ""
    why = each.expiry.why if each.expiry else ""
    return f"{each.base} {each.format} {proof_run(each).text} {where_text(each)} {pinned} {why}".casefold()


def _is_same(one: SetView | Leftover, other: SetView | Leftover) -> bool:
    if isinstance(one, SetView) and isinstance(other, SetView):
        return one.key == other.key
    if isinstance(one, SetView) or isinstance(other, SetView):
        return False
    return one[0] == other[0] and one[1].name == other[1].name


def _empty_words(shown: Shown, *, filtered: bool) -> str:
    view = shown.view
    if filtered and (view.sets or view.leftovers):
        return "no set has this text in its name, proof or place"
    if view.standing is Standing.FOREIGN:
        return "nothing is backed up from here"
    if view.standing is Standing.REPLICA:
        return "n goes to the next instance"
    if view.standing is Standing.PENDING or shown.freshness is Freshness.PENDING:
        return "reading …"
    if shown.freshness is Freshness.LOST or view.standing is Standing.CLOSED:
        return "nobody knows what was saved: the files cannot be read"
    return "no snapshot was ever saved: b backs up now"
