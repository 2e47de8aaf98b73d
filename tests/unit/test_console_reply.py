"""Replies at the console: shown as redis-cli shows them, huge ones cut, hostile ones harmless."""

import asyncio
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.clients import console_replies
from dfly_tui.clients.console_replies import Broken, ReplyDecoder
from dfly_tui.models.console import ReplyKind, ReplyNode, reply_lines
from tests.support.hostile import harmless
from tests.support.respd import Respd, array, bulk
from tests.support.servers import missing


def decoded(raw: bytes, step: int = 0) -> ReplyNode:
    """What a decoder makes of it, given whole or in steps."""
    decoder = ReplyDecoder()
    for at in range(0, len(raw), step or len(raw)):
        if decoder.feed(raw[at : at + (step or len(raw))]):
            break
    assert decoder.reply is not None
    return decoder.reply


def lines(raw: bytes) -> list[str]:
    return [*reply_lines(decoded(raw))]


def a_map(*items: bytes) -> bytes:
    return b"%%%d\r\n%b" % (len(items) // 2, b"".join(items))


RESP2 = {
    "status": b"+OK\r\n",
    "error": b"-WRONGTYPE Operation against a key\r\n",
    "integer": b":-12\r\n",
    "string": bulk('a"b\\c\n\x00'),
    "bytes": bulk(b"\x01\x7f\x00"),
    "empty string": bulk(""),
    "nil": b"$-1\r\n",
    "nil array": b"*-1\r\n",
    "empty array": b"*0\r\n",
    "array": array(bulk("a"), b":2\r\n", b"$-1\r\n", b"+x\r\n"),
    "twelve": array(*(b":%d\r\n" % number for number in range(12))),
    "nested": array(array(bulk("a"), array(bulk("b"), bulk("c"))), b"*0\r\n", array(array(b":1\r\n"))),
    "errors inside": array(b"-ERR no\r\n", bulk("a")),
    "stream": array(array(bulk("events"), array(array(bulk("1-1"), array(bulk("kind"), bulk("click")))))),
}
RESP3 = {
    "double": b",3.25\r\n",
    "infinite": b",inf\r\n",
    "true": b"#t\r\n",
    "false": b"#f\r\n",
    "null": b"_\r\n",
    "map": a_map(bulk("a"), bulk("1"), bulk("b"), array(b":1\r\n", b":2\r\n")),
    "map of maps": a_map(bulk("a"), a_map(bulk("b"), b"_\r\n"), array(bulk("k")), bulk("v")),
    "ten": a_map(*(bulk(str(number)) for number in range(20))),
    "empty map": b"%0\r\n",
    "set": b"~2\r\n" + bulk("a") + bulk("b"),
    "empty set": b"~0\r\n",
    "verbatim": b"=15\r\ntxt:Some string\r\n",
    "verbatim lines": b"=10\r\ntxt:a\nb\nc\n\r\n",
}


@pytest.mark.redis_server
@pytest.mark.parametrize("resp", [2, 3])
async def test_replies_are_shown_as_redis_cli_shows_them(resp: int) -> None:
    replies = {**RESP2, **(RESP3 if resp == 3 else {})}
    script = {"COMMAND": b"*0\r\n", **{f"ASK {number}": raw for number, raw in enumerate(replies.values())}}
    async with Respd(script) as server:
        said = await asked(server.port, len(replies), resp)
    ours = [line for raw in replies.values() for line in [*lines(raw), "--"]]
    assert said == ours


async def asked(port: int, count: int, resp: int) -> list[str]:
    """What redis-cli prints of each reply, a mark behind each."""
    program = shutil.which("redis-cli")
    if program is None:
        missing("redis-cli is not installed", "DFLY_REQUIRE_REDIS")
        raise AssertionError("unreachable")
    found: list[str] = []
    for number in range(count):
        process = await asyncio.create_subprocess_exec(
            program, "--no-raw", f"-{resp}", "-p", str(port), "ASK", str(number),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 10)
        found += [*said.decode().rstrip("\n").split("\n"), "--"]
    return found


@pytest.mark.parametrize("name", [*RESP2, *RESP3])
@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_it_does_not_matter_how_the_bytes_come(name: str, step: int) -> None:
    raw = (RESP2 | RESP3)[name]
    assert decoded(raw, step) == decoded(raw)


def test_what_is_behind_a_reply_is_noticed() -> None:
    decoder = ReplyDecoder()
    assert decoder.feed(b"+OK\r\n+what is this\r\n")
    assert not decoder.is_clean


def test_pushes_and_attributes_are_nobodys_answer() -> None:
    push = b">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n"
    attribute = b"|1\r\n+ttl\r\n:3600\r\n"
    assert lines(push + b":1\r\n") == ["(integer) 1"]
    assert lines(b"*2\r\n" + attribute + b":1\r\n" + push + b":2\r\n") == ["1) (integer) 1", "2) (integer) 2"]
    assert lines(b">0\r\n:1\r\n") == ["(integer) 1"]


def test_a_reply_of_a_million_items_is_cut_and_says_so() -> None:
    decoder = ReplyDecoder()
    assert not decoder.feed(b"*1000000\r\n")
    fed = 0
    while not decoder.feed(b":7\r\n" * 1000):
        fed += 1000
        assert fed < 10_000
    assert decoder.reply is not None
    assert not decoder.is_clean
    shown = reply_lines(decoder.reply)
    assert shown[0] == "      1) (integer) 7"
    assert shown[-1] == f"… cut: {console_replies.MOST_ITEMS:,} of 1,000,000 were read"
    assert decoder.reply.is_cut


def test_a_million_empty_lists_are_cut_too() -> None:
    decoder = ReplyDecoder()
    decoder.feed(b"*1000000\r\n")
    assert decoder.feed(b"*0\r\n" * 10_000)


def test_a_string_of_500_megabytes_is_cut_and_says_so() -> None:
    decoder = ReplyDecoder()
    fed = decoder.feed(b"$524288000\r\n")
    chunk = b"x" * 65536
    chunks = 0
    while not fed:
        fed = decoder.feed(chunk)
        chunks += 1
        assert chunks <= console_replies.MOST_READ_BYTES / 65536
    assert decoder.reply is not None
    [line] = reply_lines(decoder.reply)
    assert line.endswith('x" … cut: 64 KiB of 500 MiB')


def test_a_long_string_hides_nothing_behind_it() -> None:
    reply = decoded(array(bulk("x" * 200_000), bulk("after")), 4096)
    first, second = reply_lines(reply)
    assert first.endswith("cut: 64 KiB of 195 KiB")
    assert second == '2) "after"'


def test_strings_within_a_cut_map_are_shown() -> None:
    decoder = ReplyDecoder()
    decoder.feed(b"%100000\r\n")
    while not decoder.feed((bulk("k" * 300) + bulk("v" * 300)) * 50):
        pass
    assert decoder.reply is not None
    assert "were read" in reply_lines(decoder.reply)[-1]
    assert sum(len(item.text) for item in decoder.reply.items) <= 1.1 * console_replies.MOST_KEPT_BYTES


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"$x\r\n",
        b"*-2\r\n",
        b"$99999999999999999999\r\n",
        b"*?\r\n",
        b"?1\r\n",
        b"*1\r\n" * 100,
        b"+" + b"x" * 100_000,
        b"\r\n",
    ],
)
def test_what_is_not_the_protocol_is_told(raw: bytes) -> None:
    with pytest.raises(Broken):
        ReplyDecoder().feed(raw)


