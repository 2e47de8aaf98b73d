"""Importing keys: what is there already, what goes wrong, and that nothing is sent too early."""

import hashlib
import json
from pathlib import Path

import pytest

from dfly_tui.clients.connection import Command
from dfly_tui.errors import Refused
from dfly_tui.models.operation import Event, Level, Outcome
from dfly_tui.operations.confirmer import Deny, GivenAnswer
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.operations.keys.import_report import Existing
from dfly_tui.operations.keys.import_run import TEMPORARY
from dfly_tui.operations.keys.trash import Limits, Trash
from dfly_tui.settings import Environment
from tests.support.clock import FakeClock
from tests.support.keyspaces import contents, export, importing
from tests.support.lab import Client, lab, pair
from tests.support.proxy import Harm, Proxy
from tests.support.values import PLAIN_TYPES, fill

READS = {
    "HELLO", "CLIENT", "SELECT", "INFO", "ROLE", "COMMAND", "TYPE", "TIME", "EXISTS", "PEXPIRETIME", "GETRANGE",
    "STRLEN", "HSCAN", "LRANGE", "LLEN", "DBSIZE", "CONFIG",
}  # fmt: skip
MANY: tuple[Command, ...] = tuple(("SET", f"key:{number}", f"value {number}") for number in range(1200))
LARGE: tuple[Command, ...] = (
    ("RPUSH", "list", *[f"{number:0100}" for number in range(15_000)]),
    ("SET", "text", "x" * 2_500_000),
    ("HSET", "hash", *[f"{number:0100}" for number in range(30_000)]),
)


async def exported(folder: Path, commands: tuple[Command, ...]) -> Path:
    """A file with what these commands make."""
    path = folder / "keys.jsonl"
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, commands)
        await export(url, path)
    return path


async def run(
    url: str, path: Path, folder: Path, existing: Existing = Existing.FAIL, **options: object
) -> tuple[KeyImport, Event]:
    async with importing(url, path, folder, existing, **options) as started:  # type: ignore[arg-type]
        return started.wish, await started.run()


async def test_keys_that_are_there_are_left_alone_when_equal_and_reported_when_not(tmp_path: Path) -> None:
    path = await exported(tmp_path, PLAIN_TYPES)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [*PLAIN_TYPES[1:4], ("SET", "text", "another"), ("SET", "session:0", "another type")])
        wish, last = await run(url, path, tmp_path)
        assert last.outcome is Outcome.INCOMPLETE
        assert "left alone" in last.follow_ups[0]
        failed = {name: error.detail for name, error in wish.report.failures.named}
        assert failed == dict.fromkeys((b"text", b"session:0"), "there is another key of that name")
        assert (wish.report.equal, wish.report.written) == (3, len(await contents(url)) - 5)
        after = await contents(url)
        assert after[b"text"] == (b"string", -1, b"another")
        assert not [name for name in after if TEMPORARY.encode() in name]


async def test_skip_looks_at_nothing(tmp_path: Path) -> None:
    path = await exported(tmp_path, (*PLAIN_TYPES, *LARGE[:2]))
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("SET", "list", "another"), ("SET", "session:0", "another"), ("SET", "binary", "another")])
        wish, last = await run(url, path, tmp_path, Existing.SKIP)
        assert last.outcome is Outcome.DONE
        assert (wish.report.skipped, wish.report.failures.count) == (3, 0)
        after = await contents(url)
        assert after[b"list"] == after[b"session:0"] == after[b"binary"] == (b"string", -1, b"another")
        assert not [name for name in after if TEMPORARY.encode() in name]


async def test_replace_keeps_what_was_there_in_the_trash(tmp_path: Path) -> None:
    path = await exported(tmp_path, PLAIN_TYPES)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, PLAIN_TYPES)
        wanted = await contents(url)
        await fill(url, [("SET", "text", "old", "PX", 77_000_000), ("DEL", "session:0"), ("RPUSH", "session:0", "old")])
        trash = Trash(tmp_path / "trash", clock=FakeClock())
        wish, last = await run(url, path, tmp_path, Existing.REPLACE, trash=trash)
        assert last.outcome is Outcome.DONE
        assert (wish.report.replaced, wish.report.equal) == (2, len(wanted) - 2)
        after = await contents(url)
        assert after.keys() == wanted.keys()
        assert after[b"session:0"] == wanted[b"session:0"]
        assert after[b"text"][2] == b"hello"  # type: ignore[index]
        kept = {each.name: each for each in trash.kept(run="run1")}
        assert kept.keys() == {b"text", b"session:0"}
        assert kept[b"session:0"].kind == "list"
        assert kept[b"text"].expires_at_ms is not None


