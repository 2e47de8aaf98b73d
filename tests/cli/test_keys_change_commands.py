"""`dfly-tui keys set|delete|expire|persist|rename|undo|resume`, as a script uses them."""

import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.cli.support import Cli, Result, started
from tests.support.eventually import eventually
from tests.support.keyspaces import contents
from tests.support.lab import lab
from tests.support.proxy import Harm, Proxy
from tests.support.values import MORE_TYPES, PLAIN_TYPES, fill

LAB = 'environment = "lab"'
PRODUCTION = 'environment = "production"'
CHANGES = {
    "SET", "DEL", "UNLINK", "HSET", "LSET", "JSON.SET", "ZADD", "SADD", "RPUSH", "LPUSH", "APPEND", "PEXPIREAT",
    "PERSIST", "RENAME", "RENAMENX", "RESTORE", "EXPIRE", "FLUSHDB", "EVAL", "HDEL",
}  # fmt: skip


@dataclass
class Desk:
    """A server of every type of key, and a terminal."""

    cli: Cli
    port: int
    proxy: Proxy
    home: Path
    before: dict[bytes, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Past the proxy."""
        return f"redis://127.0.0.1:{self.port}"

    async def __call__(self, *words: str) -> Result:
        return await self.cli.beside("keys", *words)

    async def now(self) -> dict[bytes, Any]:
        return await contents(self.url)

    async def changed(self) -> set[bytes]:
        """Keys that are others than before, or not there any more."""
        now = await self.now()
        return {name for name in {*now, *self.before} if now.get(name) != self.before.get(name)}

    @property
    def sent(self) -> list[str]:
        """The changes that the server was asked for."""
        return [words[0].upper() for words in self.proxy.commands if words[0].upper() in CHANGES]


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> AsyncIterator[Desk]:
    async with lab(flavour="1.40") as server, Proxy(server.port, lambda: None) as proxy:
        made = Desk(cli, server.port, proxy, tmp_path)
        await fill(made.url, (*PLAIN_TYPES, *MORE_TYPES, *(("SET", f"job:{at}", "x") for at in range(30))))
        cli.fleet(("nas", f"redis://127.0.0.1:{proxy.port}"), extra={"nas": LAB})
        made.before = await made.now()
        yield made


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("set", "text", "other"), b"text"),
        (("set", "session:0", "1", "--field", "user"), b"session:0"),
        (("set", "queue:0", "first", "--index", "0"), b"queue:0"),
        (("set", "leaderboard", "player1", "--score", "7.5"), b"leaderboard"),
        (("set", "doc", '"new"', "--path", "$.name"), b"doc"),
        (("set", "fresh", "value"), b"fresh"),
        (("delete", "doc"), b"doc"),
        (("expire", "doc", "--in", "2h"), b"doc"),
        (("persist", "text"), b"text"),
    ],
)
async def test_one_key_is_changed_and_no_other_and_undo_restores_it(
    desk: Desk, words: tuple[str, ...], key: bytes
) -> None:
    result = await desk(*words, "--yes")
    assert result.code == 0, result.err
    assert result.out.startswith("done: ")
    assert await desk.changed() == {key}
    assert len(desk.sent) == 1
    if key in desk.before:
        result = await desk("undo", key.decode(), "--replace", "--yes")
        assert result.code == 0, result.err
        assert await desk.changed() == set()


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("set", "queue:0", "last", "--push", "tail"), b"queue:0"),
        (("set", "queue:0", "first", "--push", "head"), b"queue:0"),
        (("set", "tags:0", "t99", "--member"), b"tags:0"),
        (("set", "text", ", more", "--append"), b"text"),
    ],
)
async def test_one_more_is_added(desk: Desk, words: tuple[str, ...], key: bytes) -> None:
    result = await desk(*words, "--yes")
    assert result.code == 0, result.err
    was, now = desk.before[key][2], (await desk.now())[key][2]
    assert len(now) == len(was) + (len(words[2]) if "--append" in words else 1)
    assert words[2].encode() in now
    assert await desk.changed() == {key}


async def test_type_and_expiry_stay(desk: Desk) -> None:
    assert (await desk("set", "text", "other", "--yes")).code == 0
    now = await desk.now()
    assert now[b"text"] == (b"string", desk.before[b"text"][1], b"other")
    refused = await desk("set", "session:0", "text", "--yes")
    assert refused.code != 0
    assert "hash" in refused.err
    assert await desk.changed() == {b"text"}


async def test_rename_leaves_a_key_of_that_name_alone(desk: Desk) -> None:
    taken = await desk("rename", "text", "doc", "--yes")
    assert taken.code != 0
    assert await desk.changed() == set()
    assert (await desk("rename", "text", "words", "--yes")).code == 0
    assert await desk.changed() == {b"text", b"words"}


async def test_nothing_is_sent_without_an_answer(desk: Desk) -> None:
    result = await desk("delete", "text")
    assert result.code == 4
    assert "--yes says it beforehand" in result.err
    assert desk.sent == []


async def test_a_dry_run_shows_the_command_and_sends_nothing(desk: Desk) -> None:
    result = await desk.cli.beside("--dry-run", "keys", "delete", "text", "--yes")
    assert result.code == 0, result.err
    assert result.out.startswith("planned: ")
    assert "UNLINK text" in result.out
    assert desk.sent == []


async def test_read_only_changes_nothing(desk: Desk) -> None:
    result = await desk.cli.beside("--read-only", "keys", "delete", "text", "--yes")
    assert result.code == 3
    assert "ead-only" in result.err + result.out
    assert desk.sent == []


async def test_production_wants_the_name(desk: Desk) -> None:
    desk.cli.fleet(("nas", f"redis://127.0.0.1:{desk.proxy.port}"), extra={"nas": PRODUCTION})
    result = await desk("delete", "text", "--yes")
    assert result.code == 4
    assert "--confirm nas" in result.err
    assert desk.sent == []
    assert (await desk("delete", "text", "--yes", "--confirm", "nas")).code == 0
    assert await desk.changed() == {b"text"}


async def test_many_keys_are_previewed_then_deleted_and_restored(desk: Desk) -> None:
    result = await desk("delete", "--find", "job:*", "--yes", "--json")
    assert result.code == 0, result.err
    assert "30 keys" in result.err
    told = [json.loads(line) for line in result.out.splitlines()]
    assert told[-1]["outcome"] == "done"
    assert any("progress" in line for line in told)
    assert await desk.changed() == {f"job:{at}".encode() for at in range(30)}
    undone = await desk("undo", "--run", told[-1]["run"], "--yes")
    assert undone.code == 0, undone.err
    assert await desk.changed() == set()


async def test_all_of_a_database_wants_the_name(desk: Desk) -> None:
    result = await desk("delete", "--all", "--yes")
    assert result.code == 4
    assert desk.sent == []
    assert (await desk("delete", "--all", "--yes", "--confirm", "nas")).code == 0
    assert await desk.now() == {}


@pytest.mark.parametrize(
    ("words", "check"),
    [
        (("expire", "--find", "job:*", "--in", "1h"), {f"job:{at}".encode() for at in range(30)}),
        (("persist", "--find", "text*"), {b"text"}),
        (
            ("rename", "--prefix", "job:", "--to", "task:"),
            {f"{kind}:{at}".encode() for at in range(30) for kind in ("job", "task")},
        ),
    ],
)
async def test_other_changes_of_many_keys(desk: Desk, words: tuple[str, ...], check: set[bytes]) -> None:
    result = await desk(*words, "--yes")
    assert result.code == 0, result.err
    assert await desk.changed() == check


async def test_the_trash_is_listed(desk: Desk) -> None:
    await desk("delete", "text", "--yes")
    listed = await desk("undo")
    assert "nas db0  text  (string" in listed.out
    [line] = (await desk("undo", "--json")).out.splitlines()
    told = json.loads(line)
    assert (told["name"], told["type"], told["name_hex"]) == ("text", "string", b"text".hex())
    assert (await desk("undo", "nosuch", "--yes")).code == 3


async def test_a_lost_answer_is_looked_for_and_the_change_is_not_sent_again(desk: Desk) -> None:
    desk.cli.fleet(("nas", f"redis://127.0.0.1:{desk.proxy.port}"), extra={"nas": LAB}, timeout=0.6)
    desk.proxy.harm, desk.proxy.chosen = Harm.SILENT, lambda words: words[0] in {"UNLINK", "EXEC"}
    result = await desk("delete", "text", "--yes")
    assert "was not answered" in result.err
    assert "the world says it was done" in result.err
    assert result.code == 0
    assert len(desk.sent) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("delete",), "which keys?"),
        (("delete", "text", "--all"), "which keys?"),
        (("set", "text"), "either VALUE or --stdin"),
        (("rename", "text"), "what is renamed to what?"),
        (("expire", "text", "--in", "soon"), "soon"),
        (("delete", "--find", "job:*", "--rate", "0", "--yes"), "--rate"),
        (("resume",), "no change of many keys was left unfinished"),
    ],
)
async def test_bad_input_is_told_and_nothing_is_sent(desk: Desk, words: tuple[str, ...], said: str) -> None:
    result = await desk(*words)
    assert result.code in {2, 3}
    assert said in result.err
    assert desk.sent == []


async def test_what_a_killed_program_left_is_resumed(desk: Desk, tmp_path: Path) -> None:
    await fill(desk.url, (("SET", f"bulk:{at}", "x") for at in range(3000)))
    words = ["--config", str(desk.cli.file), "keys", "delete", "--find", "bulk:*", "--yes", "--confirm", "nas"]
    process = await started([*words, "--rate", "300"], tmp_path)

    async def some_are_gone() -> bool:
        return desk.sent.count("UNLINK") > 0

    await eventually(some_are_gone)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    left = {name for name in await desk.now() if name.startswith(b"bulk:")}
    assert 0 < len(left) < 3000
    result = await desk("resume", "--yes", "--confirm", "nas")
    assert result.code == 0, result.err
    assert not {name for name in await desk.now() if name.startswith(b"bulk:")}
    assert (await desk("resume")).code == 3
