"""The container client against a real Docker engine and an image made on this machine."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from docker import DockerClient

from dfly_tui.clients.docker import DockerContainers
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DockerFailed
from dfly_tui.models.container import ContainerInfo
from dfly_tui.settings import DockerConfig
from tests.support.eventually import eventually
from tests.support.images import ensure_image
from tests.support.servers import DOCKER_HOST, docker_engine

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    client = docker_engine()
    yield client
    client.close()


@contextmanager
def running(engine: DockerClient, *options: str, **settings: Any) -> Iterator[str]:
    """A container of redis-server, without network; yields its name."""
    name = f"dfly-test-{uuid.uuid4().hex[:8]}"
    command = ["/usr/bin/redis-server", "--dir", "/data", *options]
    container = engine.containers.create(ensure_image(engine), command, name=name, network_mode="none", **settings)
    try:
        container.start()
        yield name
    finally:
        container.remove(force=True, v=True)


@contextmanager
def paused(engine: DockerClient, name: str) -> Iterator[None]:
    container = engine.containers.get(name)
    container.pause()
    try:
        yield
    finally:
        container.unpause()


def containers_of(name: str) -> DockerContainers:
    return DockerContainers(DockerConfig(host=DOCKER_HOST, container=name), clock=SystemClock(), timeout_seconds=20)


async def look(name: str) -> ContainerInfo:
    containers = containers_of(name)
    try:
        return await containers.container()
    finally:
        await containers.aclose()


async def test_a_running_container(engine: DockerClient) -> None:
    settings = {
        "mem_limit": "64m",
        "restart_policy": {"Name": "unless-stopped"},
        "volumes": {"/tmp": {"bind": "/etc/x", "mode": "ro"}},
    }
    with running(engine, "--requirepass", "hush", "--port", "7777", **settings) as name:

        async def ready() -> ContainerInfo | None:
            seen = await look(name)
            return seen if any("Ready to accept" in line for line in seen.log) else None

        seen = await eventually(ready)
        assert isinstance(seen, ContainerInfo)
        with paused(engine, name):
            assert (await look(name)).state == "paused"
    assert (seen.name, seen.state, seen.restart_policy, seen.restarts) == (name, "running", "unless-stopped", 0)
    assert seen.image == "dfly-tui-test/redis:latest"
    assert seen.command[-4:] == ("--requirepass", "••••••", "--port", "7777")
    assert seen.memory_limit_bytes == 64 << 20
    assert seen.network_mode == "none"
    assert [(mount.target, mount.writable) for mount in seen.mounts] == [("/etc/x", False)]
    assert seen.started_at is not None
    assert (seen.exit_code, seen.finished_at, seen.health) == (None, None, None)


async def test_a_container_that_ended(engine: DockerClient) -> None:
    with running(engine, "--no-such-option") as name:
        engine.containers.get(name).wait(timeout=20)
        seen = await look(name)
    assert seen.state == "exited"
    assert seen.exit_code == 1
    assert seen.finished_at is not None
    assert any("FATAL CONFIG" in line for line in seen.log)


async def test_restarts_are_counted(engine: DockerClient) -> None:
    policy = {"Name": "on-failure", "MaximumRetryCount": 2}
    with running(engine, "--no-such-option", restart_policy=policy) as name:

        async def given_up() -> bool:
            seen = await look(name)
            return seen.restarts == 2 and seen.state == "exited"

        await eventually(given_up)
        assert (await look(name)).restart_policy == "on-failure"


async def test_a_healthy_container(engine: DockerClient) -> None:
    check = {"test": ["CMD", "/usr/bin/redis-server", "--version"], "interval": 1_000_000_000}
    with running(engine, healthcheck=check) as name:

        async def healthy() -> bool:
            return (await look(name)).health == "healthy"

        await eventually(healthy)


async def test_one_client_follows_a_container_through_its_life(engine: DockerClient) -> None:
    with running(engine) as name:
        containers = containers_of(name)
        assert (await containers.container()).state == "running"
        engine.containers.get(name).stop(timeout=1)
        assert (await containers.container()).state == "exited"
        engine.containers.get(name).start()
        assert (await containers.container()).state == "running"
        await containers.aclose()


async def test_a_container_that_does_not_exist(engine: DockerClient) -> None:
    with running(engine) as name, pytest.raises(DockerFailed) as caught:
        await look(name + "x")
    assert f"knows no container {name}x" in caught.value.detail
    assert name in caught.value.hint
