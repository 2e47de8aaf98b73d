"""Lab servers for tests, and a client that shows what they answer as it is."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self

import hiredis

from dfly_tui.clock import Clock, SystemClock
from dfly_tui.lab.options import LabOptions
from dfly_tui.lab.server import LabServer
from tests.support.eventually import eventually


class Client:
    """One connection. Errors are returned, not raised.

    `async with Client(port) as client: await client("GET", "x")`
    """

    def __init__(self, port: int, password: str | None = None, protocol: int = 2) -> None:
        self._port, self._password, self._protocol = port, password, protocol
        self._replies = hiredis.Reader(encoding="utf-8", errors="surrogateescape", notEnoughData=Ellipsis)

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            if self._password:
                await self("AUTH", self._password)
            if self._protocol == 3:
                await self("HELLO", "3")
        except BaseException:  # a frozen server
            self._writer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def __call__(self, *words: str | int) -> Any:
        self.send(*words)
        return await self.answer()

    def send(self, *words: str | int) -> None:
        """Send without waiting."""
        data = [str(word).encode("utf-8", "surrogateescape") for word in words]
        packed = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in data)
        self._writer.write(b"*%d\r\n%b" % (len(data), packed))

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def answer(self) -> Any:
        """The next reply; ConnectionResetError when the server hangs up instead."""
        while (reply := self._replies.gets()) is Ellipsis:
            chunk = await asyncio.wait_for(self._reader.read(65536), 10)
            if not chunk:
                raise ConnectionResetError
            self._replies.feed(chunk)
        return reply

    async def info(self, *sections: str) -> dict[str, str]:
        """INFO as a mapping."""
        text: str = await self("INFO", *sections)
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def lab(
    clock: Clock | None = None, on_exit: Callable[[int], None] | None = None, seed: int = 1, **options: Any
) -> LabServer:
    """A lab server that has not been started."""
    return LabServer(LabOptions(**options), clock=clock or SystemClock(), rng=random.Random(seed), on_exit=on_exit)


@asynccontextmanager
async def pair(**options: Any) -> AsyncIterator[tuple[LabServer, LabServer]]:
    """A primary and its replica, in sync."""
    async with lab(name="primary", **options) as primary:
        fed = {**options, "keys": 0, "traffic": False, "replicaof": ("127.0.0.1", primary.port)}
        async with lab(name="replica", seed=2, **fed) as replica:
            await eventually(lambda: in_sync(replica))
            yield primary, replica


async def in_sync(replica: LabServer) -> bool:
    """Whether this replica has everything."""
    link = replica.follower
    return link is not None and link.phase == "online"
