"""From a fetch that may fail to a stream of readings that never does."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from dfly_tui.clock import Clock
from dfly_tui.errors import Bug, DflyError, Timeout, Unreachable
from dfly_tui.models.reading import Reading
from dfly_tui.text import safe

T = TypeVar("T")

MAX_DELAY_SECONDS = 30.0
JITTER = 0.1
"""The share by which a delay after a failure varies, so that a fleet does not knock all at once."""

log = logging.getLogger(__name__)


async def poll(
    fetch: Callable[[], Awaitable[T]],
    *,
    interval: Callable[[], float],
    timeout: float,
    clock: Clock,
    rng: random.Random,
    wait: Callable[[float], Awaitable[None]] | None = None,
    last: Reading[T] | None = None,
) -> AsyncGenerator[Reading[T], None]:
    """Fetch again and again, yielding what is known after each attempt.

    Args:
        fetch: One read; raises only `DflyError`s for what can go wrong outside. Anything else is a bug and passes.
        interval: Seconds from the start of one attempt to the start of the next; asked each time, so it may change.
        timeout: Seconds after which an attempt is given up as `Timeout`.
        wait: How to wait; the feed passes one that can be cut short. Default: the clock's sleep.
        last: The reading to go on from.

    Yields:
        A reading per attempt. After n failures in a row the delay is interval × 2^(n-1) with jitter, 30 s at most (or
        the interval, when that is longer). Attempts never overlap. Cancellation passes through.
    """
    wait = wait or clock.sleep
    reading: Reading[T] = last or Reading(interval=interval())
    while True:
        started = clock.monotonic()
        reading = await _attempt(fetch, reading, interval(), timeout, clock)
        yield reading
        await wait(_delay(reading, interval(), clock.monotonic() - started, rng))


async def or_bug(fetch: Callable[[], Awaitable[T]], name: str) -> T:
    """`fetch()`, where a mistake of ours is logged and becomes a `Bug`: it must be loud and must not stop the rest."""
    try:
        return await fetch()
    except DflyError:
        raise
    except Exception as bug:
        log.exception("%s: a read failed in a way it must not", name)
        raise Bug(safe(f"{type(bug).__name__}: {bug}", limit=200), "the log has the details; please report it") from bug


async def _attempt(
    fetch: Callable[[], Awaitable[T]], last: Reading[T], interval: float, timeout: float, clock: Clock
) -> Reading[T]:
    changes: dict[str, object] = {"seq": last.seq + 1, "interval": interval, "paused": False}
    try:
        value = await _within(fetch, timeout, clock)
    except DflyError as error:
        return last.model_copy(update=changes | {"error": _bare(error), "failures": last.failures + 1})
    return last.model_copy(
        update=changes | {"value": value, "value_at": clock.monotonic(), "error": None, "failures": 0}
    )


def _bare(error: DflyError) -> DflyError:
    """Without its traceback and causes: they hold on to the connection and to all that it had received."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


async def _within(fetch: Callable[[], Awaitable[T]], timeout: float, clock: Clock) -> T:
    """`asyncio.timeout`, but by our clock."""
    attempt = asyncio.ensure_future(fetch())
    alarm = asyncio.ensure_future(clock.sleep(timeout))
    try:
        await asyncio.wait({attempt, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if attempt.cancelled():
            raise Unreachable("the read was given up by the library that made it")
        if attempt.done():
            return attempt.result()
        raise Timeout(f"no answer within {timeout:g} s", "the server is frozen or overloaded, or the network is")
    finally:
        alarm.cancel()
        if not attempt.done():
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)


def _delay(reading: Reading[T], interval: float, spent: float, rng: random.Random) -> float:
    if not reading.failures:
        return max(0.0, interval - spent)
    backoff = interval * 2.0 ** min(reading.failures - 1, 16) * rng.uniform(1 - JITTER, 1 + JITTER)
    return min(backoff, max(interval, MAX_DELAY_SECONDS))
