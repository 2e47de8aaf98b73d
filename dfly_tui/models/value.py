"""One value, as far as it was read: what is to be told of it, and its elements page by page. All of it is bytes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from dfly_tui.errors import DflyError
from dfly_tui.models.keys import BLOOM, HASH, JSON, LIST, NO_KIND, NO_TTL, SET, STREAM, STRING, ZSET, kind_name
from dfly_tui.text import SafeText, safe

PAGE_BYTES = 64 << 10
"""Of a string, and what a page of other values is meant to have at most."""
PAGE_ELEMENTS = 200
JSON_ROOT = b"$"

Cursor: TypeAlias = bytes | int
"""Where the next page begins: an offset, an index, an id, or what the server's SCAN said."""


class Shape(StrEnum):
    """How a value is looked at. What TYPE calls a string may be one of several things."""

    STRING = "string"
    HYPERLOGLOG = "HyperLogLog"
    HASH = "hash"
    LIST = "list"
    SET = "set"
    ZSET = "sorted set"
    GEO = "sorted set (geo?)"
    STREAM = "stream"
    JSON = "json"
    OTHER = "other"
    GONE = "gone"

    @property
    def is_bytes(self) -> bool:
        """Whether it is one run of bytes and has no elements."""
        return self in {Shape.STRING, Shape.HYPERLOGLOG}


SHAPES = {
    STRING: Shape.STRING, HASH: Shape.HASH, LIST: Shape.LIST, SET: Shape.SET, ZSET: Shape.ZSET, STREAM: Shape.STREAM,
    JSON: Shape.JSON, NO_KIND: Shape.GONE,
}  # fmt: skip
OTHER_KINDS = {
    BLOOM: "Bloom filter",
    "MBbloomCF": "cuckoo filter",
    "CMSk-TYPE": "count-min sketch",
    "TopK-TYPE": "top-k list",
    "TDIS-TYPE": "t-digest",
    "TSDB-TYPE": "time series",
    "vectorset": "vector set",
}
"""Types without elements to list, by what TYPE says."""
UNITS = {
    Shape.STRING: "bytes", Shape.HYPERLOGLOG: "bytes", Shape.HASH: "fields", Shape.LIST: "elements",
    Shape.SET: "members", Shape.ZSET: "members", Shape.GEO: "members", Shape.STREAM: "entries", Shape.JSON: "items",
}  # fmt: skip


class Fact(NamedTuple):
    """Something to be told of a value, under a heading."""

    section: str
    name: str
    value: SafeText


class Trouble(NamedTuple):
    """A question that was not answered, and why."""

    what: str
    error: DflyError


@dataclass(frozen=True)
class ValueFacts:
    """What is to be told of a key without its value. What was not told is None; `troubles` say why.

    Attributes:
        kind: As TYPE says.
        count: Bytes of a string, elements of what has some.
        encoding: How the server keeps it, in its own word.
        memory_bytes: By MEMORY USAGE; Dragonfly says 0 of small values that lie in the table itself (facts §7).
        ttl_ms: -1 when it does not expire.
        facts: More, by type: the groups of a stream, what a Bloom filter holds.
        read_at: When, by our clock.
    """

    name: bytes
    kind: str
    shape: Shape
    read_at: datetime
    count: int | None = None
    encoding: str | None = None
    memory_bytes: int | None = None
    ttl_ms: int | None = None
    facts: tuple[Fact, ...] = ()
    troubles: tuple[Trouble, ...] = ()

    @property
    def is_gone(self) -> bool:
        return self.shape is Shape.GONE

    @property
    def title(self) -> str:
        """The type in the words of a person."""
        if self.shape is Shape.OTHER:
            return OTHER_KINDS.get(self.kind, f"type {safe(self.kind, limit=40)}")
        return kind_name(self.kind) if self.shape in {Shape.ZSET, Shape.JSON} else str(self.shape)

    @property
    def unit(self) -> str:
        """What `count` counts."""
        return UNITS.get(self.shape, "")

    @property
    def expires_at(self) -> datetime | None:
        """When it expires, in UTC; None when it does not, or that is not known or beyond all calendars."""
        if self.ttl_ms is None or self.ttl_ms < 0:
            return None
        try:
            return self.read_at + timedelta(milliseconds=self.ttl_ms)
        except OverflowError:
            return None

    @property
    def expires(self) -> bool | None:
        """Whether it expires; None when that is not known."""
        return None if self.ttl_ms is None else self.ttl_ms != NO_TTL

    def average_bytes(self) -> int | None:
        """About how large one element is."""
        return self.memory_bytes // self.count if self.memory_bytes and self.count else None


class Element(NamedTuple):
    """One element.

    Attributes:
        label: What it is known by: a field, an index, an id; empty for members of a set.
        value: None when it was not read; `note` says why.
        note: A score, a position, what kind of JSON it is.
        fields: Of an entry of a stream; its value is empty then.
        inner: For JSON: the path to look into it by.
        place: Of a member of a geo set, when asked for: longitude and latitude.
    """

    label: bytes
    value: bytes | None
    note: str = ""
    fields: tuple[tuple[bytes, bytes], ...] = ()
    inner: bytes = b""
    place: str = ""

    @property
    def identity(self) -> bytes:
        """What tells it from the others, in types where something does."""
        return self.label or self.value or b""

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.label) + len(self.value or b"") + sum(len(key) + len(value) for key, value in self.fields)


@dataclass(frozen=True)
class Page:
    """What one reading gave.

    Attributes:
        data: A piece of a string, or a whole JSON document; None for what has elements.
        next: Where to go on; None at the end.
        is_stale: The key is gone or has become another type: look at it anew.
        trouble: Why it ends here although there is more.
    """

    elements: tuple[Element, ...] = ()
    data: bytes | None = None
    next: Cursor | None = None
    is_stale: bool = False
    trouble: DflyError | None = None
