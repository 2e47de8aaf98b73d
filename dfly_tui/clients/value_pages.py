"""Pages of strings, hashes, lists, sets, sorted sets and streams."""

from collections.abc import Iterable

from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.replies import items, pairs, raw
from dfly_tui.clients.value_lane import TooLarge, ValueLane
from dfly_tui.errors import DflyError, NotPermitted, NotSupported, ServerError
from dfly_tui.models.value import PAGE_BYTES, PAGE_ELEMENTS, Cursor, Element, Page, Shape, ValueFacts
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

_KINDS = {Shape.HYPERLOGLOG: "string", Shape.STRING: "string", Shape.GEO: "zset", Shape.ZSET: "zset"}
_SORTED = (Shape.ZSET, Shape.GEO)
_MOST_SEQUENCE = (1 << 64) - 1
_FIRST_ID, _LAST_ID = b"-", b"+"


def is_wrong_type(reply: Reply) -> bool:
    """Whether the key has become another type."""
    return isinstance(reply, ServerError) and reply.detail.startswith("WRONGTYPE")


class Pages:
    """Reads pages of one key."""

    def __init__(self, lane: ValueLane, name: bytes) -> None:
        self._lane = lane
        self._name = name
        self._seen = (0, 0)

    async def page(self, facts: ValueFacts, cursor: Cursor | None, times: int = 1) -> Page:
        """A page; raises `DflyError`. Where elements are so large that a page of them is not taken, fewer are asked
        for, and one that is too large by itself is left out and said."""
        if facts.shape.is_bytes:
            return await string_page(self._lane, self._name, cursor if isinstance(cursor, int) else 0, PAGE_BYTES)
        if facts.shape in {Shape.OTHER, Shape.GONE}:
            return Page()
        count = times * self._count(facts)
        while True:
            try:
                page = await self._elements(facts, cursor, count)
                self._note(page)
                return page
            except TooLarge as error:
                if count == 1:
                    return await self._beyond(facts, cursor, error)
                count = max(1, count // 16)

    def _count(self, facts: ValueFacts) -> int:
        """How many elements to ask for, so that a page has about 64 KiB: by what the server says they take, or by what
        was seen of them, whichever is more."""
        elements, size = self._seen
        average = max(facts.average_bytes() or 0, size // elements if elements else 0)
        return PAGE_ELEMENTS if not average else max(1, min(PAGE_ELEMENTS, PAGE_BYTES // average))

    def _note(self, page: Page) -> None:
        elements, size = self._seen
        self._seen = elements + len(page.elements), size + sum(each.size for each in page.elements)

    async def _elements(self, facts: ValueFacts, cursor: Cursor | None, count: int) -> Page:
        kind, reply = await self._lane.ask(("TYPE", self._name), self._command(facts.shape, cursor, count))
        if isinstance(reply, NotPermitted) and facts.shape in _SORTED and not cursor:
            cursor = b"0"  # without the right to ZRANGE: by ZSCAN, in no order
            [reply] = await self._lane.ask(self._command(facts.shape, cursor, count))
        if is_wrong_type(reply) or _has_changed(kind, facts.shape):
            return Page(is_stale=True)
        if isinstance(reply, DflyError):
            raise reply
        match facts.shape:
            case Shape.LIST:
                return _list_page(reply, cursor, count)
            case Shape.STREAM:
                return _stream_page(reply, count)
            case Shape.ZSET | Shape.GEO if not isinstance(cursor, bytes):
                return _rank_page(reply, cursor, count)
        return _scan_page(reply, facts.shape)

    def _command(self, shape: Shape, cursor: Cursor | None, count: int) -> Command:
        match shape:
            case Shape.LIST:
                first = cursor if isinstance(cursor, int) else 0
                return ("LRANGE", self._name, first, first + count - 1)
            case Shape.STREAM:
                return ("XRANGE", self._name, cursor or _FIRST_ID, _LAST_ID, "COUNT", count)
            case Shape.ZSET | Shape.GEO if not isinstance(cursor, bytes):
                first = cursor or 0
                return ("ZRANGE", self._name, first, first + count - 1, "WITHSCORES")
        scan = {Shape.HASH: "HSCAN", Shape.SET: "SSCAN"}.get(shape, "ZSCAN")
        return (scan, self._name, cursor or b"0", "COUNT", count)

    async def _beyond(self, facts: ValueFacts, cursor: Cursor | None, error: TooLarge) -> Page:
        """What can be said where one element is larger than is taken."""
        if facts.shape is Shape.LIST:
            at = cursor if isinstance(cursor, int) else 0
            return Page((Element(b"%d" % at, None, f"not read: {error.detail}"),), next=at + 1)
        if facts.shape in _SORTED and not isinstance(cursor, bytes):
            return Page((Element(b"", None, f"not read: {error.detail}"),), next=(cursor or 0) + 1)
        if facts.shape is Shape.HASH:
            return await self._fields_only(cursor, error)
        return Page(trouble=error)

    async def _fields_only(self, cursor: Cursor | None, error: TooLarge) -> Page:
        """The fields of a hash with the lengths of their values, and the values of the small ones not either."""
        [reply] = await self._lane.ask(("HSCAN", self._name, cursor or b"0", "COUNT", 10, "NOVALUES"))
        if isinstance(reply, DflyError):
            return Page(trouble=error)
        after, listed = (*items(reply), b"0", ())[:2]
        fields = [raw(field) for field in items(listed)]
        lengths = await self._lane.ask(*(("HSTRLEN", self._name, field) for field in fields)) if fields else []
        found = [
            Element(field, None, f"not read: {bytes_text(length) if isinstance(length, int) else 'too large'}")
            for field, length in zip(fields, lengths, strict=True)
        ]
        return Page(tuple(found), next=_next_scan(after))


async def string_page(lane: ValueLane, name: bytes, offset: int, size: int) -> Page:
    """A piece of a string; raises `DflyError`."""
    kind, length, piece = await lane.ask(
        ("TYPE", name), ("STRLEN", name), ("GETRANGE", name, offset, offset + size - 1)
    )
    if is_wrong_type(piece) or _has_changed(kind, Shape.STRING):
        return Page(is_stale=True)
    if isinstance(piece, DflyError):
        raise piece
    data = raw(piece)
    end = offset + len(data)
    is_last = len(data) < size or (isinstance(length, int) and end >= length)
    return Page(data=data, next=None if is_last else end)


def _has_changed(kind: Reply, shape: Shape) -> bool:
    """Whether TYPE, asked with the page, names another type than the one the page was asked for."""
    if isinstance(kind, DflyError):
        return False
    return raw(kind).decode("ascii", "replace") != _KINDS.get(shape, str(shape))


def _list_page(reply: Reply, cursor: Cursor | None, count: int) -> Page:
    first = cursor if isinstance(cursor, int) else 0
    found = [Element(b"%d" % (first + at), raw(item)) for at, item in enumerate(items(reply))]
    return Page(tuple(found), next=first + len(found) if len(found) >= count else None)


def _rank_page(reply: Reply, cursor: int | None, count: int) -> Page:
    found = _scored(reply)
    return Page(found, next=(cursor or 0) + len(found) if len(found) >= count else None)


def _scored(reply: Reply) -> tuple[Element, ...]:
    return tuple(Element(b"", raw(member), safe(raw(score), limit=60)) for member, score in pairs(reply))


def _scan_page(reply: Reply, shape: Shape) -> Page:
    after, listed = (*items(reply), b"0", ())[:2]
    if shape is Shape.SET:
        found: Iterable[Element] = (Element(b"", raw(item)) for item in items(listed))
    elif shape is Shape.HASH:
        found = (Element(raw(field), raw(value)) for field, value in pairs(listed))
    else:
        found = _scored(listed)
    return Page(tuple(found), next=_next_scan(after))


def _next_scan(cursor: Reply) -> bytes | None:
    after = raw(cursor)
    return None if after in {b"0", b""} else after


def _stream_page(reply: Reply, count: int) -> Page:
    found = []
    for entry in items(reply):
        parts = items(entry)
        if len(parts) == 2:
            fields = tuple((raw(field), raw(value)) for field, value in pairs(parts[1]))
            found.append(Element(raw(parts[0]), b"", fields=fields))
    return Page(tuple(found), next=_behind(found[-1].label) if len(found) >= count else None)


def _behind(entry: bytes) -> bytes | None:
    """The first id that may follow an entry's. Not every server knows `(` before an id."""
    time, _, sequence = entry.partition(b"-")
    if not time.isdigit() or not sequence.isdigit():
        raise NotSupported("an entry has an id that is none", safe(entry, limit=60))
    if int(sequence) >= _MOST_SEQUENCE:
        return b"%d-0" % (int(time) + 1)
    return b"%d-%d" % (int(time), int(sequence) + 1)
