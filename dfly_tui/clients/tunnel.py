"""A way to a server in a container that has no network: through programs in it, and the engine they are run by.

On this side it is a port of the loopback, so that everything that speaks to a server speaks to that one, too.
"""

import socket
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing, suppress
from typing import TYPE_CHECKING, Self

from dfly_tui.clients.container_files import PIECE_BYTES, Conversation, converse, run
from dfly_tui.clients.docker import failures_of
from dfly_tui.clients.engine import Engine
from dfly_tui.errors import NotSupported
from dfly_tui.settings import DockerConfig

if TYPE_CHECKING:
    from docker.api.client import APIClient

_PYTHON = """
import os, socket, sys, threading
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := line.recv(65536):
        while data:
            data = data[os.write(1, data):]
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    line.sendall(data)
"""
# The second cat takes the shell's place, so that the server's end of the line ends it.
_BASH = "exec 3<>/dev/tcp/127.0.0.1/$0 || exit 1; (cat <&3; kill $$) & exec cat >&3"

_WAYS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("nc", "-h"), ("nc", "127.0.0.1")),
    (("python3", "-c", ""), ("python3", "-c", _PYTHON)),
    (("bash", "-c", "command -v cat"), ("bash", "-c", _BASH)),
)
"""What tells whether a program is there, and how it leads to the port that is added to the words."""


class Tunnel:
    """Leads to a port inside of a running container; `async with Tunnel(…) as tunnel: tunnel.port`.

    Args:
        container: Its id.
        target: The port inside, on its loopback.
        timeout_seconds: For each request to the engine.

    Raises:
        DockerFailed: The engine does not answer.
        NotSupported: The container has no program that could be used.

    Attributes:
        port: On this machine's loopback.
    """

    def __init__(self, config: DockerConfig, container: str, target: int, *, timeout_seconds: float) -> None:
        self.port = 0
        self._config = config
        self._container = container
        self._target = target
        self._engine = Engine(config, timeout_seconds)
        self._one_at_a_time = threading.Lock()
        self._open: set[Conversation] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(self._engine)
            api = await engine.ask(lambda api: api)
            words = (*await engine.ask(lambda api: _way(api, self._container)), str(self._target))
            stack.pop_all()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, args=(api, words), name="tunnel", daemon=True).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._open):
            line.close()
        await self._engine.__aexit__(None, None, None)

    def _listen(self, api: "APIClient", words: Sequence[str]) -> None:
        with suppress(OSError):  # closed
            while not self._closed:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(api, words, client), name="tunnel", daemon=True).start()

    def _serve(self, api: "APIClient", words: Sequence[str], client: socket.socket) -> None:
        """Pass on what one client sends, until it or the program ends; it learns of any failure by the end."""
        with closing(client), suppress(*failures_of(self._config.host)):
            with self._one_at_a_time:
                line = converse(api, self._container, words)
            self._open.add(line)
            with closing(line):
                if self._closed:
                    return
                threading.Thread(target=_pass_back, args=(line, client), name="tunnel", daemon=True).start()
                while data := client.recv(PIECE_BYTES):
                    line.send(data)
            self._open.discard(line)


def _pass_back(line: Conversation, client: socket.socket) -> None:
    with suppress(OSError):
        while data := line.receive():
            client.sendall(data)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _way(api: "APIClient", container: str) -> tuple[str, ...]:
    for probe, words in _WAYS:
        ran = run(api, container, probe, "/")
        if not ran.is_missing and (ran.status == 0 or words[0] == "nc"):
            return words
    raise NotSupported(
        "the container has neither nc nor python3 nor bash, so nobody can talk to the server in it",
        "name an image that has one of them: drill_image",
    )
