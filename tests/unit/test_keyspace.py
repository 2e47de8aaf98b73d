"""A scan as a person watches it: paused, resumed, cut off, begun anew when the server is another."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import Pace
from dfly_tui.models.keys import KeyFilter
from dfly_tui.pollers.key_facts import KeyFactsFeed
from dfly_tui.pollers.keyspace import ANEW, KeyspaceScan, ScanState
from dfly_tui.settings import InstanceConfig
from tests.support.eventually import eventually
from tests.support.hurry import LoopClock, hurried
from tests.support.lab import Client, lab
from tests.support.proxy import Harm, Proxy
from tests.support.secrets import Password

KEYS = 3000


@dataclass
class Case:
    reader: KeyReader
    proxy: Proxy
    port: int

    def scan(
        self,
        pace: Pace = Pace.FAST,
        *,
        wanted: KeyFilter | None = None,
        prefix: bytes = b"",
        changed: Callable[[], None] = lambda: None,
    ) -> KeyspaceScan:
        scan = KeyspaceScan(self.reader, pace=pace, wanted=wanted, prefix=prefix, changed=changed)
        scan.start()
        return scan


async def until(check: Callable[[], bool]) -> None:
    async def checked() -> bool:
        return check()

    await eventually(checked)


@asynccontextmanager
async def case(flavour: str = "1.40") -> AsyncIterator[Case]:
    clock = LoopClock()
    async with lab(port=0, flavour=flavour, clock=clock) as server, Proxy(server.port, lambda: None) as proxy:
        async with Client(server.port) as client:
            for number in range(KEYS):
                await client(
                    "SET", f"user:{number % 50}:{number}", "x", *(("EX", 60 + 60 * number) if number % 3 else ())
                )
        config = InstanceConfig(name="one", url=f"redis://127.0.0.1:{proxy.port}")
        reader = KeyReader(config, Password(), clock=clock, timeout_seconds=5.0)
        yield Case(reader, proxy, server.port)
        await reader.aclose()


@hurried
async def test_a_whole_scan() -> None:
    async with case() as the:
        scan = the.scan()
        await scan.wait()
        assert (scan.state, scan.error, scan.scanned, scan.total) == (ScanState.COMPLETE, None, KEYS, KEYS)
        assert scan.spaces[b"user:"].keys == KEYS
        assert len(scan.spaces[b"user:"].below) == 50
        assert not the.proxy.sent("KEYS")


@hurried
async def test_the_first_rows_are_there_after_the_first_answer() -> None:
    async with case() as the:
        shown: list[int] = []
        scan = the.scan(changed=lambda: shown.append(scan.spaces.root.keys))
        await scan.wait()
        assert min(filter(None, shown)) <= 300
        assert sorted(shown) == shown


@hurried
async def test_a_pause_asks_nothing_and_goes_on_where_it_stopped() -> None:
    async with case() as the:
        scan = the.scan(changed=lambda: scan.pause(scan.pages == 1))
        await until(lambda: scan.state is ScanState.PAUSED)
        await the.reader.clock.sleep(1)
        asked, counted = len(the.proxy.sent("SCAN")), scan.scanned
        await the.reader.clock.sleep(600)
        assert len(the.proxy.sent("SCAN")) == asked
        assert 0 < counted == scan.scanned < KEYS
        scan._changed = lambda: None
        scan.pause(False)
        await scan.wait()
        assert (scan.state, scan.scanned) == (ScanState.COMPLETE, KEYS)


@hurried
async def test_a_server_that_went_away_is_tried_again_and_nothing_counts_twice() -> None:
    async with case() as the:
        the.proxy.chosen = lambda words: words[0] == "SCAN" and len(the.proxy.sent("SCAN")) == 4
        the.proxy.harm = Harm.LOST
        states: list[ScanState] = []
        scan = the.scan(changed=lambda: states.append(scan.state))
        await scan.wait()
        assert ScanState.WAITING in states
        assert (scan.state, scan.scanned, scan.spaces.root.keys, scan.note) == (ScanState.COMPLETE, KEYS, KEYS, "")


@hurried
async def test_another_server_at_the_same_address_is_counted_anew() -> None:
    async with case() as the, lab(port=0, flavour="1.40", clock=the.reader.clock, seed=2) as other:
        async with Client(other.port) as client:
            await client("SET", "only", "this")
        states: list[ScanState] = []

        def changed() -> None:
            states.append(scan.state)
            if scan.pages == 1 and ScanState.WAITING not in states:
                the.proxy.lead_to(other.port)

        scan = the.scan(changed=changed)
        await scan.wait()
        assert ScanState.WAITING in states
        assert (scan.state, scan.note) == (ScanState.COMPLETE, ANEW)
        assert [space.prefix for space in scan.spaces.walk()] == [b""]
        assert scan.spaces.root.names == [b"only"]


@hurried
async def test_who_may_not_scan_is_told_so() -> None:
    async with case() as the:
        the.proxy.chosen = lambda words: words[0] == "SCAN"
        the.proxy.harm = Harm.REFUSED
        scan = the.scan()
        await scan.wait()
        assert scan.state is ScanState.FAILED
        assert "this was refused" in str(scan.error)


@hurried
async def test_a_scan_that_is_closed_asks_nothing_more() -> None:
    async with case() as the:
        scan = the.scan(Pace.GENTLE)
        await until(lambda: bool(scan.pages))
        await scan.aclose()
        asked = len(the.proxy.commands)
        await the.reader.clock.sleep(60)
        assert len(the.proxy.commands) == asked


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
@hurried
async def test_keys_by_what_only_asking_each_tells(flavour: str) -> None:
    async with case(flavour) as the:
        scan = the.scan(wanted=KeyFilter(ttl_below_seconds=630, pattern=b"user:*"))
        await scan.wait()
        soon = {f"user:{number % 50}:{number}".encode() for number in range(10) if number % 3}
        found = {name for space in scan.spaces.walk() for name in space.names}
        assert found == soon
        assert scan.plan is not None
        assert scan.plan.by_us == ("TTL",)
        assert ("expiry" in scan.plan.by_server) is (flavour == "1.40")
        assert all(0 < (scan.facts[name].ttl_ms or 0) < 630_000 for name in found)


@pytest.mark.parametrize("pattern", [b"", b"*7"])
@hurried
async def test_below_one_namespace(pattern: bytes) -> None:
    async with case() as the:
        scan = the.scan(prefix=b"user:7:", wanted=KeyFilter(pattern=pattern))
        await scan.wait()
        assert scan.spaces.root.keys == sum(number % 50 == 7 for number in range(KEYS))
        assert all(name.startswith(b"user:7:") for name in scan.spaces.root.names)


@hurried
async def test_what_is_told_of_keys_ages_with_the_clock() -> None:
    async with case() as the:
        told: list[int] = []
        feed = KeyFactsFeed(the.reader, database=0, changed=lambda: told.append(feed.told))
        feed.want([b"user:1:1", b"user:0:0", b"gone"])
        await until(lambda: feed.waiting() == 0)
        before = feed.get(b"user:1:1")
        await the.reader.clock.sleep(10)
        after, forever, gone = feed.get(b"user:1:1"), feed.get(b"user:0:0"), feed.get(b"gone")
        assert before is not None
        assert after is not None
        assert forever is not None
        assert gone is not None
        assert (before.ttl_ms or 0) - (after.ttl_ms or 0) == pytest.approx(10_000, abs=50)
        assert (forever.ttl_ms, forever.kind) == (-1, "string")
        assert gone.is_gone
        asked = len(the.proxy.commands)
        feed.want([b"user:1:1"])
        assert (feed.waiting(), len(the.proxy.commands)) == (0, asked)
        await feed.aclose()


@hurried
async def test_what_cannot_be_told_says_why() -> None:
    async with case() as the:
        the.proxy.cut()
        feed = KeyFactsFeed(the.reader, database=0, changed=lambda: None)
        feed.want([b"user:1:1"])
        await until(lambda: feed.error is not None)
        assert feed.get(b"user:1:1") is None
        the.proxy.mend()
        feed.want([b"user:1:1"])
        await until(lambda: feed.get(b"user:1:1") is not None)
        assert feed.error is None
        await feed.aclose()
