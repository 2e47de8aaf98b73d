"""Reads the columns of many keys, for views: only what the columns need, in windows, and never a huge value."""

import json
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.replies import items, number, raw
from dfly_tui.clients.scan import Pace, plan
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, NotAServer, NotPermitted, NotSupported, ServerError
from dfly_tui.models.keys import HASH, JSON, LIST, NO_KIND, SET, STREAM, STRING, ZSET, KeyFilter, kind_name
from dfly_tui.models.view import MISSING_CELL, SHOWN_CHARACTERS, Cell, Facts, KeyOfView, Told, View
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import bytes_text
from dfly_tui.view_words import ColumnKind

KEYS_AT_A_TIME = 100
"""What is asked of each takes some twenty objects. Many more at a time make Python's garbage collector walk through all
there is, again and again, and keys pressed meanwhile wait for it."""
NAMES_AT_A_TIME = 500
"""To tell what they are in a view takes some microseconds each."""
READ_SECONDS = 30.0
MOST_FIELD_BYTES = 4096
"""A hash gives a field as a whole or not at all; of a longer one only its length is asked."""
MOST_STRING_BYTES = 16 << 10
"""A string is read for the keys of a JSON object in it if it is not longer."""
_LENGTHS = {STRING: "STRLEN", HASH: "HLEN", LIST: "LLEN", SET: "SCARD", ZSET: "ZCARD", STREAM: "XLEN"}
_SCALARS = ("string", "integer", "number", "boolean", "null")


@dataclass(frozen=True)
class Needs:
    """What is asked of each key, beside its type."""

    fields: tuple[str, ...] = ()
    ttl: bool = False
    size: bool = False
    length: bool = False

    @classmethod
    def of(cls, view: View) -> "Needs":
        """What the columns of a view need."""
        return cls(
            fields=view.fields,
            ttl=view.shows(ColumnKind.TTL),
            size=view.shows(ColumnKind.SIZE),
            length=view.shows(ColumnKind.LENGTH, ColumnKind.TREND),
        )


@dataclass(frozen=True)
class FoundKeys:
    """A page of a scan: those of its names that the view is of.

    Attributes:
        scanned: How many names there were.
        seconds: How long the server took.
    """

    keys: list[KeyOfView]
    scanned: int
    seconds: float


Read: TypeAlias = Callable[[Sequence[bytes], Needs], AsyncGenerator[list[Facts], None]]


