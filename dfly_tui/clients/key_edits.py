"""The changes there are of one key.

None changes the type of a key, its expiry (but those that are about it), or another part of its value.
"""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Reply
from dfly_tui.clients.key_edit import (
    Data,
    Edit,
    Seen,
    Words,
    always,
    expiry_of,
    first_is,
    same_expiry,
    shown,
)
from dfly_tui.clients.replies import items, raw
from dfly_tui.errors import BadInput
from dfly_tui.models.instance import Flavour
from dfly_tui.models.keys import HASH, JSON, LIST, NO_KIND, SET, STREAM, STRING, ZSET
from dfly_tui.text import safe

# Strings


def set_string(name: bytes, value: bytes, can: Capabilities, *, create: bool = False) -> Edit:
    """Replace a string; its expiry stays."""
    keeps = can.flavour is not Flavour.REDIS or can.version >= (6,)

    def writes(seen: Seen) -> tuple[Words, ...]:
        if keeps:
            return (("SET", name, Data(value), "KEEPTTL"),)
        return (("SET", name, Data(value)), *expiry_of(name, seen))

    return Edit(
        f"set {shown(name)}", name, frozenset({STRING, NO_KIND} if create else {STRING}), writes,
        reads=(("GET", name),), done=first_is(value), loses=True, value=value,
    )  # fmt: skip


def append(name: bytes, value: bytes) -> Edit:
    """Add to the end of a string."""
    return Edit(
        f"append to {shown(name)}", name, frozenset({STRING}), always(("APPEND", name, Data(value))),
        reads=(("STRLEN", name),), value=value,
    )  # fmt: skip


# Hashes


def set_field(name: bytes, field: bytes, value: bytes, can: Capabilities) -> Edit:
    """Set one field of a hash; where fields have expiries of their own, it keeps it."""
    by_second, by_date = can.can("FIELDTTL"), can.can("HPEXPIREAT")
    asks: tuple[Words, ...] = ()
    if by_second:
        asks = (("FIELDTTL", name, field),)
    elif by_date:
        asks = (("HPEXPIRETIME", name, "FIELDS", 1, field),)

    def writes(seen: Seen) -> tuple[Words, ...]:
        expiry = _first_number(seen.more)
        if expiry > 0 and by_second:
            return (("HSETEX", name, expiry, field, Data(value)),)
        command: Words = ("HSET", name, field, Data(value))
        return (command, ("HPEXPIREAT", name, expiry, "FIELDS", 1, field)) if expiry > 0 else (command,)

    return Edit(
        f"set field {shown(field)} of {shown(name)}", name, frozenset({HASH}), writes,
        reads=(("HGET", name, field),), asks=asks, done=first_is(value), loses=True, value=value,
    )  # fmt: skip


def _first_number(replies: Sequence[Reply]) -> int:
    """The number that is the first reply, or the first item of it; 0 for none."""
    first = replies[0] if replies else None
    first = next(iter(items(first)), None) if items(first) else first
    return first if isinstance(first, int) else 0


def delete_field(name: bytes, field: bytes) -> Edit:
    """Remove one field of a hash; with the last one the key goes."""
    return Edit(
        f"delete field {shown(field)} of {shown(name)}", name, frozenset({HASH}), always(("HDEL", name, field)),
        reads=(("HGET", name, field),), done=first_is(None), loses=True,
    )  # fmt: skip


# Lists


def set_item(name: bytes, index: int, value: bytes) -> Edit:
    """Replace the element at an index of a list."""
    return Edit(
        f"set element {index} of {shown(name)}", name, frozenset({LIST}), always(("LSET", name, index, Data(value))),
        reads=(("LINDEX", name, index),), done=first_is(value), loses=True, value=value,
    )  # fmt: skip


def push(name: bytes, value: bytes, *, left: bool = False) -> Edit:
    """Add an element at either end of a list."""
    command = "LPUSH" if left else "RPUSH"
    return Edit(
        f"push to the {'head' if left else 'tail'} of {shown(name)}", name, frozenset({LIST}),
        always((command, name, Data(value))), value=value,
    )  # fmt: skip


def remove_item(name: bytes, index: int) -> Edit:
    """Remove the element at an index of a list. No command does that: it becomes a mark, and the mark is removed."""
    mark = Data(b"dfly-tui:" + blake2b(b"%d " % index + name, digest_size=16).digest())
    count = 1 if index >= 0 else -1
    return Edit(
        f"remove element {index} of {shown(name)}", name, frozenset({LIST}),
        always(("LSET", name, index, mark), ("LREM", name, count, mark)),
        reads=(("LINDEX", name, index),), loses=True,
    )  # fmt: skip


