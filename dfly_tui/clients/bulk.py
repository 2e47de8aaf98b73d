"""The bulk lane: very many commands, pipelined in windows, several times faster than redis-py's pipeline.

It costs one C call to encode a command and one to decode a reply, and one wake-up per chunk of the stream.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Self

import hiredis

from dfly_tui.clients.address import Address
from dfly_tui.clients.connection import Command, Connection, Reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.tls import tls_context
from dfly_tui.clients.translate import broken, closed, from_reply, translate
from dfly_tui.errors import AuthFailed, DflyError, Timeout, Unreachable
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import duration_text

WINDOW = 1000
_WINDOW_BYTES = 1 << 22
MAX_WINDOW_BYTES = 64 << 20
"""Replies are kept until their list is whole: this and not more of our memory is a server's to fill."""
_CHUNK_BYTES = 1 << 18


class BulkLane:
    """A connection for bulk work, on which commands go out in windows and replies come back in order.

    `async with BulkLane(config, password, timeout_seconds=5) as lane: async for replies in lane.run(commands): …`

    Args:
        config: The instance.
        timeout_seconds: How long opening may take, and each window's replies.
    """

    def __init__(self, config: InstanceConfig, password: PasswordProvider, *, timeout_seconds: float) -> None:
        self._config = config
        self._address = Address.parse(config.url)
        self._password = password
        self._timeout_seconds = timeout_seconds
        self._connection: Connection | None = None

    async def __aenter__(self) -> Self:
        secret = await self._password.get()
        connection = Connection(self._address, tls_context(self._config) if self._address.tls else None)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await connection.open(self._config.username, secret)
                if self._address.database:
                    await _select(connection)
        except TimeoutError:
            raise self._timeout("open a connection") from None
        except AuthFailed:
            self._password.forget()
            raise
        self._connection = connection
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    async def run(
        self, commands: Iterable[Command], *, window: int = WINDOW, limit: int = MAX_WINDOW_BYTES
    ) -> AsyncGenerator[list[Reply], None]:
        """Send commands and give their replies, in order, a list per window; error replies are values in it.

        Two windows are under way at a time, so that the server works while replies are used here. Whoever leaves the
        loop early, or is cancelled, loses the connection: replies nobody read are on it.

        Args:
            commands: Taken as needed, never all at once.
            window: The most commands of a list; fewer when they are large (4 MiB).
            limit: The most bytes of a list's replies; a server that sends more is cut off.

        Raises:
            DflyError: The connection failed. What was sent and not answered may have been executed.
        """
        if self._connection is None:
            raise Unreachable("the lane is closed", "an earlier run failed or was left early; open a new one")
        stream, writer = self._connection.streams(2 * limit)
        replies = _Replies(stream, self._connection, 2 * limit)  # two windows are under way
        waiting: deque[int] = deque()
        complete = False
        try:
            for encoded, count in _windows(commands, window):
                writer.write(encoded)
                waiting.append(count)
                if len(waiting) > 1:
                    yield await self._in_time(replies.take(waiting.popleft()))
            while waiting:
                yield await self._in_time(replies.take(waiting.popleft()))
            complete = True
        finally:
            if not complete:
                self._hang_up()

    async def _in_time(self, replies: Coroutine[None, None, list[Reply]]) -> list[Reply]:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await replies
        except TimeoutError:
            raise self._timeout("answer") from None

    def _timeout(self, what: str) -> Timeout:
        return Timeout(f"{safe(str(self._address))} did not {what} within {duration_text(self._timeout_seconds)}")

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _select(connection: Connection) -> None:
    (reply,) = await connection.ask(("SELECT", connection.address.database))
    if isinstance(reply, DflyError):
        connection.close()
        raise reply


class _Replies:
    """Decodes the stream of replies."""

    def __init__(self, stream: asyncio.StreamReader, connection: Connection, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self._connection = connection
        self._nothing = object()
        self._reader = hiredis.Reader(replyError=from_reply, notEnoughData=self._nothing)

    async def take(self, count: int) -> list[Reply]:
        """The next `count` replies."""
        taken: list[Reply] = []
        decode, nothing = self._reader.gets, self._nothing
        address = self._connection.address
        self._connection.allow(self._limit)
        try:
            while len(taken) < count:
                reply = decode()
                if reply is not nothing:
                    taken.append(reply)
                elif chunk := await self._stream.read(_CHUNK_BYTES):
                    self._reader.feed(chunk)
                else:
                    raise closed(address, self._connection.head)
        except (hiredis.HiredisError, OSError) as error:
            raise translate(error, address, self._connection.head) from error
        except (TypeError, RecursionError, MemoryError) as error:
            raise broken(address, self._connection.head) from error
        return taken


def _windows(commands: Iterable[Command], window: int) -> Iterator[tuple[bytes, int]]:
    """Encoded commands with their number, cut at `window` commands or 4 MiB."""
    encoded: list[bytes] = []
    size = 0
    for command in commands:
        encoded.append(hiredis.pack_command(tuple(command)))  # type: ignore[arg-type]
        size += len(encoded[-1])
        if len(encoded) >= window or size >= _WINDOW_BYTES:
            yield b"".join(encoded), len(encoded)
            encoded, size = [], 0
    if encoded:
        yield b"".join(encoded), len(encoded)
