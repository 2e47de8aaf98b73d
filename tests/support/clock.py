"""A clock the test moves."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeClock:
    """Time stands still until `advance()`; sleepers wake in order of their time."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._jumped = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self._now

    def now(self) -> datetime:
        return START + timedelta(seconds=self._now - 1000.0 + self._jumped)

    def jump(self, seconds: float) -> None:
        """Set the wall clock alone, as NTP or a person does."""
        self._jumped += seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking each sleeper at its time and letting everything it causes happen before the next."""
        target = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            at, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, at)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self._now = target


async def settle(turns: int = 12) -> None:
    """Let tasks that are ready run until they wait again."""
    for _ in range(turns):
        await asyncio.sleep(0)
