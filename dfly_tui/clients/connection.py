"""One connection to an instance: opened once, used in turns, thrown away at the first doubt.

redis-py's connection does the reading and writing; how to get in (TLS, RESP3 with a fall-back to RESP2, the
password, our name) and what an error means is ours, so that it is the same for the reader and the bulk lane.
Nothing is ever sent twice: there is no retry, no health check and no re-connecting in here.
"""

import asyncio
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias, cast

from redis._parsers import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from dfly_tui.clients.address import Address
from dfly_tui.clients.names import find_host
from dfly_tui.clients.stream import MAX_REPLY_BYTES, WatchedStream
from dfly_tui.clients.tls import out_of_date
from dfly_tui.clients.translate import broken, closed, from_reply, not_a_server, translate
from dfly_tui.errors import DflyError, NotPermitted, NotSupported, ServerError, Timeout, Unreachable
from dfly_tui.text import safe
from dfly_tui.units import duration_text

CLIENT_NAME = "dfly-tui"

Command: TypeAlias = Sequence[bytes | str | int]
Reply: TypeAlias = "bytes | str | int | float | bool | Sequence[Reply] | Mapping[Reply, Reply] | DflyError | None"
"""A decoded reply; an error reply is a value too, so that one does not hide the others of a pipeline."""


class _RawErrors(_AsyncHiredisParser):
    """Keeps error replies word for word: redis-py would cut off the prefix that tells what they are."""

    EXCEPTION_CLASSES = {}


