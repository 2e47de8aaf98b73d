"""Keys as they are listed: names in bytes, what was told of each, and what a person looks for among them.

A name is any bytes. It stays bytes everywhere; `safe()` makes what a screen shows of it.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from dfly_tui.models.base import Frozen

NO_TTL = -1
"""What PTTL says of a key that does not expire."""
GONE = -2
"""What PTTL says of a key that is not there."""

STRING, HASH, LIST, SET, ZSET, STREAM = "string", "hash", "list", "set", "zset", "stream"
JSON, BLOOM = "ReJSON-RL", "MBbloom--"
NO_KIND = "none"
"""What TYPE says of a key that is not there."""
KIND_NAMES = {ZSET: "sorted set", JSON: "json", BLOOM: "bloom filter"}
"""A type by the name people use, where TYPE says another."""
KINDS = (STRING, HASH, LIST, SET, ZSET, STREAM, JSON, BLOOM)
"""What TYPE says, on both versions (recordings `03`); a server may know more."""


def kind_name(kind: str) -> str:
    """The name of a type, as people call it."""
    return KIND_NAMES.get(kind, kind)


class KeyFacts(NamedTuple):
    """One key in a list.

    Attributes:
        kind: As TYPE says it; `none` when it is gone; None when not asked or not permitted.
        ttl_ms: -1 when it does not expire, -2 when it is gone; None when not told.
        size_bytes: By MEMORY USAGE; Dragonfly says 0 of small values that lie in the table itself (facts §7).
    """

    name: bytes
    kind: str | None = None
    ttl_ms: int | None = None
    size_bytes: int | None = None

    @property
    def is_gone(self) -> bool:
        return self.kind == NO_KIND or self.ttl_ms == GONE


class Access(StrEnum):
    """Whether a key was used since it was written, as far as the server marks it."""

    ANY = "any"
    TOUCHED = "touched"
    UNTOUCHED = "untouched"


class KeyFilter(Frozen):
    """Which keys are looked for. All that is set must hold.

    Attributes:
        pattern: A glob, as MATCH takes it; empty for all.
        kind: As TYPE says it; empty for all.
        expires: True for keys that expire, False for those that do not, None for both.
        ttl_below_seconds, ttl_above_seconds: Only keys that expire so soon, or so late.
        min_bytes: Only keys that take at least so much.
        access: Only keys that were, or were not, used.
    """

    pattern: bytes = b""
    kind: str = ""
    expires: bool | None = None
    ttl_below_seconds: float | None = None
    ttl_above_seconds: float | None = None
    min_bytes: int = 0
    access: Access = Access.ANY

    @property
    def wants_ttl(self) -> bool:
        """Whether it says anything of the time to live."""
        return self.expires is not None or self.has_ttl_bounds

    @property
    def has_ttl_bounds(self) -> bool:
        return self.ttl_below_seconds is not None or self.ttl_above_seconds is not None

    def admits_ttl(self, ttl_ms: int | None) -> bool:
        """Whether a key with this time to live (as PTTL says) is one of them."""
        if not self.wants_ttl:
            return True
        if ttl_ms is None or ttl_ms == GONE:
            return False
        if ttl_ms == NO_TTL:
            return self.expires is not True and not self.has_ttl_bounds
        if self.expires is False:
            return False
        below, above = self.ttl_below_seconds, self.ttl_above_seconds
        return (below is None or ttl_ms < below * 1000) and (above is None or ttl_ms > above * 1000)

    def admits_size(self, size_bytes: int | None) -> bool:
        """Whether a key of this size is one of them."""
        return self.min_bytes <= 0 or (size_bytes is not None and size_bytes >= self.min_bytes)


_GLOB = re.compile(rb"([\\*?\[\]^])")


def literal(name: bytes) -> bytes:
    """A glob that matches only this name."""
    return _GLOB.sub(rb"\\\1", name)


_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_WILD = re.compile(rb"(?:[^\\*?\[]|\\.)*", re.DOTALL)


def literal_name(pattern: bytes) -> bytes | None:
    """The one name that a pattern is about, `*` around it or not; None for a real pattern."""
    inner = pattern[1:] if pattern.startswith(b"*") else pattern
    match = _WILD.match(inner)
    if match is None or not match.group() or inner[match.end() :] not in {b"", b"*"}:
        return None
    return _ESCAPED.sub(rb"\1", match.group())
