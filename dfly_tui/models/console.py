"""What is typed at the console and what comes back: lines as redis-cli reads them, replies as redis-cli shows them.

Read off redis-cli 7.0 (`sdssplitargs()` in sds.c, `cliFormatReplyTTY()` in redis-cli.c) and compared with it in the
tests. One thing differs: what is valid UTF-8 and can be shown is shown, not escaped; it can be typed the same way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from dfly_tui.errors import BadInput
from dfly_tui.text import SafeText, safe, safe_lines
from dfly_tui.units import bytes_text

_BLANK = b" \t\n\v\f\r"
_ENDS_WORD = b" \n\r\t"
_HEX = b"0123456789abcdefABCDEF"
_TYPED = {ord("n"): b"\n", ord("r"): b"\r", ord("t"): b"\t", ord("b"): b"\b", ord("a"): b"\a"}
_SHOWN = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\a": "\\a", "\b": "\\b"}


@dataclass(frozen=True)
class Typed:
    """A line taken apart, perhaps only half typed.

    Attributes:
        words: Exactly the bytes meant; the last one may be unfinished.
        start: Where the last word begins in the line's UTF-8 bytes; the line's length when a blank is its end.
        complete: Whether every quote is closed, and followed by a blank.
    """

    words: tuple[bytes, ...]
    start: int
    complete: bool


def typed(line: str) -> Typed:
    """Take a line apart as far as it goes: for what completes and judges it while it is typed."""
    data = line.encode("utf-8", "surrogateescape")
    words: list[bytes] = []
    at, start = 0, len(data)
    while True:
        while at < len(data) and data[at] in _BLANK:
            at += 1
        if at == len(data):
            return Typed(tuple(words), start if words and data[-1:] not in _BLANK else len(data), True)
        start = at
        word, at, closed = _word(data, at)
        words.append(word)
        if not closed:
            return Typed(tuple(words), start, False)


def split_line(line: str) -> tuple[bytes, ...]:
    r"""The words of a line: bare, in "double quotes" with `\n`, `\xff` and the like, or in 'single quotes'.

    Raises:
        BadInput: A quote is not closed, or something stands right behind a closing one.
    """
    found = typed(line)
    if not found.complete:
        raise BadInput(
            "a quote is not closed, or something stands right behind a closing one",
            'in "double quotes" a quote is written \\", a backslash \\\\, any byte \\xff',
        )
    return found.words


def _word(data: bytes, at: int) -> tuple[bytes, int, bool]:
    """The word that begins here, where it ends, and whether its quotes are in order."""
    word = bytearray()
    while at < len(data):
        byte = data[at]
        if byte in _ENDS_WORD:
            break
        if byte == ord('"') or byte == ord("'"):
            piece, at, closed = _double(data, at + 1) if byte == ord('"') else _single(data, at + 1)
            word += piece
            return bytes(word), at, closed and (at == len(data) or data[at] in _BLANK)
        word.append(byte)
        at += 1
    return bytes(word), at, True


def _double(data: bytes, at: int) -> tuple[bytes, int, bool]:
    """What stands up to the closing double quote."""
    word = bytearray()
    while at < len(data):
        byte = data[at]
        if byte == ord('"'):
            return bytes(word), at + 1, True
        if byte == ord("\\") and data[at + 1 : at + 2] == b"x" and _is_hex(data[at + 2 : at + 4]):
            word.append(int(data[at + 2 : at + 4], 16))
            at += 4
        elif byte == ord("\\") and at + 1 < len(data):
            word += _TYPED.get(data[at + 1], data[at + 1 : at + 2])
            at += 2
        else:
            word.append(byte)
            at += 1
    return bytes(word), at, False


def _is_hex(pair: bytes) -> bool:
    return len(pair) == 2 and all(digit in _HEX for digit in pair)


def _single(data: bytes, at: int) -> tuple[bytes, int, bool]:
    """What stands up to the closing single quote."""
    word = bytearray()
    while at < len(data):
        if data[at : at + 2] == b"\\'":
            word += b"'"
            at += 2
        elif data[at] == ord("'"):
            return bytes(word), at + 1, True
        else:
            word.append(data[at])
            at += 1
    return bytes(word), at, False


def shown(raw: bytes) -> str:
    """Bytes in double quotes, as they are shown and can be typed again; without any character that does something."""
    text = raw.decode("utf-8", "surrogateescape")
    if not (text.isascii() and text.isprintable() and '"' not in text and "\\" not in text):
        text = text.translate({ord(char): _letter(char) for char in set(text)})
    return f'"{text}"'


def _letter(char: str) -> str:
    if char in _SHOWN:
        return _SHOWN[char]
    if char.isprintable() and safe(char) == char:
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


class ReplyKind(StrEnum):
    """What a reply is, in RESP2 and RESP3."""

    STATUS = "status"
    ERROR = "error"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    BIG_NUMBER = "big number"
    STRING = "string"
    VERBATIM = "verbatim"
    NIL = "nil"
    ARRAY = "array"
    SET = "set"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class ReplyNode:
    """A reply, or a part of one, as far as it was read.

    Attributes:
        text: What it says; for aggregates nothing.
        items: Of an aggregate; of a map keys and values in turns.
        size: What the server announced: bytes of a string, items of an aggregate (a map's keys and values counted).
    """

    kind: ReplyKind
    text: bytes = b""
    items: tuple["ReplyNode", ...] = ()
    size: int = 0

    @property
    def left_out(self) -> int:
        """How many bytes or items were announced and not read."""
        return max(0, self.size - (len(self.items) if self.is_aggregate else len(self.text)))

    @property
    def is_aggregate(self) -> bool:
        return self.kind in {ReplyKind.ARRAY, ReplyKind.SET, ReplyKind.MAP}

    @property
    def is_cut(self) -> bool:
        """Whether there was more of it, or in it, than was read."""
        return bool(self.left_out) or any(item.is_cut for item in self.items)


_EMPTY = {ReplyKind.ARRAY: "(empty array)", ReplyKind.SET: "(empty set)", ReplyKind.MAP: "(empty hash)"}
_MARKS = {ReplyKind.ARRAY: ")", ReplyKind.SET: "~", ReplyKind.MAP: "#"}


def reply_lines(reply: ReplyNode, *, raw: bool = False) -> list[SafeText]:
    """A reply as redis-cli shows it, line by line; what was not read is said in a line of its own.

    Args:
        raw: Strings as they are, with their own lines, as for INFO.
    """
    return [SafeText(line) for line in _lines(reply, "", raw)]


def _lines(reply: ReplyNode, indent: str, raw: bool) -> list[str]:
    match reply.kind:
        case ReplyKind.ERROR:
            return [f"(error) {safe(reply.text)}"]
        case ReplyKind.STATUS:
            return [safe(reply.text)]
        case ReplyKind.NIL:
            return ["(nil)"]
        case ReplyKind.BOOLEAN:
            return ["(true)" if reply.text == b"t" else "(false)"]
        case ReplyKind.INTEGER | ReplyKind.DOUBLE:
            return [f"({reply.kind}) {safe(reply.text)}"]
        case ReplyKind.BIG_NUMBER:
            return [safe(reply.text)]
        case ReplyKind.STRING | ReplyKind.VERBATIM:
            return _string(reply, raw or reply.kind is ReplyKind.VERBATIM)
        case _:
            return list(_aggregate(reply, indent, raw)) if reply.size else [_EMPTY[reply.kind]]


def _string(reply: ReplyNode, raw: bool) -> list[str]:
    limit = len(reply.text) + 1
    lines: list[str] = [*safe_lines(reply.text.removesuffix(b"\n"), limit=limit)] if raw else [shown(reply.text)]
    if reply.left_out:
        lines[-1] += f" … cut: {bytes_text(len(reply.text))} of {bytes_text(reply.size)}"
    return lines


def _aggregate(reply: ReplyNode, indent: str, raw: bool) -> Iterator[str]:
    """Numbered items; only the first goes without the indent, as it stands behind the number it is an item of."""
    step = 2 if reply.kind is ReplyKind.MAP else 1
    digits = len(str(reply.size // step))
    inner = indent + " " * (digits + 2)
    for index in range(0, len(reply.items), step):
        head = f"{index // step + 1:>{digits}}{_MARKS[reply.kind]} "
        lines = _lines(reply.items[index], inner, raw)
        if step == 2 and index + 1 < len(reply.items):
            first, *rest = _lines(reply.items[index + 1], inner, raw)
            value = [f" => {first}"] if not rest else [" => ", inner + first, *rest]
            lines = [*lines[:-1], lines[-1] + value[0], *value[1:]]
        yield from chain([(indent if index else "") + head + lines[0]], lines[1:])
    if reply.left_out:
        said = f"… cut: {len(reply.items) // step:,} of {reply.size // step:,} were read"
        yield (indent if reply.items else "") + said
