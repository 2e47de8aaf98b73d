"""One source of readings for any number of subscribers."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from dfly_tui.clock import Clock
from dfly_tui.models.reading import Reading
from dfly_tui.pollers.poll import or_bug, poll

T = TypeVar("T")

KEEP_ALIVE_SECONDS = 10.0
"""How long a feed goes on after its last subscriber left, so that switching screens back finds it fresh."""

log = logging.getLogger(__name__)


class Feed(Generic[T]):
    """Polls while somebody subscribes; hands each reading to all.

    A mistake of ours must be loud and must not freeze a screen: one in `fetch` becomes a reading whose error is a
    `Bug`, one in a subscriber is logged and the other subscribers still get theirs.

    Args:
        name: For the log, and the names of tasks.
        on_reading: Called first with every reading (time series, recorder), whoever subscribes.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[], Awaitable[T]],
        *,
        interval: float,
        timeout: float,
        clock: Clock,
        rng: random.Random,
        on_reading: Callable[[Reading[T]], None] | None = None,
    ) -> None:
        self.name = name
        self.reading: Reading[T] = Reading(interval=interval)
        self._fetch = fetch
        self._interval = interval
        self._timeout = timeout
        self._clock = clock
        self._rng = rng
        self._on_reading = on_reading
        self._subscribers: list[Callable[[Reading[T]], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._linger: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._running = asyncio.Event()
        self._running.set()

    @property
    def running(self) -> bool:
        """Whether the feed is polling now, and was not told to stop."""
        return self._task is not None and not self._task.done() and not self._task.cancelling()

    def subscribe(self, callback: Callable[[Reading[T]], None]) -> Callable[[], None]:
        """Hand every new reading to `callback`, starting with the latest one there is.

        Returns:
            What to call to leave. Leaving twice does no harm.
        """
        self._subscribers.append(callback)
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not self.running:
            self._task = asyncio.create_task(self._run(after=self._task), name=f"feed {self.name}")
        if self.reading.seq:
            callback(self.reading)
        subscribed = True

        def leave() -> None:
            nonlocal subscribed
            if not subscribed or callback not in self._subscribers:
                return
            subscribed = False
            self._subscribers.remove(callback)
            if not self._subscribers and self._task is not None and self.running:
                self._linger = asyncio.create_task(self._stop_later(self._task), name=f"linger {self.name}")

        return leave

    def refresh_now(self) -> None:
        """Cut the wait short, the current one or the next; while paused this reads once."""
        self._nudge.set()

    def set_interval(self, seconds: float) -> None:
        """Poll at another pace from now on; seconds between attempts."""
        self._interval = seconds
        if self._running.is_set() and self.running:
            self.refresh_now()

    def pause(self, paused: bool) -> None:
        """Stop or resume polling; a paused reading says so."""
        if paused == (not self._running.is_set()):
            return
        if paused:
            self._running.clear()
        else:
            self._running.set()
            self.refresh_now()
        self._publish(self.reading.model_copy(update={"paused": paused}))

    async def aclose(self) -> None:
        """Stop for good."""
        self._subscribers.clear()
        tasks = [task for task in (self._linger, self._task) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(self, after: asyncio.Task[None] | None) -> None:
        """Poll until cancelled, not before the task that polled until now has closed its fetch."""
        if after is not None:
            await asyncio.wait({after})
        source = poll(
            lambda: or_bug(self._fetch, self.name),
            interval=lambda: self._interval,
            timeout=self._timeout,
            clock=self._clock,
            rng=self._rng,
            wait=self._wait,
            last=self.reading,
        )
        async with aclosing(source):
            async for reading in source:
                self._publish(reading.model_copy(update={"paused": not self._running.is_set()}))

    def _publish(self, reading: Reading[T]) -> None:
        self.reading = reading
        for callback in (self._on_reading, *self._subscribers):
            try:
                if callback is not None:
                    callback(reading)
            except Exception:
                log.exception("feed %s: a subscriber failed", self.name)

    async def _wait(self, seconds: float) -> None:
        """Sleep, unless nudged, be it before; while paused, stay until resumed or nudged (which reads just once)."""
        await _first_of(self._clock.sleep(seconds), self._nudge.wait())
        if not self._running.is_set() and not self._nudge.is_set():
            await _first_of(self._running.wait(), self._nudge.wait())
        self._nudge.clear()

    async def _stop_later(self, task: asyncio.Task[None]) -> None:
        await self._clock.sleep(KEEP_ALIVE_SECONDS)
        task.cancel()


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
