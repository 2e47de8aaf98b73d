"""What a day of polling one instance leaves in memory: RSS after the first hour and after the last.

86,400 reads of a recorded INFO ALL under the fake clock, with the history of the real hub. Run as
`python -m tests.bench.bench_day [HOURS]`; prints one JSON line.
"""

import asyncio
import gc
import json
import random
import sys
import time

import psutil

from dfly_tui.clients.connect import InstanceClients
from dfly_tui.pollers.hub import Hub
from dfly_tui.settings import Settings
from tests.bench.bench_hub import ParsingReader
from tests.support.clock import FakeClock
from tests.support.fakes import FakeMetrics, config, empty_page, recorded_info

HOURS = 24


def rss_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 1e6


async def day(hours: int) -> dict[str, float | int | str]:
    clock = FakeClock()
    clients = InstanceClients(
        reader=ParsingReader(clock, recorded_info("v1.40.1-primary")), metrics=FakeMetrics([empty_page()])
    )
    hub = Hub(Settings(instances=(config("a"),)), lambda _: clients, clock=clock, rng=random.Random(1))
    hub.subscribe(lambda: None)
    started = time.process_time()
    await clock.advance(3600.0)
    first = rss_mb()
    await clock.advance((hours - 1) * 3600.0)
    last = rss_mb()
    spent = time.process_time() - started
    reads = hub["a"].status.reading.seq
    await hub.aclose()
    return {
        "bench": "day", "hours": hours, "reads": reads, "rss_mb_after_first_hour": round(first, 1),
        "rss_mb_at_the_end": round(last, 1), "growth_mb": round(last - first, 2), "cpu_seconds": round(spent, 1),
    }  # fmt: skip


def main() -> None:
    print(json.dumps(asyncio.run(day(int(sys.argv[1]) if len(sys.argv) > 1 else HOURS))))


if __name__ == "__main__":
    main()
