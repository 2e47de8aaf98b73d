"""Reading one key: of both versions' labs and of a real redis-server, with everything that can go wrong on the way."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from dfly_tui.clients.value_lane import READS, ValueLane
from dfly_tui.errors import DflyError, Loading, NotPermitted, Refused, Timeout, Unreachable
from dfly_tui.models.value import PAGE_BYTES, PAGE_ELEMENTS, Shape
from tests.support.clock import START, FakeClock
from tests.support.lab import lab
from tests.support.respd import HANG, Answer, Respd, array, bulk
from tests.support.secrets import Password
from tests.support.servers import running_redis
from tests.support.values import (
    MORE_TYPES,
    PLAIN_TYPES,
    config_of,
    elements,
    facts_of,
    fill,
    pages_of,
    reader_of,
    whole,
)

SERVERS = ["1.22", "1.40", pytest.param("redis", marks=pytest.mark.redis_server)]


@pytest.fixture(params=SERVERS)
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A server with a key of every type."""
    if request.param == "redis":
        async with running_redis() as server:
            await fill(server.url, PLAIN_TYPES)
            yield server.url
        return
    async with lab(flavour=request.param) as simulated:
        address = f"redis://127.0.0.1:{simulated.port}"
        await fill(address, PLAIN_TYPES + MORE_TYPES)
        yield address


async def test_a_key_of_every_type_is_read_to_the_end(url: str) -> None:
    shapes = {
        "text": (Shape.STRING, 5), "document": (Shape.STRING, 73), "binary": (Shape.STRING, 256),
        "bits": (Shape.STRING, 13), "session:0": (Shape.HASH, 3), "queue:0": (Shape.LIST, 450),
        "tags:0": (Shape.SET, 12), "leaderboard": (Shape.ZSET, 40), "places": (Shape.GEO, 2),
        "events:0": (Shape.STREAM, 300),
    }  # fmt: skip
    for name, (shape, count) in shapes.items():
        facts, pages = await whole(url, name)
        assert (facts.shape, facts.count) == (shape, count), name
        assert facts.troubles == ()
        assert facts.encoding
        if shape is Shape.STRING:
            assert sum(len(page.data or b"") for page in pages) == count
        else:
            assert len(elements(pages)) == count
            assert all(len(page.elements) <= PAGE_ELEMENTS for page in pages)


async def test_what_the_elements_are(url: str) -> None:
    (_, [fields]) = await whole(url, "session:0")
    assert {each.label: each.value for each in fields.elements}[b"ip"] == b"10.0.0.1"
    (_, queue) = await whole(url, "queue:0")
    assert [(each.label, each.value) for each in elements(queue)][449] == (b"449", b"job-449")
    (_, [ranks]) = await whole(url, "leaderboard")
    assert [(each.value, each.note) for each in ranks.elements[:2]] == [(b"player0", "0"), (b"player1", "10")]
    (_, entries) = await whole(url, "events:0")
    assert elements(entries)[-1].fields == ((b"kind", b"click"), (b"n", b"299"))
    assert len({each.label for each in elements(entries)}) == 300


async def test_what_special_strings_and_streams_tell(url: str) -> None:
    told = {fact.name: fact.value for fact in (await facts_of(url, "visitors")).facts}
    assert 95 <= int(told["distinct elements, about"]) <= 105
    assert {fact.name: fact.value for fact in (await facts_of(url, "bits")).facts} == {"bits set": "1"}
    assert (await facts_of(url, "document")).facts == ()
    groups = {fact.name: fact.value for fact in (await facts_of(url, "events:0")).facts if "workers" in fact.section}
    assert groups["pending"] == "3"
    assert groups["pending ids"] == "1700000000000-0 to 1700000000002-0"
    assert groups["consumer one"].startswith("pending 3")


async def test_a_time_to_live_is_a_date(url: str) -> None:
    facts = await facts_of(url, "text", clock=FakeClock())
    assert facts.expires
    assert facts.expires_at is not None
    assert 3500 < (facts.expires_at - START).total_seconds() <= 3600
    assert (await facts_of(url, "session:0")).expires is False


