"""Reads one key: what is to be told of it, then its value page by page, never a whole large one.

A key may be gone or have become something else between two questions, and a user may lack any of the commands: what
can be told is told, and for the rest there is a reason.
"""

import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace

from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.replies import items, number, pairs, raw, shown
from dfly_tui.clients.value_json import JsonPages
from dfly_tui.clients.value_lane import TooLarge, ValueLane
from dfly_tui.clients.value_pages import Pages, is_wrong_type, string_page
from dfly_tui.clock import Clock
from dfly_tui.decode.values import is_text
from dfly_tui.errors import AuthFailed, DflyError, Loading, NotSupported, ServerError
from dfly_tui.models.keys import NO_KIND
from dfly_tui.models.value import JSON_ROOT, SHAPES, Cursor, Fact, Page, Shape, Trouble, ValueFacts
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe

HLL_MARK = b"HYLL"
HEAD_BYTES = 64
MOST_BITCOUNT = 1 << 20
"""BITCOUNT reads the whole string; of a larger one it is not asked."""
MOST_GROUPS = 20
MOST_CONSUMERS = 100
"""Of a group."""
CHUNK_BYTES = 1 << 20
_TRIES = 3
_GEO_SCORES = range(1 << 41, 1 << 52)
"""Geohashes of 52 bits. Milliseconds since 1970 are below, positions near the corner of the map, too."""

_COUNTS: dict[Shape, tuple[str, ...]] = {
    Shape.STRING: ("STRLEN",), Shape.HASH: ("HLEN",), Shape.LIST: ("LLEN",), Shape.SET: ("SCARD",),
    Shape.ZSET: ("ZCARD",), Shape.STREAM: ("XLEN",),
}  # fmt: skip
_PROBED = {"string": "STRLEN", "hash": "HLEN", "list": "LLEN", "set": "SCARD", "zset": "ZCARD", "stream": "XLEN"}
"""What tells the type to a user who may not ask for it."""
_INFOS = {
    "MBbloom--": "BF.INFO", "MBbloomCF": "CF.INFO", "CMSk-TYPE": "CMS.INFO", "TopK-TYPE": "TOPK.INFO",
    "TDIS-TYPE": "TDIGEST.INFO", "TSDB-TYPE": "TS.INFO", "vectorset": "VINFO",
}  # fmt: skip
_FATAL = (AuthFailed, Loading)
"""Errors about the connection rather than the command."""


