"""A scriptable server: answers Redis commands (or anything else) with exactly the bytes a test wants.

`async with Respd({"INFO ALL": bulk("# Server\\r\\n…"), "ROLE": HANG}) as server: … server.url … server.received`
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeAlias

import hiredis

from dfly_tui.lab.listening import stop_accepting
from tests.support.clock import settle


@dataclass(frozen=True)
class Cut:
    """Send these bytes and close the connection."""

    raw: bytes = b""


@dataclass(frozen=True)
class Delay:
    """Wait, then answer."""

    seconds: float
    raw: bytes


HANG = Delay(3600, b"")
"""Never answer."""
DROP = Cut()
"""Close the connection instead of answering."""

Answer: TypeAlias = bytes | Cut | Delay
Script: TypeAlias = Mapping[str, Answer | list[Answer]]

HELLO = b"%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n"
OK = b"+OK\r\n"


def bulk(text: str | bytes) -> bytes:
    """A bulk string."""
    data = text.encode() if isinstance(text, str) else text
    return b"$%d\r\n%b\r\n" % (len(data), data)


def array(*items: bytes) -> bytes:
    """An array of replies that are encoded already."""
    return b"*%d\r\n%b" % (len(items), b"".join(items))


class Respd:
    """A server on a free port of 127.0.0.1.

    Args:
        script: What to answer to a command line, else to its first two words, its first word, or to `*`. A list is
            used up one by one, its last item for ever. HELLO and CLIENT SETNAME succeed unless scripted.
        greeting: Sent as soon as somebody connects, whatever they say.
        speaks: Whether commands are read at all; otherwise `greeting` is all there is, and the connection stays open.
        context: For TLS.

    Attributes:
        received: Every command, its words decoded, in order.
        connections: How many there were.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        greeting: bytes = b"",
        speaks: bool = True,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.script = {"HELLO": HELLO, "CLIENT SETNAME": OK, "*": b"-ERR unknown command\r\n", **(script or {})}
        self.received: list[list[str]] = []
        self.connections = 0
        self.port = 0
        self._greeting = greeting
        self._speaks = speaks
        self._context = context
        self._served: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'rediss' if self._context else 'redis'}://127.0.0.1:{self.port}"

    def count(self, command: str) -> int:
        """How often a command came, by its first word."""
        return sum(words[0].upper() == command for words in self.received)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop_accepting(self._server)
        await settle()  # whoever was just accepted reaches us, or nobody would hang up on them
        self._server.close()
        for task in self._served:
            task.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._served.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            self._served.discard(task)
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._greeting)
        commands = hiredis.Reader()
        while chunk := await reader.read(65536):
            if not self._speaks:
                continue
            commands.feed(chunk)
            while (words := commands.gets()) is not False:
                self.received.append([word.decode() for word in words])
                if not await self._answer(self._find(self.received[-1]), writer):
                    return

    def _find(self, words: list[str]) -> Answer:
        line = [word.upper() for word in words]
        for key in (" ".join(line), " ".join(line[:2]), line[0], "*"):
            answer = self.script.get(key)
            if isinstance(answer, list):
                return answer.pop(0) if len(answer) > 1 else answer[0]
            if answer is not None:
                return answer
        raise AssertionError("unreachable")

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        """Returns whether the conversation goes on."""
        if isinstance(answer, Delay):
            await asyncio.sleep(answer.seconds)
        writer.write(answer if isinstance(answer, bytes) else answer.raw)
        await writer.drain()
        if isinstance(answer, Cut):
            writer.close()
            await writer.wait_closed()
            return False
        return True
