"""What is typed at the console: what is shown in quotes comes back, and lines are read as redis-cli reads them."""

import asyncio
import shutil
from collections.abc import Sequence

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.errors import BadInput
from dfly_tui.models.console import shown, split_line, typed
from dfly_tui.models.redis_cli import quote
from tests.support.hostile import harmless
from tests.support.servers import missing

words = st.lists(st.binary(max_size=40), min_size=1, max_size=5)


@given(words)
def test_what_is_shown_in_quotes_comes_back(some: list[bytes]) -> None:
    line = " ".join(map(shown, some))
    assert split_line(line) == tuple(some)
    assert harmless(line)


@given(words)
def test_what_the_key_browser_copies_can_be_pasted(some: list[bytes]) -> None:
    assert split_line(" ".join(map(quote, some))) == tuple(some)


@given(st.text(max_size=60))
def test_any_text_is_taken_apart_or_refused(line: str) -> None:
    found = typed(line)
    if found.complete:
        assert split_line(line) == found.words
    else:
        with pytest.raises(BadInput):
            split_line(line)
    assert 0 <= found.start <= len(line.encode("utf-8", "surrogateescape"))


def test_text_that_can_be_read_is_not_escaped() -> None:
    assert shown("größe 漢字".encode()) == '"größe 漢字"'
    assert shown(b'a"b\\c\n\x00\xff') == '"a\\"b\\\\c\\n\\x00\\xff"'
    assert shown("a\u202eb\u200b".encode()) == '"a\\xe2\\x80\\xaeb\\xe2\\x80\\x8b"'


@pytest.mark.parametrize(
    ("line", "start"),
    [("", 0), ("ge", 0), ("get ", 4), ("get us", 4), ('get "a b', 4), ("get 'a b' ", 10), ("  get  us", 7)],
)
def test_where_the_last_word_begins(line: str, start: int) -> None:
    assert typed(line).start == start


LINES = (
    "get user:1",
    "  set   a\tb  ",
    'set "a b" "c\\"d\\\\e"',
    'set a "\\x00\\xff\\xZZ\\n\\r\\t\\a\\b\\q"',
    "set 'a b' 'c\\'d' 'e\\n'",
    'set a"b c" d',
    "set a'b' ''",
    'set "" x',
    'set a\\b "\\\\"',
    "eval \"return redis.call('get', KEYS[1])\" 1 a",
    "set größe 漢字",
)
BROKEN = ('get "a', "get 'a", 'get "a"b', "get 'a'b", 'get a"b"c', 'get "a\\"', "get 'a\\'")


@pytest.mark.redis_server
async def test_lines_are_read_as_redis_cli_reads_them() -> None:
    said, sent = await through_redis_cli([*LINES, *BROKEN])
    assert sent == [split_line(line) for line in LINES]
    assert said.count("Invalid argument(s)") == len(BROKEN)
    for line in BROKEN:
        with pytest.raises(BadInput, match="quote"):
            split_line(line)


async def through_redis_cli(lines: Sequence[str]) -> tuple[str, list[tuple[bytes, ...]]]:
    """Type lines into redis-cli: what it says, and what it sends."""
    program = shutil.which("redis-cli")
    if program is None:
        missing("redis-cli is not installed", "DFLY_REQUIRE_REDIS")
        raise AssertionError("unreachable")
    sent: list[tuple[bytes, ...]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        while chunk := await reader.read(65536):
            commands.feed(chunk)
            while (command := commands.gets()) is not False:
                if command[0].upper() != b"COMMAND":
                    sent.append(tuple(command))
                writer.write(b"+OK\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        program, "-p", str(port), stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate("".join(f"{line}\n" for line in lines).encode()), 10)
    server.close()
    await server.wait_closed()
    return said.decode(), sent