class ValueReader:
    """Reads the key `name` of one database over a connection of its own. Raises only `DflyError`s.

    Args:
        clock: For the dates.
        timeout_seconds: For each question.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        *,
        database: int,
        name: bytes,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self.name = name
        self._lane = ValueLane(config, password, database=database, timeout_seconds=timeout_seconds)
        self._clock = clock
        self._pages = Pages(self._lane, name)
        self._json = JsonPages(self._lane, name)
        self._encoding: tuple[str, ...] = ("OBJECT", "ENCODING")

    async def aclose(self) -> None:
        """Close the connection."""
        await self._lane.aclose()

    async def facts(self) -> ValueFacts:
        """Type, time to live, size, encoding and what else its type has; two to four round trips.

        Raises:
            DflyError: The connection failed, or not even the type can be told.
        """
        for _ in range(_TRIES):
            found = await self._basics()
            detailed = found if found.is_gone else await self._with_details(found)
            if detailed is not None:
                return detailed
        return ValueFacts(self.name, NO_KIND, Shape.GONE, self._clock.now())

    async def page(
        self, facts: ValueFacts, cursor: Cursor | None = None, *, path: bytes = JSON_ROOT, times: int = 1
    ) -> Page:
        """A page of the value; the first without a cursor. A hash may name a field on two pages while it grows.

        Args:
            facts: What was told of the key a moment ago.
            path: For JSON: what to look into.
            times: How many times as large as others.

        Raises:
            DflyError: The connection failed, or the command is not permitted.
        """
        if facts.shape is Shape.JSON:
            return await self._json.page(facts, cursor, path)
        return await self._pages.page(facts, cursor, times)

    async def positions(self, members: list[bytes]) -> list[str]:
        """Longitude and latitude of members of a geo set, empty for those that have none."""
        reply = await self._lane.one("GEOPOS", self.name, *members)
        return [", ".join(shown(part) for part in items(place)) for place in items(reply)]

    async def chunks(self, facts: ValueFacts) -> AsyncGenerator[bytes, None]:
        """The exact bytes of a string or a JSON document, 1 MiB at a time.

        Raises:
            DflyError: The connection failed, or it has no bytes of its own, or is JSON larger than is taken at once, or
                was changed meanwhile: what was given so far is of no use.
        """
        if facts.shape is Shape.JSON:
            yield raw(await self._lane.one("JSON.GET", self.name))
            return
        if not facts.shape.is_bytes:
            raise NotSupported(f"a {facts.title} has no bytes of its own", "dfly-tui keys export keeps it whole")
        at, length = 0, await self._lane.one("STRLEN", self.name)
        while True:
            now, piece = await self._lane.ask(("STRLEN", self.name), ("GETRANGE", self.name, at, at + CHUNK_BYTES - 1))
            for reply in (now, piece):
                if isinstance(reply, DflyError) and not is_wrong_type(reply):
                    raise reply
            data = raw(piece)
            if now != length or (not data and at < (number(length) or 0)):
                raise ServerError("it was changed while it was read", "do it again")
            if data:
                yield data
            at += len(data)
            if at >= (number(length) or 0):
                return

    async def piece(self, at: int) -> Page:
        """A large piece of a string, to look for something in it. Raises DflyError as `page()` does."""
        return await string_page(self._lane, self.name, at, CHUNK_BYTES)

    async def _basics(self) -> ValueFacts:
        name = self.name
        commands: list[Command] = [("TYPE", name), ("PTTL", name), ("MEMORY", "USAGE", name), (*self._encoding, name)]
        kind, ttl, memory, encoding = await self._lane.ask(*commands)
        if isinstance(encoding, NotSupported) and self._encoding[0] == "OBJECT":
            self._encoding = ("DEBUG", "OBJECT")
            [encoding] = await self._lane.ask((*self._encoding, name))
        troubles = [
            Trouble(what, error)
            for what, error in (("time to live", ttl), ("size in memory", memory), ("encoding", encoding))
            if isinstance(error, DflyError) and not _is_of_missing_key(error)
        ]
        if isinstance(kind, DflyError):
            troubles.insert(0, Trouble("type", kind))
            kind = await self._probed(kind)
        word = safe(raw(kind), limit=40)
        return ValueFacts(
            name=name,
            kind=word,
            shape=SHAPES.get(word, Shape.OTHER),
            read_at=self._clock.now(),
            encoding=_encoding_word(encoding),
            memory_bytes=number(memory),
            ttl_ms=number(ttl),
            troubles=tuple(troubles),
        )

    async def _probed(self, refused: DflyError) -> Reply:
        """The type, found by trying; raises why it cannot be asked when trying does not tell."""
        if isinstance(refused, _FATAL):
            raise refused
        replies = await self._lane.ask(*((command, self.name) for command in _PROBED.values()))
        for kind, reply in zip(_PROBED, replies, strict=True):
            if number(reply):
                return kind
        raise refused

    async def _with_details(self, found: ValueFacts) -> ValueFacts | None:
        """With what its type tells; None when it has become another type meanwhile."""
        match found.shape:
            case Shape.STRING:
                return await self._string(found)
            case Shape.ZSET:
                return await self._sorted_set(found)
            case Shape.STREAM:
                return await self._stream(found)
            case Shape.JSON:
                count, facts, troubles = await self._json.facts()
                return _told(replace(found, count=count), facts, troubles)
            case Shape.OTHER:
                return await self._other(found)
        return await self._counted(found)

    async def _counted(self, found: ValueFacts) -> ValueFacts | None:
        [reply] = await self._lane.ask((*_COUNTS[found.shape], self.name))
        return _count(found, reply)

    async def _string(self, found: ValueFacts) -> ValueFacts | None:
        length, head = await self._lane.ask(("STRLEN", self.name), ("GETRANGE", self.name, 0, HEAD_BYTES - 1))
        told = _count(found, length)
        begins = head if isinstance(head, bytes) else b""
        if told is None or not begins:
            return told
        if begins.startswith(HLL_MARK):
            [count] = await self._lane.ask(("PFCOUNT", self.name))
            return self._asked(replace(told, shape=Shape.HYPERLOGLOG), "HyperLogLog", "distinct elements, about", count)
        if is_text(begins, truncated=True) or not 0 < (told.count or 0) <= MOST_BITCOUNT:
            return told
        [count] = await self._lane.ask(("BITCOUNT", self.name))
        return self._asked(told, "As a bitmap", "bits set", count)

    async def _ask_or_why(self, *commands: Command) -> list[Reply]:
        """Replies; where they are larger than is taken at once, that in place of each."""
        try:
            return await self._lane.ask(*commands) if commands else []
        except TooLarge as error:
            return [error] * len(commands)

    def _asked(self, told: ValueFacts, section: str, what: str, reply: Reply) -> ValueFacts:
        if isinstance(reply, DflyError):
            return _told(told, (), (Trouble(what, reply),))
        return _told(told, (Fact(section, what, safe(f"{number(reply) or 0:,}")),), ())

    async def _sorted_set(self, found: ValueFacts) -> ValueFacts | None:
        ends = [("ZRANGE", self.name, at, at, "WITHSCORES") for at in (0, -1)]
        [count] = await self._lane.ask(("ZCARD", self.name))
        edges = await self._ask_or_why(*ends)
        told = _count(found, count)
        scores = [raw(score).decode("ascii", "replace") for edge in edges for _, score in list(pairs(edge))[:1]]
        if told is None or len(scores) < 2:
            return told
        shape = Shape.GEO if all(_may_be_geohash(score) for score in scores) else Shape.ZSET
        facts = [Fact("Scores", what, safe(score)) for what, score in zip(("lowest", "highest"), scores, strict=True)]
        return _told(replace(told, shape=shape), facts, ())

    async def _stream(self, found: ValueFacts) -> ValueFacts | None:
        [length] = await self._lane.ask(("XLEN", self.name))
        [info] = await self._ask_or_why(("XINFO", "STREAM", self.name))  # it holds two entries whole
        [groups] = await self._ask_or_why(("XINFO", "GROUPS", self.name))
        told = _count(found, length)
        if told is None:
            return None
        stream = [
            Fact("Stream", name.decode("ascii", "backslashreplace"), shown(value))
            for name, value in ((raw(key), value) for key, value in pairs(info))
            if name not in {b"first-entry", b"last-entry"}
        ]
        troubles = [
            Trouble(what, error)
            for what, error in (("XINFO STREAM", info), ("groups", groups))
            if isinstance(error, DflyError)
        ]
        known = [{raw(key): value for key, value in pairs(group)} for group in items(groups)]
        facts: list[Fact] = []
        for group in known[:MOST_GROUPS]:
            facts += await self._group(group)
        if len(known) > MOST_GROUPS:
            facts.append(Fact("Groups", "more", safe(f"{len(known) - MOST_GROUPS} others")))
        return _told(told, facts + stream, troubles)

    async def _group(self, group: dict[bytes, Reply]) -> list[Fact]:
        name = raw(group.get(b"name"))
        consumers, pending = await self._ask_or_why(
            ("XINFO", "CONSUMERS", self.name, name), ("XPENDING", self.name, name)
        )
        section = f"Group {safe(name, limit=40)}"
        facts = [
            Fact(section, safe(raw(key), limit=40), shown(value)) for key, value in group.items() if key != b"name"
        ]
        summary = items(pending)
        if len(summary) == 4 and summary[0]:
            facts.append(Fact(section, "pending ids", safe(f"{shown(summary[1])} to {shown(summary[2])}")))
        for consumer in items(consumers)[:MOST_CONSUMERS]:
            told = {raw(key): value for key, value in pairs(consumer)}
            words = ", ".join(f"{safe(raw(key), limit=20)} {shown(told[key])}" for key in told if key != b"name")
            facts.append(Fact(section, safe(b"consumer " + raw(told.get(b"name")), limit=60), safe(words)))
        if (left := len(items(consumers)) - MOST_CONSUMERS) > 0:
            facts.append(Fact(section, "more consumers", safe(f"{left:,} others")))
        facts += [
            Fact(section, "not told", safe(str(reply)))
            for reply in (consumers, pending)
            if isinstance(reply, DflyError)
        ][:1]
        return facts

    async def _other(self, found: ValueFacts) -> ValueFacts:
        asked: list[Command] = [(_INFOS[found.kind], self.name)] if found.kind in _INFOS else []
        if found.kind == "TopK-TYPE":
            asked.append(("TOPK.LIST", self.name, "WITHCOUNT"))
        facts: list[Fact] = []
        troubles: list[Trouble] = []
        for command, reply in zip(asked, await self._ask_or_why(*asked), strict=True):
            if isinstance(reply, DflyError):
                troubles.append(Trouble(str(command[0]), reply))
            facts += [Fact(str(command[0]), shown(key), shown(value)) for key, value in pairs(reply)]
        return _told(found, facts, troubles)


def _told(found: ValueFacts, facts: Iterable[Fact], troubles: Iterable[Trouble]) -> ValueFacts:
    return replace(found, facts=(*found.facts, *facts), troubles=(*found.troubles, *troubles))


def _count(found: ValueFacts, reply: Reply) -> ValueFacts | None:
    """With the number of its elements; None when it has become another type."""
    if isinstance(reply, DflyError):
        return None if is_wrong_type(reply) else _told(found, (), (Trouble(f"number of {found.unit}", reply),))
    return replace(found, count=number(reply))


def _is_of_missing_key(error: DflyError) -> bool:
    return "no such key" in error.detail


def _encoding_word(reply: Reply) -> str | None:
    """What OBJECT ENCODING says, or the word behind `encoding:` in DEBUG OBJECT's line."""
    line = raw(reply).decode("ascii", "backslashreplace")
    found = re.search(r"encoding:(\S+)", line)
    return safe(found.group(1) if found else line, limit=40) or None


def _may_be_geohash(score: str) -> bool:
    try:
        value = float(score)
    except ValueError:
        return False
    return value.is_integer() and int(value) in _GEO_SCORES
