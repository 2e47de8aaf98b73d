"""Stand-ins for what the pollers read from, and builders of what those reads give."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from dfly_tui.errors import DflyError
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import Observation
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.models.reading import Reading
from dfly_tui.settings import InstanceConfig
from tests.support.clock import START

T = TypeVar("T")

INFO_DIR = Path(__file__).parents[1] / "data" / "info"
NOW = 1000.0
"""The monotonic time of a fresh `FakeClock`."""


@cache
def recorded_info(name: str) -> str:
    """INFO ALL as a real server gave it: `v1.22.2-primary`, `v1.40.1-replica`, `redis-7.0-primary`, …"""
    return (INFO_DIR / f"{name}.txt").read_bytes().decode()


def changed_info(text: str, fields: Mapping[str, object]) -> str:
    """An INFO text with some fields' values replaced; one that is missing is added, one that is None is removed."""
    lines = text.split("\r\n")
    for name, value in fields.items():
        at = next((index for index, line in enumerate(lines) if line.startswith(f"{name}:")), None)
        if value is None:
            lines = [line for line in lines if not line.startswith(f"{name}:")]
        elif at is None:
            section = "# Replication" if name.startswith(("slave", "master")) else "# Stats"
            lines.insert(lines.index(section) + 1, f"{name}:{value}")
        else:
            lines[at] = f"{name}:{value}"
    return "\r\n".join(lines)


def snapshot(recording: str = "v1.40.1-primary", /, **fields: object) -> InstanceSnapshot:
    """What a recorded INFO says, with some of its fields replaced (None removes one)."""
    info = Info.parse(changed_info(recorded_info(recording), fields))
    return InstanceSnapshot.from_info(info, taken_at=START)


def config(name: str = "workhorse", /, **fields: object) -> InstanceConfig:
    """An instance's configuration."""
    return InstanceConfig.model_validate({"name": name, "url": "redis://10.0.0.1:6379"} | fields)


def reading(
    value: InstanceSnapshot | None = None, *, error: DflyError | None = None, failures: int = 0, age: float = 0.0
) -> Reading[InstanceSnapshot]:
    """The state of a status feed at `NOW`."""
    return Reading(
        seq=1,
        value=value,
        value_at=None if value is None else NOW - age,
        error=error,
        failures=failures or (1 if error else 0),
    )


def observation(
    value: InstanceSnapshot | None = None,
    *,
    error: DflyError | None = None,
    failures: int = 0,
    age: float = 0.0,
    container: Reading[ContainerInfo] | None = None,
    lag_seconds: float | None = None,
    refused_per_second: float | None = None,
    configured: InstanceConfig | None = None,
) -> Observation:
    """All that is known of one instance at `NOW`."""
    return Observation(
        config=configured or config(),
        status=reading(value, error=error, failures=failures, age=age),
        container=container,
        lag_seconds=lag_seconds,
        refused_per_second=refused_per_second,
    )


class Script(Generic[T]):
    """Answers in the given order, then the last one for ever; an exception among them is raised.

    Attributes:
        calls: How often it was asked.
        running: How many questions are open now.
        hang: Set to keep every question open until it is cancelled.
    """

    def __init__(self, answers: Iterable[T | BaseException]) -> None:
        self._answers = list(answers)
        self.calls = 0
        self.running = 0
        self.cancelled = 0
        self.closed = False
        self.hang = False

    async def ask(self) -> T:
        self.calls += 1
        self.running += 1
        try:
            if self.hang:
                await asyncio.get_running_loop().create_future()
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FakeReader(Script[InstanceSnapshot]):
    """An `InstanceReader` that follows a script."""

    async def snapshot(self) -> InstanceSnapshot:
        return await self.ask()

    async def config(self) -> Mapping[str, str]:
        return {"maxmemory": "1073741824"}

    async def aclose(self) -> None:
        self.closed = True


class FakeMetrics(Script[MetricsPage]):
    """A `MetricsReader` that follows a script."""

    async def page(self) -> MetricsPage:
        return await self.ask()

    async def aclose(self) -> None:
        self.closed = True


class FakeContainers(Script[ContainerInfo]):
    """A `ContainerReader` that follows a script."""

    async def container(self) -> ContainerInfo:
        return await self.ask()

    async def aclose(self) -> None:
        self.closed = True


def container_info(**fields: object) -> ContainerInfo:
    """A running container."""
    usual: dict[str, object] = {
        "name": "dragonfly", "id": "0123456789ab", "image": "dragonfly:v1.40.1", "state": "running",
        "restart_policy": "unless-stopped", "restarts": 0,
    }  # fmt: skip
    return ContainerInfo.model_validate(usual | fields)


def empty_page() -> MetricsPage:
    """A /metrics page without a sample."""
    return MetricsPage(taken_at=START, samples=())
