"""Servers with keys to change, and the changes of many keys that tests make."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dfly_tui.clients.scan import Pace
from dfly_tui.models.keys import KeyFilter
from dfly_tui.operations.keys.bulk import BulkChange
from dfly_tui.operations.keys.trash import Limits
from dfly_tui.operations.keys.wish import What, Wish, preview
from tests.support.key_world import Result, Says, World, ask, world
from tests.support.lab import lab
from tests.support.proxy import Proxy
from tests.support.servers import running_redis

SERVERS = ["1.22", "1.40", pytest.param("redis", marks=pytest.mark.redis_server)]


@asynccontextmanager
async def url_of(server: str) -> AsyncIterator[str]:
    if server == "redis":
        async with running_redis() as redis:
            yield redis.url
    else:
        async with lab(port=0, flavour=server) as running:
            yield f"redis://127.0.0.1:{running.port}"


@asynccontextmanager
async def watched(
    server: str = "1.40",
    *,
    limits: Limits | None = None,
    timeout: float = 5.0,
    read_only: bool = False,
    environment: str = "lab",
) -> AsyncIterator[tuple[World, Proxy, str]]:
    """A world that reaches its server through a proxy, and the server's own address."""
    async with lab(port=0, flavour=server) as running, Proxy(running.port, lambda: None) as proxy:
        url = f"redis://127.0.0.1:{running.port}"
        address = f"redis://127.0.0.1:{proxy.port}"
        async with world(
            address, limits=limits, timeout=timeout, read_only=read_only, environment=environment
        ) as there:
            yield there, proxy, url


async def many(url: str, count: int, *, ttl: int = 0) -> None:
    await ask(url, *(("SET", f"cache:{n}", "x" * 20, *(("EX", ttl) if ttl else ())) for n in range(count)))


async def bulk(there: World, wish: Wish, confirmer: Says | None = None, **options: object) -> tuple[BulkChange, Result]:
    place = await there.place()
    change = BulkChange(place, wish, await preview(place, wish, rng=random.Random(1)), **options)  # type: ignore[arg-type]
    return change, await there.run(change.plan(), confirmer)


def deleting(pattern: bytes = b"cache:*", *, pace: Pace = Pace.FAST, undoable: bool = True) -> Wish:
    return Wish(What.DELETE, KeyFilter(pattern=pattern), pace=pace, undoable=undoable)
