"""What an instance's readings leave behind: its time series."""

import math
from collections.abc import Sequence

from dfly_tui.models import instruments
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.models.reading import Reading
from dfly_tui.models.replication import ReplicaSeen
from dfly_tui.pollers.series import Rates, TimeSeries

LAG_WINDOW_SECONDS = 60.0
"""How far back the primary's writes are looked at when lag is turned into time."""
LEAST_WRITES, LEAST_BYTES = 1.0, 64.0
"""A primary at rest is taken to write so much a second, so that a replica that hangs while nobody writes still shows.
In bytes it is more than the PING that Redis sends to its replicas."""
ACK_SECONDS = 3.0
"""Replicas acknowledge once a second (facts §1.10): of one that keeps up, one of the readings in that time is small."""
AT_REST_RECORDS = 1
"""v1.40 prints a lag of one record for a replica that has everything (its recording)."""

MOST_LINKS = 32
"""Replicas of one primary whose lag is kept apart; each takes 56 kB for an hour of seconds."""

MOST_SERIES = 3000
"""Of one /metrics page; Dragonfly's has some 500. An hour of one, at a read every two seconds, is 14 kB."""


class StatusHistory:
    """The series kept from `INFO ALL`: gauges as they are, counters as rates, gaps where a read failed."""

    def __init__(self, capacity: int) -> None:
        self.series = TimeSeries(capacity)
        self._rates = Rates()
        self._uptime: int | None = None
        self._shards = 1
        self._in_bytes = False
        self._seq = 0

    def note(self, reading: Reading[InstanceSnapshot], now: float) -> None:
        """Add one reading, taken at `now` (monotonic seconds); the same one twice counts once."""
        if reading.seq == self._seq:
            return
        self._seq = reading.seq
        seen = reading.value
        if reading.error is not None or seen is None:
            self.series.gap(now)
            return
        if self._restarted(seen):
            self._rates.forget()
        self._shards = seen.thread_count or 1
        self._in_bytes = seen.flavour is not Flavour.DRAGONFLY
        rates = self._rates.update(now, instruments.counters(seen))
        values = instruments.gauges(seen) | rates | instruments.derived(rates)
        self.series.append(now, values | self._links(seen, now, values.get(self._pace, math.nan)))

    def _links(self, seen: InstanceSnapshot, now: float, rate: float) -> dict[str, float]:
        """The lag of each replica; where addresses come and go, those that are gone make room."""
        told: dict[str, float] = {}
        for replica in seen.replication.replicas[:MOST_LINKS]:
            lag = instruments.link_lag(seen, replica)
            if lag is not None:
                counted, timed = instruments.link_columns(replica)
                told[counted], told[timed] = lag, self._steady(counted, lag, now, rate)
        prefixes = instruments.LINK_PREFIX, instruments.LINK_SECONDS_PREFIX
        gone = [name for name in self.series.names if name.startswith(prefixes) and name not in told]
        self.series.drop(gone[: max(0, len(gone) + len(told) - 2 * MOST_LINKS)])
        return told

    def _steady(self, column: str, lag: float, now: float, rate: float) -> float:
        """A replica's lag in seconds: by the least of its last counts, which go up and down with each acknowledgement.
        NaN when no rate is known."""
        if math.isnan(rate):
            return math.nan
        _, counts = self.series.window(column, now - ACK_SECONDS)
        least = min(count for count in (*counts, lag) if not math.isnan(count))
        missing = least if self._in_bytes else max(0.0, least - AT_REST_RECORDS) * self._shards
        return _seconds_for(missing, [*self._paces(now), (now, max(rate, self._least_pace))])

    def _restarted(self, seen: InstanceSnapshot) -> bool:
        """There is no run id: a restart shows as uptime going down (facts §1.2)."""
        before, self._uptime = self._uptime, seen.uptime_seconds
        return before is not None and seen.uptime_seconds is not None and seen.uptime_seconds < before

    @property
    def refused_per_second(self) -> float | None:
        """Writes refused with "Out of memory" of late; None when not known."""
        rate = self.series.latest("oom")
        return None if math.isnan(rate) else rate

    def link_seconds(self, replica: ReplicaSeen) -> float | None:
        """The newest lag of one replica, a line of this primary's list, as time; None when it is not known."""
        seconds = self.series.latest(instruments.link_columns(replica)[1])
        return None if math.isnan(seconds) else seconds

    def last_link_seconds(self, replica: ReplicaSeen) -> float | None:
        """The same as it was when it was last known, for a primary that is gone."""
        _, values = self.series.window(instruments.link_columns(replica)[1], -math.inf)
        return next((value for value in reversed(values) if not math.isnan(value)), None)

    def lag_seconds(self, now: float) -> float | None:
        """The newest lag as time: how long the primary took to make that many writes, going back from its last ones.

        The server counts the records of the worst shard (facts §1.10) and the writes of all, so one record stands for
        as many writes as there are shards.

        Returns:
            Seconds, or None when no lag, or no rate yet, is known.
        """
        missing = self.series.latest("lag_records") * self._shards
        paces = self._paces(now)
        return None if math.isnan(missing) or not paces else _seconds_for(missing, paces)

    @property
    def _pace(self) -> str:
        """The column that tells how fast a primary writes what its replicas have to follow."""
        return "stream" if self._in_bytes else "writes"

    @property
    def _least_pace(self) -> float:
        return LEAST_BYTES if self._in_bytes else LEAST_WRITES

    def _paces(self, now: float) -> list[tuple[float, float]]:
        """When, and how fast, the primary wrote of late; not slower than what is assumed of one at rest."""
        times, rates = self.series.window(self._pace, now - LAG_WINDOW_SECONDS)
        return [(at, max(rate, self._least_pace)) for at, rate in zip(times, rates, strict=True) if rate >= 0]


def _seconds_for(missing: float, paces: Sequence[tuple[float, float]]) -> float:
    """How long it took to write so much, going back from the last of some times and the paces at them."""
    seconds, pace = 0.0, paces[-1][1]
    for (before, _), (at, pace) in zip(paces[-2::-1], paces[::-1], strict=False):
        if missing <= pace * (at - before):
            break
        seconds, missing = seconds + (at - before), missing - pace * (at - before)
    return seconds + missing / pace


class PageHistory:
    """Every series of /metrics: gauges as they are, counters as rates, under their printed names."""

    def __init__(self, capacity: int) -> None:
        self.series = TimeSeries(capacity)
        self._rates = Rates()
        self._seq = 0

    def note(self, reading: Reading[MetricsPage], now: float) -> None:
        """Add one scrape, taken at `now` (monotonic seconds)."""
        if reading.seq == self._seq:
            return
        self._seq = reading.seq
        if reading.error is not None or reading.value is None:
            self.series.gap(now)
            return
        counters: dict[str, float] = {}
        gauges: dict[str, float] = {}
        for name, sample in reading.value.by_series.items():
            (counters if sample.kind == "counter" else gauges)[name] = sample.value
        self.series.append(now, self._bounded(gauges | self._rates.update(now, counters)))

    def _bounded(self, values: dict[str, float]) -> dict[str, float]:
        """At most `MOST_SERIES` columns: labels come and go (clients, replicas), and a hostile page has ever new ones.
        Those of the newest page are kept, as far as there is room."""
        known = set(self.series.names)
        if len(known.union(values)) > MOST_SERIES:
            self.series.drop(known.difference(values))
            fresh = [name for name in values if name not in known]
            for name in fresh[MOST_SERIES - len(self.series.names) :]:
                del values[name]
        return values
