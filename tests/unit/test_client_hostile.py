"""Servers that lie, flood or send nonsense: each becomes an error that helps, within bounds, and is got over."""

import asyncio
import errno
import socket
import threading

import pytest

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.stream import MAX_ELEMENTS, MAX_POLL_BYTES, TooMuch, WatchedStream
from dfly_tui.errors import DflyError, NotAServer, Timeout, Unreachable
from dfly_tui.models.replication import Role
from dfly_tui.settings import InstanceConfig
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.respd import Respd, array, bulk
from tests.support.secrets import Password

INFO = bulk("# Server\r\nredis_version:7.4.0\r\ndragonfly_version:df-v1.40.1\r\n# Replication\r\nrole:master\r\n")
ROLE = array(bulk("master"), array())
PUSH = b">2\r\n+message\r\n+hello\r\n"


def reader_of(server: Respd, *, timeout: float = 5.0) -> DragonflyReader:
    return reader_at(server.url, timeout=timeout)


def reader_at(url: str, *, timeout: float) -> DragonflyReader:
    config = InstanceConfig(name="one", url=url)
    return DragonflyReader(config, Password(), clock=FakeClock(), timeout_seconds=timeout)


async def failure(reader: DragonflyReader) -> DflyError:
    with pytest.raises(DflyError) as caught:
        await reader.snapshot()
    return caught.value


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"*1000000000\r\n", id="array"),
        pytest.param(b"*1\r\n*2\r\n+OK\r\n*%d\r\n" % (MAX_ELEMENTS + 1), id="inside-an-array"),
        pytest.param(b"~1000000000\r\n", id="set"),
        pytest.param(b">1000000000\r\n", id="push"),
        pytest.param(b"%1000000000\r\n", id="map"),
    ],
)
async def test_an_absurd_number_of_elements_is_not_made_room_for(answer: bytes) -> None:
    async with Respd({"INFO": answer, "ROLE": ROLE}) as server:
        reader = reader_of(server)
        error = await failure(reader)
        await reader.aclose()
    assert isinstance(error, NotAServer)
    assert "announced an answer of 1000000 items or more" in error.detail


async def test_the_number_is_seen_when_it_comes_byte_by_byte() -> None:
    stream = WatchedStream()
    stream.allow(1000)
    for byte in b"*1\r\n*1000000\r\n":
        stream.feed_data([byte])
    with pytest.raises(TooMuch):
        await stream.read(100)


async def test_numbers_elsewhere_are_left_alone() -> None:
    stream = WatchedStream()
    stream.allow(1000)
    answer = b"*2\r\n:1000000000\r\n$17\r\n10*1000000*10000000\r\n*999999\r\n"
    stream.feed_data(answer)
    assert await stream.read(1000) == answer


async def test_a_reply_without_end_is_cut_off() -> None:
    flood = b"$2000000000\r\n" + b"x" * (MAX_POLL_BYTES + 1)
    async with Respd({"INFO": flood, "ROLE": ROLE}) as server:
        reader = reader_of(server)
        error = await failure(reader)
        await reader.aclose()
    assert isinstance(error, NotAServer)
    assert error.detail == f"{server.url.removeprefix('redis://')} sent more than 1 MiB in answer to one question"


async def test_a_large_info_within_the_limit_is_read() -> None:
    lines = "".join(f"cmd_{number}:{'x' * 90}\r\n" for number in range(9_000))
    text = f"# Server\r\nredis_version:7.4.0\r\n# Stats\r\n{lines}# Replication\r\nrole:master\r\n"
    async with Respd({"INFO": bulk(text), "ROLE": ROLE}) as server:
        reader = reader_of(server)
        seen = await reader.snapshot()
        again = await reader.snapshot()
        await reader.aclose()
    assert seen.role is again.role is Role.PRIMARY
    assert server.connections == 1, "the limit is for one answer, not for the life of the connection"


