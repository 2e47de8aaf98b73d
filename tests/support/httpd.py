"""A web server that answers every request with the bytes a test wants, and remembers what it was asked."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from dfly_tui.lab.listening import stop_accepting
from tests.support.clock import settle


@dataclass
class Request:
    path: str
    credentials: str | None


@dataclass
class Httpd:
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def page(body: str | bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An HTTP answer."""
    data = body.encode() if isinstance(body, str) else body
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(data)}\r\n\r\n".encode() + data


@asynccontextmanager
async def serving(answer: Callable[[Request], bytes | None]) -> AsyncIterator[Httpd]:
    """Serve on a free port; an answer of None keeps the client waiting, an empty one closes the connection."""
    httpd = Httpd()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                request = Request(head.split(" ")[1], _credentials(head))
                httpd.requests.append(request)
                reply = answer(request)
                if reply is None:
                    await asyncio.sleep(3600)
                if not reply:
                    break
                writer.write(reply)
        tasks.discard(task)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    httpd.port = server.sockets[0].getsockname()[1]
    try:
        yield httpd
    finally:
        stop_accepting(server)
        await settle()  # whoever was just accepted reaches us, or nobody would hang up on them
        server.close()
        for task in tasks.copy():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def _credentials(head: str) -> str | None:
    for line in head.splitlines():
        if line.lower().startswith("authorization: basic "):
            return base64.b64decode(line.split(" ")[2]).decode()
    return None
