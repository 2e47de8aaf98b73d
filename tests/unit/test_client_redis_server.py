"""The clients against a real redis-server: a second opinion on the protocol, and faults no script can fake."""

import asyncio

import pytest

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.capabilities import probe
from dfly_tui.clients.connect import open_clients
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.metrics_http import MetricsHttp
from dfly_tui.clock import SystemClock
from dfly_tui.errors import AuthFailed, DflyError, NotAServer, NotPermitted, Timeout, TooManyClients, Unreachable
from dfly_tui.models.instance import Flavour
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.settings import InstanceConfig
from tests.support.eventually import eventually
from tests.support.secrets import Password
from tests.support.servers import RedisServer, running_redis

pytestmark = pytest.mark.redis_server


def reader_of(
    server: RedisServer, password: str | None = None, *, username: str | None = None, timeout: float = 5.0
) -> DragonflyReader:
    config = InstanceConfig(name="one", url=server.url, username=username)
    return DragonflyReader(config, Password(password), clock=SystemClock(), timeout_seconds=timeout)


async def test_everything_the_reader_can_ask() -> None:
    async with running_redis("--requirepass", "s3cret", "--slowlog-log-slower-than", "0") as server:
        reader = reader_of(server, "s3cret")
        seen = await reader.snapshot()
        settings = await reader.config()
        slow = await reader.slowlog(10)
        clients = await reader.client_list()
        can = await probe(reader)
        assert await reader.database_size() == 0
        assert await reader.last_save() is not None
        assert (await reader.role()).role is Role.PRIMARY
        await reader.aclose()
    assert seen.flavour is Flavour.REDIS
    assert seen.role is Role.PRIMARY
    assert seen.tcp_port == server.port
    assert seen.used_memory_bytes
    assert seen.keys is None or seen.keys == 0
    assert settings["requirepass"] == "••••••"
    assert "s3cret" not in repr(settings) + repr(slow)
    assert {entry.command[0] for entry in slow} >= {"INFO", "ROLE"}
    assert [client.name for client in clients] == ["dfly-tui"]
    assert can.resp3
    assert can.can("SWAPDB")
    assert not can.can("REPLTAKEOVER")


async def test_passwords() -> None:
    async with running_redis("--requirepass", "s3cret") as server:
        for password, hint in ((None, "wants a password"), ("wrong", "check username")):
            reader = reader_of(server, password)
            with pytest.raises(AuthFailed) as caught:
                await reader.snapshot()
            assert hint in caught.value.hint
            await reader.aclose()


async def test_a_user_who_may_only_look() -> None:
    async with running_redis(*["--user", "viewer", "on", ">look", "-@all", "+info", "+hello"]) as server:
        reader = reader_of(server, "look", username="viewer")
        seen = await reader.snapshot()
        assert seen.role is Role.PRIMARY
        assert seen.role_reply is None
        with pytest.raises(NotPermitted):
            await reader.config()
        await reader.aclose()


async def test_a_replica_and_its_primary() -> None:
    async with (
        running_redis("--repl-diskless-sync-delay", "0") as primary,
        running_redis("--replicaof", "127.0.0.1", str(primary.port)) as replica,
    ):
        at_replica, at_primary = reader_of(replica), reader_of(primary)

        async def in_sync() -> bool:
            link = (await at_replica.snapshot()).replication.primary
            states = [each.state for each in (await at_primary.snapshot()).replication.replicas]
            return link is not None and [link.state, *states] == [LinkState.STABLE, LinkState.STABLE]

        await eventually(in_sync, within=15)
        seen = await at_primary.snapshot()
        assert (await at_replica.role()).primary_port == primary.port
        assert [each.port for each in seen.replication.replicas] == [replica.port]
        assert seen.replication.replicas[0].lag_records is None
        await at_replica.aclose()
        await at_primary.aclose()


async def test_too_many_clients() -> None:
    async with running_redis("--maxclients", "1") as server:
        first, second = reader_of(server), reader_of(server)
        await eventually(lambda: answers(first))  # the place of whoever saw the server start
        with pytest.raises((TooManyClients, Unreachable)):  # a reset may overtake the words
            await second.snapshot()
        await first.aclose()


async def test_a_frozen_server_times_out_and_recovers() -> None:
    async with running_redis() as server:
        reader = reader_of(server, timeout=0.3)
        await reader.snapshot()
        server.freeze()
        for _ in range(2):  # on the open connection, then on a new one
            with pytest.raises(Timeout):
                await reader.snapshot()
        server.thaw()
        await eventually(lambda: answers(reader))
        await reader.aclose()


async def test_a_killed_server_is_read_again_once_it_is_back() -> None:
    async with running_redis() as server:
        reader = reader_of(server)
        before = await reader.snapshot()
        await server.kill()
        with pytest.raises(Unreachable):
            await reader.snapshot()
        await server.start()
        after = await reader.snapshot()
        await reader.aclose()
    assert before.info.text("run_id") != after.info.text("run_id")


async def test_killed_while_it_is_polled() -> None:
    async with running_redis() as server:
        reader = reader_of(server, timeout=1.0)
        seen: list[DflyError] = []

        async def poll() -> None:
            while not seen:
                try:
                    await reader.snapshot()
                except DflyError as error:
                    seen.append(error)

        polling = asyncio.create_task(poll())
        await eventually(lambda: answers(reader))
        await server.kill()
        await asyncio.wait_for(polling, 5)
        await reader.aclose()
    assert isinstance(seen[0], Unreachable)


async def test_metrics_of_a_server_that_has_none() -> None:
    async with running_redis() as server:
        config = InstanceConfig(name="one", url=server.url)
        metrics = MetricsHttp(config, Password(), clock=SystemClock(), timeout_seconds=5)
        with pytest.raises(NotAServer) as caught:
            await metrics.page()
        await metrics.aclose()
    assert "http_url" in caught.value.hint


async def test_a_hundred_thousand_keys_through_the_bulk_lane() -> None:
    async with running_redis() as server:
        config = InstanceConfig(name="one", url=server.url)
        async with BulkLane(config, Password(), timeout_seconds=10) as lane:
            writes = (("SET", f"key:{number}", b"value-%d" % number) for number in range(100_000))
            written = [reply async for replies in lane.run(writes) for reply in replies]
            reads = (("GET", f"key:{number}") for number in range(100_000))
            got = [reply async for replies in lane.run(reads, window=500) for reply in replies]
        reader = reader_of(server)
        assert await reader.database_size() == 100_000
        await reader.aclose()
    assert written == [b"OK"] * 100_000
    assert got == [b"value-%d" % number for number in range(100_000)]


async def test_clients_connect_to_nothing_until_they_are_asked() -> None:
    async with running_redis() as server:
        clients = open_clients(
            InstanceConfig(name="one", url=server.url), Password(), clock=SystemClock(), timeout_seconds=5
        )
        assert clients.containers is None
        await server.kill()
        await clients.aclose()
        await server.start()
        assert (await clients.reader.snapshot()).connected_clients == 1
        await clients.aclose()


async def answers(reader: DragonflyReader) -> bool:
    """Whether a look succeeds now."""
    try:
        await reader.snapshot()
    except DflyError:
        return False
    return True
