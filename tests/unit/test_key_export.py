"""Exporting keys: which, how large, what happens to them meanwhile, and that nothing is changed."""

import asyncio
import io
import json
from pathlib import Path

import pytest

from dfly_tui.clients import key_pages
from dfly_tui.clients.connection import Command
from dfly_tui.errors import DflyError, NotSupported
from dfly_tui.models.key_parts import Part
from dfly_tui.models.keys import KeyFilter
from dfly_tui.operations.keys import export as export_module
from dfly_tui.operations.keys.export import ExportReport
from dfly_tui.operations.keys.export_file import ExportFile
from tests.support.keyspaces import contents, export, exporter, round_trip
from tests.support.lab import Client, lab
from tests.support.proxy import Harm, Proxy
from tests.support.respd import Answer, Respd, array, bulk
from tests.support.servers import running_redis
from tests.support.values import MORE_TYPES, PLAIN_TYPES, fill

WRITES_NOTHING = {
    "HELLO", "CLIENT", "SELECT", "INFO", "ROLE", "COMMAND", "SCAN", "TYPE", "TIME", "PEXPIRETIME", "GETRANGE", "STRLEN",
    "HSCAN", "HLEN", "SSCAN", "SCARD", "ZSCAN", "ZCARD", "LRANGE", "LLEN", "XRANGE", "XINFO", "XPENDING", "JSON.GET",
    "DUMP", "FIELDTTL", "HPEXPIRETIME",
}  # fmt: skip
LARGE: tuple[Command, ...] = (
    ("SET", "large string", bytes(range(256)) * 10_000),
    ("HSET", "large hash", *[f"{number:0300}" for number in range(8000)]),
    ("SADD", "large set", *[f"{number:0300}" for number in range(8000)]),
    ("ZADD", "large zset", *[word for number in range(8000) for word in (repr(number / 7), f"{number:0300}")]),
    ("RPUSH", "large list", *[f"{number:0300}" for number in range(8000)]),
    *(("XADD", "large stream", f"{number + 1}-1", "f", f"{number:02000}") for number in range(1200)),
    ("XGROUP", "CREATE", "large stream", "g", "0"),
    (
        "XREADGROUP",
        "GROUP",
        "g",
        "c",
        "COUNT",
        1100,
        "STREAMS",
        "large stream",
        ">",
    ),
    *(("XDEL", "large stream", f"{number + 1}-1") for number in (0, 500, 1199)),
)


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_a_key_of_every_type_comes_back(flavour: str, tmp_path: Path) -> None:
    async with (
        lab(flavour=flavour) as source,
        lab(flavour=flavour) as target,
        Proxy(source.port, lambda: None) as proxy,
    ):
        urls = [f"redis://127.0.0.1:{server.port}" for server in (source, target)]
        await fill(urls[0], (*PLAIN_TYPES, *MORE_TYPES, *LARGE))
        before = await contents(urls[0])
        report, wish, _ = await round_trip(f"redis://127.0.0.1:{proxy.port}", urls[1], tmp_path)
        assert report.is_exact
        assert report.keys == report.expected == wish.report.written == len(before)
        assert await contents(urls[1]) == before
        assert {words[0].upper() for words in proxy.commands} == WRITES_NOTHING - (
            {"HPEXPIRETIME"} if flavour == "1.22" else set()
        ) - {"SELECT"}
        again = await round_trip(urls[0], urls[1], tmp_path)
        assert again[1].report.equal == len(before)


@pytest.mark.redis_server
async def test_large_keys_of_a_real_redis(tmp_path: Path) -> None:
    async with running_redis() as source, running_redis() as target:
        await fill(source.url, (*PLAIN_TYPES, *LARGE))
        before = await contents(source.url)
        report, _, _ = await round_trip(source.url, target.url, tmp_path)
        assert report.keys == len(before)
        assert await contents(target.url) == before


