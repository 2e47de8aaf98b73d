"""Imports in which single commands are refused, files are not what they were, or keys cannot be kept."""

import os
from pathlib import Path

import pytest

from dfly_tui.clients.connection import Command
from dfly_tui.errors import Refused
from dfly_tui.models.key_parts import Group, Part, Pending, Tail
from dfly_tui.models.keys import HASH, LIST, STREAM, STRING
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.keys.export_file import ExportWriter, Header, new_file
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.operations.keys.import_report import Existing
from dfly_tui.operations.keys.import_run import TEMPORARY
from tests.support.keyspaces import contents, importing
from tests.support.lab import lab
from tests.support.proxy import Harm, Proxy
from tests.support.servers import running_redis
from tests.support.values import fill

LONG = [b"%0100d" % number for number in range(200)]
IN_PARTS = (Part(b"list", LIST, None, list(LONG), is_last=False), Part(b"list", LIST, None, [b"end"], 1))
A, B = Part(b"a", STRING, None, b"1"), Part(b"b", STRING, None, b"2")
HASHED = Part(b"hash", HASH, None, [(b"f", b"v")])
SMALL = (A, HASHED, B)


def written(folder: Path, *parts: Part, product: str = "dragonfly") -> Path:
    """A file of these parts."""
    path = folder / "keys.jsonl"
    with new_file(path, overwrite=True) as out:
        writer = ExportWriter(out, Header("2026-01-01", product, "1.0", "nas", 0, ""))
        writer.add(list(parts))
        writer.end()
    return path


async def run(url: str, path: Path, existing: Existing = Existing.FAIL) -> tuple[KeyImport, Event]:
    async with importing(url, path, path.parent, existing) as started:
        return started.wish, await started.run()


async def refused(
    begins: str, path: Path, before: tuple[Command, ...] = (), existing: Existing = Existing.FAIL
) -> tuple[KeyImport, Event, dict[bytes, object]]:
    """What comes of an import when the first of these commands is refused."""
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        await fill(f"redis://127.0.0.1:{server.port}", before)
        proxy.harm, proxy.chosen = Harm.REFUSED, lambda words: words[0] == begins
        wish, last = await run(f"redis://127.0.0.1:{proxy.port}", path, existing)
        return wish, last, await contents(f"redis://127.0.0.1:{server.port}")


@pytest.mark.parametrize("begins", ["HSET", "RENAMENX", "RPUSH", "PERSIST"])
async def test_a_key_that_is_refused_is_named_and_nothing_of_it_stays(begins: str, tmp_path: Path) -> None:
    wish, last, after = await refused(begins, written(tmp_path, HASHED, A, B, *IN_PARTS))
    assert last.outcome is Outcome.INCOMPLETE
    [(name, error)] = wish.report.failures.named
    assert error.detail == "this was refused"
    assert set(after) == {b"a", b"hash", b"b", b"list"} - {name}
    assert "1 failed" in wish.done_text


async def test_a_string_that_is_refused(tmp_path: Path) -> None:
    wish, last, after = await refused("SET", written(tmp_path, *SMALL))
    assert last.outcome is Outcome.INCOMPLETE
    assert [name for name, _ in wish.report.failures.named] == [b"a"]
    assert set(after) == {b"hash", b"b"}


async def test_a_question_that_is_refused_ends_it(tmp_path: Path) -> None:
    wish, last, after = await refused("EXISTS", written(tmp_path, *SMALL, *IN_PARTS))
    assert last.outcome is Outcome.INCOMPLETE
    assert "this was refused" in wish.report.stopped
    assert set(after) == {b"a", b"hash", b"b"}
    _, last, after = await refused("EXISTS", written(tmp_path, *IN_PARTS, *SMALL))
    assert last.outcome is Outcome.FAILED
    assert not after


@pytest.mark.parametrize(("before", "asked"), [(("SET", "list", "x"), "TYPE"), (("SET", "a", "x"), "TYPE")])
async def test_a_key_that_is_there_and_cannot_be_read_is_another_one(
    before: Command, asked: str, tmp_path: Path
) -> None:
    wish, last, after = await refused(asked, written(tmp_path, *SMALL, *IN_PARTS), (before,))
    assert last.outcome is Outcome.INCOMPLETE
    assert wish.report.failures.named[0][1].code == "exists"
    assert after[str(before[1]).encode()] == (b"string", -1, b"x")


async def test_a_key_that_cannot_be_kept_in_the_trash_stays(tmp_path: Path) -> None:
    wish, last, after = await refused("DUMP", written(tmp_path, *SMALL), (("SET", "hash", "x"),), Existing.REPLACE)
    assert last.outcome is Outcome.INCOMPLETE
    assert wish.report.failures.named[0][1].detail == "this was refused"
    assert after[b"hash"] == (b"string", -1, b"x")


async def test_very_many_keys_that_are_there(tmp_path: Path) -> None:
    parts = [Part(b"key:%d" % number, STRING, None, b"x") for number in range(2000)]
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        path = written(tmp_path, *parts)
        await run(url, path)
        wish, last = await run(url, path)
        assert (last.outcome, wish.report.equal) == (Outcome.DONE, 2000)
        assert len(await contents(url)) == 2000


