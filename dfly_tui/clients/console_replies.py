"""Reads one reply, of RESP2 or RESP3, as far as anybody can look at it: the rest of a huge one is never read.

hiredis would do this faster, but it keeps a reply whole, believes any announced size, and tells neither a status from
a string nor a verbatim text from both, which redis-cli shows differently.
"""

import asyncio
import re
from dataclasses import dataclass, field

from dfly_tui.models.console import ReplyKind, ReplyNode

MOST_ITEMS = 5_000
"""Of a reply, with all that is nested in it."""
MOST_STRING_BYTES = 64 << 10
MOST_KEPT_BYTES = 1 << 20
MOST_READ_BYTES = 16 << 20
"""Of one reply. Strings longer than what is kept are skipped up to here, to show what comes behind them."""
MOST_DEPTH = 64
_MOST_LINE_BYTES = 64 << 10
_CHUNK_BYTES = 64 << 10

_LINES = {
    b"+": ReplyKind.STATUS, b"-": ReplyKind.ERROR, b":": ReplyKind.INTEGER, b",": ReplyKind.DOUBLE,
    b"#": ReplyKind.BOOLEAN, b"(": ReplyKind.BIG_NUMBER, b"_": ReplyKind.NIL,
}  # fmt: skip
_STRINGS = {b"$": ReplyKind.STRING, b"=": ReplyKind.VERBATIM, b"!": ReplyKind.ERROR}
_AGGREGATES = {b"*": ReplyKind.ARRAY, b"~": ReplyKind.SET, b"%": ReplyKind.MAP, b">": None, b"|": None}
"""Pushes and attributes are nobody's answer."""
_SIZE = re.compile(rb"-1|\d{1,18}")
_VERBATIM_MARK = re.compile(rb"[a-z]{3}:")


class Broken(ValueError):
    """What came is not the Redis protocol."""


@dataclass
class _Open:
    """An aggregate whose items are still coming."""

    kind: ReplyKind | None
    size: int
    items: list[ReplyNode] = field(default_factory=list)
    aside: int = 0

    @property
    def is_full(self) -> bool:
        return len(self.items) + self.aside >= self.size

    def node(self) -> ReplyNode:
        assert self.kind is not None
        return ReplyNode(self.kind, items=tuple(self.items), size=self.size)


class ReplyDecoder:
    """Takes bytes as they come until the reply is whole, or as much of it as is kept.

    Attributes:
        reply: Once it is there.
    """

    def __init__(self) -> None:
        self.reply: ReplyNode | None = None
        self._is_whole = False
        self._buffer = bytearray()
        self._read = 0
        self._items = 0
        self._kept = 0
        self._open: list[_Open] = []
        self._string: tuple[ReplyKind, int, bytes] | None = None
        """The string that is being read: its kind, the bytes still to come, and what is kept of it."""
        self._size = 0

    @property
    def is_clean(self) -> bool:
        """Whether all of it was read and nothing else came: what is asked next gets its own answer."""
        return self._is_whole and not self._buffer

    def feed(self, data: bytes) -> bool:
        """Take what came; whether the reply is there.

        Raises:
            Broken: It is not the Redis protocol.
        """
        self._buffer += data
        self._read += len(data)
        while self.reply is None and not self._is_enough and self._step():
            pass
        if self.reply is None and (self._is_enough or self._read >= MOST_READ_BYTES):
            self._cut()
        return self.reply is not None

    @property
    def _is_enough(self) -> bool:
        return self._items >= MOST_ITEMS or self._kept >= MOST_KEPT_BYTES

    def _step(self) -> bool:
        """Read one thing; False when more has to come first."""
        if self._string is not None:
            return self._more_of_string()
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _MOST_LINE_BYTES:
                raise Broken
            return False
        mark, rest = bytes(self._buffer[:1]), bytes(self._buffer[1:end])
        del self._buffer[: end + 2]
        if mark in _LINES:
            self._take(ReplyNode(_LINES[mark], rest, size=len(rest)))
            return True
        if not _SIZE.fullmatch(rest):
            raise Broken
        self._begin(mark, int(rest))
        return True

    def _begin(self, mark: bytes, size: int) -> None:
        """A string or an aggregate is announced."""
        if size < 0:
            self._take(ReplyNode(ReplyKind.NIL))
        elif mark in _STRINGS:
            self._string, self._size = (_STRINGS[mark], size + 2, b""), size
        elif mark in _AGGREGATES:
            if len(self._open) >= MOST_DEPTH:
                raise Broken
            opened = _Open(_AGGREGATES[mark], size * 2 if mark in b"%|" else size)
            self._open.append(opened)
            self._close_full()
        else:
            raise Broken

    def _more_of_string(self) -> bool:
        """Keep the beginning of a string, skip the rest of it."""
        assert self._string is not None
        kind, left, kept = self._string
        part = bytes(self._buffer[:left])
        del self._buffer[: len(part)]
        left -= len(part)
        room = min(self._size, MOST_STRING_BYTES) - len(kept)
        kept += part[:room]
        self._string = (kind, left, kept)
        if left:
            return False
        self._end_string()
        return True

    def _end_string(self) -> None:
        assert self._string is not None
        kind, _, text = self._string
        self._string = None
        size = self._size
        if kind is ReplyKind.VERBATIM and (mark := _VERBATIM_MARK.match(text)):
            text, size = text[mark.end() :], size - mark.end()
        self._take(ReplyNode(kind, text, size=size))

    def _take(self, node: ReplyNode) -> None:
        """A reply, or a part of the aggregate that was begun last."""
        if not self._open:
            self.reply, self._is_whole = node, True
            return
        top = self._open[-1]
        if any(each.kind is None for each in self._open):
            top.aside += 1
        else:
            top.items.append(node)
            self._items += 1
            self._kept += len(node.text)
        self._close_full()

    def _close_full(self) -> None:
        """End every aggregate that has all its items."""
        while self._open and self._open[-1].is_full:
            done = self._open.pop()
            if done.kind is None:
                continue  # a push or an attribute: the reply, or the item, is still to come
            if any(each.kind is None for each in self._open):
                self._open[-1].aside += 1
            elif self._open:
                self._open[-1].items.append(done.node())
                self._items += 1
            else:
                self.reply, self._is_whole = done.node(), True

    def _cut(self) -> None:
        """Enough was read: end what was begun, with what there is of it.

        Raises:
            Broken: There is nothing of it.
        """
        if self._string is not None:
            kind, _, text = self._string
            self._put(ReplyNode(kind, text, size=self._size))
        while self._open:
            done = self._open.pop()
            if done.kind is not None:
                self._put(done.node())
        if self.reply is None:
            raise Broken

    def _put(self, node: ReplyNode) -> None:
        if not self._open:
            self.reply = node
        elif all(each.kind is not None for each in self._open):
            self._open[-1].items.append(node)


async def read_reply(stream: asyncio.StreamReader) -> ReplyDecoder:
    """Read the next reply.

    Raises:
        Broken: It is not the Redis protocol.
        EOFError: The connection ended first.
    """
    decoder = ReplyDecoder()
    while True:
        chunk = await stream.read(_CHUNK_BYTES)
        if not chunk:
            raise EOFError
        if decoder.feed(chunk):
            return decoder