@pytest.mark.parametrize(
    "hello",
    [
        pytest.param(b"%1\r\n*1\r\n+a\r\n+b\r\n", id="map-with-a-list-as-key"),
        pytest.param(b"~1\r\n*1\r\n+a\r\n", id="set-of-lists"),
        pytest.param(PUSH * 3000, id="pushes-that-nobody-asked-for"),
    ],
)
async def test_replies_the_parser_trips_over_are_no_dragonfly(hello: bytes) -> None:
    async with Respd({"HELLO": hello, "INFO": INFO, "ROLE": ROLE}) as server:
        reader = reader_of(server)
        error = await failure(reader)
        await reader.aclose()
    assert isinstance(error, NotAServer)


@pytest.mark.parametrize(
    "reply", [b":5\r\n", b"$-1\r\n", b"*1\r\n+a\r\n", bulk("hello"), bulk("# Server\r\nos:Linux\r\n")]
)
async def test_an_info_that_names_no_version_is_not_a_servers(reply: bytes) -> None:
    async with Respd({"INFO": reply, "ROLE": ROLE}) as server:
        reader = reader_of(server)
        error = await failure(reader)
        await reader.aclose()
    assert isinstance(error, NotAServer)
    assert "INFO" in error.detail


async def test_replies_that_come_unasked_do_not_shift_the_later_ones() -> None:
    async with Respd({"INFO": [INFO, INFO + b"+OK\r\n", INFO], "ROLE": ROLE}) as server:
        reader = reader_of(server)
        await reader.snapshot()
        await reader.snapshot()  # ROLE's answer is waiting on the line now
        seen = [await reader.snapshot() for _ in range(3)]
        await reader.aclose()
    assert [each.version for each in seen] == ["1.40.1"] * 3
    assert server.connections == 2, "a line with something left on it is given up"


async def test_after_nonsense_the_next_read_begins_anew() -> None:
    async with Respd({"INFO": [b"+what?\r\n", INFO], "ROLE": ROLE}) as server:
        reader = reader_of(server)
        assert isinstance(await failure(reader), NotAServer)
        seen = await reader.snapshot()
        await reader.aclose()
    assert seen.version == "1.40.1"
    assert server.connections == 2


async def test_a_server_that_breaks_the_protocol_is_said_to_and_is_not_quoted_from_its_greeting() -> None:
    async with Respd({"INFO": b"$-5\r\n", "ROLE": ROLE}) as server:
        reader = reader_of(server)
        error = await failure(reader)
        await reader.aclose()
    assert isinstance(error, NotAServer)
    assert error.detail.endswith("broke the Redis protocol in the middle of an answer")


async def test_a_name_server_that_does_not_answer_holds_up_only_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, lookups = threading.Event(), []

    def slow(host: str, port: int | None) -> list[object]:
        lookups.append(host)
        answered.wait(10)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr("dfly_tui.clients.names.socket.getaddrinfo", slow)
    reader = reader_at("redis://lost.invalid:6379", timeout=0.05)
    others = [reader_at("redis://lost.invalid:6380", timeout=0.05) for _ in range(50)]
    try:
        errors = [await failure(each) for each in (reader, reader, *others)]
        async with Respd({"INFO": INFO, "ROLE": ROLE}) as server:
            elsewhere = reader_of(server)
            assert (await elsewhere.snapshot()).version == "1.40.1"
            await elsewhere.aclose()
        await asyncio.to_thread(len, ())  # the shared pool is free
    finally:
        answered.set()
    assert {type(error) for error in errors} == {Timeout}
    assert errors[0].detail == "lost.invalid:6379 could not be looked up within 50 ms"
    assert lookups == ["lost.invalid"], "one look-up, for whoever asks while it is under way"

    async def known_to_be_lost() -> bool:
        return isinstance(await failure(reader), Unreachable)

    await eventually(known_to_be_lost)


async def test_out_of_file_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    async with Respd({"INFO": INFO, "ROLE": ROLE}) as server:
        reader = reader_of(server)
        with monkeypatch.context() as patched:
            patched.setattr("asyncio.base_events.socket.socket", none_left)
            error = await failure(reader)
        assert (await reader.snapshot()).role is Role.PRIMARY, "it recovers"
        await reader.aclose()
    assert isinstance(error, Unreachable)
    assert "too many files open" in error.detail
    assert "ulimit -n" in error.hint
