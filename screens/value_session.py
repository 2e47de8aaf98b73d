"""One key while somebody looks at it: read, read on, searched, read again, compared. It knows nothing of a screen."""

from collections.abc import Callable
from datetime import datetime

from dfly_tui.clients.values import ValueReader
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError
from dfly_tui.models.value import JSON_ROOT, PAGE_BYTES, PAGE_ELEMENTS, Page, Shape, ValueFacts
from dfly_tui.models.value_loaded import Loaded
from dfly_tui.pollers.keyspace import is_passing

MOST_READ_AGAIN = 100 * PAGE_ELEMENTS
MOST_FOLLOWED = 10 * PAGE_ELEMENTS
MOST_BYTES_READ_AGAIN = 8 * PAGE_BYTES
MOST_DECODED = 1 << 20
"""Bytes of a string that are decoded to look for something in what they mean; what follows is looked for as it is."""
SEARCHED_PAGES = 10
"""Pages of elements that are read at a time for something looked for."""
_TRIES = 3


class ValueSession:
    """What is known of one key, kept while it is asked for again.

    Attributes:
        facts: What was told last; None before the first answer.
        loaded: The value, as far as it was read; of a key that is gone, what it was.
        before: The value at the refresh before; None after the first.
        error: Why the last question was not answered.
        gone_at: When the key was found to be gone.
        searching: Whether the rest is being read for something looked for.
    """

    def __init__(self, reader: ValueReader, clock: Clock) -> None:
        self.reader = reader
        self._clock = clock
        self.facts: ValueFacts | None = None
        self.loaded: Loaded | None = None
        self.before: Loaded | None = None
        self.error: DflyError | None = None
        self.gone_at: datetime | None = None
        self.searching = False
        self._path = [JSON_ROOT]

    @property
    def path(self) -> bytes:
        """For JSON: what is looked into."""
        return self._path[-1]

    @property
    def depth(self) -> int:
        """How deep into JSON one is."""
        return len(self._path) - 1

    def is_to_be_read_again(self) -> bool:
        """Whether the server may be back, or the key should have expired by now."""
        if self.error is not None:
            return is_passing(self.error)
        at = self.facts.expires_at if self.facts is not None and self.gone_at is None else None
        return at is not None and at <= self._clock.now()

    async def refresh(self, *, most: int = MOST_READ_AGAIN) -> None:
        """Read it again, as much as before but at most so many elements; errors are kept, not raised."""
        try:
            await self._refresh(most)
            self.error = None
        except DflyError as error:
            self.error = error

    async def _refresh(self, most: int) -> None:
        for _ in range(_TRIES):
            facts = await self.reader.facts()
            if facts.is_gone:
                self.facts = facts
                self.gone_at = self.gone_at or self._clock.now()
                return
            start = self.loaded.start if self.loaded is not None and self.loaded.start < (facts.count or 0) else 0
            fresh = Loaded(facts, path=self.path, start=start, next=start or None)
            self.facts, self.gone_at = facts, None
            if self.loaded is None or self.loaded.facts.shape is not facts.shape:
                self.loaded, self.before, self._path = None, None, [JSON_ROOT]
                fresh = Loaded(facts)
            if await self._fill(fresh, most):
                self._replace(fresh)
                return

    async def _fill(self, fresh: Loaded, most: int) -> bool:
        """Read as much as there was before; whether the key stayed what it was."""
        old = self.loaded
        elements = min(most, old.looked_at) if old else 0
        size = min(MOST_BYTES_READ_AGAIN, len(old.data or b"")) if old and old.start == fresh.start else 0
        if old is not None:
            fresh.wanted = old.wanted
        while True:
            page = await self._page(fresh)
            if page is None:
                return False
            fresh.take(page)
            enough = fresh.looked_at >= elements and len(fresh.data or b"") >= size
            if enough or not fresh.may_go_on:
                return True

    def _replace(self, fresh: Loaded) -> None:
        if self.loaded is not None and self.loaded.path == fresh.path:
            self.before = self.loaded
        self.loaded = fresh

    async def _page(self, loaded: Loaded, times: int = 1) -> Page | None:
        """The next page; None when the key is no longer what it was."""
        page = await self.reader.page(loaded.facts, loaded.next, path=loaded.path, times=times)
        return None if page.is_stale else page

    async def more(self, times: int = 1) -> bool:
        """Read the next page; whether there was one. A key that changed its type is looked at anew.

        Args:
            times: How many times as large as others.
        """
        loaded = self.loaded
        if loaded is None or not loaded.may_go_on or self.gone_at is not None:
            return False
        try:
            page = await self._page(loaded, times)
        except DflyError as error:
            self.error = error
            return False
        if page is None:
            await self.refresh()
            return False
        if loaded is self.loaded:
            loaded.take(page)
        self.error = None
        return True

    async def search_on(self, found: Callable[[], bool], told: Callable[[], None]) -> None:
        """Read on until something is found, there is no more, or `stop_search()`.

        Args:
            told: Called after each page.
        """
        self.searching = True
        try:
            while self.searching and not found() and await self.more(SEARCHED_PAGES):
                told()
        finally:
            self.searching = False
            told()

    async def read_for(self, wanted: str, told: Callable[[int], None]) -> bool:
        """Read on in a string for something that is not in what was read: as much again of what is decoded from its
        beginning, else from the next place on where these bytes are.

        Args:
            told: Called with how far it was looked through, in bytes.

        Returns:
            Whether there is more to look at, and nobody ended the search.
        """
        loaded = self.loaded
        if loaded is None or loaded.data is None or not loaded.may_go_on:
            return False
        self.searching = True
        if loaded.start or len(loaded.data) >= MOST_DECODED:
            return await self._seek(wanted.lower().encode("utf-8", "surrogateescape"), told)
        read = False
        for _ in range(max(1, len(loaded.data) // PAGE_BYTES)):
            if not self.searching or not await self.more():
                break
            read = True
        return self.stop_search() and read

    async def _seek(self, wanted: bytes, told: Callable[[int], None]) -> bool:
        """Look through what follows for these bytes, in any case; whether they are there: `loaded` begins near them."""
        at, tail = (self.loaded.next if self.loaded is not None else None), b""
        try:
            while isinstance(at, int) and self.searching:
                piece = await self.reader.piece(at)
                data = tail + (piece.data or b"")
                if (found := data.lower().find(wanted)) >= 0:
                    return await self.go_to(at - len(tail) + found)
                tail, at = data[max(0, len(data) - len(wanted) + 1) :], piece.next
                told(at if isinstance(at, int) else 0)
            return False
        except DflyError as error:
            self.error = error
            return False
        finally:
            self.searching = False

    async def go_to(self, offset: int) -> bool:
        """Read a string from the page on in which this byte is; whether there is one."""
        loaded = self.loaded
        if loaded is None or loaded.data is None:
            return False
        start = offset // PAGE_BYTES * PAGE_BYTES
        there = Loaded(loaded.facts, start=start, next=start, wanted=loaded.wanted)
        try:
            for _ in range(2):  # what is looked for may stand across their border
                page = await self._page(there) if there.may_go_on else None
                if page is None:
                    break
                there.take(page)
        except DflyError as error:
            self.error = error
            return False
        if not there.begun:
            await self.refresh()
            return False
        self.loaded, self.before = there, None
        return True

    def stop_search(self) -> bool:
        """End a search; whether there was one."""
        was, self.searching = self.searching, False
        return was

    async def enter(self, path: bytes) -> None:
        """Look into a part of a JSON document."""
        await self._go([*self._path, path])

    async def leave(self) -> bool:
        """Go back to what holds this part; whether there is something."""
        if not self.depth:
            return False
        await self._go(self._path[:-1])
        return True

    async def _go(self, path: list[bytes]) -> None:
        if self.facts is None:
            return
        before, self._path = self._path, path
        there = Loaded(self.facts, path=self.path)
        try:
            page = await self._page(there)
        except DflyError as error:
            self.error, self._path = error, before
            return
        if page is None:
            await self.refresh()
            return
        there.take(page)
        self.loaded, self.before, self.error = there, None, None

    async def locate(self) -> None:
        """Ask for the positions of the members read so far."""
        loaded = self.loaded
        if loaded is None or loaded.facts.shape not in {Shape.GEO, Shape.ZSET}:
            return
        members = [element.value for element in loaded.elements if element.value is not None and not element.place]
        try:
            for at in range(0, len(members), PAGE_ELEMENTS):
                part = members[at : at + PAGE_ELEMENTS]
                loaded.locate(dict(zip(part, await self.reader.positions(part), strict=False)))
        except DflyError as error:
            self.error = error

    async def aclose(self) -> None:
        """Close the connection."""
        self.searching = False
        await self.reader.aclose()
