"""Invented clients send as many commands as they are told to."""

import random

from dfly_tui.lab.traffic import Traffic
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.lab import lab, pair


async def test_a_known_rate() -> None:
    clock = FakeClock()
    async with lab(clock, keys=500) as server:
        traffic = Traffic(server, 50, random.Random(3), clock)
        server.spawn(traffic.run())
        await clock.advance(20)
        assert abs(server.stats.commands - 20 * 50) <= 5, "but for one tick"
        traffic.ops_per_second = 7
        await clock.advance(10)
        assert abs(server.stats.commands - (20 * 50 + 10 * 7)) <= 5
        assert server.stats.ops_per_second(clock.monotonic()) == 7


async def test_it_reads_more_than_it_writes_and_not_everything_is_there() -> None:
    clock = FakeClock()
    async with lab(clock, keys=2000, traffic=True, traffic_ops=100) as server:
        await clock.advance(30)
        stats = server.stats
        assert stats.hits > stats.misses > 0
        assert 0 < server.keyspace.mutations < stats.commands / 2
        assert {"get", "set", "hgetall"} <= set(stats.calls)


async def test_it_stops_while_the_server_is_frozen() -> None:
    clock = FakeClock()
    async with lab(clock, traffic=True) as server:
        await clock.advance(1)
        before = server.stats.commands
        server.faults.frozen = True
        await clock.advance(10)
        assert server.stats.commands == before > 0
        server.faults.frozen = False
        await clock.advance(1)
        assert server.stats.commands > before


async def test_what_it_writes_is_replicated() -> None:
    async with pair(keys=100, traffic=True) as (_, replica):
        link = replica.follower
        assert link is not None

        async def goes_on() -> bool:
            return sum(link.executed) > 10

        await eventually(goes_on)
