"""SCAN: all keys of a database, or those looked for, without ever holding the server up.

Dragonfly ends a call after some 50 to 100 ms whatever COUNT says, may answer with few or no keys and a cursor that is
not zero, and may name a key twice (facts §7). It knows two filters of its own, MINMSZ and ATTR.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Reply
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, NotAServer, NotSupported
from dfly_tui.models.keys import Access, KeyFacts, KeyFilter

FIRST_COUNT = 256
"""Of the first call: its keys are on the screen before the second is answered."""
MOST_COUNT = 4096
"""v1.22 takes no more (facts §7)."""
LEAST_COUNT = 64
MOST_BUSY_SECONDS = 0.5
"""A call ends by itself after some 100 ms: one that took longer waited for something else, such as CLIENT PAUSE."""
SLOW_SECONDS = 0.025
"""A call that took longer is followed by a smaller one: others wait for it, too."""
QUICK_SECONDS = 0.008
PAGE_BYTES = 1 << 20
"""What one answer should have at most; names of a megabyte are asked for one by one then."""
_MOST_PAGE_BYTES = 320 << 20
"""More is not taken: the first answer may be 256 such names."""
_PROBE_WINDOW = 500
_WINDOW_BYTES = 1 << 20


class Pace(Enum):
    """How much of the server's time a scan may take, as a part of it."""

    GENTLE = 0.2
    NORMAL = 0.5
    FAST = 1.0

    def pause(self, busy_seconds: float) -> float:
        """How long to rest after the server worked for so long, in seconds; what took longer was no scan's work."""
        return min(busy_seconds, MOST_BUSY_SECONDS) * (1 / self.value - 1)


@dataclass(frozen=True)
class ScanPage:
    """What one call gave.

    Attributes:
        cursor: Where the next one goes on; `b"0"` after the last.
        names: May hold a name that came before.
        seconds: Until the answer was there.
    """

    cursor: bytes
    names: list[bytes]
    seconds: float

    @property
    def is_last(self) -> bool:
        return self.cursor == b"0"


@dataclass(frozen=True)
class ScanPlan:
    """How the keys of a filter are found on one server.

    Attributes:
        options: What SCAN is told.
        probes: Commands asked of every key that SCAN names, of those the server cannot filter by: `TYPE`, `PTTL`,
            `MEMORY USAGE`.
        by_server, by_us: What the server filters by, and what is looked at here: for the screen.
    """

    options: tuple[bytes | str | int, ...]
    probes: tuple[str, ...]
    by_server: tuple[str, ...]
    by_us: tuple[str, ...]


def plan(wanted: KeyFilter, server: Capabilities) -> ScanPlan:
    """How to find these keys on this server: by its own filters where it has them, by asking of each where not.

    Raises:
        NotSupported: The filter asks what this server cannot tell at all.
    """
    options: list[bytes | str | int] = []
    probes: list[str] = []
    by_server: list[str] = []
    by_us: list[str] = []
    if wanted.pattern and wanted.pattern != b"*":
        options += ["MATCH", wanted.pattern]
        by_server.append("pattern")
    if wanted.kind:
        options += ["TYPE", wanted.kind]
        by_server.append("type")
    attribute = _attribute(wanted, server)
    if attribute:
        options += ["ATTR", attribute]
        by_server.append("access" if wanted.access is not Access.ANY else "expiry")
    if wanted.has_ttl_bounds or (wanted.wants_ttl and attribute not in {"v", "p"}):
        probes.append("PTTL")
        by_us.append("TTL")
    if wanted.min_bytes > 0 and server.scan_filters:
        options += ["MINMSZ", wanted.min_bytes]
        by_server.append("size")
    elif wanted.min_bytes > 0:
        probes.append("MEMORY USAGE")
        by_us.append("size")
    return ScanPlan(tuple(options), tuple(probes), tuple(by_server), tuple(by_us))


def _attribute(wanted: KeyFilter, server: Capabilities) -> str:
    """The one letter that ATTR takes, or none."""
    if wanted.access is not Access.ANY:
        if not server.scan_filters:
            raise NotSupported("this server does not tell which keys were used", "Dragonfly does since v1.31")
        return "a" if wanted.access is Access.TOUCHED else "u"
    if not wanted.wants_ttl or not server.scan_filters:
        return ""
    return "p" if wanted.expires is False else "v"


