"""The bulk lane: very many commands, pipelined in windows, several times faster than redis-py's pipeline.

It costs one C call to encode a command and one to decode a reply, and one wake-up per chunk of the stream.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
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
        database: Which to work on; by default the one of the instance's URL.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        *,
        timeout_seconds: float,
        database: int | None = None,
    ) -> None:
        self._config = config
        self._address = Address.parse(config.url)
        self._database = self._address.database if database is None else database
        self._password = password
        self._timeout_seconds = timeout_seconds
        self._connection: Connection | None = None
        self._replies: _Replies | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        secret = await self._password.get()
        connection = Connection(self._address, tls_context(self._config) if self._address.tls else None)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await connection.open(self._config.username, secret)
                if self._database:
                    await _select(connection, self._database)
        except TimeoutError:
            raise self._timeout("open a connection") from None
        except AuthFailed:
            self._password.forget()
            raise
        stream, self._writer = connection.streams(MAX_WINDOW_BYTES)
        self._connection, self._replies = connection, _Replies(stream, connection)
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
        async with aclosing(self.run_packed(_windows(commands, window), limit=limit)) as lists:
            async for replies in lists:
                yield replies

    async def run_packed(
        self, windows: Iterable[tuple[bytes, int]], *, limit: int = MAX_WINDOW_BYTES
    ) -> AsyncGenerator[list[Reply], None]:
        """`run()` for commands that are encoded already: windows of them, each with their number."""
        waiting: deque[int] = deque()
        complete = False
        try:
            for encoded, count in windows:
                self._write(encoded)
                waiting.append(count)
                if len(waiting) > 1:
                    yield await self.receive(waiting.popleft(), limit=2 * limit)
            while waiting:
                yield await self.receive(waiting.popleft(), limit=2 * limit)
            complete = True
        finally:
            if not complete:
                self._hang_up()

    async def ask(self, *commands: Command, limit: int = MAX_WINDOW_BYTES) -> list[Reply]:
        """Send a few commands and read their replies; raises as `run()` does."""
        self.send(*commands)
        return await self.receive(len(commands), limit=limit)

    def send(self, *commands: Command) -> None:
        """Send a few commands now. Their replies are for `receive()` to take.

        Raises:
            Unreachable: The lane is closed.
        """
        self._write(b"".join(map(_packed, commands)))

    async def receive(self, count: int, *, limit: int = MAX_WINDOW_BYTES) -> list[Reply]:
        """The replies to the oldest `count` commands that were sent; raises as `run()` does.

        Args:
            limit: The most bytes of all that comes meanwhile.
        """
        if self._replies is None:
            raise _is_closed()
        complete = False
        try:
            async with asyncio.timeout(self._timeout_seconds):
                taken = await self._replies.take(count, limit)
            complete = True
        except TimeoutError:
            raise self._timeout("answer") from None
        finally:
            if not complete:
                self._hang_up()
        return taken

    def _write(self, encoded: bytes) -> None:
        if self._writer is None:
            raise _is_closed()
        self._writer.write(encoded)

    def _timeout(self, what: str) -> Timeout:
        return Timeout(f"{safe(str(self._address))} did not {what} within {duration_text(self._timeout_seconds)}")

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = self._replies = self._writer = None


def _is_closed() -> Unreachable:
    return Unreachable("the lane is closed", "an earlier run failed or was left early; open a new one")


async def _select(connection: Connection, database: int) -> None:
    (reply,) = await connection.ask(("SELECT", database))
    if isinstance(reply, DflyError):
        connection.close()
        raise reply


class _Replies:
    """Decodes the stream of replies."""

    def __init__(self, stream: asyncio.StreamReader, connection: Connection) -> None:
        self._stream = stream
        self._connection = connection
        self._nothing = object()
        self._reader = hiredis.Reader(replyError=from_reply, notEnoughData=self._nothing)

    async def take(self, count: int, limit: int) -> list[Reply]:
        """The next `count` replies, while at most `limit` bytes come."""
        taken: list[Reply] = []
        decode, nothing = self._reader.gets, self._nothing
        address = self._connection.address
        self._connection.allow(limit)
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
        encoded.append(_packed(command))
        size += len(encoded[-1])
        if len(encoded) >= window or size >= _WINDOW_BYTES:
            yield b"".join(encoded), len(encoded)
            encoded, size = [], 0
    if encoded:
        yield b"".join(encoded), len(encoded)


def _packed(command: Command) -> bytes:
    packed: bytes = hiredis.pack_command(tuple(command))  # type: ignore[arg-type]
    return packed
