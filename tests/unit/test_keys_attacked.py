"""The key browser's lower half against servers and keyspaces that mean it ill."""

import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import Pace
from dfly_tui.clock import SystemClock
from dfly_tui.errors import NotPermitted, ServerError
from dfly_tui.lab.server import LabServer
from dfly_tui.models.key_query import parse_query, query_text
from dfly_tui.models.keys import KeyFacts, KeyFilter, literal, literal_name
from dfly_tui.models.namespaces import Namespaces
from dfly_tui.pollers.key_facts import MOST_FACTS, KeyFactsFeed
from dfly_tui.pollers.keyspace import ANEW, KeyspaceScan, ScanState
from dfly_tui.settings import InstanceConfig
from tests.support.eventually import eventually
from tests.support.hurry import LoopClock, hurried
from tests.support.lab import Client, lab
from tests.support.proxy import Harm, Proxy
from tests.support.secrets import Password
from tests.support.servers import running_redis
from tests.support.values import fill, reader_of

KEYS = 1200


async def until(check: Callable[[], bool]) -> None:
    async def checked() -> bool:
        return check()

    await eventually(checked)


@asynccontextmanager
async def world() -> AsyncIterator[tuple[KeyReader, Proxy, LabServer]]:
    """A server of some keys, of which one expires, and what stands between it and us."""
    clock = LoopClock()
    async with lab(port=0, flavour="1.40", clock=clock) as server, Proxy(server.port, lambda: None) as proxy:
        async with Client(server.port) as client:
            for number in range(KEYS):
                await client("SET", f"user:{number}", "x", *(("EX", 60) if number == 1 else ()))
        config = InstanceConfig(name="one", url=f"redis://127.0.0.1:{proxy.port}")
        reader = KeyReader(config, Password(), clock=clock, timeout_seconds=5.0)
        yield reader, proxy, server
        await reader.aclose()


@asynccontextmanager
async def refusing(command: str) -> AsyncIterator[KeyReader]:
    """A redis-server of two keys on which we may not use one of its commands."""
    async with running_redis() as server:
        config = InstanceConfig(name="one", url=server.url)
        async with BulkLane(config, Password(), timeout_seconds=5) as lane:
            await lane.ask(("SET", "one", 1), ("SET", "two", 2, "EX", 60), ("ACL", "SETUSER", "default", f"-{command}"))
        reader = KeyReader(config, Password(), clock=SystemClock(), timeout_seconds=5.0)
        yield reader
        await reader.aclose()


# Names


@given(
    st.sampled_from([b"::", b"--", b"aa", b":-:"]),
    st.lists(st.text("a:-b", max_size=9).map(str.encode), unique=True, max_size=40),
    st.integers(1, 9),
)
def test_a_delimiter_of_several_characters_that_may_overlap_itself(
    delimiter: bytes, names: list[bytes], at: int
) -> None:
    spaces = Namespaces(delimiter, most_namespaces=1000)
    for first in range(0, len(names), at):
        spaces.add(names[first : first + at])
    truth: Counter[bytes] = Counter()
    for name in names:
        parts = name.split(delimiter)
        truth.update(delimiter.join(parts[:depth]) + delimiter for depth in range(1, len(parts)))
    assert {space.prefix: space.keys for space in spaces.walk() if space.prefix} == truth
    assert spaces.root.keys == len(names)


def test_names_of_many_levels_each_take_no_more_memory_than_others() -> None:
    names = [b":".join(b"%x" % (number * level % 16) for level in range(200)) for number in range(4096)]
    tracemalloc.start()
    try:
        spaces = Namespaces()
        spaces.add(names)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert spaces.root.keys == len(set(names))
    assert most < 60 << 20, "50,000 namespaces, not 4096 × 200 of them"


@given(st.binary(min_size=1, max_size=12))
def test_a_name_that_was_typed_is_told_from_a_pattern(name: bytes) -> None:
    assert literal_name(literal(name)) == literal_name(b"*" + literal(name) + b"*") == name
    assert literal_name(literal(name) + b"*" + literal(name)) is None


@pytest.mark.parametrize(
    ("typed", "pattern"),
    [
        (r"odd\xff", b"*odd\xff*"),
        (r"\x00\x2a", b"*\x00\\**"),
        (r"a\xff*", b"a\xff*"),
        (r"a\\xff", rb"a\\xff"),
        (r"\x1b]0;", b"*\x1b]0;*"),
        ("é", "*é*".encode()),
    ],
)
def test_bytes_that_are_no_text_are_looked_for_as_they_are_shown(typed: str, pattern: bytes) -> None:
    assert parse_query(typed).pattern == pattern


@pytest.mark.parametrize(
    "typed", ["ttl<28h", "ttl>90s", "ttl<1.5s", "size>64k", "size>1000", "type:hash ttl<2d size>1g"]
)
def test_a_filter_is_said_as_it_was_typed(typed: str) -> None:
    assert query_text(parse_query(typed)) == typed.replace("90s", "90").replace("1.5s", "1.5")


