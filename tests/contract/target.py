"""The server that is held against the recordings: the lab, or a real Dragonfly."""

import asyncio
import base64
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import hiredis

from dfly_tui.clock import SystemClock
from dfly_tui.lab.options import LabOptions
from dfly_tui.lab.server import LabServer
from tests.contract.recordings import Exchange
from tests.support.eventually import eventually
from tests.support.servers import free_port

PASSWORD = "s3cret"
ROTATED = "third"
"""What a recording changes it to, and back."""
ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Answer:
    """What came back: RESP bytes, or an HTTP response."""

    raw: bytes = b""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class Connection:
    """A client without any opinion of what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def raw(self, *words: str | bytes) -> bytes:
        """Send a command and return the bytes of the answer."""
        self._writer.write(_pack(words))
        parser, seen = hiredis.Reader(notEnoughData=Ellipsis), b""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                chunk = await self._reader.read(65536)
                if not chunk:
                    raise ConnectionResetError(f"closed instead of answering {words[0]!r}")
                seen += chunk
                parser.feed(chunk)
                if parser.gets() is not Ellipsis:
                    return seen

    async def http(self, path: str, auth: str | None) -> Answer:
        """GET a path."""
        lines = [f"GET {path} HTTP/1.1", "Host: test"]
        if auth:
            lines.append(f"Authorization: Basic {base64.b64encode(auth.encode()).decode()}")
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await self._reader.readexactly(int(headers["Content-Length"]))
        return Answer(status=int(head[0].split()[1]), headers=headers, body=body.decode())

    async def close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


def _pack(words: Sequence[str | bytes]) -> bytes:
    data = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n%b" % (len(data), b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in data))


@dataclass(frozen=True)
class Node:
    """A running server."""

    port: int
    folder: Path
    password: str | None
    kill: Callable[[], Awaitable[None]]
    """Ends it without a word."""
    is_lab: bool = False
    """Whether it may be asked what could harm a real server, or what it keeps."""
    admin_port: int = 0
    """Its second port, when it was started with one."""

    async def ask(self, exchange: Exchange) -> Answer:
        """Ask what was asked of the real one, on a new connection as there."""
        connection = await Connection.open(self.port)
        try:
            if exchange.path:
                return await connection.http(exchange.path, exchange.auth)
            if exchange.note != "unauthenticated":
                await self._log_in(connection)
            if exchange.protocol == 3:
                await connection.raw("HELLO", "3")
            return Answer(await connection.raw(*exchange.send))
        finally:
            await connection.close()

    async def _log_in(self, connection: Connection) -> None:
        if self.password and (await connection.raw("AUTH", self.password))[:1] == b"-":
            await connection.raw("AUTH", ROTATED)

    async def do(self, *words: str | bytes) -> bytes:
        """Run a command and return the raw answer."""
        connection = await Connection.open(self.port)
        try:
            await self._log_in(connection)
            return await connection.raw(*words)
        finally:
            await connection.close()


class Target(Protocol):
    """Starts servers of one version."""

    flavour: str
    is_lab: bool

    async def start(
        self,
        stack: AsyncExitStack,
        *,
        password: str | None = PASSWORD,
        maxmemory: int = 1 << 30,
        admin: bool = False,
        on_exit: Callable[[int], None] = ...,
    ) -> Node:
        """A server that runs until the stack is left; `on_exit` is told when it ends by itself."""


def nothing(code: int) -> None:
    """Nobody wants to know the exit code."""


class LabTarget:
    """The lab, in this process."""

    is_lab = True

    def __init__(self, flavour: str) -> None:
        self.flavour = flavour

    async def start(
        self,
        stack: AsyncExitStack,
        *,
        password: str | None = PASSWORD,
        maxmemory: int = 1 << 30,
        admin: bool = False,
        on_exit: Callable[[int], None] = nothing,
    ) -> Node:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        options = LabOptions(
            flavour=self.flavour,
            password=password,
            data_dir=folder,
            maxmemory_bytes=maxmemory,
            admin_port=0 if admin else None,
        )
        server = LabServer(options, clock=SystemClock(), rng=random.Random(7), on_exit=on_exit)
        await stack.enter_async_context(server)
        return Node(server.port, folder, password, server.stop, is_lab=True, admin_port=server.admin_port)


class BinaryTarget:
    """A real Dragonfly's executable."""

    is_lab = False

    def __init__(self, binary: str, flavour: str) -> None:
        self._binary = binary
        self.flavour = flavour

    async def start(
        self,
        stack: AsyncExitStack,
        *,
        password: str | None = PASSWORD,
        maxmemory: int = 1 << 30,
        admin: bool = False,
        on_exit: Callable[[int], None] = nothing,
    ) -> Node:
        folder, port = Path(stack.enter_context(TemporaryDirectory())), free_port()
        flags = [f"--port={port}", "--bind=127.0.0.1", f"--dir={folder}", f"--maxmemory={maxmemory}", "--logtostderr"]
        flags += ["--proactor_threads=2" if maxmemory >= 512 << 20 else "--proactor_threads=1"]
        flags += [f"--requirepass={password}"] if password else []
        admin_port = free_port() if admin else 0
        flags += [f"--admin_port={admin_port}"] if admin else []
        process = await stack.enter_async_context(_running(self._binary, flags, on_exit))

        async def accepts() -> bool:
            try:
                await (await Connection.open(port)).close()
            except OSError:
                return False
            return True

        await eventually(accepts)

        async def kill() -> None:
            process.kill()
            await process.wait()

        return Node(port, folder, password, kill, admin_port=admin_port)


@asynccontextmanager
async def _running(
    binary: str, flags: list[str], on_exit: Callable[[int], None]
) -> AsyncIterator[asyncio.subprocess.Process]:
    program = shutil.which(binary) or binary
    process = await asyncio.create_subprocess_exec(program, *flags, stderr=asyncio.subprocess.DEVNULL)

    async def watch() -> None:
        on_exit(await process.wait())

    watcher = asyncio.create_task(watch())
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await watcher
