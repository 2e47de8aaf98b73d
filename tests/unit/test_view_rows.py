"""The columns of keys, as read from the lab of both flavours and from a real redis-server."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.connection import Command
from dfly_tui.clients.scan import Pace
from dfly_tui.clients.view_rows import MOST_FIELD_BYTES, MOST_STRING_BYTES, Needs, ViewReader, read_columns
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DflyError, Loading, NotAServer
from dfly_tui.models.view import MISSING_CELL, Cell, Facts, Told, View
from dfly_tui.settings_views import SHIPPED_VIEWS, ViewConfig
from tests.support.hostile import harmless
from tests.support.lab import lab
from tests.support.respd import Respd, bulk
from tests.support.secrets import Password
from tests.support.servers import running_redis
from tests.support.values import config_of, fill

LABS = ["1.22", "1.40"]
SERVERS = [*LABS, pytest.param("redis", marks=pytest.mark.redis_server)]
ALL = Needs(fields=("status", "at"), ttl=True, size=True, length=True)
STATUS = Needs(fields=("status",))
HOSTILE = b"[red]\x1b]0;x\x07\xff\x00\xe2\x80\xae"


@asynccontextmanager
async def url_of(server: str, *commands: Command) -> AsyncIterator[str]:
    if server == "redis":
        async with running_redis() as redis:
            await fill(redis.url, commands)
            yield redis.url
    else:
        async with lab(port=0, flavour=server) as running:
            url = f"redis://127.0.0.1:{running.port}"
            await fill(url, commands)
            yield url


async def told(url: str, names: Sequence[bytes], needs: Needs = STATUS, **options: object) -> list[Facts]:
    async with (
        BulkLane(config_of(url, **options), Password(None), timeout_seconds=5) as lane,
        aclosing(read_columns(lane, names, needs)) as lists,
    ):
        return [facts async for some in lists for facts in some]


def text(words: str) -> Cell:
    return Cell(Told.TEXT, words)


@pytest.mark.parametrize("server", SERVERS)
async def test_hashes_and_json_strings(server: str) -> None:
    async with url_of(
        server,
        ("HSET", "h", "status", "on", "at", "2026", "more", "x"),
        ("EXPIRE", "h", 1000),
        ("SET", "s", '{"status": {"a": [1, "é"]}, "at": 12345678901234567890}'),
        ("SET", "other", '{"status": null, "at": ""}'),
    ) as url:
        hashed, string, other, gone = await told(url, [b"h", b"s", b"other", b"nosuch"], ALL)
    assert (hashed.kind, hashed.fields) == ("hash", {"status": text("on"), "at": text("2026")})
    assert hashed.length == Cell(Told.NUMBER, number=3)
    assert 999_000 < (hashed.ttl_ms.number or 0) <= 1_000_000
    assert (hashed.size.number or 0) > 0
    assert string.fields == {"status": text('{"a":[1,"é"]}'), "at": text("12345678901234567890")}
    assert string.ttl_ms.number == -1
    assert other.fields == {"status": text("null"), "at": text('""')}
    assert gone == Facts("none")


@pytest.mark.parametrize("server", LABS)
async def test_json_documents(server: str) -> None:
    document = {
        "status": "on",
        "n": 1.5,
        "no": False,
        "nil": None,
        "o": {"a": 1},
        "l": [1],
        'é"]': "odd",
        "big": "x" * 9000,
    }
    async with url_of(server, ("JSON.SET", "j", "$", json.dumps(document))) as url:
        [facts] = await told(url, [b"j"], Needs(fields=(*document, "nosuch"), ttl=True))
    assert facts.fields == {
        "status": text("on"), "n": text("1.5"), "no": text("false"), "nil": text("null"), "o": text("object"),
        "l": text("array"), 'é"]': text("odd"), "big": Cell(Told.LONG, "8.79 KiB, not read"), "nosuch": MISSING_CELL,
    }  # fmt: skip


@pytest.mark.parametrize("server", SERVERS)
async def test_a_wrong_type_is_told_and_disturbs_nothing_else(server: str) -> None:
    async with url_of(
        server,
        ("RPUSH", "list", "a", "b"), ("SADD", "set", "a"), ("ZADD", "zset", 1, "a"),
        ("XADD", "stream", "1-1", "a", "b"),
        ("SET", "plain", "hello"), ("SET", "deep", "[" * 15_000), ("SET", "nojson", '["status"]'),
        ("HSET", "h", "status", "on"), ("SET", "digits", '{"status": ' + "9" * 6000 + "}"),
    ) as url:  # fmt: skip
        names = [b"list", b"set", b"zset", b"stream", b"plain", b"deep", b"nojson", b"digits", b"h"]
        found = dict(zip(names, await told(url, names, Needs(fields=("status",), length=True)), strict=True))
    assert [found[name].fields["status"].text for name in names] == [
        "✗ list, no fields", "✗ set, no fields", "✗ sorted set, no fields", "✗ stream, no fields",
        *["✗ string, no JSON object"] * 4, "on",
    ]  # fmt: skip
    assert [found[name].length.number for name in names] == [2, 1, 1, 1, 5, 15_000, 10, 6012, 1]
    assert all(found[name].fields["status"].told is Told.TROUBLE for name in names[:-1])


@pytest.mark.parametrize("server", SERVERS)
async def test_what_is_huge_is_not_read(server: str) -> None:
    async with url_of(
        server,
        ("HSET", "h", "status", b"x" * (MOST_FIELD_BYTES + 1), "at", b"y" * MOST_FIELD_BYTES),
        ("SET", "s", b'{"status": "' + b"x" * MOST_STRING_BYTES),
    ) as url:
        hashed, string = await told(url, [b"h", b"s"], ALL)
    assert hashed.fields["status"] == Cell(Told.LONG, "4.00 KiB, not read")
    assert hashed.fields["at"] == text("y" * 199 + "…")
    assert string.fields["status"] == Cell(Told.LONG, "string of 16.0 KiB, not read")


async def test_a_long_field_is_never_asked_for() -> None:
    script = {"TYPE": b"+hash\r\n", "HSTRLEN": b":500000000\r\n", "HMGET": b"-ERR asked\r\n"}
    async with Respd(script) as server:
        [facts] = await told(server.url, [b"h"])
        assert server.count("HMGET") == 0
    assert facts.fields["status"] == Cell(Told.LONG, "477 MiB, not read")


@pytest.mark.parametrize("server", SERVERS)
async def test_hostile_names_and_fields(server: str) -> None:
    names = [HOSTILE, b"", b"\r\n*1\r\n", b"x" * 1_000_000]
    async with url_of(server, *(("HSET", name, "status", HOSTILE) for name in names)) as url:
        found = await told(url, names)
    assert {facts.fields["status"].text for facts in found} == {"[red]\\x1b]0;x\\x07\\xff\\x00\\u202e"}


@given(value=st.binary(max_size=60))
@settings(max_examples=25, deadline=None)
async def test_whatever_a_field_holds_is_harmless(value: bytes) -> None:
    script = {"TYPE": b"+hash\r\n", "HSTRLEN": b":%d\r\n" % len(value), "HMGET": b"*1\r\n" + bulk(value)}
    async with Respd(script) as server:
        [facts] = await told(server.url, [b"h"])
    assert harmless(facts.fields["status"].text)


async def test_a_key_that_changes_its_type_or_expires_meanwhile() -> None:
    wrong = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
    async with Respd({"TYPE": b"+hash\r\n", "HSTRLEN": wrong, "HLEN": wrong}) as server:
        [facts] = await told(server.url, [b"h"], Needs(fields=("status",), length=True))
    assert facts.fields["status"].text == facts.length.text == "✗ became another type"
    async with Respd({"TYPE": b"+hash\r\n", "PTTL": b":-2\r\n"}) as server:
        assert await told(server.url, [b"h"], Needs(ttl=True)) == [Facts("none")]
    async with Respd({"TYPE": b"+hash\r\n", "HSTRLEN": b":0\r\n", "HMGET": b"*1\r\n$-1\r\n"}) as server:
        assert (await told(server.url, [b"h"]))[0].fields == {"status": MISSING_CELL}


@pytest.mark.redis_server
async def test_what_is_not_permitted_is_told_in_its_cell() -> None:
    async with url_of("redis", ("HSET", "h", "status", "on"), ("SET", "s", "{}")) as url:
        await fill(url, [("ACL", "SETUSER", "default", "-memory|usage", "-getrange")])
        hashed, string = await told(url, [b"h", b"s"], Needs(fields=("status",), size=True))
        assert hashed.fields["status"] == text("on")
        assert hashed.size == string.fields["status"] == Cell(Told.TROUBLE, "✗ not permitted")
        await fill(url, [("ACL", "SETUSER", "default", "-type")])
        [hashed] = await told(url, [b"h"])
        assert (hashed.kind, hashed.fields["status"].text) == ("", "on")


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"-LOADING Dragonfly is loading\r\n", Loading), (b":1\r\n", NotAServer), (b"*0\r\n", NotAServer)],
)
async def test_a_server_that_does_not_tell_types_is_an_error(answer: bytes, error: type[DflyError]) -> None:
    async with Respd({"TYPE": answer}) as server:
        with pytest.raises(error):
            await told(server.url, [b"h"])


@pytest.mark.parametrize("server", SERVERS)
async def test_the_keys_of_a_view_are_found_in_its_database(server: str) -> None:
    odd = b"tef:state:*\xff:\x00:[x]"
    async with url_of(
        server, ("HSET", b"tef:state:a:b:c", "status", "on"), ("HSET", odd, "a", "b"), ("SET", "tef:state:a", "")
    ) as url:
        await fill(url, [("HSET", "tef:state:else:b:c", "status", "on")], database=2)
        view = View.of(SHIPPED_VIEWS[0])
        for database, names in ((None, {b"tef:state:a:b:c", odd}), (2, {b"tef:state:else:b:c"})):
            reader = ViewReader(config_of(url), Password(), clock=SystemClock(), timeout_seconds=5, database=database)
            async with aclosing(reader.find(view, pace=Pace.FAST)) as pages:
                assert {key.name async for page in pages for key in page.keys} == names
            await reader.aclose()


def test_only_what_columns_need_is_asked() -> None:
    view = View.of(ViewConfig(name="x", patterns=("{x}",), columns=("x", "since:a,b", "field:a as A", "trend")))
    assert Needs.of(view) == Needs(fields=("a", "b"), length=True)
