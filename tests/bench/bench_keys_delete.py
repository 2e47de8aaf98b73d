"""Deleting many small keys of a redis-server, beside `redis-cli --pipe` of UNLINK for the same keys in the same run.

Prints one JSON line. `python -m tests.bench.bench_keys_delete [KEYS]`, by default 1,000,000. Ratios, and no targets:
what redis-cli pipes was found by nobody, is not counted, and its failures are not named.
"""

import asyncio
import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import hiredis
import psutil

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.scan import Pace
from dfly_tui.clock import SystemClock
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import GivenAnswer
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.keys.bulk import BulkChange
from dfly_tui.operations.keys.place import desk_of, look_at, run
from dfly_tui.operations.keys.trash import Trash
from dfly_tui.operations.keys.wish import What, Wish, preview
from dfly_tui.paths import Paths
from dfly_tui.settings import Environment, InstanceConfig, Settings
from tests.bench.common import empty_home, report
from tests.support.secrets import Password
from tests.support.servers import RedisServer, running_redis

LATENCY_EVERY_SECONDS = 0.02


def write_pipe_file(path: Path, keys: int, *words: str) -> None:
    """What `redis-cli --pipe` reads: a command for each key."""
    command, *rest = words
    with path.open("wb") as file:
        for number in range(keys):
            file.write(hiredis.pack_command((command, f"cache:{number}", *rest)))  # type: ignore[arg-type]


def pipe(server: RedisServer, path: Path) -> float:
    """Seconds that redis-cli takes."""
    began = time.perf_counter()
    with path.open("rb") as file:
        subprocess.run(["redis-cli", "-p", str(server.port), "--pipe"], stdin=file, check=True, capture_output=True)
    return time.perf_counter() - began


async def delete(config: InstanceConfig, paths: Paths, *, undoable: bool) -> tuple[BulkChange, float, float]:
    """Delete all keys as the command line does: seconds of the preview, and of the change."""
    clock = SystemClock()
    settings = Settings(instances=(config,))
    access = Access([config], lambda config: Password(), guard=Guard(clock, settings), clock=clock, timeout_seconds=30)
    async with access:
        place = await look_at(access, config.name, 0, trash=Trash(paths.trash_dir, clock=clock), run="bench")
        wish = Wish(What.DELETE, KeyFilter(pattern=b"cache:*"), pace=Pace.FAST, undoable=undoable)
        began = time.perf_counter()
        found = await preview(place, wish, rng=random.Random(1))
        seen = time.perf_counter()
        job = BulkChange(place, wish, found)
        plan = job.plan()
        answer, audit = GivenAnswer(yes=True, names=[config.name]), Audit(paths.audit_file, clock=clock)
        events = [event async for event in run(plan, desk_of(plan, access, answer, audit, paths))]
        assert events[-1].outcome is Outcome.DONE, events[-1]
        return job, seen - began, time.perf_counter() - seen


async def latencies(config: InstanceConfig, found: list[float]) -> None:
    """How long somebody else's PING takes meanwhile, in milliseconds, until cancelled."""
    async with BulkLane(config, Password(), timeout_seconds=30) as lane:
        while True:
            began = time.perf_counter()
            await lane.ask(("PING",))
            found.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(LATENCY_EVERY_SECONDS)


async def measure(keys: int) -> None:
    rss = partial(lambda process: process.memory_info().rss, psutil.Process(os.getpid()))
    with empty_home() as environ, TemporaryDirectory() as folder:
        paths = Paths.from_env(environ)
        fill, unlink = Path(folder) / "fill", Path(folder) / "unlink"
        write_pipe_file(fill, keys, "SET", "x" * 40)
        write_pipe_file(unlink, keys, "UNLINK")
        async with running_redis() as server:
            config = InstanceConfig(name="bench", url=server.url, environment=Environment.LAB)
            pipe(server, fill)
            pipe_seconds = pipe(server, unlink)
            pipe(server, fill)
            before, waits = rss(), list[float]()
            watching = asyncio.create_task(latencies(config, waits))
            job, preview_seconds, seconds = await delete(config, paths, undoable=False)
            watching.cancel()
            grown = rss() - before
            kept = min(keys, 20_000)
            write_pipe_file(fill, kept, "SET", "x" * 40)
            pipe(server, fill)
            _, _, kept_seconds = await delete(config, paths, undoable=True)
    waits.sort()
    rate = keys / pipe_seconds
    report(
        "keys_delete",
        [],
        keys=job.changed,
        preview_seconds=round(preview_seconds, 2),
        delete_keys_per_second=round(keys / seconds),
        delete_into_trash_keys_per_second=round(kept / kept_seconds),
        redis_cli_pipe_keys_per_second=round(rate),
        delete_ratio=round(keys / seconds / rate, 2),
        ping_p99_ms=round(waits[int(len(waits) * 0.99)], 1),
        ping_most_ms=round(waits[-1], 1),
        grown_rss_mib=round(grown / 2**20, 1),
    )


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