async def test_what_is_held_of_a_large_key_is_a_part_of_it(tmp_path: Path) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, LARGE)
        await export(url, tmp_path / "keys.jsonl")
        parts = list(ExportFile(tmp_path / "keys.jsonl").parts())
        assert max(part.size for part in parts) <= 1 << 20
        assert {part.name for part in parts if part.number > 0} == {
            f"large {kind}".encode() for kind in ("string", "hash", "set", "zset", "list", "stream")
        }


async def test_an_export_by_filter_or_by_name(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, PLAIN_TYPES)
        report = await export(url, path, KeyFilter(pattern=b"t*", kind="set"))
        assert [part.name for part in ExportFile(path).parts()] == [b"tags:0"]
        assert ExportFile(path).header().filter == "t* type:set"
        report = await export(url, path, [b"text", b"nosuch", b"bits"])
        assert [part.name for part in ExportFile(path).parts()] == [b"text", b"bits"]
        assert ExportFile(path).header().filter is None
        assert (report.expected, report.keys, report.gone) == (3, 2, 1)
        await export(url, path, KeyFilter(), database=5)
        assert not list(ExportFile(path).parts())


async def test_the_header_says_where_from_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    async with lab(flavour="1.40") as server:
        url = f"redis://127.0.0.1:{server.port}/2"
        await fill(url, PLAIN_TYPES, 2)
        await export(url, path, database=2)
        told = json.loads(path.read_text().splitlines()[0])
    assert told.pop("created_at")
    assert told == {
        "format": "dfly-tui-keys", "version": 1, "product": "dragonfly", "server_version": "1.40.1", "instance": "one",
        "database": 2, "filter": "",
    }  # fmt: skip


async def test_what_happens_to_keys_between_listing_and_reading(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    async with lab() as server, Proxy(server.port, lambda: None) as proxy, Client(server.port) as client:
        url = f"redis://127.0.0.1:{proxy.port}"
        await fill(url, PLAIN_TYPES)
        changed = False

        async def change() -> None:
            await client("DEL", "text", "tags:0")
            await client("SET", "session:0", "a string now")

        tasks = []

        def meanwhile(words: tuple[str, ...]) -> None:
            nonlocal changed
            if words[0] == "TYPE" and not changed:
                changed = True
                tasks.append(asyncio.ensure_future(change()))

        proxy.arrived = meanwhile
        report = await export(url, path, [b"text", b"tags:0", b"session:0", b"bits"])
        await asyncio.gather(*tasks)
        assert report.keys + report.gone + report.changed == 4
        assert report.is_exact


async def test_a_large_key_that_vanishes_midway_is_void_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    for command, count in (("GETRANGE", 3), ("LRANGE", 3), ("HSCAN", 3)):
        async with lab() as server, Proxy(server.port, lambda: None) as proxy:
            url = f"redis://127.0.0.1:{proxy.port}"
            await fill(url, LARGE[:5])
            proxy.arrived = _after(command, count, server.port)
            report = await export(url, path)
            parts = [part for part in ExportFile(path).parts() if part.void]
            assert len(parts) == 1, command
            assert report.gone >= 1
            assert report.keys == len({part.name for part in ExportFile(path).parts()} - {parts[0].name})


def _after(command: str, count: int, port: int) -> "_Flush":
    return _Flush(command, count, port)


class _Flush:
    """Empties the server when this command came so many times."""

    def __init__(self, command: str, count: int, port: int) -> None:
        self._command, self._left, self._port = command, count, port

    def __call__(self, words: tuple[str, ...]) -> None:
        self._left -= words[0] == self._command
        if not self._left:
            import socket

            self._left = -1
            with socket.create_connection(("127.0.0.1", self._port)) as connection:
                connection.sendall(b"FLUSHALL\r\n")


@pytest.mark.parametrize("harm", [Harm.LOST, Harm.DROPPED])
async def test_a_server_that_is_lost_midway_leaves_no_file(harm: Harm, tmp_path: Path) -> None:
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        await fill(url, (*PLAIN_TYPES, *LARGE))
        for begins in ("SCAN", "TYPE", "LRANGE", "HSCAN"):
            proxy.harm, proxy.chosen = harm, lambda words, begins=begins: words[0] == begins  # type: ignore[misc]
            with pytest.raises(DflyError):
                await export(url, tmp_path / "keys.jsonl")
        assert not list(tmp_path.iterdir())


async def test_a_server_that_begins_to_load_ends_it(tmp_path: Path) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, PLAIN_TYPES)
        server.faults.loading = True
        with pytest.raises(DflyError, match="loading"):
            await export(url, tmp_path / "keys.jsonl")
        assert not list(tmp_path.iterdir())