async def test_large_keys_are_compared_and_replaced_as_well(tmp_path: Path) -> None:
    path = await exported(tmp_path, LARGE)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        wish, last = await run(url, path, tmp_path)
        assert (last.outcome, wish.report.written) == (Outcome.DONE, 3)
        wanted = await contents(url)
        await fill(url, [("RPUSH", "list", "one more"), ("EXPIRE", "text", 1000)])
        wish, last = await run(url, path, tmp_path)
        assert last.outcome is Outcome.INCOMPLETE
        assert (wish.report.equal, wish.report.failures.count) == (1, 2)
        wish, last = await run(url, path, tmp_path, Existing.REPLACE)
        assert (last.outcome, wish.report.replaced, wish.report.equal) == (Outcome.DONE, 2, 1)
        assert await contents(url) == wanted


async def test_what_the_trash_does_not_take_is_not_replaced(tmp_path: Path) -> None:
    path = await exported(tmp_path, (("RPUSH", "list", "new"), ("SET", "text", "new")))
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("SET", "list", "old" * 1000), ("SET", "text", "old" * 1000)])
        small = Trash(tmp_path / "small", clock=FakeClock(), limits=Limits(key_bytes=100))
        wish, last = await run(url, path, tmp_path, Existing.REPLACE, trash=small)
        assert last.outcome is Outcome.INCOMPLETE
        assert wish.report.failures.count == 2
        (tmp_path / "file").write_text("in the way of a folder")
        wish, _ = await run(url, path, tmp_path, Existing.REPLACE, trash=Trash(tmp_path / "file", clock=FakeClock()))
        assert "the trash cannot be written" in wish.report.failures.named[0][1].detail
        assert set((await contents(url)).values()) == {(b"string", -1, b"old" * 1000)}


async def test_keys_whose_time_is_up_are_left_out(tmp_path: Path) -> None:
    path = await exported(tmp_path, (("SET", "soon", "x", "PX", 3_600_000), ("SET", "later", "x"), *LARGE[:1]))
    await_text = path.read_text()
    at = await_text.index('"expires_at_ms":') + len('"expires_at_ms":')
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        clock = server.clock.now().timestamp() * 1000
        assert int(await_text[at : at + 13]) > clock
        expired = _sealed(await_text.replace(await_text[at : at + 13], "1000000000000"), path)
        wish, last = await run(url, expired, tmp_path)
        assert (last.outcome, wish.report.expired, wish.report.written) == (Outcome.DONE, 1, 2)
        assert set(await contents(url)) == {b"later", b"list"}


def _sealed(text: str, path: Path) -> Path:
    """The file with a trailer that fits its lines."""
    *lines, last = text.splitlines(keepends=True)
    trailer = json.loads(last) | {"sha256": hashlib.sha256("".join(lines).encode()).hexdigest(), "lines": len(lines)}
    path.write_text("".join(lines) + json.dumps(trailer) + "\n")
    return path


async def test_a_key_that_was_given_up_in_the_file_is_not_written(tmp_path: Path) -> None:
    path = await exported(tmp_path, (("SET", "a", "x"), *LARGE[:1]))
    lines = path.read_text().splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if '"last":true' in line)
    number = json.loads(lines[at])["part"]
    lines[at] = f'{{"part":{number},"void":"it became another type"}}\n'
    text = "".join(lines)
    trailer = json.loads(lines[-1])
    found = [json.loads(line) for line in lines[1:-1]]
    size = sum(sum(map(len, line["value"])) for line in found if "value" in line) + 1 + len("list")
    text = text.replace(f'"bytes": {trailer["bytes"]}', f'"bytes": {size}').replace('"keys": 2', '"keys": 1')
    _sealed(text, path)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        for _ in range(2):  # not there, then there
            _, last = await run(url, path, tmp_path)
            assert last.outcome is Outcome.DONE
            await fill(url, [("RPUSH", "list", "another")])
        assert (await contents(url)).pop(b"list") == (b"list", -1, [b"another", b"another"])
        await fill(url, [("DEL", "list")])
        assert set(await contents(url)) == {b"a"}


