"""A lab server behaves like the Dragonfly it imitates, and goes wrong when told to."""

import asyncio
import gc
import socket
import sys
from contextlib import suppress
from typing import Any

import httpx
import pytest

from dfly_tui.errors import ConfigError
from dfly_tui.lab.keyspace import Keyspace
from dfly_tui.lab.options import LabOptions
from tests.support.clock import FakeClock, settle
from tests.support.eventually import eventually
from tests.support.lab import Client, lab

FLAVOURS = pytest.mark.parametrize("flavour", ["1.22", "1.40"])


@FLAVOURS
async def test_it_says_what_it_is(flavour: str) -> None:
    async with lab(flavour=flavour, maxmemory_bytes=1 << 28) as server, Client(server.port) as client:
        about = await client.info()
    assert about["dragonfly_version"].startswith(f"df-v{flavour}.")
    assert about["dfly_tui_lab"] == "1", "a simulation is marked as one"
    assert about["tcp_port"] == str(server.port)
    assert about["maxmemory"] == str(1 << 28)
    assert "loading" not in about, "INFO PERSISTENCE has to be asked for by name"


async def test_the_numbers_move() -> None:
    async with lab() as server, Client(server.port) as client:
        before = await client.info()
        await client("SET", "a", "x" * 1000)
        await client("GET", "a")
        await client("GET", "absent")
        after = await client.info()
    changed = {name: int(after[name]) - int(before[name]) for name in ("keyspace_hits", "keyspace_misses")}
    assert changed == {"keyspace_hits": 1, "keyspace_misses": 1}
    assert after["db0"] == "keys=1,expires=0,hits=1,misses=1,hit_ratio=50.00,avg_ttl=-1"
    assert int(after["used_memory"]) - int(before["used_memory"]) > 1000
    assert after["type_used_memory_string"] == "1000"


async def test_memory_is_given_back() -> None:
    async with lab() as server, Client(server.port) as client:
        empty = int((await client.info("MEMORY"))["used_memory"])
        await client("SET", "a", "x" * 1000)
        await client("RPUSH", "b", *range(100))
        await client("SELECT", 3)
        await client("SET", "c", "x" * 1000)
        await client("FLUSHALL")
        assert int((await client.info("MEMORY"))["used_memory"]) == empty


async def test_keys_expire_by_the_clock() -> None:
    clock = FakeClock()
    async with lab(clock) as server, Client(server.port) as client:
        await client("SET", "a", "1", "EX", 10)
        assert await client("TTL", "a") == 10
        await clock.advance(11)
        assert await client("GET", "a") is None
        assert (await client.info("STATS"))["expired_keys"] == "1"
        assert await client("DBSIZE") == 0


async def test_a_transaction_may_hold_any_command() -> None:
    async with lab() as server, Client(server.port) as client:
        assert await client("MULTI") == "OK"
        for words in (("SET", "a", "1"), ("MEMORY", "USAGE", "a"), ("ROLE",)):
            assert await client(*words) == "QUEUED"
        assert await client("EXEC") == ["OK", 0, ["master", []]]
        await client("MULTI")
        await client("GET")
        assert "EXECABORT" in str(await client("EXEC"))


async def test_a_watched_key_that_changes_stops_the_transaction() -> None:
    async with lab() as server, Client(server.port) as client, Client(server.port) as other:
        await client("WATCH", "a")
        await other("SET", "a", "1")
        await client("MULTI")
        await client("SET", "a", "2")
        assert await client("EXEC") is None
        assert await client("GET", "a") == "1"


async def test_blocking_commands_wait() -> None:
    async with lab() as server, Client(server.port) as client, Client(server.port) as other:
        client.send("BLPOP", "queue", 0)
        await eventually(lambda: _blocked(other, 1))
        await other("RPUSH", "queue", "job")
        assert await client.answer() == ["queue", "job"]
        assert (await other.info())["blocked_clients"] == "0"


async def test_a_blocked_client_that_leaves_takes_nothing_with_it() -> None:
    async with lab() as server, Client(server.port) as other:
        async with Client(server.port) as client:
            client.send("BLPOP", "queue", 0)
            await eventually(lambda: _blocked(other, 1))
        await eventually(lambda: _blocked(other, 0))
        await other("RPUSH", "queue", "job")
        assert await other("LLEN", "queue") == 1


async def _blocked(client: Client, count: int) -> bool:
    return (await client.info("CLIENTS"))["blocked_clients"] == str(count)


async def test_subscribers_hear() -> None:
    async with lab() as server, Client(server.port) as client, Client(server.port) as other:
        assert await client("SUBSCRIBE", "news") == ["subscribe", "news", 1]
        assert await other("PUBLISH", "news", "hello") == 1
        assert await client.answer() == ["message", "news", "hello"]


async def test_a_password_may_be_added_and_the_old_one_stays() -> None:
    async with lab(password="old") as server:
        async with Client(server.port) as stranger:
            assert str(await stranger("PING")) == "NOAUTH Authentication required."
        async with Client(server.port, "old") as client:
            await client("CONFIG", "SET", "requirepass", "new")
            for password in ("old", "new"):
                assert await client("AUTH", password) == "OK"
            await client("ACL", "SETUSER", "default", "resetpass", ">other")
            for password in ("old", "new"):
                assert "WRONGPASS" in str(await client("AUTH", password))


