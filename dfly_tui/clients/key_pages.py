"""Reads one large key in pages, so that no more than a page of it is ever held."""

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial

from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_expiry import TIME, Expiries
from dfly_tui.clients.key_lane import ReadLane
from dfly_tui.clients.key_streams import StreamReader
from dfly_tui.clients.replies import items, number, pairs, raw
from dfly_tui.clients.value_lane import TooLarge
from dfly_tui.clients.value_pages import is_wrong_type
from dfly_tui.errors import DflyError, ServerError
from dfly_tui.models.key_parts import (
    MOST_ELEMENT_BYTES,
    MOST_WHOLE_BYTES,
    PART_ELEMENTS,
    PIECE_BYTES,
    Item,
    Missed,
    Part,
    Tail,
    Why,
    item_size,
)
from dfly_tui.models.keys import GONE, HASH, JSON, LIST, SET, STREAM, STRING, ZSET
from dfly_tui.units import bytes_text

PAGE_BYTES = 1 << 20
"""What the answer to one question should have."""
FIRST_COUNT = 500
MOST_COUNT = 5000
_LIMIT = 64 << 20
_SCANS = {HASH: ("HSCAN", "HLEN"), SET: ("SSCAN", "SCARD"), ZSET: ("ZSCAN", "ZCARD")}
_SHRINK = 16


class TooBig(ServerError):
    """It cannot be carried."""

    code, title = "too-large", "Too large"


class _Unfit(Exception):
    """It cannot be read in pages: an element is too large, or it changes all the time."""


class _Gone(Exception):
    """It is not there any more, or has become another type."""

    def __init__(self, why: Why, error: DflyError | None = None) -> None:
        self.why = why
        self.error = error


class Parts:
    """Makes parts of elements as they come."""

    def __init__(self, name: bytes, kind: str, expires_at_ms: int | None, *, is_dump: bool = False) -> None:
        self.number = 0
        self._name, self._kind, self._expires_at_ms, self._is_dump = name, kind, expires_at_ms, is_dump
        self._held: list[Item] = []
        self._size = 0
        self._full: list[list[Item]] = []

    def take(self, elements: Iterable[Item]) -> bool:
        """Take elements; whether none is too large to be one of a part."""
        for element in elements:
            size = item_size(element)
            if size > MOST_ELEMENT_BYTES:
                return False
            if self._held and (self._size + size > PIECE_BYTES or len(self._held) == PART_ELEMENTS):
                self._full.append(self._held)
                self._held, self._size = [], 0
            self._held.append(element)
            self._size += size
        return True

    def full(self) -> Iterator[Part]:
        """The parts that are full."""
        full, self._full = self._full, []
        for elements in full:
            yield self._part(elements, is_last=False)

    def end(self, tail: Tail | None = None) -> Part:
        """The last part."""
        held, self._held = self._held, []
        return self._part(held, is_last=True, tail=tail)

    def tail(self, tail: Tail) -> Part:
        """What is held, with a tail that is not the last."""
        held, self._held = self._held, []
        return self._part(held, is_last=False, tail=tail)

    def piece(self, data: bytes, *, is_last: bool) -> Part:
        """A piece of what is bytes."""
        return self._part(data, is_last=is_last)

    def void(self, why: str) -> Part:
        """What came before is to be forgotten."""
        return Part(self._name, self._kind, self._expires_at_ms, b"", self.number, is_dump=self._is_dump, void=why)

    def _part(self, value: bytes | list[Item], *, is_last: bool, tail: Tail | None = None) -> Part:
        self.number += 1
        return Part(
            self._name, self._kind, self._expires_at_ms, value, self.number - 1, is_last, self._is_dump, tail
        )  # fmt: skip