@pytest.mark.parametrize(
    "options", [{"read_only": True}, {"environment": Environment.PRODUCTION}, {"environment": Environment.UNKNOWN}]
)
async def test_nothing_is_sent_that_changes_anything_while_it_may_not_be_changed(
    options: dict[str, object], tmp_path: Path
) -> None:
    path = await exported(tmp_path, PLAIN_TYPES)
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        _, last = await run(f"redis://127.0.0.1:{proxy.port}", path, tmp_path, **options)  # type: ignore[arg-type]
        assert last.outcome is Outcome.BLOCKED
        assert {words[0].upper() for words in proxy.commands} <= READS


async def test_nothing_is_sent_before_the_confirmation(tmp_path: Path) -> None:
    path = await exported(tmp_path, PLAIN_TYPES)
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        async with importing(f"redis://127.0.0.1:{proxy.port}", path, tmp_path) as started:
            assert (await started.run(Deny())).outcome is Outcome.DECLINED
            assert (await started.run(dry_run=True)).outcome is Outcome.PLANNED
        assert {words[0].upper() for words in proxy.commands} <= READS


@pytest.mark.parametrize(
    ("commands", "existing", "environment", "level"),
    [
        (PLAIN_TYPES, Existing.FAIL, Environment.LAB, Level.BUTTON),
        (PLAIN_TYPES, Existing.REPLACE, Environment.LAB, Level.NAME),
        (MANY, Existing.SKIP, Environment.LAB, Level.NAME),
        (PLAIN_TYPES, Existing.SKIP, Environment.PRODUCTION, Level.NAME),
    ],
)
async def test_how_it_is_confirmed_grows_with_the_damage(
    commands: tuple[Command, ...], existing: Existing, environment: Environment, level: Level, tmp_path: Path
) -> None:
    path = await exported(tmp_path, commands)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        async with importing(url, path, tmp_path, existing, environment=environment) as started:
            started.access.guard.unlock("one", 1)
            last = await started.run(GivenAnswer(yes=True))
            assert (last.outcome is Outcome.DECLINED) == (level is Level.NAME)


async def test_a_replica_and_a_server_without_room_are_refused(tmp_path: Path) -> None:
    path = await exported(tmp_path, (("SET", "k", "x" * 2_000_000),))
    async with pair() as (_, replica):
        _, last = await run(f"redis://127.0.0.1:{replica.port}", path, tmp_path)
        assert last.outcome is Outcome.BLOCKED
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("CONFIG", "SET", "maxmemory", 1_000_000)])
        async with importing(url, path, tmp_path) as started:
            last = await started.run()
            assert last.outcome is Outcome.BLOCKED
            assert any(finding.code == "memory" for event in started.events for finding in event.findings)
        await fill(url, [("CONFIG", "SET", "maxmemory", 2_700_000)])
        async with importing(url, path, tmp_path) as started:
            last = await started.run()
            assert last.outcome is Outcome.DONE
            assert any("room to spare" in finding.wanted for event in started.events for finding in event.findings)


async def test_a_server_that_is_full_stops_it(tmp_path: Path) -> None:
    path = await exported(tmp_path, MANY)
    async with lab() as server, Client(server.port) as client:
        url = f"redis://127.0.0.1:{server.port}"
        used = int((await client.info("MEMORY"))["used_memory"])
        await client("CONFIG", "SET", "maxmemory", used + 40_000)
        wish, last = await run(url, path, tmp_path)
        assert last.outcome is Outcome.INCOMPLETE
        assert "Out of memory" in wish.report.stopped
        assert 0 < len(await contents(url)) == wish.report.written < len(MANY)


