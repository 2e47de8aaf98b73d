"""Parts of keys as lines of JSON, and back. The format is described in docs/export-format.md.

Bytes that are UTF-8 are JSON strings, all others `{"base64": "…"}`; a line is ASCII throughout.
"""

import base64
import binascii
import json
import re
from json.encoder import encode_basestring_ascii
from typing import TypeAlias

from dfly_tui.errors import DflyError
from dfly_tui.models.key_parts import COLLECTIONS, IN_PIECES, Group, Item, Part, Pending, Tail, Value
from dfly_tui.models.keys import HASH, LIST, SET, STREAM, ZSET
from dfly_tui.text import safe

MOST_LINE_BYTES = 32 << 20
"""No line of an export is longer."""
_MOST_TIME_MS = 1 << 53
_ID = re.compile(rb"\d{1,20}-\d{1,20}")
_SCORE = re.compile(rb"[+-]?(inf|(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)", re.IGNORECASE)

_Json: TypeAlias = "str | int | float | bool | list[_Json] | dict[str, _Json] | None"


class Damaged(DflyError):
    """A file is not a whole export."""

    code, title = "damaged", "Damaged file"


def part_line(part: Part) -> str:
    """A part as one line, without its end."""
    if part.void:
        return f'{{"part":{part.number + 1},"void":{encode_basestring_ascii(part.void)}}}'
    words = []
    if part.number == 0:
        words.append(f'"key":{_text(part.name)},"type":{encode_basestring_ascii(part.kind)}')
        if part.expires_at_ms is not None:
            words.append(f'"expires_at_ms":{part.expires_at_ms}')
        if part.is_dump:
            words.append('"dump":true')
    if not part.is_whole:
        words.append(f'"part":{part.number + 1}')
        if part.is_last:
            words.append('"last":true')
    value = part.value
    words.append(f'"value":{_text(value) if isinstance(value, bytes) else "[" + ",".join(map(_item, value)) + "]"}')
    if part.tail is not None:
        words += _tail_words(part.tail)
    return "{" + ",".join(words) + "}"


def _text(raw: bytes) -> str:
    try:
        return encode_basestring_ascii(raw.decode())
    except UnicodeDecodeError:
        return f'{{"base64":"{base64.b64encode(raw).decode()}"}}'


def _item(item: Item) -> str:
    if isinstance(item, bytes):
        return _text(item)
    return "[" + ",".join([_text(each) if isinstance(each, bytes) else str(each) for each in item]) + "]"


def _tail_words(tail: Tail) -> list[str]:
    words = []
    if tail.groups:
        groups = [
            f'{{"name":{_text(group.name)},"last_delivered_id":{_text(group.last_delivered_id)},'
            + (f'"entries_read":{group.entries_read},' if group.entries_read is not None else "")
            + f'"consumers":[{",".join(map(_text, group.consumers))}]}}'
            for group in tail.groups
        ]
        words.append(f'"groups":[{",".join(groups)}]')
    if tail.pending:
        words.append(f'"pending":[{",".join(map(_item, tail.pending))}]')
    if tail.last_id:
        words.append(f'"last_id":{_text(tail.last_id)}')
    if tail.entries_added is not None:
        words.append(f'"entries_added":{tail.entries_added}')
    if tail.max_deleted_id:
        words.append(f'"max_deleted_id":{_text(tail.max_deleted_id)}')
    return words


def parse_line(line: bytes) -> dict[str, _Json]:
    """A line as an object; raises `Damaged`."""
    try:
        found = json.loads(line.decode())  # bytes would be searched for their encoding first
    except (ValueError, RecursionError):
        raise Damaged("is not JSON") from None
    if not isinstance(found, dict):
        raise Damaged("is not a JSON object")
    return found


def part_of(line: dict[str, _Json], before: Part | None) -> Part:
    """The part that a line is.

    Args:
        before: The part of the line before; None when that was none.

    Raises:
        Damaged: It is none, or does not follow that one.
    """
    try:
        return _part_of(line, before)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        if isinstance(error, KeyError):
            raise Damaged(f"has no {safe(str(error), limit=40)}") from None
        raise Damaged(f"is no key: {safe(str(error), limit=80)}") from None


