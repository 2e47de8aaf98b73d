"""What an instance's readings leave behind: its time series."""

import math

from dfly_tui.models import instruments
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.models.reading import Reading
from dfly_tui.pollers.series import Rates, TimeSeries

LAG_WINDOW_SECONDS = 60.0
"""How far back the primary's writes are looked at when lag is turned into time."""

MOST_SERIES = 3000
"""Of one /metrics page; Dragonfly's has some 500. An hour of one, at a read every two seconds, is 14 kB."""


class StatusHistory:
    """The series kept from `INFO ALL`: gauges as they are, counters as rates, gaps where a read failed."""

    def __init__(self, capacity: int) -> None:
        self.series = TimeSeries(capacity)
        self._rates = Rates()
        self._uptime: int | None = None
        self._shards = 1
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
        rates = self._rates.update(now, instruments.counters(seen))
        self.series.append(now, instruments.gauges(seen) | rates | instruments.derived(rates))

    def _restarted(self, seen: InstanceSnapshot) -> bool:
        """There is no run id: a restart shows as uptime going down (facts §1.2)."""
        before, self._uptime = self._uptime, seen.uptime_seconds
        return before is not None and seen.uptime_seconds is not None and seen.uptime_seconds < before

    @property
    def refused_per_second(self) -> float | None:
        """Writes refused with "Out of memory" of late; None when not known."""
        rate = self.series.latest("oom")
        return None if math.isnan(rate) else rate

    def lag_seconds(self, now: float) -> float | None:
        """The newest lag as time: how long the primary took to make that many writes, going back from its last ones.

        The server counts the records of the worst shard (facts §1.10) and the writes of all, so one record stands for
        as many writes as there are shards. At least one write a second is assumed, so that a replica that hangs while
        nobody writes still shows.

        Returns:
            Seconds, or None when no lag, or no rate yet, is known.
        """
        missing = self.series.latest("lag_records") * self._shards
        if math.isnan(missing):
            return None
        times, rates = self.series.window("writes", now - LAG_WINDOW_SECONDS)
        known = [(at, max(rate, 1.0)) for at, rate in zip(times, rates, strict=True) if not math.isnan(rate)]
        if not known:
            return None
        seconds, rate = 0.0, known[-1][1]
        for (before, _), (at, rate) in zip(known[-2::-1], known[::-1], strict=False):
            if missing <= rate * (at - before):
                break
            seconds, missing = seconds + (at - before), missing - rate * (at - before)
        return seconds + missing / rate


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