class ViewReader:
    """Finds the keys of views in one database of an instance, and reads their columns. Raises only `DflyError`s.

    Args:
        database: By default that of the instance's URL.
        timeout_seconds: For small questions.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        *,
        clock: Clock,
        timeout_seconds: float,
        database: int | None = None,
    ) -> None:
        self.clock = clock
        self._config = config
        self._password = password
        self._keys = KeyReader(config, password, clock=clock, timeout_seconds=timeout_seconds)
        self.database = self._keys.database if database is None else database

    async def find(self, view: View, *, pace: Pace) -> AsyncGenerator[FoundKeys, None]:
        """The keys of a view, page by page; one may come twice."""
        capabilities = (await self._keys.look()).capabilities
        for pattern in view.patterns:
            how = plan(KeyFilter(pattern=pattern.glob()), capabilities)
            async with (
                self._keys.scanner(how, database=self.database, pace=pace) as scanner,
                aclosing(scanner.pages()) as pages,
            ):
                async for page in pages:
                    seconds = page.seconds
                    for first in range(0, len(page.names), NAMES_AT_A_TIME):
                        names = page.names[first : first + NAMES_AT_A_TIME]
                        yield FoundKeys([key for key in map(view.key, names) if key is not None], len(names), seconds)
                        seconds = 0.0
                        await self.clock.sleep(0)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Read, None]:
        """What reads the columns of keys, on a connection of its own."""
        lane = BulkLane(self._config, self._password, timeout_seconds=READ_SECONDS, database=self.database)
        async with lane:
            yield partial(read_columns, lane)

    async def aclose(self) -> None:
        """Close the connection that is kept."""
        await self._keys.aclose()


async def read_columns(lane: BulkLane, names: Sequence[bytes], needs: Needs) -> AsyncGenerator[list[Facts], None]:
    """What these keys are, in order, some hundred at a time.

    Raises:
        DflyError: The connection failed, or the server answers nothing now.
    """
    for first in range(0, len(names), KEYS_AT_A_TIME):
        yield await _in_rounds(lane, [_ask(name, needs) for name in names[first : first + KEYS_AT_A_TIME]])


Asking: TypeAlias = Generator[list[Command], list[Reply], Facts]
"""Questions about one key, in rounds: each is sent together with those about the other keys."""


async def _in_rounds(lane: BulkLane, asking: Sequence[Asking]) -> list[Facts]:
    told: dict[int, Facts] = {}
    asked = {index: next(each) for index, each in enumerate(asking)}
    while asked:
        commands = (command for each in asked.values() for command in each)
        replies = iter([reply async for some in lane.run(commands) for reply in some])
        asked_next: dict[int, list[Command]] = {}
        for index, each in asked.items():
            try:
                asked_next[index] = asking[index].send([next(replies) for _ in each])
            except StopIteration as done:
                told[index] = done.value
        asked = asked_next
    return [told[index] for index in range(len(asking))]


def _ask(name: bytes, needs: Needs) -> Asking:
    commands: list[Command] = [("TYPE", name)]
    if needs.ttl:
        commands.append(("PTTL", name))
    if needs.size:
        commands.append(("MEMORY", "USAGE", name))
    first, *rest = yield commands
    kind = _kind(first)
    ttl = _number_cell(rest.pop(0), Told.TTL) if needs.ttl else MISSING_CELL
    size = _number_cell(rest.pop(0)) if needs.size else MISSING_CELL
    if kind == NO_KIND or ttl.number == -2:
        return Facts(NO_KIND)
    length = MISSING_CELL
    if needs.length and kind in _LENGTHS:
        [reply] = yield [(_LENGTHS[kind], name)]
        length = _number_cell(reply)
    fields = (yield from _fields(name, kind, needs.fields)) if needs.fields else {}
    return Facts(kind, ttl, size, length, fields)


def _kind(reply: Reply) -> str:
    """The type; empty when we may not know it. Raises what stands for the server rather than the key."""
    if isinstance(reply, NotPermitted):
        return ""
    if isinstance(reply, DflyError):
        raise reply
    if not isinstance(reply, bytes | str):
        raise NotAServer("TYPE was answered with something else than a word")
    return raw(reply).decode("ascii", "backslashreplace")


def _number_cell(reply: Reply, told: Told = Told.NUMBER) -> Cell:
    if isinstance(reply, DflyError):
        return trouble(reply)
    found = number(reply)
    return MISSING_CELL if found is None else Cell(told, number=found)


def trouble(error: DflyError) -> Cell:
    """Why a cell could not be had."""
    if isinstance(error, NotPermitted | NotSupported):
        return Cell(Told.TROUBLE, f"✗ {error.title.lower()}")
    if isinstance(error, ServerError) and error.detail.startswith("WRONGTYPE"):
        return Cell(Told.TROUBLE, "✗ became another type")
    return Cell(Told.TROUBLE, f"✗ {safe(error.detail, limit=60)}")


Fields: TypeAlias = dict[str, Cell]


def _fields(name: bytes, kind: str, fields: Sequence[str]) -> Generator[list[Command], list[Reply], Fields]:
    match kind:
        case "hash" | "":
            return (yield from _of_hash(name, fields))
        case "string":
            return (yield from _of_string(name, fields))
        case _ if kind == JSON:
            return (yield from _of_json(name, fields))
        case _:
            return dict.fromkeys(fields, Cell(Told.TROUBLE, f"✗ {safe(kind_name(kind), limit=20)}, no fields"))


def _of_hash(name: bytes, fields: Sequence[str]) -> Generator[list[Command], list[Reply], Fields]:
    """Their lengths first, then those that are short."""
    lengths = yield [("HSTRLEN", name, field) for field in fields]
    found = {field: _long_or_none(reply) for field, reply in zip(fields, lengths, strict=True)}
    short = [field for field, cell in found.items() if cell is None]
    values: Sequence[Reply] = ()
    if short:
        [reply] = yield [("HMGET", name, *short)]
        values = [reply] * len(short) if isinstance(reply, DflyError) else items(reply)
    texts = dict(zip(short, map(_text, values), strict=False))
    return {field: cell or texts.get(field, MISSING_CELL) for field, cell in found.items()}


def _long_or_none(length: Reply) -> Cell | None:
    """The cell of what is too long to be read, or cannot be; None for what is to be read."""
    if isinstance(length, DflyError):
        return trouble(length)
    size = number(length) or 0
    return Cell(Told.LONG, f"{bytes_text(size)}, not read") if size > MOST_FIELD_BYTES else None


def _text(value: Reply) -> Cell:
    if value is None:
        return MISSING_CELL
    if isinstance(value, DflyError):
        return trouble(value)
    return Cell(Told.TEXT, safe(raw(value), limit=SHOWN_CHARACTERS) or '""')


def _of_string(name: bytes, fields: Sequence[str]) -> Generator[list[Command], list[Reply], Fields]:
    """The keys of a JSON object that is kept as a string."""
    [length] = yield [("STRLEN", name)]
    if isinstance(length, DflyError):
        return dict.fromkeys(fields, trouble(length))
    size = number(length) or 0
    if size > MOST_STRING_BYTES:
        return dict.fromkeys(fields, Cell(Told.LONG, f"string of {bytes_text(size)}, not read"))
    [value] = yield [("GETRANGE", name, 0, MOST_STRING_BYTES - 1)]
    if isinstance(value, DflyError):
        return dict.fromkeys(fields, trouble(value))
    try:
        document = json.loads(raw(value))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return dict.fromkeys(fields, Cell(Told.TROUBLE, "✗ string, no JSON object"))
    return {field: _json_cell(document[field]) if field in document else MISSING_CELL for field in fields}


def _json_cell(value: object) -> Cell:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Cell(Told.TEXT, safe(text, limit=SHOWN_CHARACTERS) or '""')


def _of_json(name: bytes, fields: Sequence[str]) -> Generator[list[Command], list[Reply], Fields]:
    """The keys of a JSON document, where they are scalars that are not long."""
    paths = ["$[" + json.dumps(field, ensure_ascii=False) + "]" for field in fields]
    replies = yield [(command, name, path) for path in paths for command in ("JSON.TYPE", "JSON.STRLEN")]
    found: Fields = {}
    wanted: list[Command] = []
    for field, path, kind, length in zip(fields, paths, replies[::2], replies[1::2], strict=True):
        word = _word(kind)
        if isinstance(kind, DflyError):
            found[field] = trouble(kind)
        elif word in _SCALARS:
            found[field] = (_long_or_none(length) if word == "string" else None) or MISSING_CELL
        else:
            found[field] = Cell(Told.TEXT, safe(word, limit=20)) if word else MISSING_CELL
        if word in _SCALARS and found[field] is MISSING_CELL:
            wanted.append(("JSON.GET", name, path))
    if wanted:
        values = yield wanted
        asked = dict(zip((command[2] for command in wanted), values, strict=True))
        found |= {field: _json_text(asked[path]) for field, path in zip(fields, paths, strict=True) if path in asked}
    return found


def _word(reply: Reply) -> str:
    """The one word in the answer to JSON.TYPE; empty when there is nothing at the path."""
    while listed := items(reply):
        reply = listed[0]
    return "" if isinstance(reply, DflyError) else raw(reply).decode("ascii", "backslashreplace")


def _json_text(reply: Reply) -> Cell:
    if isinstance(reply, DflyError):
        return trouble(reply)
    try:
        listed = json.loads(raw(reply))
    except (ValueError, RecursionError):
        return MISSING_CELL
    return _json_cell(listed[0]) if isinstance(listed, list) and listed else MISSING_CELL
