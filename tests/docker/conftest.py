"""An engine, and names for containers of which nothing is left afterwards."""

import uuid
from collections.abc import Iterator

import pytest
from docker import DockerClient

from tests.support.images import remove_containers
from tests.support.servers import docker_engine


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
