"""What arrives from a server, watched: how it began is remembered, and how much it may be is bounded.

hiredis believes a server that announces a thousand million items and makes room for them, and keeps a string until its
announced end. So both are looked at before it sees them.
"""

import asyncio
import re
from collections.abc import Iterable
from typing import SupportsIndex

MAX_REPLY_BYTES = 8 << 20
"""For the answers to what is asked together: CLIENT LIST of 10 000 clients has 3 MB."""
MAX_POLL_BYTES = 1 << 20
"""For what is asked every second, and read while a person waits for a key's effect: INFO ALL has some 20 kB."""
MAX_ELEMENTS = 1_000_000
_HEAD_BYTES = 80
_ANNOUNCEMENT = re.compile(rb"\r\n[*%~>|]\d{7,19}\r\n")
"""The beginning of an aggregate of at least a million items: a whole line, as values may hold half of one."""
_LOOK_BACK = 24


class TooMuch(OSError):
    """A server sends or announces more than any answer of ours can be."""


class WatchedStream(asyncio.StreamReader):
    """A stream that remembers how it began, to tell what it was that did not speak our protocol.

    Attributes:
        head: Its first bytes.
    """

    head = b""
    _size: int | None = None
    _left: int | None = None
    _tail = b"\r\n"

    def allow(self, size: int | None) -> None:
        """Take at most so many bytes from now on, and no aggregate of a million items or more; None for a reader that
        stops by itself."""
        self._size, self._left, self._tail = size, size, b"\r\n"

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        chunk = bytes(data)
        if len(self.head) < _HEAD_BYTES:
            self.head = (self.head + chunk)[:_HEAD_BYTES]
        if self._size is None or self._left is None:
            super().feed_data(chunk)
            return
        self._left -= len(chunk)
        seen = self._tail + chunk
        if self._left < 0:
            self.set_exception(TooMuch(f"sent more than {self._size >> 20} MiB in answer to one question"))
        elif _ANNOUNCEMENT.search(seen):
            self.set_exception(TooMuch(f"announced an answer of {MAX_ELEMENTS} items or more"))
        else:
            self._tail = seen[-_LOOK_BACK:]
            super().feed_data(chunk)
