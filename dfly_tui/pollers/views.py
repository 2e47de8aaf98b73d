"""A view while somebody looks at it: its keys are looked for now and then, their columns read again and again."""

import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property

from dfly_tui.clients.scan import Pace
from dfly_tui.clients.view_rows import Needs, Read, ViewReader
from dfly_tui.errors import DflyError
from dfly_tui.models.reading import Reading
from dfly_tui.models.view import MOST_ROWS, TREND_LOOKS, KeyOfView, Row, View, as_before, row_of
from dfly_tui.pollers.feed import Feed
from dfly_tui.view_words import ColumnKind

MOST_LOOK_SECONDS = 900.0
"""Longer than any scan takes; sockets have timeouts of their own."""
READ_SHARE = 0.25
"""Of the time may go into reading columns."""
SCAN_SHARE = 0.05
"""Of the server's time may go into looking for keys again, however small a view is among them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        rows: In no order.
        found_at: When all keys had been looked for, in the clock's monotonic seconds; None while the first search runs.
        scanned: Names that the server gave in it.
        is_cut: There are more keys than are shown.
        seq: Counts looks, to tell two apart.
    """

    rows: tuple[Row, ...] = ()
    found_at: float | None = None
    scanned: int = 0
    is_cut: bool = False
    seq: int = 0

    @cached_property
    def groups(self) -> int:
        """How many groups the keys are of."""
        return len({row.key.group for row in self.rows})

    @cached_property
    def troubled(self) -> int:
        """How many keys are not what the view expects."""
        return sum(row.has_trouble for row in self.rows)


@dataclass
class _Search:
    """A scan for the keys of a view, and what it cost."""

    rows: dict[bytes, Row] = field(default_factory=dict)
    scanned: int = 0
    seconds: float = 0.0
    is_cut: bool = False


class ViewFeed:
    """Looks at a view. Begins with `start()`; to be closed, and the reader with it.

    Args:
        interval: Seconds between looks; by default the view's own.
        changed: Called when there is something new to show.

    Attributes:
        look: The last; while the first search runs, what it found so far.
    """

    def __init__(
        self,
        reader: ViewReader,
        view: View,
        *,
        pace: Pace = Pace.NORMAL,
        rng: random.Random,
        interval: float | None = None,
        changed: Callable[[], None] = lambda: None,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self.view = view
        self.look = Look()
        self._reader = reader
        self._needs = Needs.of(view)
        self._pace = pace
        self._changed = changed
        self._most_rows = most_rows
        self._rows: dict[bytes, Row] = {}
        self._trends: dict[bytes, deque[int | None]] = {}
        self._scan_from = float("-inf")
        self._rest_until = float("-inf")
        self._feed = Feed(
            f"view {view.name}",
            self.read,
            interval=interval or view.refresh_seconds,
            timeout=MOST_LOOK_SECONDS,
            clock=reader.clock,
            rng=rng,
            on_reading=self._published,
        )

    @property
    def reading(self) -> Reading[Look]:
        """The state of the last look."""
        return self._feed.reading

    def start(self) -> None:
        """Begin, in the background."""
        self._feed.subscribe(lambda reading: None)

    def pause(self, paused: bool) -> None:
        """Stop looking, or go on."""
        self._feed.pause(paused)

    def look_now(self) -> None:
        """Look for keys and read them at once."""
        self._scan_from = self._rest_until = float("-inf")
        self._feed.refresh_now()

    async def aclose(self) -> None:
        """Stop for good."""
        await self._feed.aclose()
        await self._reader.aclose()

    def _published(self, reading: Reading[Look]) -> None:
        if reading.value is not None:
            self.look = reading.value
        self._changed()

    async def read(self) -> Look:
        """Look once: at the keys that are known, or, when it is time for it, for all there are."""
        clock = self._reader.clock
        await clock.sleep(self._rest_until - clock.monotonic())
        begun = clock.monotonic()
        try:
            async with self._reader.reading() as read:
                if begun >= self._scan_from:
                    look = await self._search(read)
                else:
                    rows = await self._read(read, [row.key for row in self._rows.values()])
                    look = self._kept(rows, self.look.found_at, self.look.scanned, self.look.is_cut)
        except DflyError:
            for trend in self._trends.values():
                trend.append(None)
            raise
        ended = clock.monotonic()
        self._rest_until = ended + (ended - begun) * (1 / READ_SHARE - 1)
        return look

    async def _search(self, read: Read) -> Look:
        """Look for all keys, and read them as they are found."""
        search = _Search()
        async with aclosing(self._reader.find(self.view, pace=self._pace)) as pages:
            async for page in pages:
                fresh = {key.name: key for key in page.keys if key.name not in search.rows}
                room = self._most_rows - len(search.rows)
                search.is_cut = len(fresh) > room
                search.rows |= await self._read(read, list(fresh.values())[:room])
                search.scanned += page.scanned
                search.seconds += page.seconds
                if not self.look.seq:
                    self.look = Look(tuple(search.rows.values()), None, search.scanned)
                    self._changed()
                if search.is_cut:
                    break
        left = [row.key for name, row in self._rows.items() if name not in search.rows]
        rows = search.rows | await self._read(read, left[: self._most_rows - len(search.rows)])
        now = self._reader.clock.monotonic()
        self._scan_from = now + search.seconds * (1 / SCAN_SHARE - 1)
        return self._kept(rows, now, search.scanned, search.is_cut)

    async def _read(self, read: Read, listed: Sequence[KeyOfView]) -> dict[bytes, Row]:
        rows: dict[bytes, Row] = {}
        async with aclosing(read([key.name for key in listed], self._needs)) as lists:
            async for some in lists:
                now = self._reader.clock.monotonic()
                for key, facts in zip(listed[len(rows) :], some, strict=False):
                    length = 0 if facts.kind == "none" else facts.length.number
                    trend = self._trend(key.name, None if length is None else int(length))
                    row = row_of(self.view, key, facts, read_at=now, trend=trend)
                    old = self._rows.get(key.name)
                    rows[key.name] = row if old is None else as_before(old, row)
        return rows

    def _trend(self, name: bytes, length: int | None) -> tuple[int | None, ...]:
        if not self.view.shows(ColumnKind.TREND):
            return ()
        trend = self._trends.setdefault(name, deque(maxlen=TREND_LOOKS))
        trend.append(length)
        return tuple(trend)

    def _kept(self, rows: dict[bytes, Row], found_at: float | None, scanned: int, is_cut: bool) -> Look:
        """Without keys that are gone; those that went just now stay for one look more, queues until their past is
        forgotten: an empty list is no key, and its course is what is looked at."""
        before = {name for name, row in self._rows.items() if row.is_gone}
        gone = [name for name, row in rows.items() if row.is_gone and name in before and not self._has_past(name)]
        for name in gone:
            del rows[name]
        self._rows = rows
        self._trends = {name: trend for name, trend in self._trends.items() if name in rows}
        return Look(tuple(rows.values()), found_at, scanned, is_cut, self.look.seq + 1)

    def _has_past(self, name: bytes) -> bool:
        return any(self._trends.get(name, ()))
