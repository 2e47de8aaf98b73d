"""What a poller yields: not the bare value but the last good one, its age, and what went wrong since."""

from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import ConfigDict

from dfly_tui.errors import DflyError
from dfly_tui.models.base import Frozen

T = TypeVar("T")

STALE_AFTER_INTERVALS = 2.5
LOST_AFTER_FAILURES = 3


class Freshness(StrEnum):
    """How far a number may be trusted."""

    PENDING = "pending"
    """Nothing was read yet."""
    FRESH = "fresh"
    STALE = "stale"
    """The last read failed, or the value is older than 2.5 intervals. It authorises nothing."""
    LOST = "lost"
    """Three failures in a row, or an error and never a value."""


class Reading(Frozen, Generic[T]):
    """The state of one feed.

    Attributes:
        seq: Counts attempts, so that two readings are never mistaken for one.
        value: The last good value, None before the first.
        value_at: When it was had, on the clock's monotonic scale, in seconds.
        interval: Seconds between attempts at the time.
        error: What the last attempt failed with; None when it succeeded.
        failures: Failed attempts in a row.
        paused: Somebody stopped the polling on purpose.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    seq: int = 0
    value: T | None = None
    value_at: float | None = None
    interval: float = 1.0
    error: DflyError | None = None
    failures: int = 0
    paused: bool = False

    def age(self, now: float) -> float | None:
        """Seconds since the last good value; `now` is the clock's monotonic time."""
        return None if self.value_at is None else max(0.0, now - self.value_at)

    def freshness(self, now: float) -> Freshness:
        """Whether the value may be trusted at `now` (the clock's monotonic time)."""
        if self.failures >= LOST_AFTER_FAILURES or (self.value is None and self.error is not None):
            return Freshness.LOST
        age = self.age(now)
        if age is None:
            return Freshness.PENDING
        stale = self.failures > 0 or age > STALE_AFTER_INTERVALS * self.interval
        return Freshness.STALE if stale else Freshness.FRESH
