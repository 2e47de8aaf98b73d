"""An engine, and names for containers of which nothing is left afterwards."""

import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from tests.support.images import remove_containers
from tests.support.servers import docker_engine
from tests.support.standalone import ensure_standalone_image


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    client = docker_engine()
    yield client
    client.close()


@pytest.fixture
def name(engine: DockerClient) -> Iterator[str]:
    """A name for a container; whatever is left of it is removed."""
    name = f"dfly-test-{uuid.uuid4().hex[:8]}"
    yield name
    remove_containers(engine, name)


@pytest.fixture
def small_disk(engine: DockerClient, name: str) -> Iterator[Container]:
    """A disk of some MiB, as long as this container runs: it is the volume of the same name."""
    volume = engine.volumes.create(
        name, driver_opts={"type": "tmpfs", "device": "tmpfs", "o": "size=4m,mode=1777"}
    )  # fmt: skip
    keeper = engine.containers.create(
        ensure_standalone_image(engine), ["-c", "import time; time.sleep(600)"],
        entrypoint=["/usr/local/bin/python3"], name=f"{name}-keeper", volumes=[f"{name}:/data"], network_mode="none",
    )  # fmt: skip
    try:
        keeper.start()
        yield keeper
    finally:
        for each in (f"{name}", f"{name}-keeper"):
            with suppress(NotFound):
                engine.containers.get(each).remove(force=True)
        volume.remove(force=True)