# The scan


@hurried
async def test_a_server_that_goes_away_after_the_last_page_is_not_counted_a_second_time() -> None:
    async with world() as (reader, proxy, _):
        states: list[ScanState] = []

        def changed() -> None:
            states.append(scan.state)
            if scan.state is ScanState.WAITING:
                proxy.mend()

        scan = KeyspaceScan(reader, pace=Pace.FAST, changed=changed)
        proxy.chosen = lambda words: words[0] == "INFO" and scan.scanned == KEYS
        proxy.harm, proxy.struck = Harm.LOST, proxy.cut
        scan.start()
        await scan.wait()
        assert ScanState.WAITING in states
        assert (scan.state, scan.scanned, scan.spaces.root.keys) == (ScanState.COMPLETE, KEYS, KEYS)
        assert len(proxy.sent("SCAN")) == scan.pages


@hurried
async def test_a_server_that_is_away_is_not_asked_while_the_scan_is_paused() -> None:
    async with world() as (reader, proxy, _):
        scan = KeyspaceScan(reader, pace=Pace.FAST, changed=lambda: proxy.cut() if scan.pages == 1 else None)
        scan.start()
        await until(lambda: scan.state is ScanState.WAITING)
        scan.pause(True)
        scan._changed = lambda: None
        proxy.mend()
        await reader.clock.sleep(90)
        asked = len(proxy.commands)
        await reader.clock.sleep(600)
        assert (scan.state, len(proxy.commands)) == (ScanState.PAUSED, asked)
        assert scan.error is not None
        scan.pause(False)
        assert scan.state is ScanState.WAITING
        await scan.wait()
        assert (scan.state, scan.spaces.root.keys) == (ScanState.COMPLETE, KEYS)


@hurried
async def test_a_server_that_stopped_to_answer_is_told_of_before_the_time_is_up() -> None:
    async with world() as (reader, proxy, _):
        proxy.chosen = lambda words: words[0] == "SCAN" and len(proxy.sent("SCAN")) == 3
        proxy.harm = Harm.SILENT
        scan = KeyspaceScan(reader, pace=Pace.FAST)
        scan.start()
        await until(lambda: scan.pages == 2)
        assert scan.silent_seconds == 0
        await reader.clock.sleep(12)
        assert scan.state is ScanState.SCANNING
        assert scan.silent_seconds == pytest.approx(12, abs=1)
        await scan.wait()
        assert (scan.state, scan.silent_seconds) == (ScanState.COMPLETE, 0)


@hurried
async def test_a_replica_that_took_other_data_meanwhile_is_counted_anew() -> None:
    async with world() as (reader, _, server), lab(port=0, flavour="1.40", clock=reader.clock, seed=2) as other:
        async with Client(other.port) as client:
            await client("SET", "only", "this")
        begun: list[int] = []

        def changed() -> None:
            if scan.pages == 1 and not begun:
                scan.pause(True)
                begun.append(scan.scanned)

        scan = KeyspaceScan(reader, pace=Pace.FAST, changed=changed)
        scan.start()
        await until(lambda: bool(begun))
        async with Client(server.port) as client:
            await client("REPLICAOF", "127.0.0.1", other.port)
        await reader.clock.sleep(30)
        scan.pause(False)
        await scan.wait()
        assert (scan.state, scan.note) == (ScanState.COMPLETE, ANEW)
        assert list(scan.spaces.names()) == [b"only"]


@hurried
async def test_a_whole_name_is_found_without_looking_through_all_even_by_who_may_not_scan() -> None:
    async with world() as (reader, proxy, _):
        proxy.chosen = lambda words: words[0] == "SCAN"
        proxy.harm = Harm.REFUSED
        scan = KeyspaceScan(reader, wanted=KeyFilter(pattern=b"*user:7*"))
        scan.start()
        await scan.wait()
        assert scan.state is ScanState.FAILED
        assert list(scan.spaces.names()) == [b"user:7"]
        again = KeyspaceScan(reader, wanted=KeyFilter(pattern=b"*user:7*"))
        again.start()
        await again.wait()
        assert again.spaces.root.keys == 1 + 10 + 100
        other_type = KeyspaceScan(reader, wanted=KeyFilter(pattern=b"user:7", kind="hash"))
        other_type.start()
        await other_type.wait()
        assert other_type.spaces.root.keys == 0


async def test_a_filter_by_what_may_not_be_asked_is_not_said_to_have_found_nothing() -> None:
    async with refusing("PTTL") as reader:
        scan = KeyspaceScan(reader, wanted=KeyFilter(ttl_below_seconds=3600), pace=Pace.FAST)
        scan.start()
        await scan.wait()
        assert (scan.state, scan.spaces.root.keys, scan.left_out) == (ScanState.COMPLETE, 0, 2)
        assert isinstance(scan.refused["PTTL"], NotPermitted)
        with pytest.raises(NotPermitted):
            async for _ in reader.find(KeyFilter(ttl_below_seconds=3600), database=0, pace=Pace.FAST):
                pass


