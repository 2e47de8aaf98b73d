"""Bytes between the event loop and code that blocks, a few MiB at a time."""

import asyncio
import queue
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import TypeVar

from dfly_tui.clients.threads import awaited, start_daemon

T = TypeVar("T")

PIECE_BYTES = 1 << 20
_AHEAD = 2
"""Pieces that wait for a thread."""
_CLEAN_UP_SECONDS = 5.0


class GivenUp(Exception):
    """Raised in the thread when no more will come, though it was not the end. Whoever feeds it knows why."""


def in_thread(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Run what blocks. Whoever gives up on it leaves it to end by itself."""
    return awaited(start_daemon(work, "store"))


async def drawn(source: Generator[bytes, None, None]) -> AsyncGenerator[bytes, None]:
    """What a blocking generator yields. It runs a piece ahead, and is closed at the end or when nobody wants more."""
    upcoming = start_daemon(lambda: next(source, None), "store")
    try:
        while (piece := await awaited(upcoming)) is not None:
            upcoming = start_daemon(lambda: next(source, None), "store")
            yield piece
    finally:
        upcoming.add_done_callback(lambda _: source.close())


async def fed(work: Callable[[Iterator[bytes]], T], content: AsyncIterator[bytes]) -> T:
    """Run blocking `work` on what `content` yields.

    When `content` fails, or the caller is cancelled, `work` gets a `GivenUp` from its iterator, and some seconds to
    clean up after itself.

    Raises:
        Exception: What `content` raised, or else what `work` did.
    """
    loop = asyncio.get_running_loop()
    pieces: queue.SimpleQueue[bytes | GivenUp | None] = queue.SimpleQueue()
    room = asyncio.Semaphore(_AHEAD)

    def received() -> Iterator[bytes]:
        while (piece := pieces.get()) is not None:
            if isinstance(piece, GivenUp):
                raise piece
            loop.call_soon_threadsafe(room.release)
            yield piece

    async def pour() -> None:
        async for piece in content:
            await room.acquire()
            pieces.put(piece)
        pieces.put(None)

    ended = in_thread(lambda: work(received()))
    pouring = asyncio.ensure_future(pour())
    both: tuple[asyncio.Future[object], ...] = (pouring, ended)  # type: ignore[assignment] # read only
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if pouring.done():
            pouring.result()
        return await asyncio.shield(ended)
    finally:
        pouring.cancel()
        pieces.put(GivenUp())
        await asyncio.wait(both, timeout=_CLEAN_UP_SECONDS)
