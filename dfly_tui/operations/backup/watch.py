"""What the catalogue says of the backups of a fleet, for its status: files of this machine, read now and then."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from dfly_tui.clock import Clock
from dfly_tui.models.backup_alerts import BackupFacts, backup_reasons
from dfly_tui.models.backup_view import BackupsSeen
from dfly_tui.models.verdict import BackupsTold, Observation
from dfly_tui.operations.backup.catalogue import Catalogue, Kept
from dfly_tui.operations.backup.pauses import Pauses
from dfly_tui.settings import Settings

READ_SECONDS = 10.0
"""Between two looks at the files."""


class _Read(NamedTuple):
    """What was read of an instance, and what it was judged with."""

    at: float
    minute: datetime
    seen: object
    told: BackupsTold


class BackupWatch:
    """Judges the backups of instances that have a catalogue; nothing is asked of any server or store.

    Args:
        folder: Of the catalogues (`Paths.backups_dir`).
    """

    def __init__(self, folder: Path, settings: Settings, clock: Clock) -> None:
        self._folder, self._settings, self._clock = folder, settings, clock
        self._read: dict[str, _Read] = {}
        self._kept: dict[str, tuple[int, Kept]] = {}

    def told(self, observations: Sequence[Observation]) -> dict[str, BackupsTold]:
        """By instance; of one that was never backed up from here nothing is told."""
        return {item.config.name: self._of(item) for item in observations}

    def _of(self, item: Observation) -> BackupsTold:
        name, now, wall = item.config.name, self._clock.monotonic(), self._clock.now()
        minute, seen = wall.replace(second=0, microsecond=0), item.status.value
        kept = seen.persistence if seen is not None else None
        known = self._read.get(name)
        if known is not None and now - known.at < READ_SECONDS and (known.minute, known.seen) == (minute, kept):
            return known.told
        told = self._judged(item, wall)
        self._read[name] = _Read(now, minute, kept, told)
        return told

    def _judged(self, item: Observation, wall: datetime) -> BackupsTold:
        name = item.config.name
        catalogue, pause = Catalogue(self._folder, name), Pauses(self._folder).of(name)
        kept = self._records(name, catalogue)
        if not kept.records and pause is None:
            return BackupsTold()
        look = BackupsSeen(
            at=wall, records=kept.records, cron=catalogue.cron, paused_until=pause.until if pause else None,
            paused_cron=pause.cron if pause else "",
        )  # fmt: skip
        facts = BackupFacts(look, self._settings.backup_of(item.config), wall.astimezone().tzinfo or UTC)
        limits = item.config.thresholds or self._settings.defaults.thresholds
        reasons = tuple(backup_reasons(facts, item.status.value, limits, wall))
        proven = [record.proven_at for record in kept.records if record.proven_at is not None]
        return BackupsTold(reasons, max(proven, default=None))

    def _records(self, name: str, catalogue: Catalogue) -> Kept:
        """Read again only when a file of it was replaced: there may be hundreds."""
        try:
            changed = catalogue.folder.stat().st_mtime_ns
            if name not in self._kept or self._kept[name][0] != changed:
                self._kept[name] = changed, catalogue.read()
        except OSError:
            return Kept()
        return self._kept[name][1]
