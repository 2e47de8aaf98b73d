"""The rows of the key browser, put together anew when what they are made of has changed."""

from dfly_tui.clock import Clock
from dfly_tui.pollers.key_facts import KeyFactsFeed
from dfly_tui.pollers.keyspace import KeyspaceScan, ScanState
from screens.keys_rows import Order, flat_rows, tree_rows
from widgets.tree_rows import TreeRows

SORT_AFTER = 40
"""Answers about keys, of some hundred each, until what is sorted by them is sorted anew."""
BUSY_SHARE = 0.2
"""Of the time: for no more of it rows are put together while keys are scanned and asked for."""
STEP_SECONDS = 0.01
"""Rows are put together for so long until others may go on."""


class Listing:
    """What is listed, and how.

    Attributes:
        rows: As they were put together last.
        opened: Namespaces that are open in the tree.
        order: What rows are sorted by.
        flat: Whether all names are in one list.
    """

    def __init__(self, clock: Clock) -> None:
        self.rows = TreeRows()
        self.opened: set[bytes] = set()
        self.order = Order.COUNT
        self.flat = False
        self._clock = clock
        self._made_of: tuple[object, object] | None = None
        self._rests_until = 0.0
        self._is_busy = False
        self._round = 0

    def start_over(self) -> None:
        """Rows of something else are to be listed: those of before go at once, and those that are being made of it."""
        self.rows, self._made_of, self._is_busy = TreeRows(), None, False
        self._round += 1

    def is_due(self, scan: KeyspaceScan, facts: KeyFactsFeed) -> bool:
        """Whether to `update()`: at once when somebody chose something else, else not for most of the time."""
        how, what = self._ingredients(scan, facts)
        if self._is_busy or (how, what) == self._made_of:
            return False
        return self._made_of is None or how != self._made_of[0] or self._clock.monotonic() >= self._rests_until

    def _ingredients(self, scan: KeyspaceScan, facts: KeyFactsFeed) -> tuple[object, object]:
        told = 0
        if self.order.needs_facts:  # sorted again now and then, not with every answer
            told = facts.told // SORT_AFTER if facts.waiting() else facts.told
        spaces = scan.spaces
        # No more names are listed then, whatever is counted.
        counted = spaces.kept_names if self.flat and not spaces.has_all_names else spaces.root.keys
        is_over = scan.state is not ScanState.SCANNING
        return (frozenset(self.opened), self.order, self.flat, spaces, is_over), (counted, told)

    async def update(self, scan: KeyspaceScan, facts: KeyFactsFeed) -> None:
        """Put the rows together if need be, while keys are pressed and names are counted."""
        if not self.is_due(scan, facts):
            return
        self._is_busy, this_round = True, self._round
        made_of, order, rows = self._ingredients(scan, facts), self.order, TreeRows()
        parts = (
            flat_rows(scan.spaces, order, facts.get)
            if self.flat
            else tree_rows(scan.spaces, frozenset(self.opened), order, facts.get)
        )
        began = since = self._clock.monotonic()
        for part in parts:
            if part is not None:
                rows.add(part)
            if self._clock.monotonic() - since > STEP_SECONDS:
                await self._clock.sleep(0)
                since = self._clock.monotonic()
                if this_round != self._round:
                    return
        self.rows, self._made_of, self._is_busy = rows, made_of, False
        self._rests_until = since + (since - began) / BUSY_SHARE
        if order.needs_facts:
            facts.want_later(rows.names())
