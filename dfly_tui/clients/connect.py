"""Makes the clients of one instance. Nothing is connected to before the first question."""

from dataclasses import dataclass

from dfly_tui.clients.docker import DockerContainers
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.metrics_http import MetricsHttp
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.ports import ContainerReader, InstanceReader, MetricsReader
from dfly_tui.clock import Clock
from dfly_tui.settings import InstanceConfig

DOCKER_TIMEOUT_SECONDS = 10.0
"""An engine that is pulling or restarting takes its time, and an ssh:// host has to be dialled first."""


@dataclass(frozen=True)
class InstanceClients:
    """All we have to ask one instance with."""

    reader: InstanceReader
    metrics: MetricsReader
    containers: ContainerReader | None = None

    async def aclose(self) -> None:
        """Close every connection."""
        await self.reader.aclose()
        await self.metrics.aclose()
        if self.containers is not None:
            await self.containers.aclose()


def open_clients(
    config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
) -> InstanceClients:
    """The clients of an instance, not connected yet."""
    containers = None
    if config.docker is not None:
        docker_timeout = max(timeout_seconds, DOCKER_TIMEOUT_SECONDS)
        containers = DockerContainers(config.docker, clock=clock, timeout_seconds=docker_timeout)
    return InstanceClients(
        reader=DragonflyReader(config, password, clock=clock, timeout_seconds=timeout_seconds),
        metrics=MetricsHttp(config, password, clock=clock, timeout_seconds=timeout_seconds),
        containers=containers,
    )
