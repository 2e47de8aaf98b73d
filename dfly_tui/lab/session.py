"""One client's connection."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

from dfly_tui.lab.faults import GARBAGE
from dfly_tui.lab.http import is_http, serve_http
from dfly_tui.lab.protocol import BadRequest, Reply, RequestParser, encode, error

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

CHUNK = 65536


class Session:
    """What the server knows of a client.

    Attributes:
        queued: The commands since MULTI; None outside of a transaction.
        replica: Id of the replica this connection feeds, if it does.
    """

    def __init__(
        self, server: "LabServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, admin: bool
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.admin = admin
        self.id: int = server.next_client_id()
        self.address = _name(writer.get_extra_info("peername"))
        self.local_address = _name(writer.get_extra_info("sockname"))
        plug = writer.get_extra_info("socket")
        self.file_number = plug.fileno() if plug is not None else 0
        self.name = ""
        self.lib_name = ""
        self.lib_version = ""
        self.protocol = 2
        self.authenticated = not server.config.passwords
        self.user = "default"
        self.queued: list[list[bytes]] | None = None
        self.abort_exec = False
        self.listening_port = 0
        self.replica: int | None = None
        self.is_http = False
        self.phase = "readsock"
        self.since = server.clock.monotonic()
        self.active = self.since
        self.commands = 0
        self.reads = 0
        self.net_input = 0
        self.closing = False
        self.socket = server.keyspace.socket(self.push)
        self.task: asyncio.Task[None] | None = None
        self._out = bytearray()
        self._ahead = b""
        self._flushing = False
        self._replies: list[Reply] | None = None

    def push(self, reply: Reply) -> None:
        """A reply or message from the data: into the command that is running, else straight to the client."""
        if self._replies is not None:
            self._replies.append(reply)
        else:
            self.send(reply)

    def run_data(self, words: list[bytes]) -> list[Reply]:
        """Run a data command now, and take what it answers."""
        replies: list[Reply] = []
        self._replies = replies
        try:
            self.socket.run(words)
        finally:
            self._replies = None
        return replies

    def send(self, reply: Reply) -> None:
        """Write to the client, soon."""
        data = encode(reply, self.protocol)
        if self.protocol == 3 and self.socket.is_subscribed and data[:1] == b"*":
            data = b">" + data[1:]
        self.send_raw(data)

    def send_raw(self, data: bytes) -> None:
        """Write bytes that are encoded already."""
        self._out += data
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._out and not self.writer.is_closing():
            self.server.stats.net_output += len(self._out)
            self.server.stats.writes += 1
            self.writer.write(bytes(self._out))
        self._out.clear()

    async def while_connected(self, work: Coroutine[None, None, object]) -> object:
        """Wait for something on the client's behalf, as long as it is there.

        Raises:
            ConnectionResetError: It went away.
        """
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                reading = asyncio.ensure_future(self.reader.read(CHUNK))
                await asyncio.wait({task, reading}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                elif chunk := reading.result():
                    self._ahead += chunk
                else:
                    raise ConnectionResetError
            return task.result()
        finally:
            task.cancel()

    async def flushed(self) -> None:
        """Wait until the client has taken most of what we wrote."""
        self._flush()
        with suppress(OSError):
            await self.writer.drain()

    async def serve(self) -> None:
        """Answer until either side has enough."""
        parser = RequestParser()
        async for chunk in self._chunks():
            if self.reads == 1 and is_http(chunk):
                self.is_http = True
                await serve_http(self.server, self, chunk)
                return
            try:
                commands = list(parser.feed(chunk))
            except BadRequest as problem:
                self.send(error(str(problem)))
                return
            self.server.stats.pipelined += max(0, len(commands) - 1)
            for words in commands:
                if words and not await self._answer(words):
                    return
            if len(commands) > 1:
                self._flush()
                await self.writer.drain()

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := self._ahead or await self.reader.read(CHUNK):
            self._ahead = b""
            self.reads += 1
            self.net_input += len(chunk)
            self.server.stats.net_input += len(chunk)
            self.server.stats.reads += 1
            yield chunk

    async def _answer(self, words: list[bytes]) -> bool:
        """Returns whether the conversation goes on."""
        faults = self.server.faults
        is_lab = len(words) > 1 and words[0].upper() == b"DEBUG" and words[1].upper() == b"LAB"
        if not is_lab:  # else nothing could be repaired
            if faults.drop:
                return False
            await faults.pass_time()
            if faults.garbage:
                self.send_raw(GARBAGE)
                return True
        self.active = self.server.clock.monotonic()
        self.phase = "process"
        for reply in await self.server.dispatcher.run(self, words):
            self.send(reply)
        self.phase = "readsock"
        return not self.closing

    async def finish(self) -> None:
        """Say what is left to say and close."""
        self._flush()
        self.server.keyspace.forget_socket(self.socket)
        self.writer.close()
        with suppress(OSError, asyncio.CancelledError):  # whoever cancels wants just this
            await self.writer.wait_closed()

    def kill(self) -> None:
        """Close from outside, now."""
        self.closing = True
        self.writer.transport.abort()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()  # it may be waiting for something else than the client


def _name(address: object) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address or "")
