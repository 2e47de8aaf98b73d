"""Keys that are read when a backup is made, and again where it was restored: the same number of keys is no proof."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from typing import NamedTuple

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.key_codec import KeyCodec
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import ALL_PROBES, Pace
from dfly_tui.models.backup import Sample
from dfly_tui.models.key_parts import Digest, Part
from dfly_tui.models.keys import NO_TTL, KeyFacts, KeyFilter
from dfly_tui.text import safe

MOST_SAMPLES = 64
MOST_DATABASES = 8
MOST_BYTES = 64 << 10
"""Of a sampled key: larger ones would hold the server up."""
_MOST_LOOKED_AT = 2000
"""Keys of a database that are looked at to find some that do not expire."""


class Where(NamedTuple):
    """A server whose keys are read.

    Attributes:
        codec: Reads keys of a database exactly; closed by whoever asked for it.
    """

    reader: KeyReader
    codec: Callable[[int, Capabilities], KeyCodec]


async def take(where: Where) -> tuple[Sample, ...]:
    """Some keys of the largest databases, none that expires, and what they hold.

    Raises:
        DflyError: They cannot be read: no connection, or not permitted.
    """
    server = await where.reader.look()
    spaces = sorted(server.seen.keyspaces, key=lambda space: -space.keys)[:MOST_DATABASES]
    found: list[Sample] = []
    for space in spaces:
        names = await _names(where.reader, space.database, MOST_SAMPLES // len(spaces))
        found += await _read(where, space.database, names, server.capabilities)
    return tuple(found)


async def _names(reader: KeyReader, database: int, count: int) -> list[bytes]:
    """The first keys that SCAN names and that fit; it goes through a hash table, so they are not the oldest."""
    names: dict[bytes, None] = {}
    looked_at = 0
    keys = reader.find(KeyFilter(expires=False), database=database, pace=Pace.NORMAL, probes=ALL_PROBES)
    async with aclosing(keys) as pages:
        async for page in pages:
            names |= dict.fromkeys(key.name for key in page if _fits(key))
            looked_at += len(page)
            if len(names) >= count or looked_at >= _MOST_LOOKED_AT:
                break
    return list(names)[:count]


def _fits(key: KeyFacts) -> bool:
    return not key.is_gone and key.ttl_ms == NO_TTL and (key.size_bytes or 0) <= MOST_BYTES


async def _read(where: Where, database: int, names: Sequence[bytes], server: Capabilities) -> list[Sample]:
    """Those that are there and can be told whole."""
    digests: dict[bytes, tuple[str, Digest]] = {}
    async with where.codec(database, server) as codec, aclosing(codec.read(names)) as lists:
        async for found in lists:
            for part in found:
                if not isinstance(part, Part) or part.is_dump or part.void:
                    digests.pop(part.name, None)
                else:
                    digests.setdefault(part.name, (part.kind, Digest()))[1].add(part)
    return [
        Sample(database=database, name_hex=name.hex(), kind=kind, digest=_sum_of(digest))
        for name, (kind, digest) in digests.items()
    ]


def _sum_of(digest: Digest) -> str:
    return hashlib.sha256(repr(digest.value()).encode()).hexdigest()


def unchanged(before: Iterable[Sample], after: Iterable[Sample]) -> tuple[Sample, ...]:
    """Those that held the same before and after a save: so they did in between, and do in the snapshot."""
    known = set(after)
    return tuple(sample for sample in before if sample in known)


async def again(where: Where, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """The same keys as they are now; those that are gone are missing.

    Raises:
        DflyError: They cannot be read.
    """
    server, found = await where.reader.look(), list[Sample]()
    for database in sorted({sample.database for sample in samples}):
        names = [bytes.fromhex(sample.name_hex) for sample in samples if sample.database == database]
        found += await _read(where, database, names, server.capabilities)
    return tuple(found)


async def differ(where: Where, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Which of the keys are not as they were, each in a few words.

    Raises:
        DflyError: They cannot be read.
    """
    now = {(sample.database, sample.name_hex): sample for sample in await again(where, samples)}
    found = []
    for sample in samples:
        there = now.get((sample.database, sample.name_hex))
        if there != sample:
            what = "is missing" if there is None else "holds something else"
            found.append(f"{safe(bytes.fromhex(sample.name_hex), limit=60)} in database {sample.database} {what}")
    return tuple(found)
