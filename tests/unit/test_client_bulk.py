"""The bulk lane against scripted servers."""

import asyncio
from contextlib import aclosing
from itertools import count

import pytest

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.errors import AuthFailed, NotAServer, NotSupported, ServerError, Timeout, Unreachable
from dfly_tui.settings import InstanceConfig
from tests.support.respd import DROP, HANG, Cut, Respd, bulk
from tests.support.secrets import Password


def lane_of(url: str, password: Password | None = None, timeout: float = 5.0) -> BulkLane:
    return BulkLane(InstanceConfig(name="one", url=url), password or Password(), timeout_seconds=timeout)


async def test_replies_come_in_order_a_list_per_window() -> None:
    script = {f"GET K{number}": bulk(f"v{number}") for number in range(10)}
    commands = [("GET", f"k{number}") for number in range(10)]
    async with Respd(script) as server, lane_of(server.url) as lane:
        lists = [replies async for replies in lane.run(commands, window=4)]
    assert [len(replies) for replies in lists] == [4, 4, 2]
    assert [reply for replies in lists for reply in replies] == [f"v{number}".encode() for number in range(10)]


async def test_it_greets_like_the_reader() -> None:
    script = {"PING": b"+PONG\r\n", "SELECT": b"+OK\r\n"}
    async with Respd(script) as server, lane_of(server.url + "/3", Password("s3cret")) as lane:
        assert [replies async for replies in lane.run([("PING",)])] == [[b"PONG"]]
    assert server.received == [
        ["HELLO", "3", "AUTH", "default", "s3cret"], ["CLIENT", "SETNAME", "dfly-tui"], ["SELECT", "3"], ["PING"],
    ]  # fmt: skip


async def test_error_replies_are_values_among_the_others() -> None:
    script = {"GET A": bulk("1"), "GET B": b"-WRONGTYPE not a string\r\n", "GET C": b"$-1\r\n"}
    async with Respd(script) as server, lane_of(server.url) as lane:
        ((first, second, third, fourth),) = [
            replies async for replies in lane.run([("GET", "a"), ("GET", b"b"), ("GET", "c"), ("NOSUCH", 1)])
        ]
    assert first == b"1"
    assert isinstance(second, ServerError)
    assert third is None
    assert isinstance(fourth, NotSupported)


async def test_nothing_to_do() -> None:
    async with Respd() as server, lane_of(server.url) as lane:
        assert [replies async for replies in lane.run([])] == []


async def test_a_lane_runs_more_than_once() -> None:
    async with Respd({"PING": b"+PONG\r\n"}) as server, lane_of(server.url) as lane:
        for _ in range(3):
            assert [replies async for replies in lane.run([("PING",)] * 3)] == [[b"PONG"] * 3]
    assert server.connections == 1


async def test_commands_are_taken_only_as_needed() -> None:
    taken = count()
    commands = (("ECHO", next(taken)) for _ in count())
    async with (
        Respd({"ECHO": b"+PONG\r\n"}) as server,
        lane_of(server.url) as lane,
        aclosing(lane.run(commands, window=10)) as lists,
    ):
        await anext(lists)
    assert next(taken) <= 30


async def test_large_commands_make_small_windows() -> None:
    async with Respd({"SET": b"+OK\r\n"}) as server, lane_of(server.url) as lane:
        lists = [replies async for replies in lane.run([("SET", "k", b"x" * (1 << 21))] * 5)]
    assert [len(replies) for replies in lists] == [2, 2, 1]


async def test_whoever_leaves_early_cannot_read_old_replies() -> None:
    async with Respd({"GET": bulk("old"), "PING": b"+PONG\r\n"}) as server, lane_of(server.url) as lane:
        async with aclosing(lane.run([("GET", "k")] * 100, window=10)) as lists:
            await anext(lists)
        with pytest.raises(Unreachable):
            await anext(lane.run([("PING",)]))


async def test_a_cancelled_run_hangs_up() -> None:
    async with Respd({"GET": HANG}) as server, lane_of(server.url) as lane:
        run = asyncio.ensure_future(anext(lane.run([("GET", "k")])))
        while not server.count("GET"):
            await asyncio.wait([run], timeout=0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        with pytest.raises(Unreachable):
            await anext(lane.run([("PING",)]))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(HANG, Timeout), (DROP, Unreachable), (Cut(b"$100\r\nhalf"), Unreachable), (b"garbage\r\n", NotAServer)],
)
async def test_failures_on_the_way(answer: bytes | Cut, kind: type[Exception]) -> None:
    async with Respd({"GET": answer}) as server, lane_of(server.url, timeout=0.2) as lane:
        with pytest.raises(kind):
            await anext(lane.run([("GET", "k")]))


async def test_failures_at_the_door() -> None:
    password = Password("wrong")
    async with Respd({"HELLO": b"-WRONGPASS no\r\n"}) as server:
        with pytest.raises(AuthFailed):
            async with lane_of(server.url, password):
                pass
    assert password.forgotten == 1
    async with Respd(speaks=False) as silent:
        with pytest.raises(Timeout):
            async with lane_of(silent.url, timeout=0.1):
                pass


@pytest.mark.parametrize(
    "answer",
    [b"$200000000\r\n" + b"x" * (1 << 20), b"*999999999\r\n", b"*1\r\n" * 50_000, b"%1\r\n*1\r\n:1\r\n:2\r\n"],
    ids=["too long", "too many", "too deep", "a list as a key"],
)
async def test_an_answer_that_would_fill_our_memory(answer: bytes) -> None:
    async with Respd({"GET A": answer}) as server, lane_of(server.url) as lane:
        with pytest.raises(NotAServer):
            async for _ in lane.run([("GET", "a")], limit=100_000):
                pass


async def test_much_in_all_is_no_harm_a_window_at_a_time() -> None:
    async with Respd({"GET A": bulk("x" * 20_000)}) as server, lane_of(server.url) as lane:
        lists = [replies async for replies in lane.run([("GET", "a")] * 50, window=1, limit=30_000)]
    assert len(lists) == 50
