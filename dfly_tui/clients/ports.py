"""What the rest of the program asks of the outside; tests and the pollers know only these."""

from collections.abc import Mapping
from typing import Protocol

from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage


class InstanceReader(Protocol):
    """Reads one instance. Every method raises only `DflyError`s."""

    async def snapshot(self) -> InstanceSnapshot:
        """One look: `INFO ALL` and, where permitted, ROLE, in one round trip."""

    async def config(self) -> Mapping[str, str]:
        """`CONFIG GET *`, secrets masked, in the server's order."""

    async def aclose(self) -> None:
        """Close the connection; a later call opens it again."""


class MetricsReader(Protocol):
    """Reads the Prometheus page of one instance."""

    async def page(self) -> MetricsPage:
        """One scrape."""

    async def aclose(self) -> None:
        """Close the connection."""


class ContainerReader(Protocol):
    """Reads what Docker knows of one container."""

    async def container(self) -> ContainerInfo:
        """State, health, restart policy, image, mounts, and the last log lines."""

    async def aclose(self) -> None:
        """Close the connection to the engine."""
