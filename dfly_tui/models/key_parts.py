"""A key's whole content as it is carried from one server to another: in parts, so that none has to be held whole."""

import hashlib
import json
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from dfly_tui.errors import DflyError
from dfly_tui.models.keys import HASH, JSON, LIST, SET, STREAM, STRING, ZSET

PIECE_BYTES = 1 << 20
"""Of a string, a document or a dump in one part; and about what the elements of a part have together."""
PART_ELEMENTS = 5000
"""In one part at most: a line is made and read in a few milliseconds, while a screen waits."""
MOST_ELEMENT_BYTES = 20 << 20
"""A collection with a larger element goes as a dump."""
MOST_WHOLE_BYTES = 512 << 20
"""Of what has to be sent to a server in one piece: a document, a dump. Servers take no more."""

_ELEMENT_BYTES = 200

Item: TypeAlias = bytes | tuple[bytes | int, ...]
"""An element: of a list the item; of a set the member, or member and expiry; of a hash field and value, or field, value
and expiry; of a sorted set member and score as the server writes it; of a stream the id, field, value, field, value, ….
An expiry is in milliseconds since 1970. An id alone is an entry of a stream that was deleted while it was pending.
"""
Value: TypeAlias = bytes | list[Item]


class Group(NamedTuple):
    """A consumer group of a stream.

    Attributes:
        entries_read: None where the server does not know.
    """

    name: bytes
    last_delivered_id: bytes
    entries_read: int | None
    consumers: tuple[bytes, ...]


class Pending(NamedTuple):
    """An entry that was delivered and not acknowledged.

    Attributes:
        group: Its place among the groups of the stream.
        delivered_at_ms: Since 1970, by the server's clock.
        deliveries: How often it was delivered.
    """

    group: int
    id: bytes
    consumer: bytes
    delivered_at_ms: int
    deliveries: int


class Tail(NamedTuple):
    """What a stream has beside its entries; comes after the last of them.

    Attributes:
        groups: In the first tail of a stream.
        last_id: The last generated id, in the last tail; empty before.
        entries_added, max_deleted_id: With it, where the server tells.
    """

    groups: tuple[Group, ...] = ()
    pending: tuple[Pending, ...] = ()
    last_id: bytes = b""
    entries_added: int | None = None
    max_deleted_id: bytes = b""


class Part(NamedTuple):
    """A piece of a key. The parts of one key follow one another.

    Attributes:
        kind: As TYPE says it.
        expires_at_ms: Since 1970; None when it does not expire. The same in all parts.
        value: Bytes of a string, of JSON text or of a DUMP; else elements.
        number: From 0.
        is_last: Whether the key is whole now.
        is_dump: Whether `value` is what DUMP gave.
        tail: For streams.
        void: Why the key could not be read to its end, in the last part: what came before is to be forgotten.
    """

    name: bytes
    kind: str
    expires_at_ms: int | None
    value: Value
    number: int = 0
    is_last: bool = True
    is_dump: bool = False
    tail: Tail | None = None
    void: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of its key."""
        return self.number == 0 and self.is_last

    @property
    def size(self) -> int:
        """Bytes of its value."""
        return len(self.value) if isinstance(self.value, bytes) else sum(map(item_size, self.value))

    @property
    def weight(self) -> int:
        """About what it takes of our memory, in bytes."""
        return self.size + (0 if isinstance(self.value, bytes) else _ELEMENT_BYTES * len(self.value))


class Why(StrEnum):
    """Why a key is not among what was read."""

    GONE = "gone"
    """It expired or was deleted meanwhile."""
    CHANGED = "changed"
    """It became another type meanwhile."""
    FAILED = "failed"


class Missed(NamedTuple):
    """A key that was not read.

    Attributes:
        error: For `Why.FAILED`.
    """

    name: bytes
    why: Why
    error: DflyError | None = None


def item_size(item: Item) -> int:
    """Bytes of an element."""
    if isinstance(item, bytes):
        return len(item)
    return sum(len(each) if isinstance(each, bytes) else 8 for each in item)


class Digest:
    """Whether two keys hold the same. Elements of a hash, set or sorted set count in any order.

    What not every server can be told is left out: when exactly an element expires, when a pending entry was
    delivered, how many entries a stream ever had. The expiry of the key itself is compared with `same_expiry()`.
    """

    def __init__(self) -> None:
        self._kind = ""
        self._ordered = hashlib.sha256()
        self._unordered = 0
        self._count = 0
        self._text: list[bytes] = []

    def add(self, part: Part) -> None:
        """Take the next part of the key."""
        self._kind = "dump" if part.is_dump else part.kind
        if isinstance(part.value, bytes):
            if self._kind == JSON:
                self._text.append(part.value)
            else:
                self._ordered.update(part.value)
        elif part.kind in {HASH, SET, ZSET}:
            for item in part.value:
                self._count += 1
                self._unordered = (self._unordered + _hash_of(_canonical(part.kind, item))) % _MODULUS
        else:
            for item in part.value:
                if part.kind != STREAM or len(item) > 1:
                    self._ordered.update(_packed(item if isinstance(item, tuple) else (item,)))
        if part.tail is not None:
            self._tail(part.tail)

    def _tail(self, tail: Tail) -> None:
        for group in sorted(tail.groups):
            self._ordered.update(_packed((b"group", group.name, group.last_delivered_id, *sorted(group.consumers))))
        for each in tail.pending:
            words = (each.group, each.id, each.consumer, each.deliveries)
            self._unordered = (self._unordered + _hash_of(_packed((b"pending", *words)))) % _MODULUS
        if tail.last_id:
            self._ordered.update(_packed((b"last", tail.last_id)))

    def value(self) -> tuple[str, str, int, int]:
        """Equal for equal keys."""
        if self._text:
            self._ordered.update(_canonical_json(b"".join(self._text)))
            self._text.clear()
        return self._kind, self._ordered.hexdigest(), self._unordered, self._count


_MODULUS = 1 << 128


def _hash_of(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=16).digest(), "big")


def _packed(words: Iterable[bytes | int]) -> bytes:
    """One string of bytes that no other words give."""
    found = [word if isinstance(word, bytes) else b"%d" % word for word in words]
    return b"%d:" % len(found) + b"".join(b"%d:%b" % (len(word), word) for word in found)


def _canonical(kind: str, item: Item) -> bytes:
    words = item if isinstance(item, tuple) else (item,)
    if kind == ZSET:
        return _packed((words[0], repr(float(words[1]) + 0.0).encode()))
    plain = 2 if kind == HASH else 1
    return _packed((*words[:plain], b"expires" if len(words) > plain else b""))


def _canonical_json(text: bytes) -> bytes:
    try:
        return json.dumps(json.loads(text), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return text


EXPIRY_TOLERANCE_MS = 1000
"""Some servers keep seconds."""


def same_expiry(one: int | None, other: int | None) -> bool:
    """Whether two keys expire at the same time."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= EXPIRY_TOLERANCE_MS


COLLECTIONS = frozenset({HASH, LIST, SET, ZSET, STREAM})
"""Types whose value is a list of elements."""
IN_PIECES = frozenset({STRING, JSON})
"""Types whose value is bytes; the rest goes as a dump."""
