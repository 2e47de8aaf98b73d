"""The lab answers in the shape the real servers answered in: every question of the recordings is asked again."""

from contextlib import AsyncExitStack
from dataclasses import replace

from tests.contract.data import fill
from tests.contract.recordings import load
from tests.contract.replay import differences
from tests.contract.target import Node, Target

EXCEPTIONS = {
    "EVAL return redis.call('get','int') 0": "fakeredis lets scripts touch keys they have not declared",
    "TYPE hll": "fakeredis keeps a HyperLogLog as a set",
    "STRLEN hll": "fakeredis keeps a HyperLogLog as a set",
    "HTTL session:0": "fakeredis has no times to live of hash fields for Dragonfly",
    "FIELDTTL session:0": "fakeredis has no times to live of hash fields for Dragonfly",
    "SET after 1": "the real one needs a moment to notice a new memory limit",
}
"""Where the lab answers differently, and why that is how it is."""


async def test_a_fresh_server(target: Target, fresh: Node) -> None:
    found = await differences({"primary": fresh}, load(target.flavour, "01-fresh"), EXCEPTIONS)
    assert not found, "\n".join(found)


async def test_a_server_with_data(target: Target, stack: AsyncExitStack) -> None:
    node = await target.start(stack)
    await fill(node)
    found = await differences({"primary": node}, load(target.flavour, "02-loaded"), EXCEPTIONS)
    assert not found, "\n".join(found)


async def test_keys(target: Target, stack: AsyncExitStack) -> None:
    node = await target.start(stack)
    await fill(node)
    found = await differences({"primary": node}, load(target.flavour, "03-keys"), EXCEPTIONS)
    assert not found, "\n".join(found)


async def test_the_admin_port(target: Target, stack: AsyncExitStack) -> None:
    node = await target.start(stack, admin=True)
    assert node.admin_port
    recorded = list(load(target.flavour, "08-admin"))
    assert recorded
    found = await differences({"admin": replace(node, port=node.admin_port)}, recorded, EXCEPTIONS)
    assert not found, "\n".join(found)


async def test_errors(target: Target, stack: AsyncExitStack) -> None:
    node = await target.start(stack)
    await fill(node)
    nodes = {
        "primary": node,
        "noauth": await target.start(stack, password=None),
        "oom": await target.start(stack, password=None, maxmemory=1 << 20),
    }
    found = await differences(nodes, load(target.flavour, "04-errors"), EXCEPTIONS)
    assert not found, "\n".join(found)
