"""What decoders give, and how much of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from dfly_tui.text import SafeText, safe

MAX_BYTES = 4 << 20
"""The most that unpacking makes of a value: a bomb of 42 kB unpacks to petabytes."""
MAX_LINES = 50_000
MAX_DEPTH = 64
LINE_CHARS = 512
"""A longer line is shown as several."""
_SAFE_LIMIT = 16 * LINE_CHARS


@dataclass(frozen=True)
class Decoded:
    """What a value was decoded to.

    Attributes:
        stack: The decoders, outermost first, the last of them the one that made the lines.
        lines: What to show. May be made as they are asked for; there may be many.
        notes: What a person has to know: what was cut, where the sense ends.
        data: The bytes that the last decoder was given.
    """

    stack: tuple[str, ...]
    lines: Sequence[SafeText]
    notes: tuple[SafeText, ...]
    data: bytes

    @property
    def name(self) -> str:
        """`base64 → gzip → json`."""
        return " → ".join(self.stack)


class NotThis(Exception):
    """The bytes are not what the decoder is for; says why."""


class Unpacked(NamedTuple):
    """What one step gave the next."""

    data: bytes
    note: str = ""
    is_whole: bool = True


class Shown(NamedTuple):
    """Lines, and where the sense ended.

    Attributes:
        used: How many of the bytes are in the lines.
        sure: How much speaks for it, from 0 to 1: for guessing.
    """

    lines: Sequence[SafeText]
    used: int
    note: str = ""
    sure: float = 1.0


class LinesFull(Exception):
    """As many lines as anybody reads."""


class Page:
    """Lines being written, each safe and none too long, until there are too many."""

    def __init__(self) -> None:
        self.lines: list[SafeText] = []

    def add(self, text: str) -> None:
        """Add a line, or several when it is long.

        Raises:
            LinesFull: There are too many.
        """
        for start in range(0, max(1, len(text)), LINE_CHARS):
            if len(self.lines) >= MAX_LINES:
                raise LinesFull
            self.lines.append(safe(text[start : start + LINE_CHARS], limit=_SAFE_LIMIT))


class Dump(Sequence[SafeText]):
    """Lines of a dump, made as they are asked for.

    Args:
        offset: What the first byte is counted as.
        per_line: Bytes of a line.
    """

    def __init__(self, data: bytes, offset: int, per_line: int) -> None:
        self._data = data
        self._offset = offset
        self._per_line = per_line

    def __len__(self) -> int:
        return (len(self._data) + self._per_line - 1) // self._per_line

    @overload
    def __getitem__(self, index: int) -> SafeText: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SafeText]: ...
    def __getitem__(self, index: int | slice) -> SafeText | Sequence[SafeText]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        start = index * self._per_line
        return safe(self.line(self._offset + start, self._data[start : start + self._per_line]))

    def line(self, offset: int, data: bytes) -> str:
        """One line."""
        raise NotImplementedError


_HEX_BYTES = 256


def quoted(data: bytes, most: int = 4096) -> str:
    """Bytes inside of something as text in quotes, or as `hex'…'`; of very many only the first."""
    for end in range(min(len(data), most), min(len(data), most) - 4, -1):  # a character may be cut
        try:
            text = data[: max(0, end)].decode()
        except UnicodeDecodeError:
            if len(data) <= most:
                break
            continue
        return json.dumps(text, ensure_ascii=False) + (f" … {len(data):,} bytes" if len(data) > most else "")
    return f"hex'{data[:_HEX_BYTES].hex()}'" + (f" … {len(data):,} bytes" if len(data) > _HEX_BYTES else "")


def is_text(data: bytes, *, truncated: bool = False) -> bool:
    """Whether this is UTF-8 that a person might read.

    Args:
        truncated: More follows, so that the last character may be cut.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if not truncated or error.start < len(data) - 3 or error.reason != "unexpected end of data":
            return False
        text = data[: error.start].decode()
    odd = sum(map(text.count, _ODD))
    return odd * 20 <= len(text)


_ODD = [chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127)]
