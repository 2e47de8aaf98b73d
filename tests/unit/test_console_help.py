"""Completion and help at the console."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dfly_tui.models
from dfly_tui.clients.console_replies import ReplyDecoder
from dfly_tui.models.console import split_line
from dfly_tui.models.console_commands import CommandTable
from dfly_tui.models.console_completion import Gap, Wanted, choices, common_start, gap, key_word
from dfly_tui.models.console_help import help_from, help_table
from tests.support.console_docs import SOURCE, documented, table
from tests.support.respd import array, bulk
from tests.support.servers import running_redis
from tests.unit.test_console_commands import VERSIONS, recorded, told_by

FILE = Path(dfly_tui.models.__file__).parent / "console_help.tsv"


def offered(line: str, known: CommandTable | None = None) -> list[str]:
    known = known or recorded("1.40")
    return choices(gap(line, known), known)


def test_the_table_is_small_and_whole() -> None:
    assert FILE.stat().st_size <= 60_000
    for row in help_table().values():
        assert row.name == row.name.upper()
        assert row.summary.endswith(".")
        assert row.source in {SOURCE, "ours"}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_of_a_dragonfly_is_explained(version: str) -> None:
    unexplained = {name for name in recorded(version).known if name not in help_table()}
    assert unexplained <= {"FT._DEBUG", "SUBSTR", "ACL HELP"}


@pytest.mark.redis_server
async def test_the_table_is_what_redis_7_0_says() -> None:
    async with running_redis() as server:
        found = await documented(server.port)
    if found["GET"].summary != help_table()["GET"].summary or "CLIENT NO-TOUCH" in found:
        pytest.skip("another version of redis-server")
    assert table(found) == FILE.read_text("utf-8")


def test_help_from_a_server_that_says_odd_things() -> None:
    hostile = array(
        bulk("x\x1b[2J"), array(bulk("summary"), bulk("a\x9bb"), bulk("arguments"), array(array(), bulk("odd"))),
        bulk("y"), bulk("not a map"), bulk("z"),
    )  # fmt: skip
    decoder = ReplyDecoder()
    assert decoder.feed(hostile)
    assert decoder.reply is not None
    first, second = help_from(decoder.reply)
    assert first.usage == "X\\X1B[2J"
    assert first.summary == "a\\x9bb."
    assert (second.arguments, second.summary) == ("", "")


def test_commands_and_subcommands() -> None:
    assert offered("hinc") == ["hincrby", "hincrbyfloat"]
    assert offered("HINC") == ["HINCRBY", "HINCRBYFLOAT"]
    assert "CLEAR" in offered("")
    assert offered("cl") == ["cl.throttle", "clear", "client", "cluster"]
    assert offered("acl wh") == ["whoami"]
    assert offered("config re") == ["resetstat", "rewrite"]
    assert offered("help zmsc") == ["zmscore"]
    assert offered("nosuch x") == []
    assert offered("config set a") == []


async def test_subcommands_by_a_redis() -> None:
    async with running_redis() as server:
        known = await told_by(server.port)
    assert offered("client no-", known) == ["no-evict"]
    assert offered("object e", known) == ["encoding"]


@pytest.mark.parametrize(
    ("line", "wanted", "start", "prefix"),
    [
        ("get us", Wanted.KEY, 4, b"us"),
        ("get ", Wanted.KEY, 4, b""),
        ('get "a b', Wanted.KEY, 4, b"a b"),
        ("get größe", Wanted.KEY, 4, "größe".encode()),
        ("größe ", Wanted.KEY, 6, b""),
        ("set a b", Wanted.NOTHING, 6, b"b"),
        ("del a b", Wanted.KEY, 6, b"b"),
        ("mset a b c", Wanted.KEY, 9, b"c"),
        ("mset a b", Wanted.NOTHING, 7, b"b"),
        ("memory usage k", Wanted.KEY, 13, b"k"),
        ("debug object k", Wanted.KEY, 13, b"k"),
        ("ping x", Wanted.NOTHING, 5, b"x"),
        ("eval x 1 k", Wanted.KEY, 9, b"k"),
        ("nosuch k", Wanted.KEY, 7, b"k"),
    ],
)
def test_where_a_key_may_stand(line: str, wanted: Wanted, start: int, prefix: bytes) -> None:
    found = gap(line, recorded("1.40"))
    assert (found.wanted, found.start, found.prefix) == (wanted, start, prefix)


def test_keys_where_only_the_server_knows_the_places() -> None:
    assert gap("eval x 1 k", recorded("1.22")).wanted is Wanted.KEY  # variadic-keys
    assert gap("zdiff 2 a", recorded("1.22")).wanted is Wanted.KEY


@given(st.text(max_size=40))
def test_any_half_of_a_line(line: str) -> None:
    place = gap(line, recorded("1.22"))
    assert 0 <= place.start <= len(line)
    choices(place, recorded("1.22"))


def test_names_of_keys_as_they_are_typed() -> None:
    assert key_word(b"user:1") == "user:1"
    assert key_word("größe".encode()) == '"größe"'
    assert key_word(b'a "b\xff') == '"a \\"b\\xff"'


@given(st.binary(max_size=30))
def test_a_completed_name_is_that_name(name: bytes) -> None:
    assert split_line(f"get {key_word(name)}") == (b"get", name)


def test_what_words_share() -> None:
    assert common_start(["user:1", "user:2"]) == "user:"
    assert common_start(["a"]) == "a"
    assert common_start(["a", "b"]) == ""
    assert choices(Gap(Wanted.NOTHING, 0, b""), recorded("1.40")) == []
