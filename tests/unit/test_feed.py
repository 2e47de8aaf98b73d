import asyncio
import logging
import random

import pytest

from dfly_tui.errors import Bug, Unreachable
from dfly_tui.models.reading import Freshness, Reading
from dfly_tui.pollers.feed import Feed
from tests.support.clock import FakeClock, settle
from tests.support.fakes import Script


class Case:
    """A feed over a script, at one read a second."""

    def __init__(self, *answers: int | BaseException) -> None:
        self.clock = FakeClock()
        self.script = Script[int](answers or range(1, 1000))
        self.noted: list[Reading[int]] = []
        self.feed: Feed[int] = Feed(
            "test", self.script.ask, interval=1.0, timeout=2.0, clock=self.clock, rng=random.Random(1),
            on_reading=self.noted.append,
        )  # fmt: skip


def values(seen: list[Reading[int]]) -> list[int | None]:
    return [reading.value for reading in seen]


async def test_nothing_is_read_while_nobody_looks() -> None:
    case = Case()
    await case.clock.advance(5.0)
    assert case.script.calls == 0
    assert not case.feed.running


async def test_all_subscribers_share_one_read() -> None:
    case = Case()
    one: list[Reading[int]] = []
    two: list[Reading[int]] = []
    case.feed.subscribe(one.append)
    case.feed.subscribe(two.append)
    await case.clock.advance(2.0)
    assert values(one) == values(two) == values(case.noted) == [1, 2, 3]
    assert case.script.calls == 3
    await case.feed.aclose()


async def test_a_late_subscriber_gets_the_latest_at_once() -> None:
    case = Case()
    case.feed.subscribe(lambda _: None)
    await case.clock.advance(1.5)
    late: list[Reading[int]] = []
    case.feed.subscribe(late.append)
    assert values(late) == [2]
    await case.feed.aclose()


async def test_goes_on_for_ten_seconds_after_the_last_one_left() -> None:
    case = Case()
    leave = case.feed.subscribe(lambda _: None)
    await case.clock.advance(1.0)
    leave()
    await case.clock.advance(9.5)
    assert case.feed.running
    await case.clock.advance(1.0)
    assert not case.feed.running
    calls = case.script.calls
    await case.clock.advance(60.0)
    assert case.script.calls == calls


async def test_coming_back_within_the_ten_seconds_keeps_it_going() -> None:
    case = Case()
    leave = case.feed.subscribe(lambda _: None)
    await case.clock.advance(1.0)
    leave()
    await case.clock.advance(5.0)
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await case.clock.advance(20.0)
    assert case.feed.running
    assert values(seen) == list(range(7, 28))
    await case.feed.aclose()


async def test_leaving_twice_does_not_throw_out_another() -> None:
    case = Case()
    seen: list[Reading[int]] = []
    first = case.feed.subscribe(seen.append)
    case.feed.subscribe(seen.append)
    await settle()
    first()
    first()
    await case.clock.advance(20.0)
    assert case.feed.running
    assert len(seen) == 2 + 20
    await case.feed.aclose()


async def test_a_restart_after_a_long_time_goes_on_from_what_was_known() -> None:
    case = Case()
    leave = case.feed.subscribe(lambda _: None)
    await case.clock.advance(1.0)
    leave()
    await case.clock.advance(100.0)
    known = case.feed.reading
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await settle()
    assert seen[0] is known
    assert seen[0].freshness(case.clock.monotonic()) is Freshness.STALE
    assert seen[1].seq == known.seq + 1
    assert seen[1].freshness(case.clock.monotonic()) is Freshness.FRESH
    await case.feed.aclose()


async def test_subscribing_while_the_last_read_is_still_closing_is_served_and_does_not_overlap() -> None:
    clock = FakeClock()
    may_close = asyncio.Event()
    running, most, calls = 0, 0, 0

    async def fetch() -> int:
        nonlocal running, most, calls
        calls += 1
        running += 1
        most = max(most, running)
        try:
            if calls == 1:
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    await may_close.wait()
        finally:
            running -= 1
        return calls

    feed = Feed("test", fetch, interval=1.0, timeout=60.0, clock=clock, rng=random.Random(1))
    leave = feed.subscribe(lambda _: None)
    await settle()
    leave()
    await clock.advance(10.0)
    seen: list[Reading[int]] = []
    feed.subscribe(seen.append)
    await settle()
    assert (running, seen) == (1, [])
    may_close.set()
    await settle()
    assert values(seen) == [2]
    assert most == 1
    await feed.aclose()