async def test_http_keeps_asking_for_the_first_password() -> None:
    async with lab(password="old") as server, httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as http:
        async with Client(server.port, "old") as client:
            await client("ACL", "SETUSER", "default", "resetpass", ">new")
        assert (await http.get("/")).status_code == 401
        assert (await http.get("/", auth=("default", "new"))).status_code == 401
        page = await http.get("/", auth=("default", "old"))
        assert (page.status_code, "Uptime" in page.text) == (200, True)
        assert (await http.get("/metrics")).status_code == 200
        assert (await http.get("/?o=json", auth=("default", "old"))).json()["engine"]["keys"] == 0


async def test_the_password_does_not_show() -> None:
    assert "hunter2" not in repr(LabOptions(password="hunter2", masterauth="hunter2"))


async def test_the_memory_limit_is_kept() -> None:
    async with lab(maxmemory_bytes=600_000) as server, Client(server.port) as client:
        assert await client("SET", "a", "x" * 100_000) == "OK"
        assert str(await client("SET", "b", "1")) == "ERR Out of memory"
        assert await client("DEL", "a") == 1
        assert await client("SET", "b", "1") == "OK"
        assert (await client.info("STATS"))["oom_rejections"] == "1"


async def test_a_cache_evicts_instead() -> None:
    async with lab(maxmemory_bytes=700_000, cache_mode=True) as server, Client(server.port) as client:
        for number in range(300):
            assert await client("SET", f"k{number}", "x" * 1000) == "OK"
        about = await client.info()
    assert int(about["evicted_keys"]) > 0
    assert about["cache_mode"] == "cache"


async def test_only_so_many_clients() -> None:
    async with lab(maxclients=1) as server, Client(server.port) as first:
        await first("PING")
        async with Client(server.port) as second:
            assert str(await second("PING")) == "ERR max number of clients reached"


async def test_an_admin_port_has_no_such_limit() -> None:
    async with lab(maxclients=1, admin_port=0) as server, Client(server.port) as first:
        await first("PING")
        async with Client(server.admin_port) as admin:
            assert await admin("PING") == "PONG"


async def test_a_pause_holds_writes_back_until_it_is_over() -> None:
    clock = FakeClock()
    async with lab(clock) as server, Client(server.port) as client, Client(server.port) as other:
        await other("CLIENT", "PAUSE", 10_000, "WRITE")
        client.send("SET", "a", "1")
        assert await other("GET", "a") is None
        await other("CLIENT", "UNPAUSE")
        waiting = asyncio.ensure_future(client.answer())
        while not waiting.done():
            await clock.advance(0.1)
            await asyncio.sleep(0)
        assert await waiting == "OK"


async def test_clients_are_listed_and_killed() -> None:
    async with lab() as server, Client(server.port) as client, Client(server.port) as victim:
        await victim("CLIENT", "SETNAME", "worker")
        lines = (await client("CLIENT", "LIST")).splitlines()
        line = next(line for line in lines if "name=worker" in line)
        number = line.split()[0].removeprefix("id=")
        assert await client("CLIENT", "KILL", "ID", number) == 1
        with pytest.raises(ConnectionError):
            await victim("PING")


async def test_what_was_slow_is_kept() -> None:
    async with lab(flavour="1.22") as server, Client(server.port) as client:
        await client("CONFIG", "SET", "slowlog_log_slower_than", 0)
        await client("SET", "a", "x" * 500)
        await client("CONFIG", "SET", "slowlog_log_slower_than", -1)
        newest = (await client("SLOWLOG", "GET", 1))[0]
        assert newest[3][:2] == ["SET", "a"]
        assert newest[3][2].endswith("... (372 more bytes)")
        assert await client("SLOWLOG", "RESET") == "OK"
        assert await client("SLOWLOG", "LEN") == 0


@pytest.mark.parametrize("count", [1, 7, 100, 5000])
async def test_a_scan_finds_every_key_once(count: int) -> None:
    async with lab(keys=1000) as server, Client(server.port) as client:
        found: list[str] = []
        cursor = "0"
        while True:
            cursor, keys = await client("SCAN", cursor, "COUNT", count)
            found += keys
            if cursor == "0":
                break
        assert sorted(found) == sorted(await client("KEYS", "*"))


async def test_scan_filters() -> None:
    async with lab() as server, Client(server.port) as client:
        await client("SET", "small", "1")
        await client("SET", "big", "x" * 5000)
        await client("SET", "brief", "1", "EX", 100)
        await client("HSET", "hash", "f", "v")
        for words, wanted in (
            (("MATCH", "b*"), {"big", "brief"}),
            (("MATCH", "[sh]*"), {"small", "hash"}),
            (("TYPE", "hash"), {"hash"}),
            (("ATTR", "v"), {"brief"}),
            (("ATTR", "p"), {"small", "big", "hash"}),
            (("MINMSZ", 4000), {"big"}),
        ):
            assert set((await client("SCAN", 0, "COUNT", 100, *words))[1]) == wanted, words


