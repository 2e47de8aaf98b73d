import asyncio
from datetime import UTC, timedelta

from dfly_tui.clock import SystemClock
from tests.support.clock import START, FakeClock


async def test_the_machine_s_time() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() - before >= 0.001
    assert clock.now().tzinfo is UTC


async def test_a_fake_clock_wakes_sleepers_in_order_at_their_times() -> None:
    clock = FakeClock()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper(name, seconds)) for name, seconds in (("b", 2.0), ("a", 1.0), ("c", 5.0))]
    await clock.advance(4.0)
    assert woken == [("a", 1001.0), ("b", 1002.0)]
    assert clock.now() == START + timedelta(seconds=4)
    await clock.advance(1.0)
    assert woken[-1] == ("c", 1005.0)
    await asyncio.gather(*tasks)
