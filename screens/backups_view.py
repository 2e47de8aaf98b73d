"""What the backups screen shows of each instance, judged anew only when something was read anew or a minute is over."""

import math
from datetime import UTC, datetime, tzinfo
from statistics import fmean

from dfly_tui.models.backup_shown import About, Judged, judge, shown
from dfly_tui.models.backup_view import BackupsSeen, InstanceBackups
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.reading import Reading
from screens.services import Services

CALM_SECONDS = 120.0
"""Before a save began, its commands a second are what the save is compared with."""


class Views:
    """Makes what is shown; there may be many sets."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._judged: dict[str, tuple[BackupsSeen, object, Judged]] = {}

    def view(self, status: InstanceStatus, reading: Reading[BackupsSeen]) -> InstanceBackups:
        """One instance's backups."""
        now, look = self._services.clock.now(), reading.value
        about = self._about(status, now)
        judged = self._judge(about, look, now) if look is not None else Judged()
        trouble = (str(reading.error), reading.error.hint) if reading.error is not None else ("", "")
        return shown(about, look, judged, now, trouble=trouble, slowed=_slowed(self._services, status))

    def _about(self, status: InstanceStatus, now: datetime) -> About:
        settings = self._services.settings
        return About(
            name=status.name,
            seen=status.snapshot,
            policy=settings.backup_of(status.config),
            limits=status.config.thresholds or settings.defaults.thresholds,
            here=here(now),
            down=status.observation.status.error is not None,
            leader=status.config.replica_of,
            reasons=status.reasons,
        )

    def _judge(self, about: About, look: BackupsSeen, now: datetime) -> Judged:
        made_of = (
            now.replace(second=0, microsecond=0), about.saving_since(now), about.kept.last_snapshot_at,
            about.kept.last_failed_at,
        )  # fmt: skip
        known = self._judged.get(about.name)
        if known is not None and known[0] is look and known[1] == made_of:
            return known[2]
        judged = judge(about, look, now)
        self._judged[about.name] = look, made_of, judged
        return judged


def here(now: datetime) -> tzinfo:
    """The zone of whoever looks."""
    return now.astimezone().tzinfo or UTC


def _slowed(services: Services, status: InstanceStatus) -> float | None:
    """How much of the commands a second went missing since the running save began, 0 to 1."""
    took = status.snapshot.persistence.save_seconds if status.snapshot else None
    if took is None:
        return None
    now = services.clock.monotonic()
    times, values = services.hub[status.name].history.series.window("commands", now - took - CALM_SECONDS)
    pairs = [(at, value) for at, value in zip(times, values, strict=True) if not math.isnan(value)]
    before = [value for at, value in pairs if at < now - took]
    since = [value for at, value in pairs if at >= now - took]
    if not since or not before or not any(before):
        return None
    return 1 - fmean(since) / fmean(before)
