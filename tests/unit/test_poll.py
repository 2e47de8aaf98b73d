import asyncio
import gc
import random
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest

from dfly_tui.errors import DflyError, Timeout, Unreachable
from dfly_tui.models.reading import Reading
from dfly_tui.pollers.poll import poll
from tests.support.clock import FakeClock, settle
from tests.support.fakes import Script

REFUSED = Unreachable("connection refused")


class Watcher:
    """Runs a poll in a task and notes when each reading came."""

    def __init__(self, fetch: Callable[[], Awaitable[int]], *, interval: float = 1.0, timeout: float = 2.0) -> None:
        self.clock = FakeClock()
        self.start = self.clock.monotonic()
        self.interval = interval
        self.readings: list[Reading[int]] = []
        self.times: list[float] = []
        self.source: AsyncGenerator[Reading[int], None] = poll(
            fetch, interval=lambda: self.interval, timeout=timeout, clock=self.clock, rng=random.Random(7)
        )
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for reading in self.source:
            self.readings.append(reading)
            self.times.append(self.clock.monotonic() - self.start)

    @property
    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


async def test_reads_once_per_interval() -> None:
    watcher = Watcher(Script([1, 2, 3, 4]).ask)
    await watcher.clock.advance(3.0)
    await watcher.stop()
    assert watcher.times == [0.0, 1.0, 2.0, 3.0]
    assert [reading.value for reading in watcher.readings] == [1, 2, 3, 4]
    assert [reading.seq for reading in watcher.readings] == [1, 2, 3, 4]


async def test_time_spent_reading_counts_towards_the_interval() -> None:
    async def slow() -> int:
        await watcher.clock.sleep(0.4)
        return 1

    watcher = Watcher(slow)
    await watcher.clock.advance(3.0)
    await watcher.stop()
    assert watcher.times == pytest.approx([0.4, 1.4, 2.4])


async def test_a_read_slower_than_the_interval_is_never_doubled() -> None:
    script = Script([1])
    most = 0

    async def slow() -> int:
        nonlocal most
        script.running += 1
        most = max(most, script.running)
        await watcher.clock.sleep(1.7)
        script.running -= 1
        return 1

    watcher = Watcher(slow)
    await watcher.clock.advance(10.0)
    await watcher.stop()
    assert most == 1
    assert watcher.times == pytest.approx([1.7, 3.4, 5.1, 6.8, 8.5])


async def test_delays_double_up_to_thirty_seconds_with_jitter() -> None:
    watcher = Watcher(Script[int]([REFUSED]).ask)
    await watcher.clock.advance(200.0)
    await watcher.stop()
    assert len(watcher.pauses) > 7
    for pause, expected in zip(watcher.pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=False):
        assert expected * 0.9 <= pause <= min(30.0, expected * 1.1)
    assert watcher.pauses[:5] != [1, 2, 4, 8, 16]
    assert [reading.failures for reading in watcher.readings[:3]] == [1, 2, 3]


async def test_an_interval_longer_than_thirty_seconds_is_kept_after_failures() -> None:
    watcher = Watcher(Script[int]([REFUSED]).ask, interval=60.0)
    await watcher.clock.advance(400.0)
    await watcher.stop()
    assert all(54.0 <= pause <= 60.0 for pause in watcher.pauses)


async def test_the_last_good_value_survives_a_failure_and_recovery_is_complete() -> None:
    watcher = Watcher(Script[int]([1, REFUSED, REFUSED, 2]).ask)
    await watcher.clock.advance(6.0)
    await watcher.stop()
    first, second, third, fourth = watcher.readings[:4]
    assert (second.value, second.error, second.failures) == (1, REFUSED, 1)
    assert second.value_at == first.value_at == watcher.start
    assert (third.value, third.failures) == (1, 2)
    assert (fourth.value, fourth.error, fourth.failures) == (2, None, 0)
    # After recovery it is back at the usual pace.
    assert watcher.pauses[3] == pytest.approx(1.0)


async def test_no_answer_in_time_is_a_timeout_and_closes_the_read() -> None:
    script = Script([1])
    script.hang = True
    watcher = Watcher(script.ask, timeout=2.0)
    await watcher.clock.advance(2.0)
    assert watcher.times == [2.0]
    assert isinstance(watcher.readings[0].error, Timeout)
    assert "2 s" in str(watcher.readings[0].error)
    assert (script.running, script.cancelled) == (0, 1)
    await watcher.stop()


async def test_cancellation_closes_the_read() -> None:
    script = Script([1])
    script.hang = True
    watcher = Watcher(script.ask)
    await settle()
    assert script.running == 1
    await watcher.stop()
    assert watcher.task.cancelled()
    assert (script.running, script.cancelled) == (0, 1)


async def test_an_error_while_a_read_is_closed_is_not_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    async def stubborn() -> int:
        try:
            await asyncio.Event().wait()
            return 1
        finally:
            raise Unreachable("while closing")

    watcher = Watcher(stubborn)
    await watcher.clock.advance(2.0)
    assert isinstance(watcher.readings[0].error, Timeout)
    await watcher.stop()
    del watcher
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_reads_leave_no_alarm_behind() -> None:
    watcher = Watcher(Script([1]).ask, timeout=1000.0)
    await watcher.clock.advance(100.0)
    assert len(asyncio.all_tasks()) < 6
    await watcher.stop()


async def test_a_read_that_cancels_itself_is_a_failure_and_not_the_end() -> None:
    async def gives_up() -> int:
        raise asyncio.CancelledError

    watcher = Watcher(gives_up)
    await watcher.clock.advance(2.0)
    assert isinstance(watcher.readings[0].error, Unreachable)
    assert not watcher.task.done()
    await watcher.stop()


async def test_a_bug_passes_through() -> None:
    watcher = Watcher(Script[int]([KeyError("oops")]).ask)
    await watcher.clock.advance(1.0)
    with pytest.raises(KeyError):
        await watcher.task


async def test_a_changed_interval_is_asked_for_each_time() -> None:
    watcher = Watcher(Script([1]).ask)
    await watcher.clock.advance(1.0)
    watcher.interval = 5.0
    await watcher.clock.advance(12.0)
    await watcher.stop()
    assert watcher.times == [0.0, 1.0, 2.0, 7.0, 12.0]
    assert watcher.readings[-1].interval == 5.0


async def test_goes_on_from_the_reading_it_is_given() -> None:
    last = Reading[int](seq=41, value=7, value_at=990.0, failures=2, error=DflyError("was down"))
    source = poll(
        Script[int]([REFUSED]).ask,
        interval=lambda: 1.0,
        timeout=1.0,
        clock=FakeClock(),
        rng=random.Random(1),
        last=last,
    )
    reading = await anext(source)
    await source.aclose()
    assert (reading.seq, reading.value, reading.failures) == (42, 7, 3)


async def test_a_kept_error_holds_on_to_nothing() -> None:
    """Its traceback would keep the failed connection alive, and a megabyte that a hostile server sent."""

    class Buffer:
        pass

    held: list[weakref.ref[Buffer]] = []

    async def fetch() -> int:
        buffer = Buffer()
        held.append(weakref.ref(buffer))
        try:
            raise ValueError(buffer)
        except ValueError as error:
            raise Unreachable("refused") from error

    clock = FakeClock()
    async with aclosing(poll(fetch, interval=lambda: 1.0, timeout=5, clock=clock, rng=random.Random(1))) as readings:
        reading = await anext(readings)
    gc.collect()

    assert reading.error == Unreachable("refused")
    assert held[0]() is None
