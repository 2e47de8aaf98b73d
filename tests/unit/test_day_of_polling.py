"""Polling for hours must not need more and more memory (`tests/bench/bench_day.py` does a whole day)."""

import gc
import random
import tracemalloc

from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.pollers.feed import Feed
from dfly_tui.pollers.history import StatusHistory
from tests.support.clock import FakeClock
from tests.support.fakes import recorded_info

CAPACITY = 300


async def test_memory_is_flat_once_the_rings_are_full() -> None:
    clock, history, text = FakeClock(), StatusHistory(CAPACITY), recorded_info("v1.40.1-primary")

    async def fetch() -> InstanceSnapshot:
        return InstanceSnapshot.from_info(Info.parse(text), taken_at=clock.now())

    feed = Feed(
        "a", fetch, interval=1.0, timeout=2.0, clock=clock, rng=random.Random(1),
        on_reading=lambda reading: history.note(reading, clock.monotonic()),
    )  # fmt: skip
    feed.subscribe(lambda _: None)
    await clock.advance(CAPACITY + 10.0)
    gc.collect()
    tracemalloc.start()
    try:
        await clock.advance(5 * CAPACITY)
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        await feed.aclose()
    assert len(history.series) == CAPACITY
    # What is alive now but was not then: the latest reading and the tasks that wait.
    assert grown < 150_000
