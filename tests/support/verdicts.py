"""Judging one made-up instance, and asking what came of it."""

from datetime import timedelta

from dfly_tui.models.health import InstanceStatus, Observation, Reason, assess
from dfly_tui.settings import Thresholds
from tests.support.clock import START
from tests.support.fakes import NOW

LIMITS = Thresholds()
HOUR = 3600


def judge(item: Observation, limits: Thresholds = LIMITS) -> InstanceStatus:
    (status,) = assess([item], limits, now=NOW, wall=START)
    return status


def only_reason(item: Observation) -> Reason:
    (reason,) = judge(item).reasons
    return reason


def saved(hours: float) -> int:
    """The Unix time that many hours before the wall clock."""
    return int((START - timedelta(hours=hours)).timestamp())


def codes(item: Observation) -> list[str]:
    return [reason.code for reason in judge(item).reasons]
