"""One conversation with a Docker engine, for those who change something: a request at a time, each sent once."""

import asyncio
import concurrent.futures
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from dfly_tui.clients.docker import connect, engine_failure, failures_of, knock
from dfly_tui.clients.threads import awaited, start_daemon
from dfly_tui.errors import DockerFailed, OutcomeUnknown
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe
from dfly_tui.units import duration_text

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.api.client import APIClient

T = TypeVar("T")


class Engine:
    """`async with Engine(config, 20.0) as engine`. The SDK blocks, so each request runs in a thread of its own.

    A thread cannot be stopped: what is given up on ends by itself, and the connection is closed then.

    Args:
        timeout_seconds: For each request, unless it is said otherwise.
    """

    def __init__(self, config: DockerConfig, timeout_seconds: float) -> None:
        self._config = config
        self._timeout_seconds = timeout_seconds
        self._client: DockerClient | None = None
        self._under_way: concurrent.futures.Future[object] | None = None

    async def __aenter__(self) -> Self:
        connected = False
        try:
            await self.ask(lambda _: None)
            connected = True
        finally:
            if not connected:
                self._hang_up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    async def ask(self, work: "Callable[[APIClient], T]", *, extra_seconds: float = 0.0) -> T:
        """Do what changes nothing.

        Args:
            extra_seconds: What it may take on top of the usual.

        Raises:
            DockerFailed: The engine is absent, hangs or refuses.
        """
        seconds = self._timeout_seconds + extra_seconds
        try:
            return await self._run(work, seconds)
        except TimeoutError:
            waited = duration_text(seconds)
            raise DockerFailed(
                f"the Docker engine at {self._host} did not answer within {waited}", "it may be hanging or overloaded"
            ) from None
        except failures_of(self._config.host) as error:
            raise engine_failure(error, self._config.host) from error

    async def change(self, work: "Callable[[APIClient], T]", line: str, *, extra_seconds: float = 0.0) -> T:
        """Send one request that changes something.

        Args:
            line: The command line it stands for.
            extra_seconds: What it may take on top of the usual.

        Raises:
            DockerFailed: The engine refused.
            OutcomeUnknown: No answer came.
        """
        from docker.errors import APIError

        seconds = self._timeout_seconds + extra_seconds
        try:
            return await self._run(work, seconds)
        except APIError as error:
            words = safe(str(error.explanation or error), limit=300)
            raise DockerFailed(f"the engine at {self._host} refused {safe(line, limit=300)}: {words}") from error
        except TimeoutError:
            why = f"it did not answer within {duration_text(seconds)}"
        except failures_of(self._config.host) as error:
            why = engine_failure(error, self._config.host).detail
        look = f"look again before doing anything: docker -H {self._host} ps --all"
        raise OutcomeUnknown(f"{safe(line, limit=300)} was sent to the engine at {self._host}: {why}", look)

    @property
    def _host(self) -> str:
        return safe(self._config.host, limit=200)

    async def _run(self, work: "Callable[[APIClient], T]", seconds: float) -> T:
        def run() -> T:
            if self._client is None:
                knock(self._config.host, self._timeout_seconds)
                self._client = connect(self._config.host, self._timeout_seconds)
            return work(self._client.api)

        outcome = start_daemon(run, "docker")
        self._under_way = outcome  # type: ignore[assignment]
        async with asyncio.timeout(seconds):
            return await awaited(outcome)

    def _hang_up(self) -> None:
        def close(_: object) -> None:
            if self._client is not None:
                self._client.close()

        if self._under_way is not None:
            self._under_way.add_done_callback(close)