def test_endless_pushes_end() -> None:
    decoder = ReplyDecoder()
    push = b">1\r\n$60000\r\n" + b"x" * 60000 + b"\r\n"
    for _ in range(console_replies.MOST_READ_BYTES // len(push)):
        assert not decoder.feed(push)
    with pytest.raises(Broken):
        decoder.feed(push)


@given(st.binary(max_size=300))
def test_no_bytes_of_a_server_do_anything(raw: bytes) -> None:
    try:
        decoder = ReplyDecoder()
        decoder.feed(raw)
    except Broken:
        return
    if decoder.reply is not None:
        assert all(map(harmless, reply_lines(decoder.reply)))


leaves = st.one_of(
    st.binary(max_size=30).map(bulk),
    st.binary(max_size=30).map(lambda raw: b"=%d\r\ntxt:%b\r\n" % (len(raw) + 4, raw)),
    st.integers(-9, 9).map(lambda number: b":%d\r\n" % number),
    st.sampled_from([b"_\r\n", b"#t\r\n", b"-ERR \x1b[2J\r\n", b"+\x9b31m\xff\r\n", b",1e5\r\n", b"(123\r\n"]),
)
replies = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda some: array(*some)),
        st.lists(st.tuples(inner, inner), max_size=3).map(
            lambda some: a_map(*(part for pair in some for part in pair))
        ),
    ),
    max_leaves=12,
)


@given(replies, st.integers(1, 9))
def test_any_reply_is_read_whole_and_shown_harmless(raw: bytes, step: int) -> None:
    reply = decoded(raw, step)
    assert not reply.is_cut
    shown = reply_lines(reply)
    assert shown
    assert all(map(harmless, shown))


def test_text_with_lines_of_its_own_is_shown_as_such_when_asked() -> None:
    reply = decoded(bulk("# Server\r\nredis_version:7\r\n"))
    assert reply_lines(reply, raw=True) == ["# Server", "redis_version:7"]
    assert reply.kind is ReplyKind.STRING
