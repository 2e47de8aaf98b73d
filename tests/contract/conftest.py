"""Which server the recordings are held against. Without options: the lab, in both flavours.

`pytest tests/contract --server-binary PATH` starts a real Dragonfly for each test; `--server-url redis://…` asks one
that runs, which must be empty and can only be asked the questions of a fresh server.
"""

import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.contract.target import BinaryTarget, LabTarget, Node, Target

FLAVOURS = ("1.22", "1.40")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run against a given server shows no green tests that asked another one, or none."""
    if config.getoption("--server-url") is None:
        return
    elsewhere = pytest.mark.skip(reason="with --server-url only tests that ask that very server run: not this one")
    for item in items:
        ours = Path(__file__).parent in item.path.parents
        if ours and not (isinstance(item, pytest.Function) and "fresh" in item.fixturenames):
            item.add_marker(elsewhere)


@pytest.fixture(params=FLAVOURS)
def target(request: pytest.FixtureRequest) -> Target:
    """Starts servers of one version."""
    flavour: str = request.param
    binary = request.config.getoption("--server-binary")
    if binary is None:
        return LabTarget(flavour)
    told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    if f"v{flavour}." not in told:
        pytest.skip(f"this binary is not {flavour}: {told.strip()[:60]}")
    return BinaryTarget(binary, flavour)


async def _leave_alone() -> None:
    pytest.fail("a server that is not ours is not killed")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is to be stopped after the test."""
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def fresh(request: pytest.FixtureRequest, target: Target, stack: AsyncExitStack) -> Node:
    """A server nobody has spoken to."""
    url = request.config.getoption("--server-url")
    if url is None:
        return await target.start(stack)
    parts = urlsplit(url)
    node = Node(parts.port or 6379, Path("/nonexistent"), parts.password, _leave_alone)
    if b"df-v" + target.flavour.encode() not in await node.do("INFO", "SERVER"):
        pytest.skip(f"{url} is not {target.flavour}")
    assert await node.do("DBSIZE") == b":0\r\n", "only an empty server is asked"
    return node
