"""SCAN on the lab of both flavours and on a real redis-server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import LEAST_COUNT, MOST_COUNT, Pace, Scanner, plan
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.errors import DflyError, NotAServer, NotPermitted, NotSupported
from dfly_tui.models.instance import Flavour
from dfly_tui.models.keys import Access, KeyFacts, KeyFilter
from dfly_tui.settings import InstanceConfig
from tests.support.clock import FakeClock
from tests.support.lab import Client, lab
from tests.support.respd import Respd
from tests.support.secrets import Password
from tests.support.servers import running_redis

OLD = Capabilities(Flavour.DRAGONFLY, (1, 22, 2), frozenset(), resp3=True)
NEW = Capabilities(Flavour.DRAGONFLY, (1, 40, 1), frozenset(), resp3=True)
REDIS = Capabilities(Flavour.REDIS, (7, 0, 15), frozenset(), resp3=True)
SERVERS = ["1.22", "1.40", pytest.param("redis", marks=pytest.mark.redis_server)]
ODD = "odd\x00\udcff[/]\x1b[31m"
"""A name with every kind of trouble, as the test client writes bytes that are no text."""
ODD_BYTES = ODD.encode("utf-8", "surrogateescape")


@asynccontextmanager
async def port_of(server: str) -> AsyncIterator[int]:
    if server == "redis":
        async with running_redis() as redis:
            yield redis.port
    else:
        async with lab(port=0, flavour=server) as running:
            yield running.port


def reader_of(port: int, clock: Clock | None = None) -> KeyReader:
    config = InstanceConfig(name="one", url=f"redis://127.0.0.1:{port}")
    return KeyReader(config, Password(), clock=clock or SystemClock(), timeout_seconds=5.0)


async def fill(port: int) -> None:
    async with Client(port) as client:
        for number in range(300):
            await client("SET", f"user:{number}:name", "x" * 10, *(("EX", 1000 + number) if number < 100 else ()))
        await client("HSET", "session:1", "a", 1)
        await client("RPUSH", "queue:jobs", *map(str, range(50)))
        await client("SET", "big", "x" * 200_000)
        await client("SET", ODD, "v")


async def names(reader: KeyReader, wanted: KeyFilter, pace: Pace = Pace.FAST) -> set[bytes]:
    server = await reader.look()
    async with (
        reader.scanner(plan(wanted, server.capabilities), database=0, pace=pace) as scanner,
        aclosing(scanner.pages()) as pages,
    ):
        return {name async for page in pages for name in page.names}


@pytest.mark.parametrize("server", SERVERS)
async def test_every_name_comes_whatever_its_bytes(server: str) -> None:
    async with port_of(server) as port:
        await fill(port)
        reader = reader_of(port)
        found = await names(reader, KeyFilter())
        assert (await reader.look()).keys(0) == 304
        await reader.aclose()
    assert len(found) == 304
    assert {b"big", b"session:1", ODD_BYTES} < found


@pytest.mark.parametrize("server", SERVERS)
async def test_the_server_filters_by_pattern_and_type(server: str) -> None:
    async with port_of(server) as port:
        await fill(port)
        reader = reader_of(port)
        assert await names(reader, KeyFilter(pattern=b"session:*")) == {b"session:1"}
        assert await names(reader, KeyFilter(kind="list")) == {b"queue:jobs"}
        await reader.aclose()


async def test_the_new_server_filters_by_size_and_expiry() -> None:
    async with port_of("1.40") as port:
        await fill(port)
        reader = reader_of(port)
        assert await names(reader, KeyFilter(min_bytes=100_000)) == {b"big"}
        assert len(await names(reader, KeyFilter(expires=True))) == 100
        assert len(await names(reader, KeyFilter(expires=False))) == 204
        await reader.aclose()


@pytest.mark.parametrize("server", SERVERS)
async def test_what_is_told_of_keys(server: str) -> None:
    async with port_of(server) as port:
        await fill(port)
        reader = reader_of(port)
        asked = [b"session:1", b"gone", b"queue:jobs", b"user:7:name", ODD_BYTES]
        async with reader.prober(0) as prober:
            told = {key.name: key async for some in prober(asked) for key in some}
            ttls = [key async for some in prober(asked, ("PTTL",)) for key in some]
        await reader.aclose()
    assert list(told) == asked
    assert {key.kind for key in told.values()} == {"hash", "none", "list", "string"}
    assert told[b"gone"].is_gone
    assert told[b"session:1"].ttl_ms == -1
    assert 900_000 < (told[b"user:7:name"].ttl_ms or 0) <= 1_007_000
    assert (told[b"queue:jobs"].size_bytes or 0) > 50
    assert ttls[0] == KeyFacts(b"session:1", None, -1, None)


@pytest.mark.parametrize(
    ("wanted", "server", "options", "probes"),
    [
        (KeyFilter(), NEW, (), ()),
        (KeyFilter(pattern=b"*"), NEW, (), ()),
        (KeyFilter(pattern=b"a*", kind="set"), OLD, ("MATCH", b"a*", "TYPE", "set"), ()),
        (KeyFilter(min_bytes=10), NEW, ("MINMSZ", 10), ()),
        (KeyFilter(min_bytes=10), OLD, (), ("MEMORY USAGE",)),
        (KeyFilter(min_bytes=10), REDIS, (), ("MEMORY USAGE",)),
        (KeyFilter(expires=True), NEW, ("ATTR", "v"), ()),
        (KeyFilter(expires=False), NEW, ("ATTR", "p"), ()),
        (KeyFilter(expires=False), OLD, (), ("PTTL",)),
        (KeyFilter(ttl_below_seconds=60), NEW, ("ATTR", "v"), ("PTTL",)),
        (KeyFilter(ttl_below_seconds=60), REDIS, (), ("PTTL",)),
        (KeyFilter(access=Access.UNTOUCHED), NEW, ("ATTR", "u"), ()),
        (KeyFilter(access=Access.TOUCHED, expires=True), NEW, ("ATTR", "a"), ("PTTL",)),
    ],
)
def test_what_the_server_can_filter_by_is_left_to_it(
    wanted: KeyFilter, server: Capabilities, options: tuple[object, ...], probes: tuple[str, ...]
) -> None:
    found = plan(wanted, server)
    assert (found.options, found.probes) == (options, probes)
    assert bool(found.by_us) == bool(probes)


@pytest.mark.parametrize("server", [OLD, REDIS])
def test_who_used_a_key_cannot_be_asked_everywhere(server: Capabilities) -> None:
    with pytest.raises(NotSupported, match="which keys were used"):
        plan(KeyFilter(access=Access.UNTOUCHED), server)


async def test_a_gentle_scan_rests_four_times_as_long_as_the_server_works() -> None:
    assert [pace.pause(0.1) for pace in (Pace.GENTLE, Pace.NORMAL, Pace.FAST)] == pytest.approx([0.4, 0.1, 0.0])


async def test_no_scan_rests_for_long_because_a_server_stood_still() -> None:
    assert Pace.GENTLE.pause(60.0) == pytest.approx(2.0)


class SlowLane(BulkLane):
    """Answers each SCAN after a while of the test's clock, and notes its COUNT."""

    def __init__(self, clock: FakeClock, seconds: Sequence[float]) -> None:
        super().__init__(InstanceConfig(name="one", url="redis://one:1"), Password(), timeout_seconds=1)
        self.clock, self.left, self.counts = clock, list(seconds), list[int]()

    def send(self, *commands: Command) -> None:
        self.counts.append(int(commands[0][-1]))

    async def receive(self, count: int, *, limit: int = 0) -> list[Reply]:
        await self.clock.advance(self.left.pop(0))
        return [[b"7" if self.left else b"0", []]]


