"""Blocking calls in threads of their own, where the shared pool would do harm.

The event loop's pool has a handful of threads, resolves host names too, and is waited for at the program's exit. A
call that may hang for a minute in it would keep everybody's names from being resolved, and the program from ending.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def start_daemon(work: Callable[[], T], name: str) -> "concurrent.futures.Future[T]":
    """As `asyncio.to_thread()`, in a thread of its own that nobody waits for at exit."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
    outcome.set_running_or_notify_cancel()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # noqa: BLE001 - not swallowed: raised where the outcome is awaited
            outcome.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return outcome


def awaited(outcome: "concurrent.futures.Future[T]") -> "asyncio.Future[T]":
    """The outcome, to be awaited; whoever gives up on it leaves it to the others."""
    asked = asyncio.wrap_future(outcome)
    # asyncio complains about outcomes nobody looked at.
    asked.add_done_callback(lambda done: done.cancelled() or done.exception())
    return asked