# What is told of keys


async def test_what_may_not_be_asked_of_keys_says_why() -> None:
    async with refusing("TYPE") as reader:
        feed = KeyFactsFeed(reader, database=0, changed=lambda: None)
        feed.want([b"one"])
        await until(lambda: feed.waiting() == 0)
        told = feed.get(b"one")
        assert told is not None
        assert (told.kind, told.ttl_ms) == (None, -1)
        assert list(feed.refused) == ["TYPE"]
        await feed.aclose()


@hurried
async def test_a_key_that_should_have_expired_is_asked_for_again() -> None:
    async with world() as (reader, _, _server):
        feed = KeyFactsFeed(reader, database=0, changed=lambda: None)
        feed.want([b"user:1"])
        await until(lambda: feed.waiting() == 0)
        await reader.clock.sleep(61)
        feed.want([b"user:1"])
        await until(lambda: feed.waiting() == 0)
        told = feed.get(b"user:1")
        assert told is not None
        assert told.is_gone
        await feed.aclose()


@hurried
async def test_keys_on_the_screen_are_told_of_before_the_thousands_that_are_sorted() -> None:
    async with world() as (reader, _proxy, _):
        waiting: list[int] = []

        def changed() -> None:
            if feed.get(b"user:1") is not None:
                waiting.append(feed.waiting())

        feed = KeyFactsFeed(reader, database=0, changed=changed)
        feed.want_later(b"none:%d" % number for number in range(5000))
        feed.want([b"user:1"])
        await until(lambda: bool(waiting))
        await feed.aclose()
        assert waiting[0] > 4000


@hurried
async def test_a_server_that_is_away_is_asked_less_and_less_often_and_nothing_is_forgotten() -> None:
    async with world() as (reader, proxy, _):
        feed = KeyFactsFeed(reader, database=0, changed=lambda: None)
        tries: list[object] = []
        proxy.cut()
        for _ in range(100):
            feed.want([b"user:1"])
            await reader.clock.sleep(1)
            if feed.error is not None and all(feed.error is not each for each in tries):
                tries.append(feed.error)
        assert 3 <= len(tries) <= 8
        proxy.mend()
        await reader.clock.sleep(60)
        assert feed.get(b"user:1") is not None
        assert feed.error is None
        await feed.aclose()


@hurried
async def test_what_is_known_of_keys_is_bounded() -> None:
    async with world() as (reader, _, _server):
        feed = KeyFactsFeed(reader, database=0, changed=lambda: None)
        for first in range(0, MOST_FACTS + 20_000, 500):
            feed.put([KeyFacts(b"%d" % number, "string", -1, 1) for number in range(first, first + 500)])
        known = sum(feed.get(b"%d" % number) is not None for number in range(MOST_FACTS + 20_000))
        assert 100_000 < known <= MOST_FACTS
        assert feed.get(b"%d" % (MOST_FACTS + 19_999)) is not None


# Values


async def test_bytes_of_a_value_that_changes_while_it_is_saved_are_not_taken_for_it() -> None:
    async with running_redis() as server:
        await fill(server.url, [("SET", "s", b"x" * 3_000_000)])
        reader = reader_of(server.url, "s")
        facts = await reader.facts()
        for change in (("APPEND", "s", "y"), ("SETRANGE", "s", 0, b""), ("DEL", "s")):
            pieces: list[bytes] = []
            told = ""
            try:
                async for piece in reader.chunks(facts):
                    pieces.append(piece)
                    await fill(server.url, [change] if len(pieces) == 1 else [])
            except ServerError as error:
                told = error.detail
            assert told == ("" if change[0] == "SETRANGE" else "it was changed while it was read")
        await reader.aclose()


async def test_what_is_told_of_a_key_with_huge_members_is_told_without_them() -> None:
    async with running_redis() as server:
        huge = b"v" * 5_000_000
        await fill(
            server.url,
            [
                ("XADD", "stream", "1-1", "f", huge),
                ("XADD", "stream", "2-1", "f", huge),
                ("ZADD", "set", 1, huge + huge),
            ],
        )
        for name, trouble in (("stream", "XINFO STREAM"), ("set", "")):
            reader = reader_of(server.url, name)
            facts = await reader.facts()
            assert facts.count == (2 if name == "stream" else 1)
            assert [each.what for each in facts.troubles] == ([trouble] if trouble else [])
            assert (await reader.page(facts)).elements
            await reader.aclose()


async def test_a_group_with_very_many_consumers_names_some() -> None:
    async with running_redis() as server:
        await fill(server.url, [("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")])
        await fill(server.url, [("XGROUP", "CREATECONSUMER", "s", "g", f"c{number}") for number in range(300)])
        reader = reader_of(server.url, "s")
        facts = await reader.facts()
        await reader.aclose()
        assert sum(fact.name.startswith("consumer ") for fact in facts.facts) == 100
        assert [fact.value for fact in facts.facts if fact.name == "more consumers"] == ["200 others"]
