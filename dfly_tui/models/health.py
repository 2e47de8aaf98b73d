"""Judging a fleet: what is wrong, in plain words, and what to do. Pure functions of what was read.

Every screen, `status`, `check` and later every plan's gate use these same verdicts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dfly_tui.errors import Unreachable
from dfly_tui.models.reading import Freshness
from dfly_tui.models.symptoms import symptoms
from dfly_tui.models.topology import Fleet, Member, drift
from dfly_tui.models.verdict import BackupsTold, InstanceStatus, Observation, Reason, State
from dfly_tui.settings import Thresholds

__all__ = ["InstanceStatus", "Observation", "Reason", "State", "assess"]


def assess(
    observations: Sequence[Observation],
    thresholds: Thresholds,
    *,
    now: float,
    wall: datetime,
    backups: Mapping[str, BackupsTold] | None = None,
) -> tuple[InstanceStatus, ...]:
    """Judge every instance, and the topology of each group.

    Args:
        thresholds: For instances that have none of their own.
        now: The clock's monotonic time, to which readings' ages refer.
        wall: The wall clock, to which snapshots' ages refer.
        backups: What the catalogue tells of an instance's backups, by its name.

    Returns:
        One status per observation, the worst first, otherwise in the configured order.
    """
    fleet = Fleet(_member(item, now) for item in observations)
    known = backups or {}
    statuses = [
        _judge(item, item.config.thresholds or thresholds, fleet, now, wall, known.get(item.config.name, BackupsTold()))
        for item in observations
    ]
    return tuple(sorted(statuses, key=lambda status: -status.state.rank))


def _member(item: Observation, now: float) -> Member:
    lost = item.status.freshness(now) is Freshness.LOST
    return Member(
        config=item.config,
        seen=None if lost else item.status.value,
        gone=isinstance(item.status.error, Unreachable),
    )


def _judge(
    item: Observation, limits: Thresholds, fleet: Fleet, now: float, wall: datetime, backups: BackupsTold
) -> InstanceStatus:
    found = symptoms(
        item, limits, now=now, wall=wall, group_snapshot_at=fleet.last_snapshot_at(item.config), backups=backups.reasons
    )
    reasons = [*found, *drift(item.config, fleet)]
    reasons.sort(key=lambda reason: -reason.state.rank)
    freshness = item.status.freshness(now)
    state = reasons[0].state if reasons else State.OK
    if freshness is Freshness.PENDING and state is State.OK:
        state = State.UNKNOWN
    return InstanceStatus(
        observation=item, freshness=freshness, state=state, reasons=tuple(reasons), proven_at=backups.proven_at
    )
