"""A group of lab servers in containers of a real engine, as an operation meets it; behind proxies if it is harmed."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from docker import DockerClient

from dfly_tui.settings import DockerConfig, InstanceConfig
from tests.docker.engine_proxy import EngineProxy
from tests.support.eventually import eventually
from tests.support.group import Group
from tests.support.images import answers, lab_container_settings, remove_containers
from tests.support.lab import Client
from tests.support.proxy import Proxy
from tests.support.servers import DOCKER_HOST
from tests.support.supervised import Servers

PAIR: Mapping[str, str | None] = {"alpha": None, "beta": "alpha"}
"""Who follows whom: a primary and its replica."""


def own_ports() -> Iterator[int]:
    """Ports of this test process alone, which nothing takes while a container that uses one is made again: below those
    the kernel gives to connections, and each once."""
    first = 20_000 + 2_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in range(first, first + 2_000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                yield port


PORTS = own_ports()


@dataclass
class Containers(Group):
    """Instances, each in a container.

    Attributes:
        ports: Where each one listens, by its name; nothing passes a proxy there.
        names: Of the containers, by the name of the instance.
        engine_proxy: What requests to the engine pass through, if they do.
        home: For programs of the operator; `state` is where they keep theirs.
    """

    docker: DockerClient = field(kw_only=True)
    home: Path = field(kw_only=True)
    ports: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    engine_proxy: EngineProxy | None = None

    async def role(self, name: str) -> str:
        """What an instance says it is; empty when it does not answer."""
        with suppress(OSError):
            async with Client(self.ports[name]) as ask:
                reply = await asyncio.wait_for(ask("ROLE"), 2)
                return str(reply[0]) if isinstance(reply, list) else ""  # an error: it is about to end
        return ""

    async def leaders(self) -> list[str]:
        # The replicas first: asked last, one that took over in between would look like a second primary.
        return [name for name in reversed(self.ports) if await self.role(name) == "master"][::-1]

    def gate(self, name: str) -> Proxy | EngineProxy:
        """What commands to an instance, or requests about containers to `docker`, pass through."""
        if name != "docker":
            return self.proxies[name]
        assert self.engine_proxy is not None
        return self.engine_proxy

    def pause(self, name: str) -> None:
        """Freeze a server, as `docker pause` does."""
        self.docker.api.pause(self.names[name])

    def thaw(self) -> None:
        """Let all that are frozen go on."""
        for name in self.names.values():
            for container in self.docker.containers.list(filters={"name": name, "status": "paused"}):
                container.unpause()


class Watch:
    """Asks all the time who leads, each server on a connection of its own; `async with Watch(group) as watch`.

    Attributes:
        seen: Who led, look by look.
    """

    def __init__(self, group: Containers) -> None:
        self.seen: list[list[str]] = []
        self._over = False
        self._ports = group.ports
        self._clients: dict[str, Client] = {}

    async def __aenter__(self) -> Self:
        self._task = asyncio.ensure_future(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over = True
        await self._task
        for name in list(self._clients):
            await self._hang_up(name)

    def forget(self) -> None:
        """It matters from now on only."""
        self.seen.clear()

    def never_two(self) -> bool:
        """Whether there never were two primaries."""
        return all(len(leaders) < 2 for leaders in self.seen)

    async def _run(self) -> None:
        while not self._over:
            leaders = await self._look()
            # They are not asked at the same moment: one may have taken over from the other in between.
            self.seen.append(await self._look() if len(leaders) > 1 else leaders)
            await asyncio.sleep(0.05)

    async def _look(self) -> list[str]:
        return [name for name in self._ports if await self._leads(name)]

    async def _leads(self, name: str) -> bool:
        try:
            if name not in self._clients:
                self._clients[name] = await Client(self._ports[name]).__aenter__()
            reply = await asyncio.wait_for(self._clients[name]("ROLE"), 0.5)
        except OSError:
            await self._hang_up(name)
            return False
        return isinstance(reply, list) and reply[0] == "master"

    async def _hang_up(self, name: str) -> None:
        if name in self._clients:
            await self._clients.pop(name).__aexit__(None, None, None)


@asynccontextmanager
async def containers(
    engine: DockerClient,
    name: str,
    folder: Path,
    *,
    follow: Mapping[str, str | None] = PAIR,
    keys: int = 50,
    volume: bool = True,
    engine_at: str = DOCKER_HOST,
    proxied: bool = False,
) -> AsyncIterator[Containers]:
    """Instances in containers whose names begin with `name`, in sync; all of them are removed at the end.

    Args:
        folder: For their data and what the operator's program keeps.
        follow: Each instance, and whom it follows; those that follow nobody have `keys` keys.
        volume: Their data is in a folder of this machine.
        proxied: Everything the operator sends passes through a proxy.
    """
    ports = {each: next(PORTS) for each in follow}
    names = {each: f"{name}-{each}" for each in follow}
    async with AsyncExitStack() as stack:
        for each in sorted(follow, key=lambda each: follow[each] is not None):
            leader = follow[each]
            argument = f"--replicaof=127.0.0.1:{ports[leader]}" if leader is not None else f"--keys={keys}"
            settings = lab_container_settings(engine, port=ports[each], arguments=[argument])
            if volume:
                data = folder / each
                data.mkdir()
                settings["volumes"] = [*settings["volumes"], f"{data}:/data"]
            stack.callback(remove_containers, engine, names[each])
            await asyncio.to_thread(_started, engine, names[each], settings)
        for port in ports.values():
            await answers(port)
        proxies = {
            each: await stack.enter_async_context(Proxy(ports[each], partial(engine.api.pause, names[each])))
            for each in (follow if proxied else ())
        }
        sockets = Path(stack.enter_context(TemporaryDirectory()))  # pytest's folders have names too long for a socket
        proxy = await stack.enter_async_context(EngineProxy(engine, sockets, f"{name}-")) if proxied else None
        at = {each: proxies[each].port if proxied else ports[each] for each in follow}
        host = proxy.host if proxy is not None else engine_at
        configs = tuple(_config(each, at[each], ports[each], names[each], host) for each in follow)
        state = folder / ".local" / "state" / "dfly-tui"
        group = Containers(
            Servers(state, None, restarts=False, options={}), proxies, configs, state, None, timeout_seconds=2.0,
            docker=engine, ports=ports, names=names, engine_proxy=proxy, home=folder,
        )  # fmt: skip
        for each, leader in follow.items():
            if leader is not None:
                await _in_sync(ports[leader], ports[each])
        yield group


def _started(engine: DockerClient, name: str, settings: dict[str, Any]) -> None:
    engine.containers.create(name=name, **settings).start()


async def _in_sync(primary: int, replica: int) -> None:
    async def listed() -> bool:
        async with Client(primary) as ask:
            return any(f"port={replica}" in line and "state=online" in line
                       for line in str(await ask("INFO", "REPLICATION")).splitlines())  # fmt: skip

    await eventually(listed, 20)


def _config(name: str, port: int, own_port: int, container: str, engine_at: str) -> InstanceConfig:
    first = name == "alpha"
    return InstanceConfig(
        name=name, url=f"redis://127.0.0.1:{port}", replication_address=f"127.0.0.1:{own_port}", group="main",
        role="primary" if first else "replica", replica_of=None if first else "alpha",
        docker=DockerConfig(host=engine_at, container=container),
    )  # fmt: skip


def configuration(group: Containers, failover: Mapping[str, Any]) -> str:
    """The group as the configuration file of a program of its own."""
    tables = [f"[defaults]\ntimeout_seconds = {group.timeout_seconds}\n[failover]\n{_lines(failover)}"]
    for config in group.configs:
        values = config.model_dump(exclude_defaults=True, exclude={"docker"})
        assert config.docker is not None
        docker = f'docker = {{ host = "{config.docker.host}", container = "{config.docker.container}" }}'
        tables.append(f"[[instances]]\n{_lines(values)}{docker}\n")
    return "\n".join(tables)


def _lines(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items() if value is not None)
