"""Two labs replicate: full and partial sync, lag, takeover, failover, and what goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from dfly_tui.lab.follower import Follower
from dfly_tui.lab.server import LabServer
from tests.support.eventually import eventually
from tests.support.lab import Client, in_sync, lab, pair

FLAVOURS = pytest.mark.parametrize("flavour", ["1.22", "1.40"])
VALUES: Sequence[tuple[str | int, ...]] = (
    ("SET", "string", "v"),
    ("RPUSH", "list", "a", "b"),
    ("SADD", "set", "a"),
    ("ZADD", "zset", 1, "a", 2, "b"),
    ("HSET", "hash", "f", "v"),
    ("XADD", "stream", "1-1", "f", "v"),
    ("JSON.SET", "doc", "$", '{"a":[1,null]}'),
    ("BF.ADD", "bloom", "x"),
    ("SET", "brief", "v", "PXAT", 4_000_000_000_000),
)


QUESTIONS: Sequence[tuple[str | int, ...]] = (
    ("GET", "string"),
    ("LRANGE", "list", 0, -1),
    ("SMEMBERS", "set"),
    ("ZRANGE", "zset", 0, -1, "WITHSCORES"),
    ("HGETALL", "hash"),
    ("XRANGE", "stream", "-", "+"),
    ("JSON.GET", "doc"),
    ("BF.EXISTS", "bloom", "x"),
    ("PEXPIRETIME", "brief"),
)


def held(server: LabServer) -> dict[tuple[int, bytes], object]:
    """What a server has: kinds, sizes and times to live of all its keys."""
    return {
        (number, key): (store.sizes[key], store[key].expireat)
        for number, store in server.keyspace.stores()
        for key in store
    }


async def equal(primary: LabServer, replica: LabServer) -> bool:
    """Whether both hold the same."""
    return held(primary) == held(replica)


@FLAVOURS
async def test_every_kind_of_value_arrives(flavour: str) -> None:
    async with pair(flavour=flavour, keys=300) as (primary, replica), Client(primary.port) as client:
        assert await equal(primary, replica)
        for words in VALUES:
            await client(*words)
        await client("SELECT", 2)
        await client("SET", "elsewhere", "1")
        await eventually(lambda: equal(primary, replica))
        await client("SELECT", 0)
        async with Client(replica.port) as reader:
            for words in QUESTIONS:
                answer = await reader(*words)
                assert answer, words
                assert answer == await client(*words)
        await client("DEL", "string", "list")
        await eventually(lambda: equal(primary, replica))
        await client("FLUSHALL")
        await eventually(lambda: equal(primary, replica))
        assert replica.keyspace.entries == 0


@FLAVOURS
async def test_both_sides_say_so(flavour: str) -> None:
    async with pair(flavour=flavour) as (primary, replica), Client(primary.port) as one, Client(replica.port) as two:
        assert await one("ROLE") == ["master", [["127.0.0.1", str(replica.port), "online"]]]
        assert await two("ROLE") == ["slave", "127.0.0.1", str(primary.port), "online"]
        above, below = await one.info("REPLICATION"), await two.info("REPLICATION")
        assert above["slave0"].startswith(f"ip=127.0.0.1,port={replica.port},state=online,lag=")
        assert below["master_link_status"] == "up"
        assert below["master_replid"] == above["master_replid"]
        assert str(await two("SET", "a", "1")) == "READONLY You can't write against a read only replica."
        assert "repl_ctrl_1" in await one("CLIENT", "LIST")


async def test_lag_counts_records_that_are_not_confirmed() -> None:
    async with pair() as (primary, replica), Client(primary.port) as client, Client(replica.port) as other:
        replica.faults.frozen = True
        for number in range(50):
            await client("SET", f"k{number}", "v")
        offsets = await client("DFLY", "REPLICAOFFSET")
        lag = int((await client.info("REPLICATION"))["slave0"].rpartition("=")[2])
        assert lag == max(offsets) - 1, "the shard that is worst, counted from the 1 where a journal begins"
        replica.faults.frozen = False
        assert await client("WAIT", 1, 5000) == 1
        assert (await client.info("REPLICATION"))["slave0"].endswith("lag=0")
        assert (await other("DEBUG", "REPLICA", "OFFSET"))[1] == offsets
        assert (await other.info("REPLICATION"))["slave_repl_offset"] == str(sum(offsets))


@FLAVOURS
async def test_takeover(flavour: str) -> None:
    codes: list[int] = []
    async with (
        lab(on_exit=codes.append, flavour=flavour, keys=50) as old,
        lab(flavour=flavour, replicaof=("127.0.0.1", old.port)) as new,
        Client(new.port) as client,
    ):
        await eventually(lambda: in_sync(new))
        async with Client(old.port) as writer:
            await writer("SET", "last", "1")
        assert await client("REPLTAKEOVER", 5) == "OK"
        assert await client("ROLE") == ["master", []]
        assert await client("GET", "last") == "1"
        assert await client("SET", "after", "1") == "OK"
        await eventually(lambda: _is_true(codes))
        assert codes == [0]
        with pytest.raises(ConnectionError):
            async with Client(old.port) as late:
                await late("PING")


async def _is_true(value: object) -> bool:
    return bool(value)


@pytest.mark.parametrize(
    ("flavour", "refusal"), [("1.22", "ERR Can not execute during TAKEN OVER"), ("1.40", "LOADING Dragonfly is ")]
)
async def test_no_acknowledged_write_is_lost_in_a_takeover(flavour: str, refusal: str) -> None:
    async with pair(flavour=flavour) as (old, new), Client(new.port) as client:
        acknowledged, said = 0, ""

        async def write() -> None:
            nonlocal acknowledged, said
            async with Client(old.port) as writer:
                while True:
                    answer = await writer("SET", "acked", acknowledged + 1)
                    if answer != "OK":
                        said = str(answer)
                        return
                    acknowledged += 1

        writing = asyncio.ensure_future(write())
        await eventually(lambda: _is_true(acknowledged > 50))
        assert await client("REPLTAKEOVER", 5) == "OK"
        await asyncio.gather(writing, return_exceptions=True)
        assert await client("GET", "acked") == str(acknowledged)
        assert said.startswith(refusal) or not said, "either it was told, or the connection was gone first"


async def test_a_takeover_that_cannot_catch_up_changes_nothing() -> None:
    async with pair() as (old, new), Client(old.port) as client:
        peer = next(iter(old.feeder.peers.values()))
        old.feeder.confirm = lambda session, executed: None  # type: ignore[method-assign]  # acks get lost
        await client("SET", "a", "1")
        async with Client(new.port) as other:
            assert str(await other("REPLTAKEOVER", 0)).startswith("ERR Couldn't execute takeover: Takeover failed!")
            assert (await other("ROLE"))[0] == "slave"
        assert old.feeder.lag(peer) == 1
        assert await client("SET", "a", "2") == "OK"


async def test_while_a_frozen_primary_is_asked_the_old_version_answers_nothing_about_its_role() -> None:
    async with pair(flavour="1.22") as (old, new), Client(new.port) as client, Client(new.port) as other:
        old.faults.frozen = True
        client.send("REPLTAKEOVER", 1)
        await eventually(lambda: _is_true(new.role_lock.locked()))
        assert await other("PING") == "PONG"
        other.send("ROLE")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.answer(), 0.05)
        old.faults.frozen = False
        assert await client.answer() == "OK"
        assert await other.answer() == ["master", []]


@FLAVOURS
async def test_a_lost_link_is_dialled_again(flavour: str) -> None:
    async with pair(flavour=flavour, keys=20) as (primary, replica), Client(primary.port) as client:
        for peer in list(primary.feeder.peers.values()):
            peer.session.kill()
        await client("SET", "meanwhile", "1")
        await eventually(lambda: _reconnected(replica))
        await eventually(lambda: equal(primary, replica))
        async with Client(replica.port) as other:
            about = await other.info("REPLICATION")
    assert about.get("psync_successes", "none") == {"1.22": "none", "1.40": "1"}[flavour]


async def _reconnected(replica: LabServer) -> bool:
    link = replica.follower
    return link is not None and link.reconnects > 0 and link.phase == "online"


async def test_a_primary_that_comes_back_empty_empties_its_replica() -> None:
    async with (
        lab() as primary,
        lab(replicaof=("127.0.0.1", primary.port)) as replica,
        Client(replica.port) as client,
    ):
        async with Client(primary.port) as writer:
            await writer("SET", "precious", "1")
        await eventually(lambda: equal(primary, replica))
        assert await client("GET", "precious") == "1"
        port = primary.port
        await primary.stop()
        await eventually(lambda: _link_is(client, "down"))
        async with lab(port=port, seed=9):
            await eventually(lambda: _link_is(client, "up"))
            await eventually(lambda: in_sync(replica))
            assert await client("DBSIZE") == 0


async def _link_is(client: Client, state: str) -> bool:
    return (await client.info("REPLICATION")).get("master_link_status") == state


@pytest.fixture
async def lonely(request: pytest.FixtureRequest) -> AsyncIterator[tuple[LabServer, Client]]:
    """A primary with one key."""
    async with lab(flavour=request.param) as server, Client(server.port) as client:
        await client("SET", "precious", "1")
        yield server, client


@pytest.mark.parametrize(
    ("lonely", "said", "left"),
    [("1.22", "ERR could not connect to master: Connection refused", 0), ("1.40", "ERR replication cancelled", 1)],
    indirect=["lonely"],
)
async def test_a_bad_replicaof_costs_the_old_version_its_data(
    lonely: tuple[LabServer, Client], said: str, left: int
) -> None:
    _, client = lonely
    assert str(await client("REPLICAOF", "127.0.0.1", 1)) == said
    assert await client("DBSIZE") == left
    assert await client("ROLE") == ["master", []]


@pytest.mark.parametrize(
    ("lonely", "said", "left"),
    [("1.22", "ERR could not greet master Bad message", 0), ("1.40", "ERR replication cancelled", 1)],
    indirect=["lonely"],
)
async def test_following_oneself(lonely: tuple[LabServer, Client], said: str, left: int) -> None:
    server, client = lonely
    assert str(await client("REPLICAOF", "127.0.0.1", server.port)) == said
    assert await client("DBSIZE") == left


async def test_the_password_of_the_primary_has_to_be_known() -> None:
    async with lab(password="pw") as primary, lab() as other, Client(other.port) as client:
        for wrong in ("", "wrong"):
            await client("CONFIG", "SET", "masterauth", wrong)
            assert "replication cancelled" in str(await client("REPLICAOF", "127.0.0.1", primary.port))
        await client("CONFIG", "SET", "masterauth", "pw")
        assert await client("REPLICAOF", "127.0.0.1", primary.port) == "OK"
        await eventually(lambda: in_sync(other))


async def test_a_replica_cannot_be_followed() -> None:
    async with pair() as (_, replica), lab() as third, Client(third.port) as client:
        assert str(await client("REPLICAOF", "127.0.0.1", replica.port)) == "ERR replication cancelled"
        assert await client("ROLE") == ["master", []]


async def test_promotion_keeps_the_data() -> None:
    async with pair(keys=30) as (_, replica), Client(replica.port) as client:
        keys = await client("DBSIZE")
        assert await client("REPLICAOF", "NO", "ONE") == "OK"
        assert await client("DBSIZE") == keys
        assert await client("SET", "a", "1") == "OK"


async def test_siblings_go_on_after_a_promotion() -> None:
    async with lab(keys=30) as primary:
        first = lab(seed=2, replicaof=("127.0.0.1", primary.port))
        second = lab(seed=3, replicaof=("127.0.0.1", primary.port))
        async with first, second, Client(first.port) as one, Client(second.port) as two:
            await eventually(lambda: in_sync(first))
            await eventually(lambda: in_sync(second))
            await primary.stop()
            await one("REPLICAOF", "NO", "ONE")
            assert await two("REPLICAOF", "127.0.0.1", first.port) == "OK"
            await eventually(lambda: in_sync(second))
            assert await equal(first, second)


async def test_a_replica_that_is_stopped_while_it_dials_hangs_up() -> None:
    dialled, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialled.set()
        while await reader.read(100):
            pass
        gone.set()
        writer.close()

    primary = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with primary, lab(port=0) as replica:
        following = replica.spawn(Follower(replica, "127.0.0.1", primary.sockets[0].getsockname()[1]).run())
        await dialled.wait()
        following.cancel()
        await asyncio.wait_for(gone.wait(), 10)