async def test_positions_are_asked_for(url: str) -> None:
    reader = reader_of(url, "places")
    [palermo, nobody] = await reader.positions([b"Palermo", b"nobody"])
    await reader.aclose()
    longitude, latitude = (float(part) for part in palermo.split(", "))
    assert abs(longitude - 13.361389) < 0.001
    assert abs(latitude - 38.115556) < 0.001
    assert nobody == ""


async def test_keys_that_are_not_there_or_go_or_change_their_type(url: str) -> None:
    facts, pages = await whole(url, "nosuch")
    assert facts.is_gone
    assert pages[0].elements == ()
    for name, other in (("session:0", ("SET", "session:0", "x")), ("text", ("LPUSH", "text", "x"))):
        reader = reader_of(url, name)
        before = await reader.facts()
        await fill(url, [("DEL", name)])
        assert (await reader.page(before)).is_stale
        await fill(url, [other])
        assert (await reader.page(before)).is_stale
        assert (await reader.facts()).shape is not before.shape
        await reader.aclose()


async def test_names_and_values_of_any_bytes(url: str) -> None:
    name, field = bytes(range(256)), b"\x1b[31m\n\r\0\xff"
    await fill(url, [("HSET", name, field, bytes(range(256))), ("SET", b"", b"nameless")])
    _, [page] = await whole(url, name)
    assert [(each.label, each.value) for each in page.elements] == [(field, bytes(range(256)))]
    _, [page] = await whole(url, b"")
    assert page.data == b"nameless"


async def test_values_that_look_like_the_protocol(url: str) -> None:
    value = b"| 1 |\n|1234567|\n*7654321 items\r\n>12345678 said"
    await fill(url, [("SET", "s", value), ("HSET", "h", "f", value)])
    assert [page.data for page in (await whole(url, "s"))[1]] == [value]
    assert [each.value for each in elements((await whole(url, "h"))[1])] == [value]


async def test_another_database(url: str) -> None:
    await fill(url, [("SET", "here", "x")], database=3)
    assert (await facts_of(url, "here")).is_gone
    assert (await facts_of(url, "here", database=3)).count == 1


async def test_a_large_string_comes_in_pieces_of_64_kib(url: str) -> None:
    value = bytes(range(256)) * 4096
    await fill(url, [("SET", "large", value)])
    facts, pages = await whole(url, "large")
    assert facts.count == len(value)
    assert max(len(page.data or b"") for page in pages) == PAGE_BYTES
    assert b"".join(page.data or b"" for page in pages) == value
    reader = reader_of(url, "large")
    assert b"".join([piece async for piece in reader.chunks(facts)]) == value
    await reader.aclose()


async def test_large_elements_come_in_small_pages(url: str) -> None:
    pairs = [word for at in range(300) for word in (f"f{at}", b"x" * 4096)]
    await fill(url, [("HSET", "wide", *pairs), ("RPUSH", "long", *(b"y" * 4096 for _ in range(300)))])
    for name in ("wide", "long"):
        _, pages = await whole(url, name)
        assert len({each.identity for each in elements(pages)}) == 300
        assert max(sum(len(each.value or b"") for each in page.elements) for page in pages[1:]) <= 2 * PAGE_BYTES


async def test_json_whole_and_by_its_parts() -> None:
    for flavour in ("1.22", "1.40"):
        async with lab(flavour=flavour) as server:
            url = f"redis://127.0.0.1:{server.port}"
            await fill(url, MORE_TYPES)
            facts, [page] = await whole(url, "doc")
            assert (facts.shape, facts.count) == (Shape.JSON, 4)
            assert page.data == '{"x":1,"y":[1,2,{"deep":"er"}],"name":"döc","none":null}'.encode()
            items = ",".join(f'"key {at}": {{"text": "{"x" * 2000}", "list": [1, 2, 3]}}' for at in range(250))
            await fill(url, [("JSON.SET", "large", "$", f"{{{items}}}")])
            reader = reader_of(url, "large")
            large = await reader.facts()
            pages = await pages_of(reader, large)
            assert [len(each.elements) for each in pages] == [100, 100, 50]
            first = pages[0].elements[0]
            assert (first.label, first.value, first.note) == (b"key 0", None, "object, 2 keys")
            inside = await reader.page(large, path=first.inner)
            assert [each.note for each in inside.elements] == ["string", "array, 3 items"]
            assert inside.elements[0].value == b'"' + b"x" * 2000 + b'"'
            deeper = await reader.page(large, path=inside.elements[1].inner)
            assert [each.value for each in deeper.elements] == [b"1", b"2", b"3"]
            await reader.aclose()