@pytest.mark.parametrize("harm", [Harm.LOST, Harm.DROPPED])
async def test_a_server_that_is_lost_midway_leaves_the_outcome_unknown_and_it_can_go_on(
    harm: Harm, tmp_path: Path
) -> None:
    path = await exported(tmp_path, (*MANY, *PLAIN_TYPES, *LARGE))
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}"
        for begins in ("RENAMENX", "APPEND", "SET"):
            proxy.harm, proxy.chosen = harm, lambda words, begins=begins: words[0] == begins  # type: ignore[misc]
            wish, last = await run(url, path, tmp_path, run_id=f"run-{begins}")
            assert last.outcome is Outcome.UNKNOWN
            assert any("import the file again" in line for line in last.follow_ups)
        wish, last = await run(url, path, tmp_path, run_id="last")
        assert last.outcome is Outcome.DONE, wish.report
        assert wish.report.equal > 0
        after = await contents(f"redis://127.0.0.1:{server.port}")
        whole = {name for name in after if TEMPORARY.encode() not in name}
        assert len(whole) == wish.report.keys
        assert (await contents_of(path, tmp_path)) == {name: value for name, value in after.items() if name in whole}


async def contents_of(path: Path, folder: Path) -> dict[bytes, object]:
    """What a file holds, by importing it into an empty server."""
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await run(url, path, folder)
        return await contents(url)


async def test_each_window_is_sent_once(tmp_path: Path) -> None:
    path = await exported(tmp_path, MANY)
    async with lab() as server, Proxy(server.port, lambda: None) as proxy:
        proxy.harm, proxy.chosen = Harm.DROPPED, lambda words: words[:2] == ("SET", "key:1100")
        await run(f"redis://127.0.0.1:{proxy.port}", path, tmp_path)
        sent = [words[1] for words in proxy.sent("SET")]
        assert len(sent) == len(set(sent))


async def test_stopping_leaves_whole_keys_only_and_says_so(tmp_path: Path) -> None:
    path = await exported(tmp_path, (*PLAIN_TYPES, *LARGE, *MANY))
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        wanted = await contents_of(path, tmp_path)
        async with importing(url, path, tmp_path) as started:
            await started.wish.inspect()
            started.wish.told = lambda wish: wish.stop.set() if wish.report.written else None
            last = await started.run()
        report = started.wish.report
        assert last.outcome is Outcome.INCOMPLETE
        assert report.stopped == "it was stopped"
        after = await contents(url)
        assert 0 < len(after) < len(wanted)
        assert {name: _without_expiry(value) for name, value in after.items()} == {
            name: _without_expiry(value) for name, value in wanted.items() if name in after
        }


def _without_expiry(value: object) -> object:
    assert isinstance(value, tuple)
    return value[0], value[2]


async def test_stopping_while_the_file_is_read(tmp_path: Path) -> None:
    path = await exported(tmp_path, MANY)
    async with lab() as server, importing(f"redis://127.0.0.1:{server.port}", path, tmp_path) as started:
        started.wish.told = lambda wish: wish.stop.set()
        with pytest.raises(Refused, match="stopped while the file was read"):
            await started.wish.inspect()


async def test_a_file_that_changes_after_it_was_read_is_not_imported(tmp_path: Path) -> None:
    path = await exported(tmp_path, PLAIN_TYPES)
    async with lab() as server, importing(f"redis://127.0.0.1:{server.port}", path, tmp_path) as started:
        await started.wish.inspect()
        path.write_text(path.read_text() + "\n")
        assert (await started.run()).outcome is Outcome.BLOCKED
        assert not await contents(f"redis://127.0.0.1:{server.port}")


async def test_what_the_server_cannot_keep_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    async with lab(flavour="1.40") as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("HSETEX", "h", 5000, "f", "v"), ("SADDEX", "s", 5000, "m"), ("SET", "far", "x", "PX", 1000)])
        await export(url, path)
        text = path.read_text()
        at = text.index('"expires_at_ms":') + len('"expires_at_ms":')
        _sealed(text.replace(text[at : at + 13], "4102444800000"), path)
        await fill(url, [("FLUSHALL",)])
        wish, last = await run(url, path, tmp_path)
        assert last.outcome is Outcome.INCOMPLETE
        assert [(name, error.detail) for name, error in wish.report.failures.named] == [
            (b"far", "it expires in more than 8.5 years, which Dragonfly does not know")
        ]
        async with Client(server.port) as client:
            assert 4990 < await client("FIELDTTL", "h", "f") <= 5000
            assert 4990 < await client("FIELDTTL", "s", "m") <= 5000


async def test_another_database(tmp_path: Path) -> None:
    path = await exported(tmp_path, PLAIN_TYPES)
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        _, last = await run(url, path, tmp_path, database=3)
        assert last.outcome is Outcome.DONE
        assert not await contents(url)
        assert len(await contents(url, 3)) == 11
