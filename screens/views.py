"""Views: keys of a kind as rows with columns, grouped, and read again and again while they are looked at."""

import asyncio
import random
from collections.abc import Callable, Sequence
from functools import partial
from operator import is_
from typing import TypeAlias

from textual import on, work
from textual.app import ComposeResult
from textual.events import Unmount
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dfly_tui.clients.scan import Pace
from dfly_tui.errors import Refused
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.view import Heading, Row, View, arrange
from dfly_tui.pollers.views import Look, ViewFeed
from dfly_tui.settings import LOW_BANDWIDTH_SECONDS
from dfly_tui.text import safe
from screens.base import DashboardScreen, filter_box
from screens.clipboard import copy
from screens.commands import VIEWS, bindings
from screens.services import Services
from screens.views_words import how_words, what_words
from widgets.keylist import MARKER, LongList
from widgets.keylist import Row as ListRow
from widgets.view_lines import Moment, fit_columns, group_line, heading_line, row_line

ARRANGED_INLINE = 2000
"""Rows; to sort and fit more takes longer than a key press may wait."""


class ViewScreen(DashboardScreen):
    """One view of a database, and from there the next.

    Args:
        instance_name: Of a configured instance.
        view_name: Of a view that is configured or shipped; the first when there is none of that name.
    """

    scope = VIEWS
    BINDINGS = bindings(VIEWS)

    def __init__(self, services: Services, instance_name: str, database: int, view_name: str) -> None:
        super().__init__(services)
        self.instance_name = instance_name
        self.database = database
        self._views = [View.of(config) for config in services.settings.all_views]
        names = [view.name.casefold() for view in self._views]
        self._at = names.index(view_name.casefold()) if view_name.casefold() in names else 0
        self._pace = Pace[services.settings.keys.pace.upper()]
        self._feed: ViewFeed | None = None
        self._wanted = ""
        self._folded: set[tuple[bytes, ...]] = set()
        self._sort: int | None = None
        self._descending = False
        self._listed: list[Row | Heading] = []
        self._look: Look | None = None
        self._made_of: object = None
        self._widths: list[int] = []
        self._is_hidden = False
        self._is_arranging = False

    @property
    def view(self) -> View:
        """The view that is shown."""
        return self._feed.view if self._feed is not None else self._views[self._at]

    @property
    def feed(self) -> ViewFeed | None:
        """What looks at it."""
        return self._feed

    @property
    def chosen(self) -> Row | Heading | None:
        """What is under the cursor."""
        return self._listed[self.query_one(LongList).cursor] if self._listed else None

    def compose_body(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield Static(id="how", markup=False)
        yield filter_box()
        yield LongList()

    def on_mount(self) -> None:
        self.focus_body()
        self._open()

    @on(Unmount)
    async def _leave_server(self) -> None:
        await self._close()

    def on_screen_suspend(self) -> None:
        self._is_hidden = not isinstance(self.app.screen, ModalScreen)
        self._pause()

    def on_screen_resume(self) -> None:
        self._is_hidden = False
        self._pause()

    def _pause(self) -> None:
        """Look only while it is shown, and not while the user paused all reading."""
        if self._feed is not None:
            self._feed.pause(self._is_hidden or self.services.hub.paused)

    def focus_body(self) -> None:
        self.query_one(LongList).focus()

    # Looking

    @work(exclusive=True, group="open")
    async def _open(self) -> None:
        """Look at the view from the first key on."""
        await self._close()
        view = self._views[self._at]
        self._sort, self._descending = view.sort, view.descending
        self._folded = set()
        self._listed, self._made_of, self._look = [], None, None
        self.query_one(LongList).set_rows(0, lambda index: "")
        slowest = max(view.refresh_seconds, LOW_BANDWIDTH_SECONDS)
        self._feed = ViewFeed(
            self.services.view_reader(self.instance_name, self.database),
            view,
            pace=self._pace,
            rng=random.Random(0),  # noqa: S311 - only for the jitter of retries
            interval=slowest if self.services.low_bandwidth else view.refresh_seconds,
            changed=self.changed,
        )
        self._feed.start()
        self.repaint()

    async def _close(self) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            await feed.aclose()

    def read_again(self) -> None:
        """Look for keys, and read them, now."""
        if self._feed is not None:
            self._feed.look_now()

    # Painting

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self.services.selected = self.instance_name
        if self._feed is None:
            return
        self._pause()
        look, reading = self._feed.look, self._feed.reading
        now = self.services.clock.monotonic()
        self._sort_and_fit(look)
        where = f"{self.instance_name} db{self.database} · {self.view.name}"
        self.put("#what", f"{where} · {what_words(self.view, look, reading, now)}")
        how = how_words(look, reading, wanted=self._wanted, shown=sum(isinstance(item, Row) for item in self._listed))
        self.put("#how", "\n".join(how))
        self.query_one("#how").display = bool(how)
        table = self.query_one(LongList)
        table.say_when_empty(self._empty_words(look))
        heading = heading_line(self.view, self._widths, self._sort, self._descending)
        table.update_rows(len(self._listed), self._lines(now), heading=heading)

    def _empty_words(self, look: Look) -> str:
        if look.found_at is None:
            return "looking …"
        return "no key with this text" if look.rows else "no keys of this kind"

    def _lines(self, monotonic: float) -> Callable[[int], ListRow]:
        """What draws a row, as things are now: it is asked again whenever a row comes on the screen."""
        view, listed, widths, folded = self.view, self._listed, self._widths, frozenset(self._folded)
        moment = Moment(self.services.clock.now(), monotonic)

        def line(index: int) -> ListRow:
            item = listed[index]
            if isinstance(item, Heading):
                return group_line(view, item, item.key.group not in folded)
            return row_line(view, item, widths, moment)

        return line

    def _sort_and_fit(self, look: Look) -> None:
        """Sort and fit anew, only when something changed that matters: there may be 20,000 rows."""
        table = self.query_one(LongList)
        width = table.room - len(MARKER)
        made_of = (self._wanted, self._sort, self._descending, frozenset(self._folded), width)
        if made_of == self._made_of and self._look is not None and _has_same_rows(self._look, look):
            return
        if self._is_arranging:
            return  # when that is done it is seen to
        order = (self._sort, self._descending, self._wanted, frozenset(self._folded))
        if len(look.rows) <= ARRANGED_INLINE:
            self._take(look, made_of, *_arranged(self.view, look.rows, *order, width))
        else:
            self._is_arranging = True
            self._arrange(look, made_of, partial(_arranged, self.view, look.rows, *order, width))

    @work(group="arrange", exit_on_error=False, description="arrange")  # else Textual writes down all rows
    async def _arrange(self, look: Look, made_of: object, make: Callable[[], "_Arranged"]) -> None:
        """In a thread, while keys are pressed."""
        feed = self._feed
        try:
            found = await asyncio.to_thread(make)
        finally:
            self._is_arranging = False
        if feed is self._feed:
            self._take(look, made_of, *found)
        self.repaint()

    def _take(self, look: Look, made_of: object, listed: list[Row | Heading], widths: list[int]) -> None:
        """List these from now on; the cursor stays where it was."""
        table = self.query_one(LongList)
        kept, at = self.chosen, table.cursor
        self._look, self._made_of, self._listed, self._widths = look, made_of, listed, widths
        if kept is not None and (at >= len(self._listed) or not _is_same(self._listed[at], kept)):
            self._find(kept)

    def _find(self, kept: Row | Heading) -> None:
        """Put the cursor where the key is now."""
        found = next((at for at, item in enumerate(self._listed) if _is_same(item, kept)), None)
        if found is not None:
            table = self.query_one(LongList)
            table.update_rows(len(self._listed), lambda index: "")
            table.cursor = found

    # What keys do

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value.strip()
        self.repaint()

    def action_filter(self) -> None:
        self.open_filter()

    @on(LongList.Selected)
    def action_open(self) -> None:
        """Open the key, or fold the group."""
        item = self.chosen
        if isinstance(item, Heading):
            self._folded ^= {item.key.group}
            self.repaint()
        elif item is not None:
            from screens.value import ValueScreen

            self.app.push_screen(ValueScreen(self.services, self.instance_name, self.database, item.key.name))

    def action_next(self) -> None:
        self._go(1)

    def action_previous(self) -> None:
        self._go(-1)

    def _go(self, step: int) -> None:
        self._at = (self._at + step) % len(self._views)
        self.close_filter()
        self._open()

    def action_sort(self) -> None:
        """By name, then by each column: the smallest first, then the largest."""
        orders = [(None, False), *((at, way) for at in range(len(self.view.columns)) for way in (False, True))]
        now = orders.index((self._sort, self._descending))
        self._sort, self._descending = orders[(now + 1) % len(orders)]
        self.repaint()

    async def action_copy(self) -> None:
        """The exact bytes, as far as terminals take them."""
        item = self.chosen
        if not isinstance(item, Row):
            return
        try:
            await copy(self.app, item.key.name, self.services.environ)
        except Refused as error:
            self.app.notify(f"{error.detail}; {error.hint}", title="Not copied", severity="warning", markup=False)
        else:
            self.app.notify(safe(item.key.name, limit=80), title="Copied, if your terminal permits it", markup=False)

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_clean_up(self) -> None:
        """Delete all keys of the first thing that the row under the cursor is grouped by, such as an issue."""
        item = self.chosen
        pattern = self.view.pattern_of_first_group(item.key) if item is not None else None
        if pattern is None:
            self.app.notify("This view has no groups to clean up.", title="Clean up", markup=False)
            return
        from screens.key_bulk import delete_many

        wanted = KeyFilter(pattern=pattern)
        if await delete_many(self.app, self.services, self.instance_name, self.database, wanted, pace=self._pace):
            self.read_again()


_Arranged: TypeAlias = tuple[list[Row | Heading], list[int]]


def _arranged(
    view: View,
    rows: Sequence[Row],
    sort: int | None,
    descending: bool,
    wanted: str,
    folded: frozenset[tuple[bytes, ...]],
    width: int,
) -> _Arranged:
    """Rows as they are listed, and the cells of each column."""
    listed = arrange(view, rows, sort=sort, descending=descending, wanted=wanted, folded=folded)
    return listed, fit_columns(view, rows, width)


def _has_same_rows(one: Look, other: Look) -> bool:
    """Rows that say the same are the same from look to look."""
    return len(one.rows) == len(other.rows) and all(map(is_, one.rows, other.rows))


def _is_same(one: Row | Heading, other: Row | Heading) -> bool:
    if isinstance(one, Heading) or isinstance(other, Heading):
        return isinstance(one, Heading) and isinstance(other, Heading) and one.key.group == other.key.group
    return one.key.name == other.key.name