async def test_a_bloom_filter_tells_of_itself_where_the_server_does() -> None:
    for flavour, told in (("1.22", False), ("1.40", True)):
        async with lab(flavour=flavour) as server:
            url = f"redis://127.0.0.1:{server.port}"
            await fill(url, MORE_TYPES)
            facts, [page] = await whole(url, "bloom")
            assert facts.title == "Bloom filter"
            assert bool(facts.facts) is told
            assert [trouble.what for trouble in facts.troubles] == ([] if told else ["BF.INFO"])
            assert page.elements == ()


async def test_other_types_say_what_they_are() -> None:
    for kind, title in (("MBbloomCF", "cuckoo filter"), ("TopK-TYPE", "top-k list"), ("Weird\x1b", "type Weird\\x1b")):
        script = {"TYPE": b"+" + kind.encode() + b"\r\n", "PTTL": b":-1\r\n", "*": b"-ERR unknown command `X`\r\n"}
        async with Respd(script) as server:
            facts, [page] = await whole(server.url, "x")
            assert facts.title == title
            assert page.elements == ()


@pytest.mark.redis_server
async def test_a_user_who_may_hardly_do_anything() -> None:
    rules = ["--user", "viewer", "on", ">look", "~*", "-@all", "+hello", "+type", "+hscan", "+get"]
    async with running_redis(*rules, "--user", "default", "on", "nopass", "~*", "&*", "+@all") as server:
        await fill(server.url, PLAIN_TYPES)
        viewer = {"username": "viewer", "password": "look"}
        facts, [page] = await whole(server.url, "session:0", **viewer)
        assert facts.shape is Shape.HASH
        assert {trouble.what for trouble in facts.troubles} == {
            "time to live", "size in memory", "encoding", "number of fields"
        }  # fmt: skip
        assert facts.count is None
        assert len(page.elements) == 3
        with pytest.raises(NotPermitted):
            await whole(server.url, "queue:0", **viewer)


@pytest.mark.redis_server
async def test_a_user_who_may_not_ask_for_the_type() -> None:
    rules = ["--user", "viewer", "on", ">look", "~*", "+@all", "-type", "-zrange"]
    async with running_redis(*rules, "--user", "default", "on", "nopass", "~*", "&*", "+@all") as server:
        await fill(server.url, PLAIN_TYPES)
        viewer = {"username": "viewer", "password": "look"}
        facts, pages = await whole(server.url, "tags:0", **viewer)
        assert facts.shape is Shape.SET
        assert [trouble.what for trouble in facts.troubles] == ["type"]
        assert len(elements(pages)) == 12
        facts, pages = await whole(server.url, "leaderboard", **viewer)
        assert len(elements(pages)) == 40
        with pytest.raises(NotPermitted):
            await whole(server.url, "nosuch", **viewer)


async def test_only_what_reads_is_ever_sent() -> None:
    async with Respd({"*": b"+OK\r\n"}) as server:
        lane = ValueLane(config_of(server.url), Password(), database=0, timeout_seconds=5)
        for command in (("DEL", "x"), ("DEBUG", "RELOAD"), ("MEMORY", "PURGE"), (b"GETRANGE",), ("get", "x")):
            with pytest.raises(Refused):
                await lane.ask(command)
        await lane.aclose()
        assert server.connections == 0
    writes = {"SET", "DEL", "EXPIRE", "GETDEL", "GETEX", "XREADGROUP", "XCLAIM", "RESTORE", "EVAL"}
    assert not writes & {command.split()[0] for command in READS}


async def test_all_commands_are_on_the_list(url: str) -> None:
    facts, _ = await whole(url, "events:0")
    assert not any(isinstance(trouble.error, Refused) for trouble in facts.troubles)