async def test_stopping_leaves_no_file(tmp_path: Path) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, (*PLAIN_TYPES, *LARGE))
        told: list[int] = []
        wish = exporter(url, KeyFilter())

        def stop(report: ExportReport) -> None:
            told.append(report.keys)
            wish.stop()

        wish.told = stop
        report = await wish.to_file(tmp_path / "keys.jsonl")
        assert report.stopped
        assert not report.is_exact
        assert not list(tmp_path.iterdir())
        assert len(told) == 1
        out = io.BytesIO()
        wish = exporter(url, KeyFilter())
        wish.told = stop
        assert (await wish.to_stream(out)).stopped
        assert b'"end"' not in out.getvalue()


async def test_a_stream_of_bytes(tmp_path: Path) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, PLAIN_TYPES)
        out = io.BytesIO()
        report = await exporter(url, KeyFilter()).to_stream(out)
        (tmp_path / "keys.jsonl").write_bytes(out.getvalue())
        assert len({part.name for part in ExportFile(tmp_path / "keys.jsonl").parts()}) == report.keys == 11


async def test_failures_are_counted_and_the_first_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "NAMED", 2)
    report = ExportReport()
    for number in range(3):
        report.failures.add(b"%d" % number, NotSupported("no"))
    assert (report.failures.count, len(report.failures.named)) == (3, 2)
    assert not report.is_exact


def script(kind: str, **answers: bytes) -> dict[str, bytes]:
    """A server of one key `k`, an old one without PEXPIRETIME."""
    return {
        "INFO ALL": bulk("# Server\r\nredis_version:6.0.9\r\nuptime_in_seconds:5\r\n# Keyspace\r\ndb0:keys=1\r\n"),
        "COMMAND": array(*(array(bulk(name)) for name in ("scan", "type"))),
        "TIME": array(bulk("1700000000"), bulk("500000")),
        "TYPE": f"+{kind}\r\n".encode(),
        "PTTL": b":5000\r\n",
        **answers,
    }


async def parts_of(scripted: dict[str, bytes], folder: Path) -> tuple[ExportReport, list[Part]]:
    async with Respd(scripted) as server:
        report = await export(server.url, folder / "keys.jsonl", [b"k"])
        return report, list(ExportFile(folder / "keys.jsonl").parts())


async def test_expiry_from_a_server_that_tells_only_what_is_left(tmp_path: Path) -> None:
    _, parts = await parts_of(script("string", GETRANGE=bulk("v")), tmp_path)
    assert parts == [Part(b"k", "string", 1_700_000_005_500, b"v")]


async def test_expiry_in_seconds(tmp_path: Path) -> None:
    scripted = script("string", GETRANGE=bulk("v"), EXPIRETIME=b":1700000009\r\n")
    scripted["COMMAND"] = array(array(bulk("expiretime")))
    _, parts = await parts_of(scripted, tmp_path)
    assert parts[0].expires_at_ms == 1_700_000_009_000


