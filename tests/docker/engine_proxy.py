"""A proxy before a real Docker engine: writes down every request that changes something, and harms a chosen one."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from docker import DockerClient

from tests.support.proxy import Harm
from tests.support.servers import DOCKER_HOST

REFUSAL = b'{"message": "not today"}'


class EngineProxy:
    """Listens on a Unix socket and passes everything on to the engine of this machine.

    Args:
        prefix: What the names of the containers begin with; the rest is the instance's.

    Attributes:
        commands: `("update", instance, policy)`, `("rename", instance, "aside" or "back")`, `("create", instance)` and
            the like, in order.
        requests: The same requests as they were sent, to see whether one came twice.
        harm, chosen, struck: As a `Proxy` has them.
        arrived: Called with every such request before it is passed on.
        freeze: What `Harm.FROZEN` does, before the request is passed on.
    """

    def __init__(self, engine: DockerClient, folder: Path, prefix: str) -> None:
        self.path = folder / "docker.sock"
        self.commands: list[tuple[str, ...]] = []
        self.requests: list[bytes] = []
        self.harm: Harm | None = None
        self.chosen: Callable[[tuple[str, ...]], bool] = lambda words: False
        self.struck: Callable[[], None] = lambda: None
        self.freeze: Callable[[], None] = lambda: None
        self.arrived: Callable[[tuple[str, ...]], None] = lambda words: None
        self._engine, self._prefix = engine, prefix
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        return f"unix://{self.path}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._connected, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def sent(self, *begins: str) -> list[tuple[str, ...]]:
        """The requests that begin with these words."""
        return [words for words in self.commands if words[: len(begins)] == begins]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        theirs, ours = await asyncio.open_unix_connection(DOCKER_HOST.removeprefix("unix://"))
        back = Back(theirs, writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while await self._pass(await _request(reader), ours, writer, back):
                    pass
        finally:
            self._tasks.discard(task)
            await back.stop()
            ours.close()
            writer.transport.abort()

    async def _pass(
        self, request: bytes, ours: asyncio.StreamWriter, writer: asyncio.StreamWriter, back: "Back"
    ) -> bool:
        """Whether the connection goes on."""
        harm = await self._harm_to(request)
        if harm is Harm.LOST:
            return False
        if harm is Harm.REFUSED:
            writer.write(b"HTTP/1.1 500 x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                         % (len(REFUSAL), REFUSAL))  # fmt: skip
            return True
        back.silent = harm in {Harm.SILENT, Harm.DROPPED}
        back.answered.clear()
        ours.write(request)
        await ours.drain()
        if harm is Harm.DROPPED:
            await back.answered.wait()
        return harm is not Harm.DROPPED

    async def _harm_to(self, request: bytes) -> Harm | None:
        """Write a request down that changes something; returns what is done to it."""
        if request.startswith((b"GET", b"HEAD")):
            return None
        words = await asyncio.to_thread(self._words, request)
        self.commands.append(words)
        self.arrived(words)
        self.requests.append(request.partition(b" ")[2].partition(b" ")[0] + request.partition(b"\r\n\r\n")[2])
        harm, self.harm = (self.harm, None) if self.harm and self.chosen(words) else (None, self.harm)
        if harm is not None:
            self.struck()
        if harm is Harm.FROZEN:
            self.freeze()
        return harm

    def _words(self, request: bytes) -> tuple[str, ...]:
        method, target, _ = request.split(b" ", 2)
        parts = urlsplit(target.decode())
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = [unquote(word) for word in parts.path.split("/") if word and not word.startswith("v1.")]
        body = json.loads(request.partition(b"\r\n\r\n")[2] or b"null")
        what = "rm" if method == b"DELETE" else path[-1]
        if what == "create":
            return what, self._instance(query["name"])
        instance = self._instance(str(self._engine.api.inspect_container(path[1])["Name"]).lstrip("/"))
        if what == "update":
            return what, instance, body["RestartPolicy"]["Name"]
        if what == "rename":
            return what, instance, "aside" if "-before-" in query["name"] else "back"
        return what, instance

    def _instance(self, container: str) -> str:
        return container.removeprefix(self._prefix).partition("-before-")[0]


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    length = next((int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")), 0)
    return head + await reader.readexactly(length)


class Back:
    """What the engine answers on one connection.

    Attributes:
        silent: It is not passed on.
        answered: It began to answer the last request.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.silent = False
        self.answered = asyncio.Event()
        self._task = asyncio.ensure_future(self._pass_on(reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                self.answered.set()
                if not self.silent:
                    writer.write(data)
        self.answered.set()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