class Connection(AbstractConnection):
    """A connection that is open from `open()` to `close()` and then gone for good.

    Args:
        name: What CLIENT LIST calls it.

    Attributes:
        resp3: Whether the server agreed to RESP3.
        was_found: Whether the host's name is known to the resolver.
        was_taken: Whether the host took the connection, whatever came then (in TLS: perhaps no handshake).
    """

    def __init__(self, address: Address, context: ssl.SSLContext | None, name: str = CLIENT_NAME) -> None:
        super().__init__(
            protocol=2,  # hiredis reads both, and we say HELLO ourselves
            parser_class=_RawErrors,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=None,
            driver_info=None,  # sent by redis-py's own greeting only, and read from a file each time
        )
        self.address = address
        self.resp3 = False
        self.was_found = False
        self.was_taken = False
        self._context = context
        self._set_name = ("CLIENT", "SETNAME", name)
        self._stream: WatchedStream | None = None

    async def open(self, username: str | None, password: str | None) -> None:
        """Connect, log in, and tell the server our name: one round trip with a server that knows HELLO.

        Raises:
            DflyError: Any of its kinds; the connection is closed then.
        """
        with self._closing_on_failure():
            await self._connect()
            self._parser.on_connect(self)  # type: ignore[no-untyped-call]
            await self._greet(username, password)

    async def ask(self, *commands: Command, limit: int = MAX_REPLY_BYTES) -> list[Reply]:
        """Send commands together and read their replies, in order; error replies come as values.

        Args:
            limit: The most bytes of all replies together.

        Raises:
            DflyError: The connection failed; it is closed then, as it is when this call is cancelled, so that no
                later call can read an answer to this one.
        """
        with self._closing_on_failure():
            if await self.can_read():
                # The end of the stream, or something nobody asked for, which would be taken for the answer.
                raise closed(self.address, self.head)
            self.allow(limit)
            await self.send_packed_command(self.pack_commands(commands), check_health=False)
            return [await self._reply() for _ in commands]

    def streams(self, limit: int | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The open streams, for a caller that reads and writes the protocol itself from now on, `limit` bytes at most
        unless it allows more; None for one that stops by itself."""
        if self._reader is None or self._writer is None:
            raise Unreachable(f"the connection to {self.address} is closed")
        self.allow(limit)
        return self._reader, self._writer

    def close(self) -> None:
        """Hang up at once; harmless when closed already."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._parser.on_disconnect()  # type: ignore[no-untyped-call]
            self._reader = self._writer = None

    def timed_out(self, asked: str, seconds: float) -> Timeout:
        """Why nothing came within so many seconds, as far as one can tell.

        Args:
            asked: What was not answered, if it came to that.
        """
        if not self.was_found:
            what, hint = "could not be looked up", "the name server does not answer: check DNS and VPN"
        elif not self.was_taken:
            what, hint = "did not take the connection", "the host may be down, or a firewall swallows the packets"
        elif self.head:
            what = f"did not answer {asked}"
            hint = "it may be frozen or overloaded, or be taking over from its primary; timeout_seconds can be raised"
        elif self.address.tls:
            what = "took the connection but did not begin TLS"
            hint = "it may be frozen; if its port is plain, write the URL with redis://"
        else:
            what = "took the connection but said nothing"
            hint = "it may be frozen or overloaded, or not be a Dragonfly at all"
        return Timeout(f"{safe(str(self.address))} {what} within {duration_text(seconds)}", hint)

    @property
    def head(self) -> bytes:
        """The first bytes that came from the server."""
        return self._stream.head if self._stream else b""

    @contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        complete = False
        try:
            yield
            complete = True
        except (RedisError, OSError) as error:
            raise translate(error, self.address, self.head) from error
        finally:
            if not complete:
                self.close()

    async def _connect(self) -> None:
        await find_host(self.address.host)
        self.was_found = True
        loop = asyncio.get_running_loop()
        self._stream = reader = WatchedStream(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)

        def taken() -> asyncio.StreamReaderProtocol:
            self.was_taken = True
            return protocol

        host, port = self.address.host, self.address.port
        try:
            transport, _ = await loop.create_connection(taken, host, port, ssl=self._context)
        except ssl.SSLCertVerificationError as error:
            assert self._context is not None
            if dated := await out_of_date(error, self._context, self.address):
                raise dated from error
            raise
        self.allow(MAX_REPLY_BYTES)
        self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _reply(self) -> Reply:
        try:
            reply: Reply = await self.read_response(disconnect_on_error=False)
        except ResponseError as error:
            return from_reply(str(error))
        except (TypeError, RecursionError, MemoryError) as error:
            # Maps with lists as keys, thousands of pushes at once: hiredis and redis-py trip over them.
            raise broken(self.address, self.head) from error
        # EXEC gives the errors of its commands inside a list.
        return [_as_ours(each) for each in reply] if isinstance(reply, list) else reply

    def allow(self, size: int | None) -> None:
        """Take at most so many bytes from now on; None for a reader that stops by itself."""
        if self._stream is not None:
            self._stream.allow(size)

    async def _greet(self, username: str | None, password: str | None) -> None:
        """HELLO, or AUTH for a server that does not know or allow it; then our name, whose refusal is no matter."""
        login = ("AUTH", username or "default", password) if password is not None else ()
        hello = await self._try(("HELLO", 3, *login))
        if not isinstance(hello, DflyError):
            self.resp3 = self._protocol(hello) == 3
        elif password is not None:
            refused = await self._try(("AUTH", *((username,) if username else ()), password))
            if isinstance(refused, DflyError):
                raise refused

    async def _try(self, command: Command) -> Reply:
        """Send a command of the greeting together with our name.

        Raises:
            DflyError: An answer that makes another try pointless; the server may have hung up after it.
        """
        await self.send_packed_command(self.pack_commands([command, self._set_name]), check_health=False)
        reply = await self._reply()
        if isinstance(reply, DflyError) and not isinstance(reply, NotSupported | NotPermitted | ServerError):
            raise reply
        try:
            await self._reply()
        except (RedisError, OSError):
            if isinstance(reply, DflyError):
                raise reply from None
            raise
        return reply

    def _protocol(self, hello: Reply) -> Reply:
        """The RESP version in the answer to HELLO."""
        if isinstance(hello, Mapping):
            return hello.get(b"proto")
        if isinstance(hello, Sequence) and b"proto" in hello[:-1]:
            return hello[hello.index(b"proto") + 1]
        raise not_a_server(self.address, self.head)

    def _host_error(self) -> str:
        return str(self.address)

    def repr_pieces(self) -> list[tuple[str, object]]:
        return [("address", str(self.address))]


def _as_ours(reply: object) -> Reply:
    return from_reply(str(reply)) if isinstance(reply, ResponseError) else cast("Reply", reply)