class Scanner:
    """Calls SCAN again and again on a lane of its own.

    Args:
        lane: Open; closed by whoever opened it.
        options: As `ScanPlan.options`.
        cursor: Where an earlier scan of the same server process stopped.

    Attributes:
        count: COUNT of the next call. It follows the time that calls take.
        pace: May be changed at any time.
        asked_at: When the page was asked for that did not come yet, in the clock's monotonic seconds.
    """

    def __init__(
        self,
        lane: BulkLane,
        options: Sequence[bytes | str | int],
        *,
        clock: Clock,
        pace: Pace = Pace.NORMAL,
        cursor: bytes = b"0",
    ) -> None:
        self._lane = lane
        self._options = tuple(options)
        self._clock = clock
        self._cursor = cursor
        self.pace = pace
        self.count = FIRST_COUNT
        self.asked_at: float | None = None

    async def pages(self) -> AsyncGenerator[ScanPage, None]:
        """The pages, to the last one. At full pace the next is asked for before one is used.

        Raises:
            DflyError: The connection failed, or the server does not answer SCAN as it should.
        """
        asked_at = self._send()
        while True:
            [reply] = await self._lane.receive(1, limit=_MOST_PAGE_BYTES)
            self.asked_at = None
            self._cursor, names = _page(reply)
            page = ScanPage(self._cursor, names, self._clock.monotonic() - asked_at)
            self._adapt(page)
            at_once = self.pace is Pace.FAST and not page.is_last
            if at_once:
                asked_at = self._send()
            yield page
            if page.is_last:
                return
            if not at_once:
                await self._clock.sleep(self.pace.pause(page.seconds))
                asked_at = self._send()

    def _send(self) -> float:
        """Ask for the next page; returns when."""
        self._lane.send(("SCAN", self._cursor, *self._options, "COUNT", self.count))
        self.asked_at = self._clock.monotonic()
        return self.asked_at

    def _adapt(self, page: ScanPage) -> None:
        """The next COUNT: as large as the server and the line easily bear."""
        size = sum(map(len, page.names))
        if size > PAGE_BYTES:
            self.count = max(1, self.count * PAGE_BYTES // size)
        elif page.seconds > SLOW_SECONDS:
            self.count = max(LEAST_COUNT, self.count // 2)
        elif page.seconds < QUICK_SECONDS:
            self.count = min(MOST_COUNT, self.count * 2)


def _page(reply: Reply) -> tuple[bytes, list[bytes]]:
    if isinstance(reply, DflyError):
        raise reply
    if isinstance(reply, list) and len(reply) == 2 and isinstance(reply[0], bytes) and isinstance(reply[1], list):
        names = [name for name in reply[1] if isinstance(name, bytes)]
        if len(names) == len(reply[1]):
            return reply[0], names
    raise NotAServer("SCAN was answered with something else than a cursor and names")


PROBES = {
    "TYPE": b"*2\r\n$4\r\nTYPE\r\n$%d\r\n%b\r\n",
    "PTTL": b"*2\r\n$4\r\nPTTL\r\n$%d\r\n%b\r\n",
    "MEMORY USAGE": b"*3\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\n$%d\r\n%b\r\n",
}
"""What is asked of a key, encoded by hand: for a million keys that is three times as fast as a call for each.
MEMORY USAGE without SAMPLES judges a Redis collection by five members; all of five million would hold the server up."""
ALL_PROBES = ("TYPE", "PTTL", "MEMORY USAGE")


async def facts(
    lane: BulkLane,
    names: Sequence[bytes],
    probes: Sequence[str] = ALL_PROBES,
    refused: MutableMapping[str, DflyError] | None = None,
) -> AsyncGenerator[list[KeyFacts], None]:
    """What is to be told of these keys, a list per some hundred of them, in order.

    Args:
        probes: Of `PROBES`. What was not asked, or is not permitted, is None.
        refused: Here goes, for each probe that was answered by an error, one of them.
    """
    at = 0
    async with aclosing(lane.run_packed(_questions(names, probes))) as lists:
        async for replies in lists:
            count = len(replies) // len(probes)
            if refused is not None:
                _note_errors(probes, replies, refused)
            yield list(_facts(names[at : at + count], probes, replies))
            at += count


def _questions(names: Sequence[bytes], probes: Sequence[str]) -> Iterator[tuple[bytes, int]]:
    """Encoded questions, with their number; a name may have a megabyte."""
    question = b"".join(PROBES[probe] for probe in probes)
    encoded: list[bytes] = []
    size = 0
    for name in names:
        encoded.append(question % ((len(name), name) * len(probes)))
        size += len(encoded[-1])
        if len(encoded) == _PROBE_WINDOW or size >= _WINDOW_BYTES:
            yield b"".join(encoded), len(encoded) * len(probes)
            encoded, size = [], 0
    if encoded:
        yield b"".join(encoded), len(encoded) * len(probes)


def _note_errors(probes: Sequence[str], replies: Sequence[Reply], refused: MutableMapping[str, DflyError]) -> None:
    for at, probe in enumerate(probes):
        error = next((reply for reply in replies[at :: len(probes)] if isinstance(reply, DflyError)), None)
        if error is not None and "no such key" not in error.detail:
            refused[probe] = error


def _facts(names: Sequence[bytes], probes: Sequence[str], replies: Sequence[Reply]) -> Iterator[KeyFacts]:
    columns = {probe: replies[at :: len(probes)] for at, probe in enumerate(probes)}
    nothing: Sequence[Reply] = [None] * len(names)
    kinds, ttls, sizes = (columns.get(probe, nothing) for probe in ALL_PROBES)
    return map(
        KeyFacts,
        names,
        [kind.decode("ascii", "backslashreplace") if isinstance(kind, bytes) else None for kind in kinds],
        [ttl if isinstance(ttl, int) else None for ttl in ttls],
        [size if isinstance(size, int) else None for size in sizes],
    )


def admitted(wanted: KeyFilter, seen: Iterable[KeyFacts], probes: Sequence[str]) -> list[KeyFacts]:
    """Those of the keys that pass what the server could not filter by."""
    return [
        key
        for key in seen
        if ("PTTL" not in probes or wanted.admits_ttl(key.ttl_ms))
        and ("MEMORY USAGE" not in probes or wanted.admits_size(key.size_bytes))
    ]
