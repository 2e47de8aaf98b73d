"""Backups that were made up, for what judges them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dfly_tui.models.backup import BackupRecord, Copy, FileSum, Proof, ProofLevel
from dfly_tui.models.backup_view import INSTANCE, SetView, StoreSeen, merged
from dfly_tui.models.snapshots import SnapshotFile, SnapshotFormat

NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
MIB = 1 << 20


def files_of(base: str, at: datetime, *, size: int = MIB, whole: bool = True) -> tuple[SnapshotFile, ...]:
    """A set of one shard and a summary."""
    parts = ("0000", "summary") if whole else ("0000",)
    return tuple(SnapshotFile(name=f"{base}-{part}.dfs", size_bytes=size // 2, modified_at=at) for part in parts)


def record_of(
    base: str, at: datetime, *, store: str = INSTANCE, instance: str = "alpha", **more: object
) -> BackupRecord:
    """What is recorded of such a set; with a `store`, also of a copy there."""
    sums = tuple(FileSum(name=file.name, size_bytes=file.size_bytes) for file in files_of(base, at))
    copies = () if store == INSTANCE else (Copy(store=store, at=at, files=sums),)
    fields = {"instance": instance, "base": base, "format": SnapshotFormat.DF, "began_at": at, "files": sums,
              "copies": copies, **more}  # fmt: skip
    return BackupRecord.model_validate(fields)


def proof(at: datetime, *, ok: bool = True, level: ProofLevel = ProofLevel.RESTORED, seconds: float = 38.0) -> Proof:
    text = "loaded, 1000 keys" if ok else "a shard has other bytes than were recorded"
    return Proof(level=level, at=at, ok=ok, store=INSTANCE, text=text, seconds=seconds)


def base_at(at: datetime) -> str:
    """As the server names it."""
    return f"dump-{at:%Y-%m-%dT%H:%M:%S}"


def sets_at(*ages: timedelta, now: datetime = NOW, records: Sequence[BackupRecord] = ()) -> tuple[SetView, ...]:
    """Whole sets of these ages."""
    files = [file for age in ages for file in files_of(base_at(now - age), now - age)]
    return merged([StoreSeen(name=INSTANCE, files=tuple(files))], records)