async def test_a_dumped_value_can_be_restored() -> None:
    async with lab() as server, Client(server.port) as client:
        await client("ZADD", "a", 1, "x", 2, "y")
        payload = await client("DUMP", "a")
        assert await client("RESTORE", "b", 5000, payload) == "OK"
        assert await client("ZRANGE", "b", 0, -1) == ["x", "y"]
        assert 0 < await client("PTTL", "b") <= 5000
        assert "BUSYKEY" in str(await client("RESTORE", "b", 0, payload))
        assert await client("RESTORE", "b", 0, payload, "REPLACE") == "OK"


def test_a_payload_cannot_run_code() -> None:
    """fakeredis keeps values as pickles; ours are read by an unpickler that knows values only."""
    space = Keyspace(FakeClock(), 2)
    hostile = b"cos\nsystem\n(S'touch /tmp/hostile'\ntR."
    with pytest.raises(ValueError, match="not a packed value"):
        space.fake.unpack(hostile)


class TestFaults:
    """What can be made to go wrong."""

    async def test_delay(self) -> None:
        clock = FakeClock()
        async with lab(clock) as server, Client(server.port) as client:
            server.faults.delay_seconds = 5
            waiting = asyncio.ensure_future(client("PING"))
            await eventually(lambda: _received(server))
            await settle()
            assert not waiting.done()
            await clock.advance(5)
            assert await waiting == "PONG"

    async def test_frozen_and_thawed(self) -> None:
        async with lab() as server, Client(server.port) as client:
            server.faults.frozen = True
            waiting = asyncio.ensure_future(client("PING"))
            async with Client(server.port) as other:
                second = asyncio.ensure_future(other("PING"))
                await settle()
                assert not waiting.done()
                assert not second.done()
                server.faults.frozen = False
                assert {await waiting, await second} == {"PONG"}

    async def test_hang_can_be_ended_over_the_wire(self) -> None:
        async with lab() as server, Client(server.port) as client, Client(server.port) as helper:
            assert await helper("DEBUG", "LAB", "hang", "on") == "OK"
            client.send("PING")
            assert await helper("DEBUG", "LAB", "hang", "off") == "OK"
            assert await client.answer() == "PONG"

    async def test_drop(self) -> None:
        async with lab() as server, Client(server.port) as client:
            server.faults.drop = True
            with pytest.raises(ConnectionError):
                await client("PING")

    async def test_refuse(self) -> None:
        async with lab() as server:
            server.faults.refuse = True
            with pytest.raises(ConnectionError):
                async with Client(server.port) as client:
                    await client("PING")

    async def test_garbage(self) -> None:
        async with lab() as server, Client(server.port) as client:
            server.faults.garbage = True
            with pytest.raises(Exception, match="Protocol error"):
                await client("PING")

    async def test_out_of_memory(self) -> None:
        async with lab() as server, Client(server.port) as client:
            server.faults.oom = True
            assert str(await client("SET", "a", "1")) == "ERR Out of memory"
            assert await client("GET", "a") is None

    async def test_loading_for_a_while(self) -> None:
        clock = FakeClock()
        async with lab(clock) as server, Client(server.port) as client:
            await client("DEBUG", "LAB", "loading", 5)
            await settle()
            assert str(await client("PING")).startswith("LOADING ")
            assert (await client.info("PERSISTENCE"))["loading"] == "1"
            await clock.advance(6)
            assert await client("PING") == "PONG"

    async def test_what_goes_wrong_can_be_asked(self) -> None:
        async with lab() as server, Client(server.port, protocol=3) as client:
            await client("DEBUG", "LAB", "delay", 0)
            await client("DEBUG", "LAB", "disk-full", "on")
            states = await client("DEBUG", "LAB")
            assert (states["disk_full"], states["hang"]) == (1, 0)
            assert str(await client("DEBUG", "LAB", "nosuch", "on")) == "ERR syntax error"


async def _received(server: Any) -> bool:
    return bool(server.stats.reads)


@pytest.mark.parametrize(
    "options", [{"flavour": "2.0"}, {"dbfilename": "dump.rdb"}], ids=["no such flavour", "a name real ones refuse"]
)
def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        LabOptions(**options)


def test_without_fakeredis_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dfly_tui.lab.fake", raising=False)
    monkeypatch.delattr("dfly_tui.lab.fake", raising=False)
    monkeypatch.setitem(sys.modules, "fakeredis", None)
    with pytest.raises(ConfigError) as caught:
        Keyspace(FakeClock(), 2)
    assert caught.value.hint == "pip install 'dfly-tui[demo]'"


@pytest.mark.parametrize("turns", range(5))
async def test_whoever_comes_while_it_stops_is_hung_up_on(turns: int) -> None:
    server = lab(port=0)
    await server.start()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
        for _ in range(turns):  # until it is in the middle of taking it
            await asyncio.sleep(0)
        await server.stop()
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""
    gc.collect()  # what was left open is told now: an error