async def test_paused_reads_nothing_and_says_so() -> None:
    case = Case()
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await case.clock.advance(1.0)
    case.feed.pause(True)
    assert seen[-1].paused
    await case.clock.advance(60.0)
    assert case.script.calls == 2
    await case.feed.aclose()


async def test_refresh_while_paused_reads_once_and_stays_paused() -> None:
    case = Case()
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await case.clock.advance(0.5)
    case.feed.pause(True)
    await case.clock.advance(5.0)
    case.feed.refresh_now()
    await case.clock.advance(30.0)
    assert case.script.calls == 2
    assert seen[-1].value == 2
    assert seen[-1].paused
    await case.feed.aclose()


async def test_resume_reads_at_once() -> None:
    case = Case()
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await settle()
    case.feed.pause(True)
    await case.clock.advance(7.3)
    case.feed.pause(False)
    assert not seen[-1].paused
    await settle()
    assert values(seen)[-1] == 2
    await case.clock.advance(1.0)
    assert case.script.calls == 3
    await case.feed.aclose()


async def test_pausing_twice_tells_once() -> None:
    case = Case()
    case.feed.pause(True)
    case.feed.pause(True)
    assert len(case.noted) == 1


async def test_a_subscriber_of_a_paused_feed_gets_one_reading() -> None:
    case = Case()
    case.feed.pause(True)
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await case.clock.advance(10.0)
    assert [(reading.value, reading.paused) for reading in seen] == [(1, True)]
    await case.feed.aclose()


async def test_refresh_now_cuts_the_wait_short() -> None:
    case = Case(1, Unreachable("down"), Unreachable("down"), Unreachable("down"), Unreachable("down"), 2)
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    await case.clock.advance(9.0)  # in the middle of an 8 s back-off
    assert seen[-1].failures == 4
    case.feed.refresh_now()
    await settle()
    assert (seen[-1].value, seen[-1].failures) == (2, 0)
    await case.feed.aclose()


async def test_another_interval_holds_at_once() -> None:
    case = Case()
    case.feed.set_interval(60.0)
    case.feed.subscribe(lambda _: None)
    await case.clock.advance(5.0)
    assert case.script.calls == 1
    case.feed.set_interval(0.5)
    await case.clock.advance(2.0)
    assert case.script.calls == 1 + 5
    assert case.feed.reading.interval == 0.5
    await case.feed.aclose()


async def test_another_interval_does_not_wake_a_paused_feed() -> None:
    case = Case()
    case.feed.subscribe(lambda _: None)
    await settle()
    case.feed.pause(True)
    case.feed.set_interval(0.5)
    await case.clock.advance(10.0)
    assert case.script.calls == 1
    await case.feed.aclose()


async def test_a_bug_in_a_read_is_shown_and_logged_and_polling_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    case = Case(1, ZeroDivisionError("\x1b[31mboom"), 3)
    seen: list[Reading[int]] = []
    case.feed.subscribe(seen.append)
    with caplog.at_level(logging.ERROR):
        await case.clock.advance(1.0)
    assert isinstance(seen[-1].error, Bug)
    assert str(seen[-1].error) == "A bug in dfly-tui: ZeroDivisionError: \\x1b[31mboom"
    assert seen[-1].value == 1
    assert "Traceback" in caplog.text
    assert "test" in caplog.text
    await case.clock.advance(2.0)
    assert values(seen)[-1] == 3
    assert seen[-1].error is None
    await case.feed.aclose()


async def test_a_subscriber_that_fails_is_logged_and_robs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: Reading[int]) -> None:
        raise RuntimeError("the screen is gone")

    case = Case()
    seen: list[Reading[int]] = []
    case.feed.subscribe(fails)
    case.feed.subscribe(seen.append)
    with caplog.at_level(logging.ERROR):
        await case.clock.advance(2.0)
    assert values(seen) == [1, 2, 3]
    assert "the screen is gone" in caplog.text
    await case.feed.aclose()


async def test_closing_ends_the_read_and_every_task() -> None:
    case = Case()
    case.script.hang = True
    leave = case.feed.subscribe(lambda _: None)
    await settle()
    await case.feed.aclose()
    leave()
    assert case.script.running == 0
    assert not case.feed.running
    assert [
        task.get_name() for task in asyncio.all_tasks() if "test" in task.get_name() and "feed" in task.get_name()
    ] == []


async def test_closing_what_never_ran_does_nothing() -> None:
    await Case().feed.aclose()
