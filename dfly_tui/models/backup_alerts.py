"""What is wrong with an instance's backups, as reasons of its status.

What the server itself says of its last snapshot (`snapshot-failed`, `snapshot-age`) is judged in `symptoms`, which also
decides who is told: a replica's backups are its primary's, and `backup-stale` adds nothing to `snapshot-age`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from dfly_tui.models.backup import BackupRecord, Copy, ProofLevel
from dfly_tui.models.backup_view import INSTANCE, BackupsSeen, SetView, StoreSeen, merged
from dfly_tui.models.cron import BadCron, Cron
from dfly_tui.models.forecast import (
    DiskForecast,
    anomaly,
    cadence,
    coarse,
    disk_forecast,
    last_good_at,
    loss,
    missed,
    sizes_here,
)
from dfly_tui.models.instance import InstanceSnapshot, Persistence
from dfly_tui.models.retention import YOUNG, decide, is_good, leftovers
from dfly_tui.models.server_zone import zone_of
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.models.verdict import Reason, State
from dfly_tui.settings import Thresholds
from dfly_tui.settings_backup import BackupSettings
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text

MANY_RUNS = 3
"""So many runs without a backup are an alarm."""
PRUNED_WITHIN = timedelta(days=8)
"""Retention counts as run where something was removed so lately, beyond the delay."""
CODES = (
    "backup-failed", "backup-missed", "backup-stale", "backup-small", "backup-unverified", "backup-unproven",
    "backup-disk", "backup-incomplete", "backup-uncopied",
)  # fmt: skip


class BackupFacts(NamedTuple):
    """What the alerts are judged by.

    Attributes:
        seen: A look at the stores; without stores, the records tell what lies there.
        settings: Of this instance.
        here: The zone of this machine.
    """

    seen: BackupsSeen
    settings: BackupSettings
    here: tzinfo = UTC


def backup_reasons(
    facts: BackupFacts,
    told: InstanceSnapshot | None,
    limits: Thresholds,
    wall: datetime,
    saved_at: datetime | None = None,
) -> Iterator[Reason]:
    """Everything that is wrong with the backups of one primary. Next to nothing where none is there.

    Args:
        told: What the server says; None when it does not answer.
        saved_at: When any instance of its group last saved, by what they say.
    """
    kept = told.persistence if told is not None else Persistence()
    sets = sets_of(facts.seen)
    yield from _schedule(facts, kept, sets, wall)
    if not sets:
        return
    yield from _newest(sets, kept, wall)
    yield from _leavings(facts, sets, kept, wall)
    yield from _stale(sets, kept, limits, wall, saved_at)
    yield from _copies(facts, limits, wall)
    yield from _proofs(facts.seen.records, facts.settings, wall)
    yield from _disk(facts, sets, wall)


def sets_of(seen: BackupsSeen) -> tuple[SetView, ...]:
    """The sets of all stores; of a store that was not read, or could not be, those that are recorded."""
    read = [store for store in seen.stores if store.files is not None]
    names = {store.name for store in read}
    records = [record for record in seen.records if record.removed_at is None]
    files: dict[str, list[SnapshotFile]] = {}
    for record in records:
        whole = Copy(store=INSTANCE, at=record.began_at, files=record.files)
        for copy in (whole, *record.copies):
            files.setdefault(copy.store, []).extend(
                SnapshotFile(name=file.name, size_bytes=file.size_bytes, modified_at=record.began_at)
                for file in copy.files
            )
    others = [StoreSeen(name=name, files=tuple(each)) for name, each in files.items() if name not in names]
    return merged([*read, *others], records)


def _schedule(facts: BackupFacts, kept: Persistence, sets: Sequence[SetView], wall: datetime) -> Iterator[Reason]:
    seen = facts.seen
    if seen.paused_until is not None:
        if seen.paused_until <= wall:
            yield Reason(
                code="backup-missed",
                text=f"the schedule was to go on at {seen.paused_until:%Y-%m-%d %H:%M} UTC, and is still paused",
                advice="dfly-tui backup schedule resume",
                state=State.WARNING,
            )
        return
    zone = zone_of(kept.last_snapshot_file, kept.last_snapshot_at, facts.here)
    last_at = max((at for at in (last_good_at(sets), kept.last_snapshot_at) if at is not None), default=None)
    late = missed(
        cron_of(seen.cron), last_at, now=wall, zone=zone.zone, save_seconds=kept.last_snapshot_seconds or 0.0,
        is_sure=zone.proven,
    )  # fmt: skip
    if late is not None and not kept.saving:
        state = State.CRITICAL if late.runs >= MANY_RUNS else State.WARNING
        advice = "see the server's log for “Failed to perform snapshot”, then take one: dfly-tui backup now"
        yield Reason(code="backup-missed", text=late.text, advice=advice, state=state)


def cron_of(expression: str | None) -> Cron | None:
    """The schedule; None where it is not known or nobody understands it."""
    try:
        return Cron(expression) if expression is not None else None
    except BadCron:
        return None


def _newest(sets: Sequence[SetView], kept: Persistence, wall: datetime) -> Iterator[Reason]:
    """The newest set is broken, or much smaller than those before it."""
    newest = sets[0]
    failure = newest.record.failure if newest.record is not None else None
    if newest.record is not None and failure is not None:
        broken = newest.record.is_broken
        where = "" if broken else f" in {safe(failure.store)}"
        yield Reason(
            code="backup-failed",
            text=f"the newest backup {newest.shown} is no good{where}: {safe(failure.text, limit=200)}",
            advice=f"take another one: dfly-tui backup now{'' if broken else '; elsewhere this one is as it was'}",
            state=State.CRITICAL if broken else State.WARNING,
        )
    odd = anomaly(sizes_here(sets))
    if odd is not None and odd.part < 1:
        yield Reason(
            code="backup-small",
            text=odd.text,
            advice="were keys deleted on purpose? keep the one before it: dfly-tui backup pin",
            state=State.CRITICAL if odd.is_too_small else State.WARNING,
        )


def _leavings(facts: BackupFacts, sets: Sequence[SetView], kept: Persistence, wall: datetime) -> Iterator[Reason]:
    """Sets and files of which nobody can load anything."""
    half = [each for each in sets if not each.is_complete and each.written_at <= wall - YOUNG]
    files = [each for each in leftovers(facts.seen.stores, now=wall) if each.goes_at <= wall]
    if kept.saving or not (half or files):
        return
    parts = []
    if half:
        problem = "; ".join(half[0].problems)
        names = f"{half[0].shown} ({problem})"
        parts.append(f"{names}{f' and {len(half) - 1} more sets' if len(half) > 1 else ''}")
    if files:
        size = bytes_text(sum(each.file.size_bytes for each in files))
        parts.append(f"{len(files)} file{'' if len(files) == 1 else 's'} of saves that did not end ({size})")
    yield Reason(
        code="backup-incomplete",
        text=f"of no use: {', and '.join(parts)}",
        advice="look at what ended them, then remove them: dfly-tui backup prune",
        state=State.WARNING,
    )


def _stale(
    sets: Sequence[SetView], kept: Persistence, limits: Thresholds, wall: datetime, saved_at: datetime | None
) -> Iterator[Reason]:
    """The newest good one is too old, although the server may have saved since."""
    bad = [each.written_at for each in sets if not is_good(each)]
    saves = [
        at
        for at in (kept.last_snapshot_at, saved_at)
        if at is not None and not any(abs(at - each) <= timedelta(seconds=2) for each in bad)
    ]
    last_at = max([*saves, *([good] if (good := last_good_at(sets)) is not None else [])], default=None)
    found = loss(last_at, limits, now=wall, changes=0 if kept.changes_since_snapshot == 0 and not bad else None)
    if not found.is_late:
        return
    critical = found.seconds is None or found.seconds >= limits.snapshot_age_critical_seconds
    yield Reason(
        code="backup-stale",
        text="no good backup is left" if found.seconds is None else (
            f"the newest good backup is {duration_text(found.seconds)} old"
        ),
        advice="take one and verify it: dfly-tui backup now",
        state=State.CRITICAL if critical else State.WARNING,
    )  # fmt: skip


def _copies(facts: BackupFacts, limits: Thresholds, wall: datetime) -> Iterator[Reason]:
    """The machine and all that lies on it may be lost: how old the newest copy elsewhere is."""
    records = [record for record in facts.seen.records if record.removed_at is None]
    for store in facts.settings.copy_to if records else ():
        times = [record.began_at for record in records if any(copy.store == store for copy in record.copies)]
        age = (wall - max(times)).total_seconds() if times else None
        if age is not None and age < limits.snapshot_age_warning_seconds:
            continue
        first = min(record.began_at for record in records)
        if age is None and (wall - first).total_seconds() < limits.snapshot_age_warning_seconds:
            continue
        what = "no backup was copied there" if age is None else f"the newest copy there is {duration_text(age)} old"
        critical = age is None or age >= limits.snapshot_age_critical_seconds
        yield Reason(
            code="backup-uncopied",
            text=f"store {safe(store)}: {what}",
            advice="dfly-tui backup now copies; is the store reachable?",
            state=State.CRITICAL if critical else State.WARNING,
        )


def _proofs(records: Iterable[BackupRecord], settings: BackupSettings, wall: datetime) -> Iterator[Reason]:
    """What was not tried for long."""
    known = list(records)
    if not known:
        return
    first = min(record.began_at for record in known)
    for code, levels, days, what, advice in (
        ("backup-unverified", {ProofLevel.CHECKSUMS, ProofLevel.RESTORED}, settings.verify_days,
         "no backup was verified", "dfly-tui backup verify"),
        ("backup-unproven", {ProofLevel.RESTORED}, settings.drill_days,
         "no restore was proven", "dfly-tui backup drill"),
    ):  # fmt: skip
        good = [proof.at for record in known for proof in record.proofs if proof.ok and proof.level in levels]
        since = max(good, default=first)
        age = (wall - since).total_seconds()
        if age >= days * 86_400:
            ever = "" if good else ", ever"
            yield Reason(
                code=code, text=f"{what} for {coarse(age / 86_400)}{ever}", advice=advice, state=State.WARNING
            )  # fmt: skip


def _disk(facts: BackupFacts, sets: Sequence[SetView], wall: datetime) -> Iterator[Reason]:
    found = disk_of(facts, sets, wall)
    if found is None or found.days is None or found.days >= facts.settings.disk_days:
        return
    yield Reason(
        code="backup-disk",
        text=found.text,
        advice="remove old ones (dfly-tui backup prune), save less often, or give it more room",
        state=State.CRITICAL if found.days < 1 else State.WARNING,
    )


def disk_of(facts: BackupFacts, sets: Sequence[SetView], wall: datetime) -> DiskForecast | None:
    """When the server's disk is full; retention is counted in where it was run lately."""
    seen, settings = facts.seen, facts.settings
    own = next((store for store in seen.stores if store.name == INSTANCE), None)
    removed = [record.removed_at for record in seen.records if record.removed_at is not None]
    runs = any(wall - at <= PRUNED_WITHIN + timedelta(days=settings.delay_days) for at in removed)
    decisions = decide(sets, settings, now=wall, zone=facts.here) if runs else ()
    pace = cadence(cron_of(seen.cron), sets)
    return disk_forecast(sets, own.free_bytes if own else None, pace, decisions, settings if runs else None)
