"""Commands per second of the bulk lane against redis-py's pipeline, on the same redis-server, in the same run.

Prints one JSON line: {"name", "ours", "peer", "ratio", …}; rates in commands per second.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.settings import InstanceConfig
from tests.support.secrets import Password
from tests.support.servers import RedisServer, running_redis

COMMANDS = 300_000
WINDOW = 1000
ROUNDS = 3


async def ours(server: RedisServer) -> int:
    commands = (("GET", f"key:{number}") for number in range(COMMANDS))
    done = 0
    async with BulkLane(InstanceConfig(name="bench", url=server.url), Password(), timeout_seconds=30) as lane:
        async for replies in lane.run(commands, window=WINDOW):
            done += len(replies)
    return done


async def peer(server: RedisServer) -> int:
    done = 0
    async with Redis(port=server.port, single_connection_client=True) as client:
        for start in range(0, COMMANDS, WINDOW):
            pipeline = client.pipeline(transaction=False)
            for number in range(start, start + WINDOW):
                pipeline.get(f"key:{number}")
            done += len(await pipeline.execute())
    return done


async def rate(work: Callable[[RedisServer], Awaitable[int]], server: RedisServer) -> float:
    """The best of some rounds: what the machine does besides only slows down."""
    best = 0.0
    for _ in range(ROUNDS):
        started = time.perf_counter()
        done = await work(server)
        best = max(best, done / (time.perf_counter() - started))
    return best


async def main() -> None:
    async with running_redis() as server:
        theirs = await rate(peer, server)
        mine = await rate(ours, server)
    result = {
        "name": "bulk_commands_per_second",
        "ours": round(mine),
        "peer": round(theirs),
        "peer_name": "redis-py pipeline",
        "ratio": round(mine / theirs, 2),
        "target": 150_000,
        "commands": COMMANDS,
        "window": WINDOW,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
