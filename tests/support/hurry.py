"""An event loop on which waiting takes no time: when nothing is ready, the clock is moved to the next timer.

For tests of real sockets within one process, whose timeouts would else be waited for. Time stands still while code
runs, however slow the machine is. Work in threads is waited for; other programs are not, so there must be none.
"""

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec

from tests.support.clock import START

P = ParamSpec("P")
GRACE_SECONDS = 0.001
"""Bytes on the loopback interface are there at once; this is for the kernel to have said so."""
THREADS_SECONDS = 0.005
"""Between two looks whether the threads are done."""
TURN_SECONDS = 5e-5
"""What each turn of the loop is taken to last, so that time passes for those who never wait."""


class _Selector(selectors.DefaultSelector):
    """Waits no longer than the grace, and says what time it would be.

    Attributes:
        now: In seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._known = set(threading.enumerate())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += TURN_SECONDS
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if not self._known.issuperset(threading.enumerate()):
            return super().select(THREADS_SECONDS)
        ready = super().select(GRACE_SECONDS)
        if not ready:
            self.now += timeout
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """Its `time()` is not the machine's."""

    def __init__(self) -> None:
        self._hurried = _Selector()
        super().__init__(self._hurried)

    def time(self) -> float:
        return self._hurried.now


class LoopClock:
    """The time of the running loop, hurried or not; the wall clock begins at a fixed date."""

    def __init__(self) -> None:
        self._began = asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() - self._began)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def hurried(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on a hurried loop."""

    @wraps(test)
    def run(*args: P.args, **options: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=HurriedLoop) as runner:
            runner.run(test(*args, **options))

    return run
