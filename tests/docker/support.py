"""Containers of the lab, on a real engine."""

import time
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from dfly_tui.clients.container_writer import ContainerWriter
from dfly_tui.clock import SystemClock
from dfly_tui.settings import DockerConfig
from tests.support.images import lab_container_settings
from tests.support.servers import DOCKER_HOST

FLAGS = ["--port", "7001", "--data-dir", "/data"]


def writer_of(container: str, timeout: float = 20.0) -> ContainerWriter:
    config = DockerConfig(host=DOCKER_HOST, container=container)
    return ContainerWriter(config, clock=SystemClock(), timeout_seconds=timeout)


def make(engine: DockerClient, name: str, command: list[str] | None = None, **settings: Any) -> Container:
    """A lab server in a container, without network unless one is given; not started."""
    lab = lab_container_settings(engine, port=7001, restart="no")
    volumes = [*lab["volumes"], *settings.pop("volumes", [])]
    settings = lab | {"network_mode": "none", "command": command or FLAGS, "volumes": volumes} | settings
    if "network" in settings:
        del settings["network_mode"]
    if settings.get("auto_remove"):
        del settings["restart_policy"]
    return engine.containers.create(name=name, **settings)


def run(engine: DockerClient, name: str, command: list[str] | None = None, **settings: Any) -> Container:
    """The same, running and with its signals in hand."""
    container = make(engine, name, command, **settings)
    container.start()
    ready(container)
    return container


def ready(container: Container) -> None:
    """Wait until the lab in it serves: before that, the first process of a container does not hear SIGTERM."""
    deadline = time.monotonic() + 20
    while b'"port"' not in container.logs():
        assert time.monotonic() < deadline, container.logs().decode()
        time.sleep(0.05)


def of(engine: DockerClient, name: str) -> dict[str, Any]:
    """What the engine says of a container."""
    attributes: dict[str, Any] = engine.containers.get(name).attrs
    return attributes


def kept(engine: DockerClient, name: str) -> list[str]:
    """The names of what `recreate()` kept."""
    found = engine.containers.list(all=True, filters={"name": f"{name}-before-"})
    return [str(each.name) for each in found]


def common(attributes: dict[str, Any], *without: str) -> dict[str, Any]:
    """A container's configuration, but for what differs between any two."""
    config = {key: value for key, value in attributes["Config"].items() if key not in {"Hostname", *without}}
    host = {key: value for key, value in attributes["HostConfig"].items() if key not in {"Binds", "Mounts", *without}}
    return {"config": config, "host": host, "image": attributes["Image"], "name": attributes["Name"]}
