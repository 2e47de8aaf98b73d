"""Replication, failover and takeover look from outside as they did with the real servers."""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack

import pytest

from tests.contract.data import fill
from tests.contract.recordings import Exchange, load
from tests.contract.replay import differences
from tests.contract.target import PASSWORD, Node, Target
from tests.contract.test_recordings import EXCEPTIONS
from tests.support.eventually import eventually

HERE = EXCEPTIONS | {"SCRIPT LIST": "the lab does not replicate scripts"}
OF_THE_MOMENT = (b"full_sync", b"preparation", b"connecting", b"sync_in_progress:1")
"""States that pass before they can be asked about."""


async def online(replica: Node) -> bool:
    """Whether this replica is in stable sync."""
    return b"online" in await replica.do("ROLE")


async def attach(replica: Node, primary: Node) -> None:
    """Make the one follow the other and wait until it does."""
    assert await replica.do("CONFIG", "SET", "masterauth", PASSWORD) == b"+OK\r\n"
    assert await replica.do("REPLICAOF", "127.0.0.1", str(primary.port)) == b"+OK\r\n"
    await eventually(lambda: online(replica))


def lasting(exchanges: Iterator[Exchange], after: str) -> Iterator[Exchange]:
    """The exchanges after a remark that are about a lasting state, and change nothing."""
    for exchange in exchanges:
        passing = any(state in exchange.raw for state in OF_THE_MOMENT)
        changing = exchange.send[:1] in {("REPLICAOF",), ("REPLTAKEOVER",)} or exchange.send[:2] == ("CONFIG", "SET")
        if exchange.after.startswith(after) and not passing and not changing:
            yield exchange


@pytest.fixture
async def pair(target: Target, stack: AsyncExitStack) -> Mapping[str, Node]:
    """A primary with data and its replica."""
    nodes = {name: await target.start(stack) for name in ("primary", "replica")}
    await fill(nodes["primary"])
    await attach(nodes["replica"], nodes["primary"])
    return nodes


async def test_a_replica_and_its_primary(target: Target, pair: Mapping[str, Node]) -> None:
    exchanges = [exchange for exchange in load(target.flavour, "06-replication") if not exchange.after]
    before = next(n for n, exchange in enumerate(exchanges) if exchange.note == "write on a replica")
    found = await differences(pair, lasting(iter(exchanges[before:]), ""), HERE)
    assert not found, "\n".join(found)


async def test_a_replica_whose_primary_died(target: Target, pair: Mapping[str, Node]) -> None:
    await pair["primary"].kill()

    async def noticed() -> bool:
        return b"master_link_status:down" in await pair["replica"].do("INFO", "REPLICATION")

    await eventually(noticed)
    wanted = [
        exchange
        for exchange in lasting(load(target.flavour, "06-replication"), "primary killed")
        if exchange.node == "replica" and b"master_link_status:up" not in exchange.raw
    ]
    assert any(b"master_link_status:down" in exchange.raw for exchange in wanted)
    assert not (found := await differences(pair, wanted, HERE)), "\n".join(found)
    assert await pair["replica"].do("REPLICAOF", "NO", "ONE") == b"+OK\r\n"
    assert await pair["replica"].do("ROLE") == b"*2\r\n$6\r\nmaster\r\n*0\r\n"
    assert await pair["replica"].do("SET", "written", "1") == b"+OK\r\n"


async def test_a_takeover(target: Target, stack: AsyncExitStack) -> None:
    codes: list[int] = []
    old = await target.start(stack, on_exit=codes.append)
    new = await target.start(stack)
    await attach(new, old)
    await old.do("SET", "before", "1")
    assert await old.do("REPLTAKEOVER", "5") == b"+OK\r\n", "asked of a primary it has nothing to do"
    assert await new.do("REPLTAKEOVER", "5") == b"+OK\r\n"
    assert await new.do("ROLE") == b"*2\r\n$6\r\nmaster\r\n*0\r\n"
    assert await new.do("GET", "before") == b"$1\r\n1\r\n"
    assert await new.do("SET", "after", "1") == b"+OK\r\n"

    async def gone() -> bool:
        try:
            await old.do("PING")
        except OSError:
            return bool(codes)
        return False

    await eventually(gone)
    assert codes == [0]


async def test_takeovers_there_and_back(target: Target, stack: AsyncExitStack) -> None:
    codes: list[int] = []

    def told(after: str) -> list[Exchange]:
        return [
            exchange
            for exchange in load(target.flavour, "07-takeover")
            if exchange.after.startswith(after) and not any(state in exchange.raw for state in OF_THE_MOMENT)
        ]

    async def gone(count: int) -> bool:
        return codes == [0] * count

    nodes = {name: await target.start(stack, on_exit=codes.append) for name in ("replica", "primary")}
    await attach(nodes["primary"], nodes["replica"])
    await nodes["replica"].do("SET", "before", "1")
    found = await differences(nodes, told("now primary"), HERE)
    await eventually(lambda: gone(1))

    nodes["replica"] = await target.start(stack)
    again = told("old primary started again")
    attached = 1 + next(n for n, exchange in enumerate(again) if exchange.send[0] == "REPLICAOF")
    found += await differences(nodes, again[:attached], HERE)
    await eventually(lambda: online(nodes["replica"]))
    found += await differences(nodes, again[attached:], HERE)
    await nodes["primary"].do("SET", "acked", "1")
    found += await differences(nodes, told("takeover under write load") + told("writer ended"), HERE)
    await eventually(lambda: gone(2))

    nodes["primary"] = await target.start(stack)
    found += await differences(nodes, told("the old primary started again"), HERE)
    assert not found, "\n".join(found)


async def test_pitfalls(target: Target, stack: AsyncExitStack) -> None:
    nodes = {name: await target.start(stack) for name in ("alpha", "beta")}
    await fill(nodes["alpha"])
    exchanges = list(load(target.flavour, "09-pitfalls"))
    good = next(n for n, exchange in enumerate(exchanges) if exchange.after.startswith("a good REPLICAOF"))
    assert exchanges[good].send[0] == "REPLICAOF"
    found = await differences(nodes, exchanges[: good + 1], HERE)
    await eventually(lambda: online(nodes["beta"]))
    assert await nodes["alpha"].do("SET", "int", "42") == b"+OK\r\n"
    found += await differences(nodes, exchanges[good + 1 :], HERE)
    assert not found, "\n".join(found)