# Sets and sorted sets


def add_member(name: bytes, member: bytes) -> Edit:
    """Add a member to a set."""
    return Edit(
        f"add a member to {shown(name)}", name, frozenset({SET}), always(("SADD", name, Data(member))),
        reads=(("SISMEMBER", name, Data(member)),), done=first_is(1), value=member,
    )  # fmt: skip


def remove_member(name: bytes, member: bytes) -> Edit:
    """Remove a member of a set; with the last one the key goes."""
    return Edit(
        f"remove a member of {shown(name)}", name, frozenset({SET}), always(("SREM", name, Data(member))),
        reads=(("SISMEMBER", name, Data(member)),), done=first_is(0), loses=True,
    )  # fmt: skip


def set_score(name: bytes, member: bytes, score: str) -> Edit:
    """Add a member to a sorted set, or give it another score.

    Raises:
        BadInput: The score is no number.
    """
    wanted = _score(score)
    return Edit(
        f"set a score in {shown(name)}", name, frozenset({ZSET}), always(("ZADD", name, score.strip(), Data(member))),
        reads=(("ZSCORE", name, Data(member)),), loses=True, value=score.strip().encode(),
        done=lambda seen: bool(seen.parts) and _as_float(seen.parts[0]) == wanted,
    )  # fmt: skip


def _score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if math.isnan(score) or not text.isascii() or "_" in text:
        raise BadInput(f"{safe(text, limit=40)} is no score", "a number, such as 12, -0.5, 1e6 or inf")
    return score


def _as_float(reply: Reply) -> float | None:
    try:
        return float(raw(reply))
    except ValueError:
        return None


def remove_scored(name: bytes, member: bytes) -> Edit:
    """Remove a member of a sorted set; with the last one the key goes."""
    return Edit(
        f"remove a member of {shown(name)}", name, frozenset({ZSET}), always(("ZREM", name, Data(member))),
        reads=(("ZSCORE", name, Data(member)),), done=first_is(None), loses=True,
    )  # fmt: skip


# Streams and JSON


def add_entry(name: bytes, fields: Sequence[tuple[bytes, bytes]], entry: bytes = b"*") -> Edit:
    """Add an entry to a stream.

    Raises:
        BadInput: It has no fields.
    """
    if not fields:
        raise BadInput("an entry of a stream has at least one field", "write field=value")
    words = tuple(Data(word) for pair in fields for word in pair)
    return Edit(
        f"add an entry to {shown(name)}", name, frozenset({STREAM}), always(("XADD", name, entry, *words)),
        value=b" ".join(field + b"=" + value for field, value in fields),
    )  # fmt: skip


def delete_entry(name: bytes, entry: bytes) -> Edit:
    """Delete one entry of a stream, by its id."""
    return Edit(
        f"delete entry {shown(entry)} of {shown(name)}", name, frozenset({STREAM}), always(("XDEL", name, entry)),
        reads=(("XRANGE", name, entry, entry),), done=first_is([]), loses=True,
    )  # fmt: skip


def set_json(name: bytes, path: bytes, text: bytes) -> Edit:
    """Set one part of a JSON document.

    Raises:
        BadInput: The text is no JSON.
    """
    document = _json(text)

    def writes(seen: Seen) -> tuple[Words, ...]:
        return (("JSON.SET", name, path, Data(text)), *expiry_of(name, seen))

    return Edit(
        f"set {shown(path)} of {shown(name)}", name, frozenset({JSON}), writes, loses=True, value=text,
        reads=(("JSON.GET", name, path),), done=partial(_holds_json, document, is_path=path.startswith(b"$")),
    )  # fmt: skip


def _json(text: bytes) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"that is no JSON: {safe(str(error), limit=200)}") from None
    return found


def _holds_json(wanted: object, seen: Seen, *, is_path: bool) -> bool:
    try:
        found = json.loads(raw(seen.parts[0])) if seen.parts else None
    except (ValueError, RecursionError):
        return False
    return bool(found == ([wanted] if is_path else wanted))


# Whole keys


