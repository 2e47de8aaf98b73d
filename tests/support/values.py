"""A key of every type, on any server."""

import asyncio
from collections.abc import Iterable, Sequence

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.values import ValueReader
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.errors import DflyError
from dfly_tui.models.value import JSON_ROOT, Cursor, Element, Page, ValueFacts
from dfly_tui.settings import InstanceConfig
from tests.support.secrets import Password

PLAIN_TYPES: tuple[Command, ...] = (
    ("SET", "text", "hello", "PX", 3_600_000),
    ("SET", "document", b'{"id": 12345678901234567890, "tags": ["a", "b"], "of": {"nothing": null}}'),
    ("SET", "binary", bytes(range(256))),
    ("SETBIT", "bits", 100, 1),
    ("HSET", "session:0", "user", "0", "ip", "10.0.0.1", "agent", '{"name": "curl", "version": [8, 1]}'),
    ("RPUSH", "queue:0", *(f"job-{at}" for at in range(450))),
    ("SADD", "tags:0", *(f"t{at}" for at in range(12))),
    ("ZADD", "leaderboard", *(word for at in range(40) for word in (at * 10, f"player{at}"))),
    ("GEOADD", "places", "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "Catania"),
    *(("XADD", "events:0", f"170000000{at:04}-0", "kind", "click", "n", at) for at in range(300)),
    ("XGROUP", "CREATE", "events:0", "workers", "0"),
    ("XREADGROUP", "GROUP", "workers", "one", "COUNT", 3, "STREAMS", "events:0", ">"),
    ("PFADD", "visitors", *(f"visitor-{at}" for at in range(100))),
)  # fmt: skip
MORE_TYPES: tuple[Command, ...] = (
    ("JSON.SET", "doc", "$", '{"x": 1, "y": [1, 2, {"deep": "er"}], "name": "döc", "none": null}'),
    ("BF.ADD", "bloom", "one"),
)


def config_of(url: str, **options: object) -> InstanceConfig:
    """An instance there."""
    return InstanceConfig.model_validate({"name": "one", "url": url, **options})


async def fill(url: str, commands: Iterable[Command], database: int = 0) -> list[Reply]:
    """Send commands that must succeed."""
    async with BulkLane(config_of(url), Password(), timeout_seconds=20, database=database) as lane:
        replies = [reply async for replies in lane.run(commands) for reply in replies]
    for reply in replies:
        if isinstance(reply, DflyError):
            raise reply
    return replies


def reader_of(
    url: str, name: bytes | str, *, database: int = 0, password: str | None = None, clock: Clock | None = None,
    timeout: float = 5.0, **options: object,
) -> ValueReader:  # fmt: skip
    """A reader of one key."""
    return ValueReader(
        config_of(url, **options),
        Password(password),
        database=database,
        name=name.encode() if isinstance(name, str) else name,
        clock=clock or SystemClock(),
        timeout_seconds=timeout,
    )


async def facts_of(url: str, name: bytes | str, **options: object) -> ValueFacts:
    """What is told of a key."""
    reader = reader_of(url, name, **options)  # type: ignore[arg-type]
    try:
        return await reader.facts()
    finally:
        await reader.aclose()


async def pages_of(reader: ValueReader, facts: ValueFacts, path: bytes = JSON_ROOT) -> list[Page]:
    """All pages."""
    pages: list[Page] = []
    cursor: Cursor | None = None
    while True:
        pages.append(await reader.page(facts, cursor, path=path))
        cursor = pages[-1].next
        if cursor is None:
            return pages
        await asyncio.sleep(0)


async def whole(url: str, name: bytes | str, **options: object) -> tuple[ValueFacts, list[Page]]:
    """A key, read to the end."""
    reader = reader_of(url, name, **options)  # type: ignore[arg-type]
    try:
        facts = await reader.facts()
        return facts, await pages_of(reader, facts)
    finally:
        await reader.aclose()


def elements(pages: Sequence[Page]) -> list[Element]:
    """The elements of all pages."""
    return [element for page in pages for element in page.elements]