@pytest.mark.parametrize(
    ("scripted", "said"),
    [
        (script("string", GETRANGE=b"-NOPERM no\r\n"), "not-permitted"),
        (script("string", GETRANGE=bulk("v"), PTTL=b"-NOPERM no\r\n"), "not-permitted"),
        (script("newtype", DUMP=b"-ERR unknown command 'DUMP'\r\n"), "not-supported"),
        (script("stream", PTTL=b"-NOPERM no\r\n"), "not-permitted"),
        (script("stream", XINFO=b"-NOPERM no\r\n"), "not-permitted"),
        ({**script("string"), "TYPE": b"-NOPERM no\r\n"}, "not-permitted"),
    ],
)
async def test_a_key_that_cannot_be_read_is_a_failure_by_name(
    scripted: dict[str, bytes], said: str, tmp_path: Path
) -> None:
    report, parts = await parts_of(scripted, tmp_path)
    assert not parts
    [(name, error)] = report.failures.named
    assert (name, error.code) == (b"k", said)


@pytest.mark.parametrize(
    "scripted",
    [
        script("string", GETRANGE=bulk("v"), PTTL=b":-2\r\n"),
        script("hash", HSCAN=array(bulk("0"), array())),
        script("ReJSON-RL", **{"JSON.GET": b"$-1\r\n"}),
        script("stream", PTTL=b":-2\r\n"),
        script("string", GETRANGE=bulk("x" * (64 << 10)), STRLEN=b":0\r\n"),
        script("stream", XINFO=b"-ERR no such key\r\n"),
        script("none"),
    ],
)
async def test_a_key_that_is_gone_is_counted(scripted: dict[str, bytes], tmp_path: Path) -> None:
    report, parts = await parts_of(scripted, tmp_path)
    assert (parts, report.gone, report.is_exact) == ([], 1, True)


async def test_a_user_who_may_not_ask_for_the_time(tmp_path: Path) -> None:
    """Of keys the server tells when they expire, but of elements a Dragonfly tells how long they have."""
    denied = {"TIME": b"-NOPERM no\r\n", "COMMAND": array(array(bulk("pexpiretime")))}
    info = bulk("# Server\r\ndragonfly_version:df-v1.22.2\r\n")
    report, parts = await parts_of(
        {**script("set", SSCAN=array(bulk("0"), array(bulk("m"))), PEXPIRETIME=b":5\r\n", FIELDTTL=b":9\r\n"), **denied,
         "INFO ALL": info}, tmp_path,
    )  # fmt: skip
    assert parts == [Part(b"k", "set", 5, [b"m"])]
    assert report.elements_unread is not None
    assert not report.is_exact
    old = script("string", GETRANGE=bulk("v"), TIME=b"-NOPERM no\r\n")
    with pytest.raises(DflyError, match="no"):
        await parts_of(old, tmp_path)


@pytest.mark.parametrize("kind", ["string", "stream"])
async def test_a_key_that_became_another_type_is_counted(kind: str, tmp_path: Path) -> None:
    wrong = b"-WRONGTYPE Operation against a key\r\n"
    report, parts = await parts_of(script(kind, GETRANGE=wrong, XINFO=wrong), tmp_path)
    assert (parts, report.changed, report.is_exact) == ([], 1, True)


async def test_a_string_or_list_that_changes_while_it_is_read_comes_as_a_dump(tmp_path: Path) -> None:
    piece = bulk(b"x" * (1 << 20))
    lengths = [b":3000000\r\n", b":3000000\r\n", b":3000001\r\n"]
    scripted = script("string", GETRANGE=piece, DUMP=bulk("dumped"))
    async with Respd({**scripted, "STRLEN": list[Answer](lengths)}) as server:
        report = await export(server.url, tmp_path / "keys.jsonl", [b"k"])
    parts = list(ExportFile(tmp_path / "keys.jsonl").parts())
    assert [(part.number, part.is_dump, bool(part.void)) for part in parts] == [
        (0, False, False), (1, False, True), (0, True, False),
    ]  # fmt: skip
    assert (parts[-1].value, report.keys, report.is_exact) == (b"dumped", 1, True)
    items = array(*[bulk("x" * 4000)] * 500)
    scripted = script("list", LRANGE=items, DUMP=bulk("dumped"))
    async with Respd({**scripted, "LLEN": [b":1000\r\n", b":1000\r\n", b":999\r\n"]}) as server:
        await export(server.url, tmp_path / "keys.jsonl", [b"k"])
    assert [part.is_dump for part in ExportFile(tmp_path / "keys.jsonl").parts()][-1]


