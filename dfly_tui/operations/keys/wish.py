"""What is to happen to many keys, and what that would hit: counted, sampled, weighed, before anybody is asked."""

import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from dfly_tui.clients.connection import Command
from dfly_tui.clients.scan import ALL_PROBES, Pace
from dfly_tui.errors import BadInput
from dfly_tui.models.keys import KeyFacts, KeyFilter, kind_name, literal
from dfly_tui.models.redis_cli import quote
from dfly_tui.operations.keys.place import Place
from dfly_tui.text import safe

SAMPLE = 500
MOST_KEPT = 20_000
"""Keys of one change that the trash takes."""


class What(StrEnum):
    """What happens to each key."""

    DELETE = "delete"
    EXPIRE = "expire"
    PERSIST = "persist"
    RENAME = "rename"


@dataclass(frozen=True)
class Wish:
    """A change of many keys.

    Attributes:
        wanted: Which.
        expires_at_ms: For `EXPIRE`: Unix time.
        prefix, new_prefix: For `RENAME`: what their names begin with, and shall begin with.
        rate: The most keys in a second; None for no limit.
        undoable: Keep them in the trash first, where that has room.
    """

    what: What
    wanted: KeyFilter
    expires_at_ms: int = 0
    prefix: bytes = b""
    new_prefix: bytes = b""
    pace: Pace = Pace.NORMAL
    rate: float | None = None
    undoable: bool = True

    @property
    def loses(self) -> bool:
        """Whether something is gone afterwards, so that keys go to the trash first."""
        return self.what in {What.DELETE, What.EXPIRE}

    @property
    def is_of_all(self) -> bool:
        """Whether it is about all keys of a database."""
        return self.wanted in {KeyFilter(), KeyFilter(pattern=b"*")}

    def admits(self, name: bytes) -> bool:
        """Whether it is about this key, which the filter admitted. What was renamed is not renamed once more."""
        if self.what is not What.RENAME:
            return True
        nested = self.new_prefix.startswith(self.prefix)
        return name.startswith(self.prefix) and not (nested and name.startswith(self.new_prefix))

    def command(self, name: bytes) -> Command:
        """What is sent for one key; deletions are sent for several at a time."""
        match self.what:
            case What.DELETE:
                return ("UNLINK", name)
            case What.EXPIRE:
                return ("PEXPIREAT", name, self.expires_at_ms)
            case What.PERSIST:
                return ("PERSIST", name)
            case _:
                return ("RENAMENX", name, self.new_prefix + name[len(self.prefix) :])

    @property
    def shown(self) -> str:
        """What is sent, for a screen and the audit log."""
        match self.what:
            case What.DELETE:
                return "UNLINK «key» …"
            case What.EXPIRE:
                return f"PEXPIREAT «key» {self.expires_at_ms}"
            case What.PERSIST:
                return "PERSIST «key»"
            case _:
                return f"RENAMENX {quote(self.prefix)}«rest» {quote(self.new_prefix)}«rest»"

    def facts(self) -> dict[str, str]:
        """Enough to make it again."""
        return {
            "what": self.what,
            "pattern_hex": self.wanted.pattern.hex(),
            "wanted": self.wanted.model_copy(update={"pattern": b""}).model_dump_json(),
            "expires_at_ms": str(self.expires_at_ms),
            "prefix_hex": self.prefix.hex(),
            "new_prefix_hex": self.new_prefix.hex(),
            "pace": self.pace.name,
            "rate": "" if self.rate is None else str(self.rate),
            "undoable": str(self.undoable),
        }


def persisting(wanted: KeyFilter, *, pace: Pace, rate: float | None) -> Wish:
    """Let keys that expire stay.

    Raises:
        BadInput: The filter says that they do not expire.
    """
    if wanted.expires is False:
        raise BadInput("keys that do not expire stay anyway", "leave ttl:none out")
    return Wish(What.PERSIST, wanted.model_copy(update={"expires": True}), pace=pace, rate=rate)


def renaming(prefix: bytes, new_prefix: bytes, wanted: KeyFilter, *, pace: Pace, rate: float | None) -> Wish:
    """Give all keys whose names begin with a prefix another one.

    Raises:
        BadInput: The prefix is empty, or the same, or a pattern is given besides.
    """
    if not prefix or prefix == new_prefix:
        raise BadInput("a prefix is replaced by another one", "such as --prefix user: --to account:")
    if wanted.pattern:
        raise BadInput("the prefix says which keys are renamed: a pattern besides cannot be", "leave it out")
    wanted = wanted.model_copy(update={"pattern": literal(prefix) + b"*"})
    return Wish(What.RENAME, wanted, prefix=prefix, new_prefix=new_prefix, pace=pace, rate=rate)