async def test_what_expired_meanwhile_is_not_written(tmp_path: Path) -> None:
    past = 1_000_000_000_000
    path = written(
        tmp_path,
        Part(b"small", STRING, past, b"x"),
        Part(b"all elements", HASH, None, [(b"f", b"v", past)]),
        Part(b"some elements", HASH, None, [(b"f", b"v", past), (b"g", b"w")]),
        *(part._replace(expires_at_ms=past) for part in IN_PARTS),
    )
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        wish, last = await run(url, path)
        assert (last.outcome, wish.report.expired, wish.report.written) == (Outcome.DONE, 3, 1)
        assert await contents(url) == {b"some elements": (b"hash", -1, {b"g": b"w"})}


async def test_a_key_that_expires_while_it_is_written(tmp_path: Path) -> None:
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        soon = int(server.clock.now().timestamp() * 1000) + 700
        path = written(tmp_path, HASHED._replace(expires_at_ms=soon), A, B)

        def wait(words: tuple[str, ...]) -> None:
            while words[0] == "RENAMENX" and server.clock.now().timestamp() * 1000 <= soon + 5:
                pass

        proxy.arrived = wait
        wish, last = await run(f"redis://127.0.0.1:{proxy.port}", path)
        assert (last.outcome, wish.report.expired, wish.report.written) == (Outcome.DONE, 1, 2)


async def test_streams_that_contradict_themselves_are_named(tmp_path: Path) -> None:
    wrong = Tail((Group(b"g", b"0-0", None, ()),), (Pending(1, b"1-1", b"c", 5, 1),))
    entries = [(b"1-1", b"f", b"v")]
    path = written(
        tmp_path,
        Part(b"small", STREAM, None, list(entries), tail=wrong._replace(last_id=b"1-1")),
        Part(b"large", STREAM, None, list(entries), is_last=False, tail=wrong),
        Part(b"large", STREAM, None, [], 1, is_last=False, tail=wrong._replace(groups=())),
        Part(b"large", STREAM, None, [], 2, tail=Tail(last_id=b"1-1")),
        Part(b"behind", STREAM, None, [(b"5-5", b"f", b"v")], tail=Tail(last_id=b"1-1")),
        *SMALL,
    )
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        wish, last = await run(url, path)
        assert last.outcome is Outcome.INCOMPLETE
        assert {name for name, _ in wish.report.failures.named} == {b"small", b"large", b"behind"}
        assert set(await contents(url)) == {b"a", b"hash", b"b"}


@pytest.mark.redis_server
async def test_a_server_that_knows_no_expiring_elements(tmp_path: Path) -> None:
    far = 4_000_000_000_000
    path = written(
        tmp_path,
        Part(b"small", HASH, None, [(b"f", b"v", far)]),
        Part(b"large", HASH, None, [(b"f", b"v", far)], is_last=False),
        Part(b"large", HASH, None, [(b"g", b"v")], 1),
        *SMALL,
        product="redis",
    )
    async with running_redis() as server:
        wish, last = await run(server.url, path)
        assert last.outcome is Outcome.INCOMPLETE
        assert {name for name, error in wish.report.failures.named if error.code == "not-supported"} == {
            b"small", b"large",
        }  # fmt: skip
        assert set(await contents(server.url)) == {b"a", b"hash", b"b"}


async def test_dumps_of_another_server_are_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, Part(b"bloom", "MBbloom--", None, b"garbage", is_dump=True), *SMALL)
    async with lab() as server:
        await fill(f"redis://127.0.0.1:{server.port}", [("CONFIG", "SET", "maxmemory", 0)])
        async with importing(f"redis://127.0.0.1:{server.port}", path, tmp_path) as started:
            last = await started.run()
            found = {finding.code: finding.value for event in started.events for finding in event.findings}
        assert last.outcome is Outcome.INCOMPLETE
        assert found["dumps"] == "1 dump of dragonfly 1.0"
        assert "wrong" in started.wish.report.failures.named[0][1].detail


async def test_a_file_that_was_changed_behind_our_back_stops_it(tmp_path: Path) -> None:
    parts = [Part(b"%d" % number, STRING, None, b"x" * 50) for number in range(3000)]
    path = written(tmp_path, *parts)
    async with lab() as server, importing(f"redis://127.0.0.1:{server.port}", path, tmp_path) as started:
        await started.wish.inspect()
        seen = path.stat()
        text = path.read_text()
        at = text.index('{"key":"2500"')
        path.write_text(text[:at] + "?" + text[at + 1 :])
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        last = await started.run()
        assert last.outcome is Outcome.INCOMPLETE
        assert "line 2502 is not JSON" in started.wish.report.stopped
        assert TEMPORARY.encode() not in b"".join(await contents(f"redis://127.0.0.1:{server.port}"))


async def test_a_file_that_is_replaced_between_check_and_change(tmp_path: Path) -> None:
    path = written(tmp_path, *SMALL)
    async with lab() as server, importing(f"redis://127.0.0.1:{server.port}", path, tmp_path) as started:
        await started.wish.inspect()
        [act] = started.wish.plan().acts
        path.write_text("another")
        with pytest.raises(Refused, match="was changed since it was checked"):
            await act.run(started.access.hands(["one"]))
