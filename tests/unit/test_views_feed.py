"""A view while somebody looks at it: what comes, changes, goes, and a server that goes away."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from dfly_tui.clients.scan import Pace
from dfly_tui.clients.view_rows import ViewReader
from dfly_tui.errors import DflyError, Unreachable
from dfly_tui.models.reading import Freshness
from dfly_tui.models.view import Row, Told, View
from dfly_tui.pollers.views import Look, ViewFeed
from dfly_tui.settings_views import SHIPPED_VIEWS
from tests.support.eventually import eventually
from tests.support.hurry import LoopClock
from tests.support.lab import Client, lab
from tests.support.secrets import Password
from tests.support.servers import running_redis
from tests.support.values import config_of, fill

WORKFLOWS, _, SESSIONS, QUEUES = map(View.of, SHIPPED_VIEWS)


@dataclass
class Case:
    feed: ViewFeed
    client: Client

    async def look(self) -> dict[bytes, Row]:
        """One look, with a search for keys."""
        self.feed.look_now()
        return await self.again()

    async def again(self) -> dict[bytes, Row]:
        """One look."""
        self.feed.look = await self.feed.read()
        return {row.key.name: row for row in self.feed.look.rows}


@asynccontextmanager
async def case(view: View, flavour: str = "1.40", most_rows: int = 100) -> AsyncIterator[Case]:
    clock = LoopClock()
    async with lab(port=0, flavour=flavour, clock=clock) as server, Client(server.port) as client:
        reader = ViewReader(config_of(f"redis://127.0.0.1:{server.port}"), Password(), clock=clock, timeout_seconds=5)
        feed = ViewFeed(reader, view, pace=Pace.FAST, rng=random.Random(1), most_rows=most_rows)
        try:
            yield Case(feed, client)
        finally:
            await feed.aclose()


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_a_queue_has_a_course_which_outlives_it(flavour: str) -> None:
    async with case(QUEUES, flavour) as on:
        await on.client("RPUSH", "queue:jobs", "a", "b")
        first = await on.look()
        await on.client("RPUSH", "queue:jobs", "c")
        second = await on.again()
        await on.client("DEL", "queue:jobs")
        third = await on.again()
        for _ in range(3):
            await on.look()
        await on.client("RPUSH", "queue:jobs", "a")
        last = await on.look()
    assert first[b"queue:jobs"].cells[3].trend == (2,)
    assert second[b"queue:jobs"].cells[3].trend == (2, 3)
    assert third[b"queue:jobs"].is_gone
    assert third[b"queue:jobs"].cells[2].text == "gone"
    assert last[b"queue:jobs"].cells[3].trend == (2, 3, 0, 0, 0, 0, 1)


async def test_an_empty_past_is_forgotten() -> None:
    async with case(QUEUES) as on:
        await on.client("RPUSH", "queue:jobs", "a")
        await on.look()
        await on.client("DEL", "queue:jobs")
        for _ in range(59):
            assert b"queue:jobs" in await on.again()
        await on.again()
        assert await on.again() == {}


async def test_a_key_that_expired_is_shown_as_gone_for_one_look() -> None:
    async with case(SESSIONS) as on:
        await on.client("HSET", "session:1", "a", "b")
        await on.client("HSET", "session:2", "a", "b")
        assert set(await on.look()) == {b"session:1", b"session:2"}
        await on.client("DEL", "session:1")
        rows = await on.again()
        assert {name: row.is_gone for name, row in rows.items()} == {b"session:1": True, b"session:2": False}
        assert set(await on.again()) == {b"session:2"}
        await on.client("HSET", "session:3", "a", "b")
        assert set(await on.look()) == {b"session:2", b"session:3"}


async def test_keys_that_stay_as_they_are_keep_their_rows() -> None:
    async with case(WORKFLOWS) as on:
        await on.client("HSET", "tef:state:a:b:c", "status", "on")
        before = await on.look()
        assert (await on.again())[b"tef:state:a:b:c"] is before[b"tef:state:a:b:c"]
        await on.client("HSET", "tef:state:a:b:c", "status", "off")
        assert (await on.again())[b"tef:state:a:b:c"].cells[1].text == "off"


async def test_of_more_keys_than_are_shown_it_says_so() -> None:
    async with case(SESSIONS, most_rows=100) as on:
        for number in range(100):
            await on.client("SET", f"session:{number}", "x")
        await on.look()
        assert (len(on.feed.look.rows), on.feed.look.is_cut) == (100, False)
        await on.client("SET", "session:more", "x")
        await on.look()
        assert (len(on.feed.look.rows), on.feed.look.is_cut) == (100, True)


async def test_what_was_found_so_far_is_shown_while_the_first_search_runs() -> None:
    seen: list[tuple[int, bool]] = []
    async with case(SESSIONS, most_rows=5000) as on:
        for number in range(1000):
            await on.client("SET", f"session:{number}", "x")
        on.feed._changed = lambda: seen.append((len(on.feed.look.rows), on.feed.look.found_at is None))
        await on.look()
    assert len(on.feed.look.rows) == 1000
    assert seen[0][0] < 1000
    assert all(searching for _, searching in seen)


async def test_a_server_that_goes_away_leaves_what_was_seen_and_a_gap() -> None:
    clock = LoopClock()
    server = lab(port=0, clock=clock)
    async with server, Client(server.port) as client:
        await client("RPUSH", "queue:jobs", "a")
        reader = ViewReader(config_of(f"redis://127.0.0.1:{server.port}"), Password(), clock=clock, timeout_seconds=5)
        feed = ViewFeed(reader, QUEUES, pace=Pace.FAST, rng=random.Random(1), interval=0.01)
        feed.start()
        await until(feed, lambda look: len(look.rows) == 1 and look.found_at is not None)
        assert feed.reading.freshness(clock.monotonic()) is Freshness.FRESH
    await until(feed, lambda look: isinstance(feed.reading.error, Unreachable))
    assert feed.look.rows[0].cells[3].trend[-1] == 1
    async with lab(port=server.port, clock=clock) as again, Client(again.port) as client:
        await client("RPUSH", "queue:jobs", "a", "b")
        feed.look_now()
        await until(feed, lambda look: feed.reading.error is None and look.rows[0].cells[3].trend[-1:] == (2,))
    assert None in feed.look.rows[0].cells[3].trend
    await feed.aclose()


async def until(feed: ViewFeed, check: Callable[[Look], bool]) -> None:
    async def checked() -> bool:
        return check(feed.look)

    await eventually(checked)


async def test_no_look_at_a_server_that_is_not_there() -> None:
    reader = ViewReader(config_of("redis://127.0.0.1:1"), Password(), clock=LoopClock(), timeout_seconds=5)
    feed = ViewFeed(reader, SESSIONS, rng=random.Random(1))
    with pytest.raises(DflyError):
        await feed.read()
    assert feed.look == Look()
    await feed.aclose()


@pytest.mark.redis_server
async def test_twenty_thousand_rows_of_more_keys() -> None:
    async with running_redis() as server:
        await fill(
            server.url,
            (
                (
                    "HSET",
                    f"tef:state:LAW-{number // 8}:qa:agent-{number % 8}",
                    "status",
                    "on",
                    "timestamp",
                    "2026-01-02",
                )
                for number in range(20_300)
            ),
        )
        reader = ViewReader(config_of(server.url), Password(), clock=LoopClock(), timeout_seconds=5)
        feed = ViewFeed(reader, WORKFLOWS, pace=Pace.FAST, rng=random.Random(1))
        look = await feed.read()
        assert (len(look.rows), look.is_cut) == (20_000, True)
        assert all(row.cells[1].text == "on" and row.cells[2].told is Told.TIME for row in look.rows)
        await feed.aclose()
