"""Counters since the start, or since CONFIG RESETSTAT."""

from collections import Counter, deque
from dataclasses import dataclass, field

from dfly_tui.lab.protocol import Failure

OPS_WINDOW = 6.0
"""Dragonfly averages its rate over about this many seconds."""

ERROR_KINDS = {
    "ERR syntax error": "syntax_error",
    "ERR wrong number of arguments": "syntax_error",
    "ERR unknown command": "unknown_cmd",
    "ERR The server is running without a config file": "config_error",
}
"""What INFO ERRORSTATS calls some errors; all others appear in their own words."""


@dataclass
class SlowEntry:
    """One line of SLOWLOG."""

    id: int
    at: int
    usec: int
    words: list[bytes]
    address: str
    client: str


@dataclass
class Stats:
    """What has been counted.

    Attributes:
        calls: Command → how often it ran.
        usec: Command → microseconds in all.
        errors: What INFO ERRORSTATS lists.
        unknown: Unknown command → how often it was asked for.
        db_hits, db_misses: Per database.
    """

    connections: int = 0
    commands: int = 0
    pipelined: int = 0
    net_input: int = 0
    net_output: int = 0
    reads: int = 0
    writes: int = 0
    oom_rejections: int = 0
    evicted: int = 0
    backups: int = 0
    failed_backups: int = 0
    limit_reached: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    usec: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    db_hits: Counter[int] = field(default_factory=Counter)
    db_misses: Counter[int] = field(default_factory=Counter)
    _rate: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def hits(self) -> int:
        return self.db_hits.total()

    @property
    def misses(self) -> int:
        return self.db_misses.total()

    def ran(self, command: str, usec: int) -> None:
        """A command has run."""
        self.commands += 1
        self.calls[command] += 1
        self.usec[command] += usec

    def failed(self, failure: Failure, new: bool) -> None:
        """A command was answered with an error."""
        if failure.text.startswith("NOAUTH"):
            self.errors["no_auth" if new else f"-{failure.text}"] += 1
            return
        kind = next((kind for start, kind in ERROR_KINDS.items() if failure.text.startswith(start)), None)
        words = failure.text.removeprefix("ERR ")
        self.errors[kind or (words if words != failure.text else f"-{failure.text}")] += 1

    def sample(self, now: float) -> None:
        """Remember the count for the rate; to be called about once a second."""
        self._rate.append((now, self.commands))
        while len(self._rate) > 2 and now - self._rate[0][0] > OPS_WINDOW:
            self._rate.popleft()

    def ops_per_second(self, now: float) -> int:
        """Commands per second over the last seconds."""
        if not self._rate:
            return 0
        at, count = self._rate[0]
        return round((self.commands - count) / (now - at)) if now - at > 0.5 else 0

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self.__init__()  # type: ignore[misc]  # every counter back to its default


def _cut(word: bytes) -> bytes:
    if len(word) <= 128:
        return word
    tail = b"... (%d more bytes)" % (len(word) - 128)
    return word[: 128 - len(tail)] + tail


@dataclass
class SlowLog:
    """The slowest commands of late, newest last."""

    entries: deque[SlowEntry] = field(default_factory=deque)
    _next: int = 0

    def add(self, at: int, usec: int, words: list[bytes], address: str, client: str, longest: int) -> None:
        """Keep a command, its words cut as Dragonfly cuts them: 32 of at most 128 bytes."""
        cut = [_cut(word) for word in words]
        if len(cut) > 32:
            cut = [*cut[:31], b"... (%d more arguments)" % (len(words) - 31)]
        self.entries.append(SlowEntry(self._next, at, usec, cut, address, client))
        self._next += 1
        while len(self.entries) > longest:
            self.entries.popleft()
