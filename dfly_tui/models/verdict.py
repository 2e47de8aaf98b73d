"""The words of a verdict: how an instance is, why, and what that was judged by."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import ConfigDict

from dfly_tui.models.base import Frozen
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Freshness, Reading
from dfly_tui.settings import InstanceConfig


class State(StrEnum):
    """How an instance is, worst last."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return _RANKS[self]


_RANKS = {state: rank for rank, state in enumerate(State)}


class Reason(Frozen):
    """One thing that is wrong.

    Attributes:
        code: A stable word for scripts.
        text: What is the matter, with the number that shows it.
        advice: What to do next; may be empty.
    """

    code: str
    text: str
    advice: str
    state: State


class Observation(Frozen):
    """All that was read of one instance.

    Attributes:
        lag_seconds: Lag in time, where the primary's write rate allows an estimate.
        refused_per_second: Writes refused for lack of memory, in the last interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    config: InstanceConfig
    status: Reading[InstanceSnapshot]
    container: Reading[ContainerInfo] | None = None
    lag_seconds: float | None = None
    refused_per_second: float | None = None


class BackupsTold(NamedTuple):
    """What the catalogue tells of an instance's backups.

    Attributes:
        reasons: What is wrong with them.
        proven_at: When a restore was last proven; None if none ever was.
    """

    reasons: tuple[Reason, ...] = ()
    proven_at: datetime | None = None


class InstanceStatus(Frozen):
    """An observation and the verdict on it; reasons come worst first.

    Attributes:
        proven_at: When a restore from its backups was last proven; None if none ever was.
    """

    observation: Observation
    freshness: Freshness
    state: State
    reasons: tuple[Reason, ...] = ()
    proven_at: datetime | None = None

    @property
    def config(self) -> InstanceConfig:
        return self.observation.config

    @property
    def name(self) -> str:
        return self.observation.config.name

    @property
    def snapshot(self) -> InstanceSnapshot | None:
        return self.observation.status.value

    @property
    def container(self) -> ContainerInfo | None:
        reading = self.observation.container
        return reading.value if reading else None

    @property
    def lag_records(self) -> int | None:
        """As primary: the worst lag of its replicas in stable sync. Nobody else knows a lag."""
        snapshot = self.snapshot
        lags = (
            [seen.lag_records for seen in snapshot.replication.replicas if seen.lag_records is not None]
            if snapshot
            else []
        )
        return max(lags, default=None)