async def test_faults_of_the_server_are_told() -> None:
    async with Respd({"TYPE": HANG}) as server:
        with pytest.raises(Timeout):
            await facts_of(server.url, "x", timeout=0.2)
    async with Respd({"*": b"-LOADING Dragonfly is loading the dataset in memory\r\n"}) as server:
        with pytest.raises(Loading):
            await facts_of(server.url, "x")
    with pytest.raises(Unreachable):
        await facts_of(server.url, "x")


async def test_a_server_that_hung_up_meanwhile_is_asked_again(url: str) -> None:
    async with Respd({"TYPE": b"+none\r\n", "PTTL": b":-2\r\n", "MEMORY": b"$-1\r\n", "OBJECT": b"$-1\r\n"}) as server:
        reader = reader_of(server.url, "x")
        await reader.facts()
        for task in list(server._served):
            task.cancel()
        await asyncio.sleep(0)
        assert (await reader.facts()).is_gone
        assert server.connections == 2
        await reader.aclose()


async def test_an_element_too_large_to_be_taken_is_left_out_and_said() -> None:
    huge = b"x" * (9 << 20)
    common = {"PTTL": b":-1\r\n", "MEMORY": b":9\r\n", "OBJECT": bulk("listpack")}
    answers: list[Answer] = [array(bulk(huge)), array(bulk(huge)), array(bulk(huge)), array(bulk("small"))]
    lists: dict[str, Answer | list[Answer]] = {"TYPE": b"+list\r\n", "LLEN": b":2\r\n", "LRANGE": answers}
    async with Respd({**common, **lists}) as server:
        reader = reader_of(server.url, "x")
        facts = await reader.facts()
        first = await reader.page(facts)
        assert first.elements[0].value is None
        assert "sent more than 8 MiB" in first.elements[0].note
        assert first.next == 1
        assert (await reader.page(facts, first.next)).elements[0].value == b"small"
        await reader.aclose()


async def test_a_hash_with_a_huge_value_tells_its_fields_and_lengths() -> None:
    huge = array(bulk("0"), array(bulk("f"), bulk(b"x" * (9 << 20))))
    script: dict[str, Answer | list[Answer]] = {
        "TYPE": b"+hash\r\n", "PTTL": b":-1\r\n", "MEMORY": b":9\r\n", "OBJECT": bulk("x"), "HLEN": b":2\r\n",
        "HSCAN X 0 COUNT 10 NOVALUES": array(bulk("0"), array(bulk("f"), bulk("g"))), "HSCAN": huge,
        "HSTRLEN": [b":9437184\r\n", b":3\r\n"],
    }  # fmt: skip
    async with Respd(script) as server:
        _, [page] = await whole(server.url, "x")
        assert [(each.label, each.value, each.note) for each in page.elements] == [
            (b"f", None, "not read: 9 MiB"), (b"g", None, "not read: 3 B"),
        ]  # fmt: skip
    async with Respd({**script, "HSCAN X 0 COUNT 10 NOVALUES": b"-ERR syntax error\r\n"}) as server:
        _, [page] = await whole(server.url, "x")
        assert page.trouble is not None
        assert page.elements == ()


async def test_a_top_k_list_names_its_items() -> None:
    script = {
        "TYPE": b"+TopK-TYPE\r\n", "TOPK.INFO": array(bulk("k"), b":3\r\n"),
        "TOPK.LIST": array(bulk("apple"), b":7\r\n"),
    }  # fmt: skip
    async with Respd(script) as server:
        facts = await facts_of(server.url, "x")
        assert [(fact.name, fact.value) for fact in facts.facts] == [("k", "3"), ("apple", "7")]


async def test_answers_that_mean_nothing_are_no_harm() -> None:
    for answer in (
        b":5\r\n",
        b"*0\r\n",
        b"$-1\r\n",
        b"+OK\r\n",
        b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nx\r\n",
        b"_\r\n",
        b",1.5\r\n",
    ):
        for kind in ("string", "hash", "list", "set", "zset", "stream", "ReJSON-RL", "MBbloom--"):
            async with Respd({"TYPE": b"+" + kind.encode() + b"\r\n", "*": answer}) as server:
                reader = reader_of(server.url, "x")
                try:
                    facts = await reader.facts()
                    await reader.page(facts)
                except DflyError:
                    pass
                finally:
                    await reader.aclose()