async def test_a_collection_with_a_huge_element_comes_as_a_dump(tmp_path: Path) -> None:
    async with lab() as source, lab() as target:
        urls = [f"redis://127.0.0.1:{server.port}" for server in (source, target)]
        await fill(urls[0], [("HSET", "hash", "f", b"\xff" * (21 << 20), "g", "v"), ("RPUSH", "list", "a")])
        before = await contents(urls[0])
        report, _, _ = await round_trip(urls[0], urls[1], tmp_path)
        assert report.is_exact
        assert await contents(urls[1]) == before


async def test_many_keys_that_are_large_together(tmp_path: Path) -> None:
    """Nothing tells beforehand that an answer would be larger than is taken: then fewer are asked for."""
    commands: list[Command] = [("RPUSH", f"list:{number}", *["x" * 20_000] * 300) for number in range(16)]
    async with lab() as source:
        url = f"redis://127.0.0.1:{source.port}"
        await fill(url, commands)
        report = await export(url, tmp_path / "keys.jsonl")
        assert (report.keys, report.is_exact) == (16, True)
        found = {part.name: 0 for part in ExportFile(tmp_path / "keys.jsonl").parts()}
        for part in ExportFile(tmp_path / "keys.jsonl").parts():
            found[part.name] += part.size
        assert set(found.values()) == {6_000_000}


async def test_pages_that_are_too_large_are_asked_for_again_in_smaller_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_pages, "_LIMIT", 1 << 20)
    async with lab() as source, lab() as target:
        urls = [f"redis://127.0.0.1:{server.port}" for server in (source, target)]
        await fill(
            urls[0], [("RPUSH", "list", *["x" * 20_000] * 600), ("RPUSH", "huge", "x" * 2_000_000, *["y"] * 500)]
        )
        before = await contents(urls[0])
        report, _, _ = await round_trip(urls[0], urls[1], tmp_path)
        assert report.is_exact
        assert [part.name for part in ExportFile(tmp_path / "keys.jsonl").parts() if part.is_dump] == [b"huge"] * 2
        assert await contents(urls[1]) == before


async def test_a_key_that_is_larger_than_any_server_takes_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_pages, "MOST_WHOLE_BYTES", 2 << 20)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("JSON.SET", "doc", "$", json.dumps(["x" * 1000] * 4000)), ("SET", "text", "v")])
        report = await export(url, tmp_path / "keys.jsonl")
        assert report.keys == 1
        [(name, error)] = report.failures.named
        assert (name, error.code) == (b"doc", "too-large")


async def test_a_document_and_a_stream_without_entries(tmp_path: Path) -> None:
    async with lab() as source, lab() as target:
        urls = [f"redis://127.0.0.1:{server.port}" for server in (source, target)]
        await fill(
            urls[0],
            [
                ("JSON.SET", "doc", "$", json.dumps({"é": ["x" * 1000] * 4000})),
                ("XGROUP", "CREATE", "never", "g", "0", "MKSTREAM"),
                ("XADD", "emptied", "5-5", "f", "v"),
                ("XDEL", "emptied", "5-5"),
            ],
        )
        before = await contents(urls[0])
        await round_trip(urls[0], urls[1], tmp_path)
        assert await contents(urls[1]) == before
        assert len(before) == 3


async def test_a_set_that_is_written_to_while_it_is_read_is_told(tmp_path: Path) -> None:
    page = array(bulk("7"), array(*[bulk(f"{number}") for number in range(600)]))
    last = array(bulk("0"), array(bulk("end")))
    scripted = script("set")
    async with Respd({**scripted, "SSCAN": [page, page, last], "SCARD": [b":700\r\n", b":650\r\n"]}) as server:
        report = await export(server.url, tmp_path / "keys.jsonl", [b"k"])
    assert report.restless == [b"k"]
    assert not report.is_exact