async def test_the_count_follows_the_time_that_calls_take() -> None:
    """A slow call is followed by a smaller one: others wait for it, too."""
    clock = FakeClock()
    lane = SlowLane(clock, [0.05] * 4 + [0.001] * 9)
    pages = [page async for page in Scanner(lane, (), clock=clock, pace=Pace.FAST).pages()]
    assert lane.counts[:5] == [256, 128, 64, 64, 64]
    assert lane.counts[4:] == [64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096][: len(lane.counts) - 4]
    assert pages[0].seconds == pytest.approx(0.05)
    assert (lane.counts[-1], min(lane.counts)) == (MOST_COUNT, LEAST_COUNT)


@pytest.mark.redis_server
async def test_names_of_a_megabyte_are_asked_for_a_few_at_a_time() -> None:
    async with running_redis() as server:
        async with Client(server.port) as client:
            for number in range(90):
                await client("SET", f"{number:02}" + "x" * 1_000_000, "v")
            for number in range(300):
                await client("SET", f"small:{number}", "v")
        reader = reader_of(server.port)
        found = await reader.look()
        async with reader.scanner(plan(KeyFilter(), found.capabilities), database=0, pace=Pace.FAST) as scanner:
            pages = [page async for page in scanner.pages()]
        await reader.aclose()
    sizes = [sum(map(len, page.names)) for page in pages]
    assert sum(len(page.names) for page in pages) == 390
    assert sizes[0] > 10 << 20, "the first page is what it is"
    assert sorted(sizes[1:])[len(sizes) // 2] <= 3 << 20


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"-NOPERM this user has no permissions to run the 'scan' command\r\n", NotPermitted),
        (b"+OK\r\n", NotAServer),
        (b"*2\r\n$1\r\n0\r\n*1\r\n:5\r\n", NotAServer),
        (b"*1\r\n$1\r\n0\r\n", NotAServer),
    ],
)
async def test_what_is_no_page_is_an_error_of_ours(reply: bytes, kind: type[DflyError]) -> None:
    async with Respd({"SCAN": reply}) as server:
        reader = reader_of(int(server.url.rpartition(":")[2]))
        async with reader.scanner(plan(KeyFilter(), NEW), database=0, pace=Pace.NORMAL) as scanner:
            with pytest.raises(kind):
                await anext(scanner.pages())
        await reader.aclose()