class BigKey:
    """Reads one key.

    Attributes:
        is_restless: Whether its number of elements changed meanwhile.
    """

    def __init__(self, lane: ReadLane, expiries: Expiries, name: bytes, kind: str) -> None:
        self.is_restless = False
        self._lane = lane
        self._expiries = expiries
        self._name = name
        self._kind = kind
        self._parts = Parts(name, kind, None)
        self._size = 0

    async def read(self) -> AsyncGenerator[Part | Missed, None]:
        """Its parts; or why it is missed, after a part that says that those before are to be forgotten.

        Raises:
            DflyError: The connection failed.
        """
        for attempt in (self._in_pages, self._dumped):
            try:
                self._parts = Parts(self._name, self._kind, await self._expiry(), is_dump=attempt == self._dumped)
                async with aclosing(attempt()) as parts:
                    async for part in parts:
                        yield part
                return
            except _Unfit:
                if self._parts.number:
                    yield self._parts.void("it changed while it was read; it follows as a dump")
            except _Gone as gone:
                if self._parts.number:
                    yield self._parts.void(f"it is not read to its end: {gone.error or gone.why}")
                yield Missed(self._name, gone.why, gone.error)
                return

    async def _expiry(self) -> int | None:
        time, reply = await self._lane.ask(TIME, self._expiries.question(self._name))
        expires_at_ms = self._expiries.at_ms(_good(reply), time)
        if expires_at_ms == GONE:
            raise _Gone(Why.GONE)
        return expires_at_ms

    async def _in_pages(self) -> AsyncGenerator[Part, None]:
        if self._kind == STRING:
            found = self._string()
        elif self._kind == LIST:
            found = self._list()
        elif self._kind in _SCANS:
            found = self._scan()
        elif self._kind == STREAM:
            found = self._stream()
        else:
            found = self._document()
        async with aclosing(found) as parts:
            async for part in parts:
                yield part

    async def _string(self) -> AsyncGenerator[Part, None]:
        at, length = 0, await self._count("STRLEN")
        while True:
            piece, now = await self._ask(
                ("GETRANGE", self._name, at, at + PIECE_BYTES - 1), ("STRLEN", self._name)
            )  # fmt: skip
            data = raw(piece)
            if number(now) != length:
                raise _Gone(Why.GONE) if not number(now) else _Unfit
            at += len(data)
            yield self._parts.piece(data, is_last=at >= length)
            if at >= length:
                return

    async def _list(self) -> AsyncGenerator[Part, None]:
        at, count, length = 0, FIRST_COUNT, await self._count("LLEN")
        while at < length:
            [listed, now], count = await self._page(partial(self._range, at), count)
            if number(now) != length:
                raise _Gone(Why.GONE) if not number(now) else _Unfit
            elements: list[Item] = [raw(item) for item in items(listed)]
            at += len(elements)
            for part in self._taken(elements):
                yield part
            count = self._next_count(elements)
        yield self._parts.end()

    async def _scan(self) -> AsyncGenerator[Part, None]:
        scan, length = _SCANS[self._kind]
        cursor, count, seen, before = b"0", FIRST_COUNT, 0, await self._count(length)
        while True:
            [reply], count = await self._page(partial(self._scan_of, scan, cursor), count)
            cursor, elements = scanned(self._kind, reply)
            seen += len(elements)
            elements = await self._expiries.of_elements(self._lane, self._name, self._kind, elements)
            for part in self._taken(elements):
                yield part
            if cursor == b"0":
                break
            count = self._next_count(elements)
        after = await self._count(length)
        self.is_restless = not before == after == seen
        yield self._parts.end()

    async def _stream(self) -> AsyncGenerator[Part, None]:
        reader = StreamReader(self._name, self._ask)
        await reader.begin()
        count, before = FIRST_COUNT, reader.first
        while True:
            [reply], count = await self._page(partial(self._entries, before), count)
            entries = reader.entries(reply, is_last=len(items(reply)) < count)
            for part in self._taken(entries):
                yield part
            if len(items(reply)) < count:
                break
            before, count = reader.next, self._next_count(entries)
        async for tail in reader.tails():
            yield self._parts.end(tail) if tail.last_id else self._parts.tail(tail)

    async def _document(self) -> AsyncGenerator[Part, None]:
        command = "JSON.GET" if self._kind == JSON else "DUMP"
        if command == "DUMP":
            raise _Unfit
        async with aclosing(self._at_once(command)) as parts:
            async for part in parts:
                yield part

    async def _dumped(self) -> AsyncGenerator[Part, None]:
        async with aclosing(self._at_once("DUMP")) as parts:
            async for part in parts:
                yield part

    async def _at_once(self, command: str) -> AsyncGenerator[Part, None]:
        """What the server gives in one piece only."""
        try:
            [reply] = await self._lane.ask((command, self._name), limit=MOST_WHOLE_BYTES)
        except TooLarge as error:
            raise _Gone(Why.FAILED, TooBig(f"it has more than {bytes_text(MOST_WHOLE_BYTES)}")) from error
        data = raw(_good(reply))
        if not data:
            raise _Gone(Why.GONE)
        for at in range(0, len(data), PIECE_BYTES):
            yield self._parts.piece(data[at : at + PIECE_BYTES], is_last=at + PIECE_BYTES >= len(data))

    def _taken(self, elements: Sequence[Item]) -> Iterator[Part]:
        if not self._parts.take(elements):
            raise _Unfit
        return self._parts.full()

    async def _page(self, question: Callable[[int], tuple[Command, ...]], count: int) -> tuple[list[Reply], int]:
        """Ask for a page; for a smaller one while the answer is too large. Returns how many were asked for, too."""
        while True:
            try:
                return await self._ask(*question(count)), count
            except TooLarge:
                if count == 1:
                    raise _Unfit from None
                count = max(1, count // _SHRINK)

    def _range(self, at: int, count: int) -> tuple[Command, ...]:
        return ("LRANGE", self._name, at, at + count - 1), ("LLEN", self._name)

    def _scan_of(self, command: str, cursor: bytes, count: int) -> tuple[Command, ...]:
        return ((command, self._name, cursor, "COUNT", count),)

    def _entries(self, first: bytes, count: int) -> tuple[Command, ...]:
        return (("XRANGE", self._name, first, "+", "COUNT", count),)

    def _next_count(self, elements: Sequence[Item]) -> int:
        """How many to ask for next, by what these had."""
        average = sum(map(item_size, elements)) // max(1, len(elements)) + 1
        return max(1, min(MOST_COUNT, PAGE_BYTES // average))

    async def _count(self, command: str) -> int:
        [reply] = await self._ask((command, self._name))
        count = number(reply)
        if not count:
            raise _Gone(Why.GONE)
        return count

    async def _ask(self, *commands: Command) -> list[Reply]:
        return [_good(reply) for reply in await self._lane.ask(*commands, limit=_LIMIT)]


def _good(reply: Reply) -> Reply:
    """A reply that is no error."""
    if isinstance(reply, DflyError):
        if is_wrong_type(reply):
            raise _Gone(Why.CHANGED)
        if "no such key" in reply.detail:
            raise _Gone(Why.GONE)
        raise _Gone(Why.FAILED, reply)
    return reply


def scanned(kind: str, reply: Reply) -> tuple[bytes, list[Item]]:
    """Cursor and elements in the answer to a scan of a hash, set or sorted set."""
    after, listed = (*items(reply), b"0", ())[:2]
    if kind == SET:
        return raw(after), [raw(item) for item in items(listed)]
    return raw(after), [(raw(one), raw(other)) for one, other in pairs(listed)]