def wish_from(facts: Mapping[str, str]) -> Wish:
    """The wish that `Wish.facts()` tells of.

    Raises:
        BadInput: They tell of none: another version wrote them.
    """
    try:
        wanted = KeyFilter.model_validate_json(facts["wanted"])
        return Wish(
            What(facts["what"]),
            wanted.model_copy(update={"pattern": bytes.fromhex(facts["pattern_hex"])}),
            expires_at_ms=int(facts["expires_at_ms"]),
            prefix=bytes.fromhex(facts["prefix_hex"]),
            new_prefix=bytes.fromhex(facts["new_prefix_hex"]),
            pace=Pace[facts["pace"]],
            rate=float(facts["rate"]) if facts["rate"] else None,
            undoable=facts["undoable"] == "True",
        )
    except (KeyError, ValueError):
        raise BadInput("the record of that run is not one of ours", "make the change anew") from None


@dataclass(frozen=True)
class Preview:
    """What a change would hit now.

    Attributes:
        keys: How many; a key that SCAN names twice is counted twice.
        sample: Some of them, chosen at random.
        database_keys: How many there are in the database.
        seconds: What the counting took.
    """

    keys: int
    sample: tuple[KeyFacts, ...]
    database_keys: int
    seconds: float

    @property
    def kinds(self) -> dict[str, int]:
        """Type → about how many, the most frequent first."""
        counted = Counter(kind_name(key.kind) for key in self.sample if key.kind and not key.is_gone)
        share = self.keys / sum(counted.values()) if counted else 0
        return {kind: round(count * share) for kind, count in counted.most_common()}

    @property
    def estimated_bytes(self) -> int | None:
        """What they take, by the sample; None when the server does not tell. Dragonfly tells 0 of the smallest."""
        sizes = [key.size_bytes for key in self.sample if key.size_bytes is not None]
        return round(sum(sizes) / len(sizes) * self.keys) if sizes else None

    @property
    def largest_bytes(self) -> int:
        """Of the sample."""
        return max((key.size_bytes or 0 for key in self.sample), default=0)

    @property
    def names(self) -> list[str]:
        """Some names, for a screen."""
        return [safe(name, limit=120) for name in sorted({key.name for key in self.sample})]


async def find(place: Place, wish: Wish) -> AsyncGenerator[list[bytes], None]:
    """The names of all keys it is about, as SCAN finds them; raises `DflyError`."""
    found = place.access.key_reader(place.instance).find(wish.wanted, database=place.database, pace=wish.pace)
    async with aclosing(found) as pages:
        async for keys in pages:
            yield [key.name for key in keys if wish.admits(key.name)]


async def count(place: Place, wish: Wish) -> int:
    """How many keys it is about now; raises `DflyError`."""
    total = 0
    async with aclosing(find(place, wish)) as pages:
        async for names in pages:
            total += len(names)
    return total


async def preview(
    place: Place, wish: Wish, *, rng: random.Random, told: Callable[[int], None] = lambda keys: None
) -> Preview:
    """Count the keys and look at some of them.

    Args:
        told: Called with how many were found so far.

    Raises:
        DflyError: They cannot be looked for.
    """
    clock = place.access.clock
    began = clock.monotonic()
    sample: list[bytes] = []
    total = 0
    async with aclosing(find(place, wish)) as pages:
        async for names in pages:
            _draw(sample, names, total, rng)
            total += len(names)
            told(total)
    known = await _facts(place, sample)
    return Preview(total, tuple(known), place.server.keys(place.database), clock.monotonic() - began)


def _draw(sample: list[bytes], names: Sequence[bytes], before: int, rng: random.Random) -> None:
    """Let each name have the same chance to be among the sample."""
    for at, name in enumerate(names, before + 1):
        if len(sample) < SAMPLE:
            sample.append(name)
        elif (place := rng.randrange(at)) < SAMPLE:
            sample[place] = name


async def _facts(place: Place, names: Sequence[bytes]) -> list[KeyFacts]:
    found: list[KeyFacts] = []
    if names:
        reader = place.access.key_reader(place.instance)
        async with reader.prober(place.database) as prober, aclosing(prober(names, ALL_PROBES)) as lists:
            async for some in lists:
                found += some
    return found
