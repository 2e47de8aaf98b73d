"""History in memory: one time axis and one column per metric, in rings of fixed size."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

NAN = math.nan


class TimeSeries:
    """The last `capacity` points of any number of named columns that were read together.

    A column that has no value at a point holds NaN there, which charts show as a gap. Memory grows with use up to
    8 bytes × (columns + 1) × capacity and then stays.
    """

    def __init__(self, capacity: int = 3600) -> None:
        self._capacity = capacity
        self._times = array("d")
        self._columns: dict[str, array[float]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._times)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of their first value."""
        return tuple(self._columns)

    def append(self, time: float, values: Mapping[str, float]) -> None:
        """Add one point at `time` (monotonic seconds, not before the last); columns not named get a gap."""
        for name in values:
            if name not in self._columns:
                self._columns[name] = array("d", [NAN]) * len(self._times)
        if len(self._times) < self._capacity:
            self._times.append(time)
            for name, column in self._columns.items():
                column.append(values.get(name, NAN))
            return
        at = self._next
        self._times[at] = time
        for name, column in self._columns.items():
            column[at] = values.get(name, NAN)
        self._next = (at + 1) % self._capacity

    def gap(self, time: float) -> None:
        """Note that a read failed at `time`."""
        self.append(time, {})

    def window(self, name: str, since: float) -> tuple[Sequence[float], Sequence[float]]:
        """Times and values of one column from `since` on, oldest first; both empty for an unknown column."""
        times = self._unrolled(self._times)
        column = self._columns.get(name)
        if column is None:
            return array("d"), array("d")
        first = bisect_left(times, since)
        return times[first:], self._unrolled(column)[first:]

    def latest(self, name: str) -> float:
        """The newest value of a column, NaN when it has none."""
        column = self._columns.get(name)
        return column[self._next - 1] if column else NAN

    def drop(self, names: Iterable[str]) -> None:
        """Forget some columns."""
        for name in names:
            self._columns.pop(name, None)

    def _unrolled(self, ring: "array[float]") -> "array[float]":
        return ring[self._next :] + ring[: self._next] if self._next else ring


class Rates:
    """Turns counters into rates per second, with resets as gaps.

    A counter that goes down means a restart or CONFIG RESETSTAT: the rate over that span is not known. Over reads that
    failed the rate is the average of the whole span.
    """

    def __init__(self) -> None:
        self._time: float | None = None
        self._last: dict[str, float] = {}

    def forget(self) -> None:
        """Start anew after a restart, when even a counter that went up says nothing."""
        self._time, self._last = None, {}

    def update(self, time: float, counters: Mapping[str, float]) -> dict[str, float]:
        """The rate of every counter since the last call, per second; NaN after a reset, nothing on the first call."""
        elapsed = time - self._time if self._time is not None else 0.0
        rates = {}
        if elapsed > 0:
            for name, value in counters.items():
                last = self._last.get(name)
                rates[name] = NAN if last is None or value < last else (value - last) / elapsed
        self._time, self._last = time, dict(counters)
        return rates
