"""Real servers for the tests that need them: Debian's redis-server, a Docker engine.

Where one is absent the test is skipped and says so, or fails when the environment says it must be there.
"""

import asyncio
import gc
import os
import shutil
import signal
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from docker import DockerClient
from docker.errors import DockerException

from tests.support.eventually import eventually

DOCKER_HOST = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


def missing(what: str, variable: str) -> None:
    """Skip the test, or fail it when `variable` is set in the environment."""
    if os.environ.get(variable):
        pytest.fail(f"{what}, and {variable} is set", pytrace=False)
    pytest.skip(what)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class RedisServer:
    """A running redis-server."""

    port: int
    program: str
    options: tuple[str, ...]
    folder: Path
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        self.process = await asyncio.create_subprocess_exec(
            self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder),
            *self.options, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await eventually(self._accepts)

    async def _accepts(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, "redis-server did not start"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    def freeze(self) -> None:
        """SIGSTOP: connections stay, answers do not come."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.process = None


@asynccontextmanager
async def running_redis(*options: str) -> AsyncIterator[RedisServer]:
    """A redis-server on a free port, without a data file."""
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server is not installed", "DFLY_REQUIRE_REDIS")
        raise AssertionError("unreachable")
    with TemporaryDirectory() as folder:
        server = RedisServer(free_port(), program, options, Path(folder))
        try:
            await server.start()
            yield server
        finally:
            await server.kill()


def docker_engine() -> DockerClient:
    """A client of the Docker engine of `DOCKER_HOST`, or of this machine. The caller closes it."""
    try:
        client = DockerClient(base_url=DOCKER_HOST, timeout=20)
    except DockerException as error:
        why = str(error)[:120]
    else:
        return client
    sweep_up_after_sdk()
    missing(f"no Docker engine at {DOCKER_HOST}: {why}", "DFLY_REQUIRE_DOCKER")
    raise AssertionError("unreachable")


def sweep_up_after_sdk() -> None:
    """The SDK never closes the socket of a client that could not be made; collect it here, not in a later test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
