"""The key browser on a redis-server of many mixed keys, beside redis-cli and a bare SCAN loop on the same server.

Prints one JSON line per size. `python -m tests.bench.bench_keys [KEYS …]`, by default 1,000,000.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hiredis
import psutil

from dfly_tui.app import DflyApp
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import Pace, plan
from dfly_tui.clock import SystemClock
from dfly_tui.models.keys import KeyFilter
from dfly_tui.paths import Paths
from dfly_tui.pollers.keyspace import KeyspaceScan
from dfly_tui.settings import Environment, InstanceConfig, Settings
from dfly_tui.wiring import build_services
from tests.bench.common import above, empty_home, report
from tests.support.secrets import Password
from tests.support.servers import RedisServer, running_redis

ROUNDS = 3
TARGETS = {"tree_seconds_per_million": 2.5, "first_rows_ms": 100.0, "tree_rss_mib": 120.0, "key_wait_p99_ms": 50.0}
"""Upper bounds; `scan_share` and `facts_ratio` have lower ones."""
LEAST = {"scan_share": 0.8, "facts_ratio": 2.0}
_FILL = """
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('SET', 'user:' .. i .. ':name', 'name-' .. i, 'EX', 100000 + i)
  redis.call('HSET', 'session:' .. i, 'user', i, 'agent', 'x')
  redis.call('SET', 'tef:state:LAW-' .. (i % 5000) .. ':planning:agent' .. i, 'x')
  redis.call('SADD', 'tags:' .. (i % 1000) .. ':' .. i, i, i + 1)
end
"""


def fill(server: RedisServer, keys: int) -> None:
    """Strings with and without a TTL, hashes and sets in four namespaces."""
    for start in range(0, keys // 4, 50_000):
        last = min(start + 49_999, keys // 4 - 1)
        command = ["redis-cli", "-p", str(server.port), "EVAL", _FILL, "0", str(start), str(last)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def bare_loop(server: RedisServer, count: int) -> float:
    """Seconds that a loop of nothing but SCAN takes, with hiredis on a plain socket."""
    began, cursor, replies = time.perf_counter(), b"", hiredis.Reader()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        while cursor != b"0":
            connection.sendall(hiredis.pack_command(("SCAN", cursor or b"0", "COUNT", count)))  # type: ignore[arg-type]
            while (reply := replies.gets()) is False:
                replies.feed(connection.recv(1 << 18))
            cursor = reply[0]
    return time.perf_counter() - began


def redis_cli(server: RedisServer, option: str) -> float:
    """Seconds that redis-cli takes for the same."""
    began = time.perf_counter()
    subprocess.run(["redis-cli", "-p", str(server.port), option], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


@asynccontextmanager
async def reader_of(server: RedisServer) -> AsyncIterator[KeyReader]:
    config = InstanceConfig(name="bench", url=server.url)
    reader = KeyReader(config, Password(), clock=SystemClock(), timeout_seconds=10)
    yield reader
    await reader.aclose()


async def tree(server: RedisServer) -> tuple[float, float]:
    """Seconds until the tree is whole, and until its first rows are there."""
    first: list[float] = []
    async with reader_of(server) as reader:
        began = time.perf_counter()

        def changed() -> None:
            if scan.pages and not first:
                first.append(time.perf_counter() - began)

        scan = KeyspaceScan(reader, pace=Pace.FAST, changed=changed)
        scan.start()
        await scan.wait()
        return time.perf_counter() - began, first[0]


async def scanning(server: RedisServer) -> float:
    """Seconds that our loop of SCAN takes."""
    async with reader_of(server) as reader:
        began = time.perf_counter()
        seen = await reader.look()
        async with reader.scanner(plan(KeyFilter(), seen.capabilities), database=0, pace=Pace.FAST) as scanner:
            async for _ in scanner.pages():
                pass
        return time.perf_counter() - began


async def facts(server: RedisServer) -> float:
    """Seconds until type and size of every key are known, as --memkeys finds them."""
    async with reader_of(server) as reader:
        began = time.perf_counter()
        seen = await reader.look()
        found = plan(KeyFilter(), seen.capabilities)
        async with reader.scanner(found, database=0, pace=Pace.FAST) as scanner, reader.prober(0) as prober:
            async for page in scanner.pages():
                async for _ in prober(page.names, ("TYPE", "MEMORY USAGE")):
                    pass
        return time.perf_counter() - began


async def key_waits(server: RedisServer) -> list[float]:
    """How long a key press would have had to wait at any moment of a scan on the screen, in milliseconds, sorted."""
    waits: list[float] = []
    with empty_home() as environ:
        instance = InstanceConfig(name="bench", url=server.url, environment=Environment.LAB)
        settings = Settings(instances=(instance,))
        paths = Paths.from_env(environ)
        app = DflyApp(lambda ask: build_services(settings, paths, environ, SystemClock(), ask))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("4", "w")
            until = time.perf_counter() + 3
            while (before := time.perf_counter()) < until:
                await asyncio.sleep(0.001)
                waits.append((time.perf_counter() - before) * 1000 - 1)
    return sorted(waits)


async def measure(keys: int) -> None:
    async with running_redis() as server:
        fill(server, keys)
        before = psutil.Process(os.getpid()).memory_info().rss
        trees = [await tree(server) for _ in range(ROUNDS)]
        grown = psutil.Process(os.getpid()).memory_info().rss - before
        ours = min([await scanning(server) for _ in range(ROUNDS)])
        bare = min(bare_loop(server, 4096) for _ in range(ROUNDS))
        cli = {option: redis_cli(server, f"--{option}") for option in ("scan", "bigkeys", "memkeys")}
        every = await facts(server)
        waits = await key_waits(server)
    seconds = min(whole for whole, _ in trees)
    found = {
        "tree_seconds_per_million": round(seconds * 1e6 / keys, 2),
        "first_rows_ms": round(min(first for _, first in trees) * 1000, 1),
        "tree_rss_mib": round(grown / 2**20, 1),
        "key_wait_p99_ms": round(waits[len(waits) * 99 // 100], 1),
    }
    ratios = {"scan_share": round(bare / ours, 2), "facts_ratio": round(cli["memkeys"] / every, 2)}
    short = [f"{name}: {ratios[name]} < {least}" for name, least in LEAST.items() if ratios[name] < least]
    report(
        "keys",
        above(found, TARGETS) + short,
        keys=keys,
        **found,
        **ratios,
        key_wait_most_ms=round(waits[-1], 1),
        bare_scan_seconds=round(bare, 2),
        facts_seconds=round(every, 2),
        **{f"redis_cli_{option}_seconds": round(took, 2) for option, took in cli.items()},
    )


if __name__ == "__main__":
    for wanted in [int(word) for word in sys.argv[1:]] or [1_000_000]:
        asyncio.run(measure(wanted))
