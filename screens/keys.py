"""The key browser: what is in a database, by namespace, while it is being scanned."""

from itertools import islice

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Unmount
from textual.timer import Timer
from textual.widgets import Input, Static

from dfly_tui.clients.scan import Pace
from dfly_tui.errors import BadInput
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.key_query import parse_query, query_text
from dfly_tui.models.keys import KeyFilter
from dfly_tui.pollers.key_facts import KeyFactsFeed
from dfly_tui.pollers.keyspace import KeyspaceScan, ScanState
from screens.commands import KEYS, bindings
from screens.keys_actions import BrowserActions
from screens.keys_listing import Listing
from screens.keys_rows import Order
from screens.keys_session import KeySession
from screens.keys_words import (
    SAMPLE,
    counted,
    empty_words,
    how_words,
    order_words,
    pace_words,
    progress_words,
    space_entries,
)
from screens.services import Services
from screens.value_pane import LiveValue
from widgets.keytree import KeyTree
from widgets.sheet import Entry, Sheet
from widgets.tree_rows import TreeRow

SCAN_PAINT_SECONDS = 0.5
"""While a scan runs, every number on the screen changes: over a slow link twice a second is enough."""


REST_SECONDS = 0.3
"""The cursor rests on a key for so long before its value is read."""


class KeysScreen(BrowserActions):
    """A tree of namespaces, or a flat list of names, and what the row under the cursor is.

    One scan at a time is looked at; below it lie those it was narrowed from.
    """

    scope = KEYS
    BINDINGS = bindings(KEYS)

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._instance: str | None = None
        self._session: KeySession | None = None
        self._database: int | None = None
        self._listing = Listing(services.clock)
        self._pace = Pace[services.settings.keys.pace.upper()]
        self._paint_timer: Timer | None = None
        self._from_top = False
        self._looked_into: bytes | None = None
        self._look_timer: Timer | None = None

    @property
    def session(self) -> KeySession | None:
        return self._session

    @property
    def instance_name(self) -> str | None:
        return self._instance

    @property
    def scan(self) -> KeyspaceScan | None:
        """The scan that is looked at."""
        return self._session.scan if self._session is not None else None

    def compose_body(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield Static(id="how", markup=False)
        box = Input(placeholder="user:* type:hash ttl<1h size>64k ttl:none unused", id="filter", compact=True)
        box.cursor_blink = False
        box.display = False
        yield box
        with Horizontal(id="browser"):
            yield KeyTree()
            with Vertical(id="pane"):
                yield Sheet()
                yield LiveValue(self.services)

    def on_mount(self) -> None:
        self.focus_body()

    @on(Unmount)
    async def _leave_server(self) -> None:
        await self._close()

    def on_screen_suspend(self) -> None:
        if self.app.current_mode != KEYS and self.scan is not None:
            self.scan.pause(True)

    def focus_body(self) -> None:
        self.query_one(KeyTree).focus()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self.services.selected = self.services.current()
        if self._instance != self.services.selected:
            self._begin()
        if self._session is None:
            return
        scan, facts = self._session.scan, self._session.facts
        where = f"{self._instance} db{scan.database}"
        words = [where, progress_words(scan), order_words(self._listing.order, facts.waiting()), pace_words(scan.pace)]
        self.put("#what", " · ".join(words))
        how = how_words(scan, facts.error, facts.refused)
        self.put("#how", "\n".join(how))
        self.query_one("#how").display = bool(how)
        self._paint_rows(scan, facts)
        self._paint_pane(scan, facts)

    def _paint_rows(self, scan: KeyspaceScan, facts: KeyFactsFeed) -> None:
        tree = self.query_one(KeyTree)
        tree.say_when_empty(empty_words(scan))
        if self._listing.is_due(scan, facts):
            self._list(scan, facts)
        tree.show(self._listing.rows, facts.get, keep=tree.chosen)
        facts.want(row.name for row in tree.on_screen() if row.is_key)

    @work(group="rows", exit_on_error=False)
    async def _list(self, scan: KeyspaceScan, facts: KeyFactsFeed) -> None:
        await self._listing.update(scan, facts)
        if self._from_top:
            self._from_top = False
            self.query_one(KeyTree).show_from_top(self._listing.rows, facts.get)
        self.repaint()

    def _paint_pane(self, scan: KeyspaceScan, facts: KeyFactsFeed) -> None:
        """What the row under the cursor is, where there is room for it."""
        if not self.query_one("#pane").display:
            return
        row = self.query_one(KeyTree).chosen
        key = row.name if row is not None and row.is_key else None
        self.query_one(LiveValue).display = key is not None
        sheet = self.query_one(Sheet)
        sheet.display = key is None
        if key is None:
            sheet.show(self._entries(row, scan, facts) if row is not None else ())
        else:
            self.query_one(LiveValue).tick()
        self._look_into(key)

    def _look_into(self, key: bytes | None) -> None:
        """Read the value of the key that the cursor rests on, not of all that it passes."""
        if key == self._looked_into:
            return
        self._looked_into = key
        if self._look_timer is not None:
            self._look_timer.stop()
        self._look_timer = self.set_timer(REST_SECONDS, self._read_value)

    def _read_value(self) -> None:
        live, key = self.query_one(LiveValue), self._looked_into
        if key is not None and self.scan is not None and self._instance is not None:
            live.open(self._instance, self.scan.database, key)

    def _entries(self, row: TreeRow, scan: KeyspaceScan, facts: KeyFactsFeed) -> list[Entry]:
        if row.is_more or row.name not in scan.spaces:  # it may have been folded a moment ago
            return []
        space = scan.spaces[row.name]
        names = list(islice(scan.spaces.names(space), SAMPLE))
        facts.want(names)
        sample = [known for name in names if (known := facts.get(name)) is not None]
        return space_entries(space, row.share, sample)

    # The scan

    def _begin(self) -> None:
        """Look at the selected instance from its first key on."""
        self._instance = self.services.selected
        self._database = None
        self._open()

    @work(exclusive=True, group="open")
    async def _open(self, wanted: KeyFilter | None = None, *, again: bool = False) -> None:
        """Scan from the first key on; what is open stays so if it is the same `again`."""
        await self._close()
        if self._instance is None:
            return
        self._listing.start_over()
        if not again:
            self._listing.opened = set()
        self._session = KeySession(
            self.services.key_reader(self._instance),
            database=self._database,
            wanted=wanted,
            delimiter=self.services.settings.keys.delimiter.encode(),
            pace=self._pace,
            changed=self._scanned,
        )
        self.repaint()

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    def _scanned(self) -> None:
        """Something was scanned or told: paint, but not more often than a slow link can bear."""
        if self._paint_timer is None and self.is_attached:
            self._paint_timer = self.set_timer(SCAN_PAINT_SECONDS if self._is_busy else 0.05, self._paint_scanned)

    @property
    def _is_busy(self) -> bool:
        return self.scan is not None and self.scan.state is ScanState.SCANNING and self.scan.pages > 1

    def _paint_scanned(self) -> None:
        self._paint_timer = None
        self.repaint()

    def read_again(self) -> None:
        """What is known of the keys on the screen is asked for again."""
        if self._session is not None:
            self._session.facts.forget()
            self._looked_into = None

    # Keys

    @on(KeyTree.Highlighted)
    def _moved(self) -> None:
        if self._session is not None:
            self._paint_pane(self._session.scan, self._session.facts)

    @on(KeyTree.Selected)
    def action_open(self) -> None:
        """Open or close a namespace; count by itself what is not listed; look at a key."""
        row = self.query_one(KeyTree).chosen
        if row is None or self.scan is None:
            return
        if row.is_more:
            self._narrow(row.name)
        elif row.is_space:
            self._toggle(row.name)
        elif self._instance is not None:
            from screens.value import ValueScreen

            self.app.push_screen(ValueScreen(self.services, self._instance, self.scan.database, row.name))

    def _narrow(self, prefix: bytes) -> None:
        """Count what is below a namespace by itself."""
        if self._session is None or prefix == self._session.scan.spaces.root.prefix:
            self.app.notify(
                "/ looks for fewer: by pattern, type, TTL or size", title="No more are listed", markup=False
            )
            return
        self._session.narrow(prefix)
        self._listing.start_over()
        self.repaint()

    def _toggle(self, prefix: bytes) -> None:
        self._listing.opened ^= {prefix}
        self.repaint()

    def action_right(self) -> None:
        row = self.query_one(KeyTree).chosen
        if row is not None and row.is_space and not row.is_open:
            self._toggle(row.name)

    def action_left(self) -> None:
        """Close what is open, else go to what it is in."""
        tree = self.query_one(KeyTree)
        row = tree.chosen
        if row is None:
            return
        if row.is_space and row.is_open:
            self._toggle(row.name)
            return
        above = [
            space
            for space in self._listing.opened
            if row.name.startswith(space) and (space != row.name or not row.is_space)
        ]
        if above:
            tree.go_to(TreeRow(0, max(above, key=len), b"", is_space=True))

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        if self.scan is not None and not box.value:
            box.value = query_text(self.scan.wanted)
        self.open_filter()

    @on(Input.Submitted, "#filter")
    def _find(self, event: Input.Submitted) -> None:
        """Enter begins the search; what was not understood stays to be mended."""
        event.prevent_default()
        try:
            wanted = parse_query(event.value)
        except BadInput as error:
            words = f"{error.detail}\n{error.hint}"
            self.app.notify(words, title=error.title, severity="warning", markup=False)
            return
        self.close_filter()
        self._open(wanted)

    def action_back(self) -> None:
        """Close the filter line, else what was narrowed, else stop looking for only some keys."""
        if self.close_filter() or self._session is None:
            return
        if self._session.is_narrowed:
            self._widen(self._session)
        elif query_text(self._session.scan.wanted):
            self._open()

    @work(group="close")
    async def _widen(self, session: KeySession) -> None:
        await session.widen()
        self._listing.start_over()
        self.repaint()

    def action_pause_scan(self) -> None:
        if self.scan is not None:
            self.scan.pause(self.scan.state is not ScanState.PAUSED)
            self.repaint()

    def action_scan(self) -> None:
        self._open(self.scan.wanted if self.scan is not None else None, again=True)

    def action_pace(self) -> None:
        paces = list(Pace)
        self._pace = paces[(paces.index(self._pace) + 1) % len(paces)]
        if self._session is not None:
            self._session.set_pace(self._pace)
        self.repaint()

    def action_sort(self) -> None:
        orders = list(Order)
        self._listing.order = orders[(orders.index(self._listing.order) + 1) % len(orders)]
        self._from_the_top()

    def action_flat(self) -> None:
        self._listing.flat = not self._listing.flat
        self._from_the_top()

    def _from_the_top(self) -> None:
        self._from_top = True
        self.repaint()

    def was_changed(self, name: bytes | None) -> None:
        """Look again: at one key, or at all of them."""
        if name is None or self._session is None:
            self.action_scan()
            return
        self._session.facts.forget([name])
        self._looked_into = None
        self.repaint()

    def action_instance(self) -> None:
        self._go(1)

    def action_previous(self) -> None:
        self._go(-1)

    def _go(self, step: int) -> None:
        names = [watched.config.name for watched in self.services.hub.watched]
        if self._instance in names:
            self.services.selected = names[(names.index(self._instance) + step) % len(names)]
            self.repaint()

    @work(exclusive=True, group="database", exit_on_error=False)
    async def action_database(self) -> None:
        """Ask which database."""
        from screens.picker import PickerDialog

        if self.scan is None or self.scan.server is None:
            return
        spaces = self.scan.server.seen.keyspaces
        choices = {f"db{space.database}   {counted(space.keys, 'key')}": space.database for space in spaces} or {
            "db0": 0
        }
        chosen = await self.app.push_screen_wait(PickerDialog("Database", list(choices)))
        if chosen is not None:
            self._database = choices[chosen]
            self._open()
