"""Decoders one upon the other, as the user says or as the bytes suggest."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence

from dfly_tui.decode.json_text import json_text
from dfly_tui.decode.packed import msgpack_
from dfly_tui.decode.pickles import pickled
from dfly_tui.decode.protobuf import protobuf
from dfly_tui.decode.text import bits, exact, hexdump, utf8
from dfly_tui.decode.unpack import UNPACKERS
from dfly_tui.decode.values import MAX_BYTES, Decoded, NotThis, Shown, Unpacked, is_text
from dfly_tui.text import safe

MOST_STEPS = 8
_LEAST_BASE64 = 16
_SURE = 0.5

RENDERERS: Mapping[str, Callable[..., Shown]] = {
    "utf-8": utf8, "json": json_text, "msgpack": msgpack_, "pickle": pickled, "protobuf": protobuf,
}  # fmt: skip
DECODERS = ("utf-8", "json", "msgpack", "gzip", "zlib", "zstd", "lz4", "base64", "pickle", "protobuf", "hex", "bits")
"""All there are. Those that unpack may be followed by others; the rest make lines."""
_OTHER_NAMES = {
    "utf8": "utf-8",
    "text": "utf-8",
    "messagepack": "msgpack",
    "gz": "gzip",
    "raw": "hex",
    "pb": "protobuf",
}


def parse_stack(text: str) -> tuple[str, ...]:
    """The stack that was typed: `base64,gzip,json`; `auto` or nothing for a guess.

    Raises:
        ValueError: A name is not known, or comes behind one that makes lines; the message says which.
    """
    names = [word for word in re.split(r"[\s,>|→+]+", text.lower()) if word]
    stack = tuple(_OTHER_NAMES.get(name, name) for name in names if name != "auto")
    for at, name in enumerate(stack):
        if name not in DECODERS:
            close = difflib.get_close_matches(name, DECODERS, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(DECODERS)}"
            raise ValueError(f"there is no decoder {safe(name, limit=40)}; {hint}")
        if name not in UNPACKERS and at < len(stack) - 1:
            raise ValueError(f"nothing can follow {name}: it is the last step")
    if len(stack) > MOST_STEPS:
        raise ValueError(f"more than {MOST_STEPS} steps")
    return stack


def guess(raw: bytes, *, truncated: bool = False, offset: int = 0) -> Decoded:
    """What the bytes most likely are, step by step. Never fails.

    Args:
        truncated: More of the value follows than is here.
        offset: Where in the value this begins, for the numbers of a dump.
    """
    return _finished(raw, [], [], truncated=truncated, offset=offset)


def decode(raw: bytes, stack: Sequence[str], *, truncated: bool = False, offset: int = 0) -> Decoded:
    """Decode by the given steps; behind those that unpack the rest is guessed. Never fails: where a step does not fit
    the bytes are shown as they are there, and a note says so."""
    done: list[str] = []
    notes: list[str] = []
    data = raw
    for name in stack[:MOST_STEPS]:
        if name not in UNPACKERS:
            return _rendered(data, name, done, notes, truncated=truncated, offset=offset)
        try:
            step = UNPACKERS[name](data)
        except NotThis as error:
            return _plainly(data, done, [*notes, f"{name}: {error}"], offset)
        data, truncated, offset = step.data, not step.is_whole, 0
        done.append(name)
        notes += [step.note] if step.note else []
    return _finished(data, done, notes, truncated=truncated, offset=offset)


def plain(raw: bytes, *, offset: int = 0) -> Decoded:
    """The bytes themselves: as text with all that is not seen made visible, or as a hex dump."""
    return _plainly(raw, [], [], offset)


def _finished(data: bytes, done: list[str], notes: list[str], *, truncated: bool, offset: int) -> Decoded:
    while len(done) < MOST_STEPS and (found := _unpacked(data, truncated=truncated)) is not None:
        name, step = found
        done, data, truncated, offset = [*done, name], step.data, not step.is_whole, 0
        notes = [*notes, step.note] if step.note else notes
    name, shown = _likely(data, truncated=truncated)
    if shown is None:
        return _rendered(data, name, done, notes, truncated=truncated, offset=offset)
    return _answer(data, (*done, name), shown, notes)


def _unpacked(data: bytes, *, truncated: bool) -> tuple[str, Unpacked] | None:
    """The unpacking step that the bytes ask for, if any."""
    for name in ("gzip", "zstd", "lz4", "zlib"):
        try:
            step = UNPACKERS[name](data)
        except NotThis:
            continue
        if name != "zlib" or step.is_whole or len(step.data) >= MAX_BYTES or (truncated and "early" in step.note):
            return name, step
    if len(data) < _LEAST_BASE64:
        return None
    try:
        step = UNPACKERS["base64"](data)
    except NotThis:
        return None
    makes_sense = _unpacked(step.data, truncated=truncated) is not None if len(step.data) < len(data) else False
    if makes_sense or _likely(step.data, truncated=truncated)[0] not in {"hex", "protobuf"}:
        return "base64", step._replace(is_whole=step.is_whole and not truncated)
    return None


def _likely(data: bytes, *, truncated: bool) -> tuple[str, Shown | None]:
    """The decoder whose lines make the most sense, and its lines if they were made for that."""
    candidates = ("json", "utf-8") if is_text(data, truncated=truncated) else ("pickle", "msgpack", "protobuf")
    for name in candidates:
        if name == "json" and data.lstrip()[:1] not in {b"{", b"[", b'"'}:
            continue
        try:
            shown = RENDERERS[name](data, truncated=truncated)
        except NotThis:
            continue
        if shown.sure >= _SURE:
            return name, shown
    return ("utf-8" if candidates[-1] == "utf-8" else "hex"), None


def _rendered(
    data: bytes, name: str, done: Sequence[str], notes: Sequence[str], *, truncated: bool, offset: int
) -> Decoded:
    if name in {"hex", "bits"}:
        shown = (hexdump if name == "hex" else bits)(data, offset)
    else:
        try:
            shown = RENDERERS[name](data, truncated=truncated)
        except NotThis as error:
            return _plainly(data, done, [*notes, f"{name}: {error}"], offset)
    return _answer(data, (*done, name), shown, notes)


def _plainly(data: bytes, done: Sequence[str], notes: Sequence[str], offset: int) -> Decoded:
    try:
        shown, name = exact(data), "utf-8"
        if not is_text(data):
            raise NotThis("it is binary")
    except NotThis:
        shown, name = hexdump(data, offset), "hex"
    return _answer(data, (*done, name), shown, notes)


def _answer(data: bytes, stack: tuple[str, ...], shown: Shown, notes: Sequence[str]) -> Decoded:
    said = [*notes, shown.note] if shown.note else notes
    return Decoded(stack, shown.lines, tuple(safe(note, limit=400) for note in said), data)
