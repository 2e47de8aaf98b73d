"""The instances of a group as an operation meets them: anybody may look, only what the guard permits may be changed."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connect import DOCKER_TIMEOUT_SECONDS
from dfly_tui.clients.container_writer import ContainerWriter
from dfly_tui.clients.docker import DockerContainers
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.key_codec import KeyCodec
from dfly_tui.clients.key_writer import KeyLooker, KeyWriter
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.writer import DragonflyWriter
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.operation import Level
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.guard import Guard
from dfly_tui.settings import Environment, InstanceConfig

PasswordOf = Callable[[InstanceConfig], PasswordProvider]
DOCKER_SECONDS = 20.0
"""What an engine may take for one change; stopping a container comes on top."""


@dataclass(frozen=True)
class Hands:
    """What changes the instances the guard permitted. Only `Access.hands()` makes one.

    Attributes:
        dragonflies, containers, keys: By the instance's name; no container where Docker is not configured.
    """

    dragonflies: Mapping[str, DragonflyWriter]
    containers: Mapping[str, ContainerWriter]
    keys: Mapping[str, KeyWriter] = field(default_factory=dict)


class Access:
    """Looks at some instances and, if the guard permits, changes them. Closed with `aclose()` or `async with`.

    Args:
        configs: The instances concerned, by name.
        password_of: Where each one's password comes from.
        timeout_seconds: For one look at one instance.
    """

    def __init__(
        self,
        configs: Iterable[InstanceConfig],
        password_of: PasswordOf,
        *,
        guard: Guard,
        clock: Clock,
        timeout_seconds: float,
    ) -> None:
        self.configs = {config.name: config for config in configs}
        self.clock = clock
        self.guard = guard
        self._timeout_seconds = timeout_seconds
        self._passwords = {name: password_of(config) for name, config in self.configs.items()}
        self._readers: dict[str, DragonflyReader] = {}
        self._containers: dict[str, DockerContainers] = {}
        self._key_readers: dict[str, KeyReader] = {}

    def level(self, name: str, *, grave: bool = False) -> Level:
        """How a change of an instance is confirmed: production, or what may be, asks for the name always."""
        production = self.configs[name].environment in {Environment.PRODUCTION, Environment.UNKNOWN}
        return Level.NAME if grave or production else Level.BUTTON

    def reader(self, name: str) -> DragonflyReader:
        """What reads one instance; the same each time."""
        if name not in self._readers:
            config, timeout = self.configs[name], self._timeout_seconds
            self._readers[name] = DragonflyReader(
                config, self._passwords[name], clock=self.clock, timeout_seconds=timeout
            )
        return self._readers[name]

    def key_reader(self, name: str) -> KeyReader:
        """What finds keys of one instance; the same each time."""
        if name not in self._key_readers:
            config, timeout = self.configs[name], self._timeout_seconds
            self._key_readers[name] = KeyReader(
                config, self._passwords[name], clock=self.clock, timeout_seconds=timeout
            )
        return self._key_readers[name]

    def key_codec(self, name: str, database: int, server: Capabilities) -> KeyCodec:
        """What reads keys of one instance exactly; opened and closed by whoever asks for it."""
        return KeyCodec(self.configs[name], self._passwords[name], database=database, capabilities=server)

    def key_looker(self, name: str) -> KeyLooker:
        """What looks at keys of one instance that are to be changed."""
        config, timeout = self.configs[name], self._timeout_seconds
        return KeyLooker(config, self._passwords[name], clock=self.clock, timeout_seconds=timeout)

    def _container_reader(self, name: str) -> DockerContainers | None:
        docker = self.configs[name].docker
        if docker is not None and name not in self._containers:
            timeout = max(self._timeout_seconds, DOCKER_TIMEOUT_SECONDS)
            self._containers[name] = DockerContainers(docker, clock=self.clock, timeout_seconds=timeout)
        return self._containers.get(name)

    async def password(self, name: str) -> str | None:
        """The password of one instance; raises `SecretError`."""
        return await self._passwords[name].get()

    async def look(self) -> World:
        """All instances now, each with its container, read at the same time."""
        return World(await asyncio.gather(*map(self.look_at, self.configs)))

    async def look_at(self, name: str) -> Seen:
        """One instance now. What cannot be read is an error in it, never an exception."""
        seen, container = await asyncio.gather(self._snapshot(name), self.container(name))
        return Seen(
            config=self.configs[name],
            snapshot=seen if isinstance(seen, InstanceSnapshot) else None,
            error=seen if isinstance(seen, DflyError) else None,
            container=container if isinstance(container, ContainerInfo) else None,
            container_error=container if isinstance(container, DflyError) else None,
            at=self.clock.monotonic(),
        )

    async def _snapshot(self, name: str) -> InstanceSnapshot | DflyError:
        try:
            return await self.reader(name).snapshot()
        except DflyError as error:
            return error

    async def container(self, name: str) -> ContainerInfo | DflyError | None:
        """What Docker says of an instance's container, or why it does not; None when Docker is not configured."""
        reader = self._container_reader(name)
        try:
            return await reader.container() if reader is not None else None
        except DflyError as error:
            return error

    def hands(self, names: Iterable[str]) -> Hands:
        """What changes these instances.

        Raises:
            ReadOnly: One of them may not be changed now; then none is.
        """
        wanted = list(names)
        for name in wanted:
            self.guard.require_writable(name)
        configs = {name: self.configs[name] for name in wanted}
        return Hands(
            {
                name: DragonflyWriter(
                    config, self._passwords[name], clock=self.clock, timeout_seconds=self._timeout_seconds
                )
                for name, config in configs.items()
            },
            {
                name: ContainerWriter(config.docker, clock=self.clock, timeout_seconds=DOCKER_SECONDS)
                for name, config in configs.items()
                if config.docker is not None
            },
            {
                name: KeyWriter(config, self._passwords[name], clock=self.clock, timeout_seconds=self._timeout_seconds)
                for name, config in configs.items()
            },
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for reader in self._readers.values():
            await reader.aclose()
        for container in self._containers.values():
            await container.aclose()
        for keys in self._key_readers.values():
            await keys.aclose()
        self._readers.clear()
        self._containers.clear()
        self._key_readers.clear()

    async def __aenter__(self) -> "Access":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