def _part_of(line: dict[str, _Json], before: Part | None) -> Part:
    number = _whole(line["part"]) - 1 if "part" in line else 0
    open_before = before is not None and not before.is_last
    if "key" in line:
        if open_before or number != 0:
            raise Damaged("begins a key in the middle of another")
        name, kind = _bytes(line["key"]), line["type"]
        expires_at_ms = _whole(line["expires_at_ms"]) if "expires_at_ms" in line else None
        is_dump = line.get("dump") is True
        if not isinstance(kind, str) or not (kind in COLLECTIONS or kind in IN_PIECES or is_dump):
            raise Damaged("has a type that is not known")
    else:
        if before is None or not open_before or number != before.number + 1:
            raise Damaged("goes on with a key that was not begun")
        name, kind, expires_at_ms, is_dump = before.name, before.kind, before.expires_at_ms, before.is_dump
    if "void" in line:
        return Part(name, kind, expires_at_ms, b"", number, is_dump=is_dump, void=str(line["void"]) or "void")
    is_last = "part" not in line or line.get("last") is True
    value = _value(kind, line["value"], is_dump=is_dump)
    tail = _tail(line) if kind == STREAM and not is_dump else None
    return Part(name, kind, expires_at_ms, value, number, is_last, is_dump, tail)


def _whole(value: _Json) -> int:
    if type(value) is not int or not 0 <= value < _MOST_TIME_MS:
        raise ValueError("a number is missing or out of range")
    return value


def _bytes(value: _Json) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict) and value.keys() == {"base64"} and isinstance(value["base64"], str):
        return base64.b64decode(value["base64"], validate=True)
    raise ValueError("neither text nor base64")


def _value(kind: str, value: _Json, *, is_dump: bool) -> Value:
    if is_dump or kind in IN_PIECES:
        return value.encode() if type(value) is str else _bytes(value)
    if not isinstance(value, list):
        raise ValueError("the value is no list")
    if kind == LIST:
        return [_bytes(item) for item in value]
    return [_read_item(kind, item) for item in value]


def _read_item(kind: str, item: _Json) -> Item:
    if kind == SET and not isinstance(item, list):
        return _bytes(item)
    if not isinstance(item, list):
        raise ValueError("an element is no list")
    if kind == HASH and len(item) == 2:
        return _bytes(item[0]), _bytes(item[1])
    if kind == HASH and len(item) == 3:
        return _bytes(item[0]), _bytes(item[1]), _whole(item[2])
    if kind == SET and len(item) == 2:
        return _bytes(item[0]), _whole(item[1])
    if kind == ZSET and len(item) == 2:
        return _bytes(item[0]), _matching(_SCORE, item[1])
    if kind == STREAM and len(item) % 2:
        return _matching(_ID, item[0]), *map(_bytes, item[1:])
    raise ValueError("an element has too few or too many parts")


def _matching(pattern: re.Pattern[bytes], value: _Json) -> bytes:
    found = _bytes(value)
    if not pattern.fullmatch(found):
        raise ValueError(f"{safe(found, limit=30)} is no {'id' if pattern is _ID else 'score'}")
    return found


def _tail(line: dict[str, _Json]) -> Tail | None:
    if not line.keys() & {"groups", "pending", "last_id"}:
        return None
    return Tail(
        tuple(_group(each) for each in _list(line.get("groups", []))),
        tuple(_pending(each) for each in _list(line.get("pending", []))),
        _matching(_ID, line["last_id"]) if "last_id" in line else b"",
        _whole(line["entries_added"]) if "entries_added" in line else None,
        _matching(_ID, line["max_deleted_id"]) if "max_deleted_id" in line else b"",
    )


def _list(value: _Json) -> list[_Json]:
    if not isinstance(value, list):
        raise ValueError("groups or pending entries are no list")
    return value


def _group(value: _Json) -> Group:
    if not isinstance(value, dict):
        raise ValueError("a group is no object")
    read = _whole(value["entries_read"]) if "entries_read" in value else None
    delivered = _matching(_ID, value["last_delivered_id"])
    return Group(_bytes(value["name"]), delivered, read, tuple(map(_bytes, _list(value["consumers"]))))


def _pending(value: _Json) -> Pending:
    group, entry, consumer, at, count = _list(value)
    return Pending(_whole(group), _matching(_ID, entry), _bytes(consumer), _whole(at), _whole(count))
