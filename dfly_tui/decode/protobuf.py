"""Protocol buffers without their schema: field numbers, and values as far as the wire tells."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from dfly_tui.decode.values import LinesFull, NotThis, Page, Shown, is_text, quoted

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DEPTH = 24
_LIKELY_FIELDS = 5000
"""Nobody who writes a schema by hand numbers a field higher; the wire allows 2^29."""
_LEAST_BYTES = 4
"""Of fewer almost everything could be a message."""


class _Field(NamedTuple):
    number: int
    kind: int
    value: int | bytes
    end: int


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data):
            raise NotThis("it ends early")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise NotThis("a number is too long")


def _fields(data: bytes) -> Iterator[_Field]:
    """The fields of a message, in order. Raises `NotThis` at the first that is none."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise NotThis(f"there is no field {number}")
        value: int | bytes
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind in {FIXED64, FIXED32, BYTES}:
            if kind == BYTES:
                length, at = _varint(data, at)
            else:
                length = 8 if kind == FIXED64 else 4
            if length > len(data) - at:
                raise NotThis("it ends early")
            value, at = data[at : at + length], at + length
        else:
            raise NotThis(f"there is no wire type {kind}")
        yield _Field(number, kind, value, at)


def _is_message(data: bytes) -> bool:
    """Whether bytes inside of a message are likely one themselves."""
    try:
        return bool(data) and all(field.number < _LIKELY_FIELDS for field in _fields(data))
    except NotThis:
        return False


def protobuf(data: bytes, *, truncated: bool = False) -> Shown:
    """A message, one field a line, messages inside of it indented.

    Raises:
        NotThis: Not even one field is.
    """
    page = Page()
    used, note, likely = 0, "", True
    try:
        for field in _fields(data):
            _write(page, field, 0)
            used = field.end
            likely &= field.number < _LIKELY_FIELDS
    except LinesFull:
        note = f"protobuf: the first {len(page.lines):,} lines; there are more"
    except NotThis as error:
        note = "protobuf: it goes on" if truncated else f"protobuf: no sense from byte {used:,} on ({error})"
    if not page.lines:
        raise NotThis("it does not begin as a message does")
    sure = 1.0 if likely and len(data) >= _LEAST_BYTES and (not note or "lines" in note) else 0.0
    return Shown(page.lines, used, note, sure)


def _write(page: Page, field: _Field, depth: int) -> None:
    lead = f"{'  ' * depth}{field.number}: "
    value = field.value
    if isinstance(value, int):
        page.add(f"{lead}{value}" + (f" ({value - (1 << 64)})" if value >= 1 << 63 else ""))
    elif field.kind == FIXED64:
        whole, real = struct.unpack("<q", value)[0], struct.unpack("<d", value)[0]
        page.add(f"{lead}{whole} (as a double {real!r})")
    elif field.kind == FIXED32:
        whole, real = struct.unpack("<i", value)[0], struct.unpack("<f", value)[0]
        page.add(f"{lead}{whole} (as a float {real!r})")
    elif depth < _DEPTH and not is_text(value) and _is_message(value):
        page.add(f"{'  ' * depth}{field.number} {{")
        for inner in _fields(value):
            _write(page, inner, depth + 1)
        page.add(f"{'  ' * depth}}}")
    else:
        page.add(lead + quoted(value))