def rename(name: bytes, other: bytes) -> Edit:
    """Give a key another name, which no key has.

    Raises:
        BadInput: It is the same name.
    """
    _other_name(name, other)
    return Edit(
        f"rename {shown(name)} to {shown(other)}", name, frozenset(), always(("RENAMENX", name, other)),
        other=other, value=other,
    )  # fmt: skip


def duplicate(name: bytes, other: bytes, can: Capabilities) -> Edit:
    """Make a copy of a key, expiry and all, under a name that no key has.

    Raises:
        BadInput: It is the same name.
    """
    _other_name(name, other)
    copies = can.can("COPY")

    def writes(seen: Seen) -> tuple[Words, ...]:
        if copies:
            return (("COPY", name, other), *expiry_of(other, seen))
        return (("RESTORE", other, seen.expires_at_ms or 0, Data(raw(seen.more[0])), "ABSTTL"),)

    return Edit(
        f"duplicate {shown(name)} as {shown(other)}", name, frozenset(), writes, other=other, value=other,
        asks=() if copies else (("DUMP", name),),
    )  # fmt: skip


def _other_name(name: bytes, other: bytes) -> None:
    if name == other:
        raise BadInput("that is the name it has", "type another one")


def delete(name: bytes) -> Edit:
    """Delete a key."""
    return Edit(
        f"delete {shown(name)}", name, frozenset(), always(("UNLINK", name)), loses=True,
        done=lambda seen: not seen.exists,
    )  # fmt: skip


def expire_at(name: bytes, at_ms: int, now_ms: int) -> Edit:
    """Let a key expire at a date, Unix milliseconds.

    Raises:
        BadInput: It is past: that would delete the key.
    """
    if at_ms <= now_ms:
        raise BadInput("that is past, so the key would be gone at once", "to delete it is another command")
    return Edit(
        f"let {shown(name)} expire", name, frozenset(), always(("PEXPIREAT", name, at_ms)), loses=True,
        is_about_ttl=True, done=lambda seen: seen.exists and same_expiry(seen.expires_at_ms, at_ms),
    )  # fmt: skip


def persist(name: bytes) -> Edit:
    """Let a key not expire any more."""
    return Edit(
        f"let {shown(name)} stay", name, frozenset(), always(("PERSIST", name)), loses=True, is_about_ttl=True,
        done=lambda seen: seen.exists and seen.expires_at_ms is None,
    )  # fmt: skip


_MAKING: dict[str, Callable[[bytes, bytes, bytes], Words]] = {
    STRING: lambda name, label, value: ("SET", name, Data(value), "NX"),
    HASH: lambda name, label, value: ("HSET", name, label, Data(value)),
    LIST: lambda name, label, value: ("RPUSH", name, Data(value)),
    SET: lambda name, label, value: ("SADD", name, Data(value)),
    ZSET: lambda name, label, value: ("ZADD", name, label, Data(value)),
    STREAM: lambda name, label, value: ("XADD", name, "*", label, Data(value)),
    JSON: lambda name, label, value: ("JSON.SET", name, "$", Data(value)),
}
MAKEABLE = tuple(_MAKING)
"""The types of which a key can be created."""


def create(name: bytes, kind: str, value: bytes, *, label: bytes = b"", expires_at_ms: int | None = None) -> Edit:
    """Make a key that is not there yet.

    Args:
        kind: One of `MAKEABLE`.
        value: The first element, where it has some.
        label: Its field, or its score.

    Raises:
        BadInput: The score is no number, or the value no JSON.
    """
    if kind == ZSET:
        _score(label.decode("ascii", "replace"))
    if kind == JSON:
        _json(value)
    commands = [_MAKING[kind](name, label, value)]
    if expires_at_ms is not None:
        commands.append(("PEXPIREAT", name, expires_at_ms))
    return Edit(f"create {shown(name)}", name, frozenset({NO_KIND}), always(*commands), value=value)


def restore(
    name: bytes, payload: bytes, *, expires_at_ms: int | None, replace: bool, value: bytes | None = None
) -> Edit:
    """Put back what DUMP gave, exactly.

    Args:
        replace: Over a key of that name that is there now.
    """
    words: Words = ("RESTORE", name, expires_at_ms or 0, Data(payload), "ABSTTL")
    return Edit(
        f"restore {shown(name)}", name, frozenset() if replace else frozenset({NO_KIND}),
        always((*words, "REPLACE") if replace else words), loses=replace, value=value,
    )  # fmt: skip
