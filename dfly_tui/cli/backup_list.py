"""`dfly-tui backup list`: what there is, how old, how good, and what becomes of it."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from dfly_tui.cli.backup_report import report_of
from dfly_tui.cli.backup_session import Session
from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.read import chosen
from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.backup_shown import About, judge, shown
from dfly_tui.models.backup_view import InstanceBackups, SetView, Standing
from dfly_tui.models.health import InstanceStatus, Observation, assess
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Reading
from dfly_tui.models.world import Seen
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup.look import look_at
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.text import fit, safe
from dfly_tui.units import MISSING, bytes_text, duration_text, percent_text

_MARKS = {"critical": "CRIT", "warning": "WARN"}


class _Listed(NamedTuple):
    """An instance as it is told of.

    Attributes:
        unreadable: Records that cannot be read.
    """

    view: InstanceBackups
    unreadable: tuple[str, ...]
    answers: bool

    @property
    def is_whole(self) -> bool:
        """Whether all there is to know of it was read."""
        blind = any(store.files is None for store in self.view.stores)
        return self.answers and not blind and not self.unreadable and self.view.standing is not Standing.CLOSED


async def listed(session: Session, names: Sequence[str]) -> int:
    """Print it; all instances that are backed up where none is named. 1 when not all of it could be read."""
    configs = chosen(session.settings, names)
    every = _with_groups(configs, session.settings)
    async with session.access(every) as access:
        started = session.clock.monotonic()
        observations = [_observation(seen) for seen in await access.look()]
        limits = session.settings.defaults.thresholds
        statuses = assess(observations, limits, now=started, wall=session.clock.now())
        by_name = {status.name: status for status in statuses}
        found = await asyncio.gather(*(_look(session, access, by_name[config.name]) for config in configs))
    if not names and any(each.view.standing is Standing.OPEN for each in found):
        found = [each for each in found if each.view.standing not in {Standing.REPLICA, Standing.FOREIGN}]
    now = session.clock.now()
    if session.args.json:
        print(report_of([(each.view, each.unreadable) for each in found], now))
    else:
        print("\n\n".join("\n".join(_lines(each, now, session.here)) for each in found))
    return ExitCode.DONE if all(each.is_whole for each in found) else ExitCode.FAILED


def _with_groups(wanted: Sequence[InstanceConfig], settings: Settings) -> tuple[InstanceConfig, ...]:
    """With those that hold the same data: a snapshot of any of them counts."""
    groups, names = {config.group for config in wanted if config.group}, {config.name for config in wanted}
    return tuple(config for config in settings.instances if config.name in names or config.group in groups)


def _observation(seen: Seen) -> Observation:
    failed = int(seen.error is not None)
    status: Reading[InstanceSnapshot] = Reading(
        seq=1, value=seen.snapshot, value_at=seen.at, error=seen.error, failures=failed
    )
    return Observation(config=seen.config, status=status)


async def _look(session: Session, access: Access, status: InstanceStatus) -> _Listed:
    async with session.opened(access, status.name) as scene:
        look, now = await look_at(scene), session.clock.now()
        about = About(
            name=status.name, seen=status.snapshot, policy=scene.settings, here=session.here,
            limits=status.config.thresholds or session.settings.defaults.thresholds,
            down=status.snapshot is None, leader=status.config.replica_of, reasons=status.reasons,
        )  # fmt: skip
        return _Listed(shown(about, look, judge(about, look, now), now), look.unreadable, status.snapshot is not None)


def _lines(each: _Listed, now: datetime, here: tzinfo) -> Iterator[str]:
    """One instance."""
    view = each.view
    yield f"{safe(view.name)}: {view.schedule or 'its schedule is not known'}{'' if each.answers else ' (no answer)'}"
    if view.why:
        yield f"  {view.why}{f' ({view.advice})' if view.advice else ''}"
    if view.standing not in {Standing.OPEN, Standing.CLOSED}:
        return
    if view.next_runs:
        yield f"  next {_runs(view, here)}"
    if view.saving is not None:
        yield f"  a save is running: {percent_text(view.saving.fraction)}"
    yield f"  {_loss(view)}; {_proven(view, now)}; {_disk(view)}{_trend(view)}"
    for alert in view.alerts:
        advice = f" → {alert.advice}" if alert.advice else ""
        yield f"  {_MARKS.get(alert.state, str(alert.state))} {alert.text}{advice}"
    if view.sets:
        yield from _table(view.sets, now)
    for store, file in view.leftovers:
        age = duration_text(max(0.0, (now - file.modified_at).total_seconds()))
        size = bytes_text(file.size_bytes)
        yield f"  left over in {safe(store)}: {safe(file.name, limit=120)}, {size}, written {age} ago"


def _runs(view: InstanceBackups, here: tzinfo) -> str:
    """The next runs by the server's clock, and by ours where that is another."""
    runs, first = view.next_runs, view.next_runs[0]
    theirs = f"{', '.join(f'{run:%a %H:%M}' for run in runs)} {first.tzname()}"
    if all(run.astimezone(here).utcoffset() == run.utcoffset() for run in runs):
        return theirs
    return f"{theirs} = {', '.join(f'{run.astimezone(here):%a %H:%M}' for run in runs)} here"


def _trend(view: InstanceBackups) -> str:
    """How the sets grow."""
    if len(view.sizes) < 2:
        return ""
    return f"; {len(view.sizes)} sets, from {bytes_text(view.sizes[0])} to {bytes_text(view.sizes[-1])}"


def _loss(view: InstanceBackups) -> str:
    if view.loss_seconds is None:
        return "nothing was saved yet: a crash loses everything"
    objective = f" of at most {duration_text(view.objective_seconds)}" if view.objective_seconds else ""
    took = f", it took {duration_text(view.last_seconds)}" if view.last_seconds is not None else ""
    return f"a crash loses {duration_text(view.loss_seconds)}{objective}{took}"


def _proven(view: InstanceBackups, now: datetime) -> str:
    if view.proven_at is None:
        return "no restore was ever proven"
    took = f", it takes {duration_text(view.restore_seconds)}" if view.restore_seconds is not None else ""
    return f"a restore was proven {duration_text((now - view.proven_at).total_seconds())} ago{took}"


def _disk(view: InstanceBackups) -> str:
    if view.free_bytes is None:
        return "free room not known"
    full = f", full in {view.full_in_days:.0f} days at this cadence" if view.full_in_days is not None else ""
    return f"{bytes_text(view.free_bytes)} free{full}"


def _table(sets: Sequence[SetView], now: datetime) -> Iterator[str]:
    rows = [("", "SET", "AGE", "SIZE", "WHERE", "TRIED", "RETENTION"), *(_row(each, now) for each in sets)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(each: SetView, now: datetime) -> tuple[str, ...]:
    problems = each.problems
    record = each.record
    damaged = record is not None and record.failure is not None
    good = "BAD" if problems or (record is not None and record.is_broken) else "WARN" if damaged else "ok"
    age = duration_text((now - each.written_at).total_seconds()) if now >= each.written_at else MISSING
    where = ", ".join(f"{safe(place.store)}{'*' if place.found.encryption else ''}" for place in each.places)
    return (
        good, f"{each.shown} ({each.format})", age, bytes_text(each.size_bytes), where or "nowhere",
        "; ".join(problems) or _tried(each), _retention(each),
    )  # fmt: skip


def _tried(each: SetView) -> str:
    proof = each.proof
    if proof is None:
        return "never"
    if not proof.ok:
        return f"failed in {safe(proof.store)}: {safe(proof.text, limit=120)}"
    words = {ProofLevel.RESTORED: "restored", ProofLevel.CHECKSUMS: "verified", ProofLevel.COMPLETE: "whole"}
    return f"{words[proof.level]} {proof.at:%Y-%m-%d}"


def _retention(each: SetView) -> str:
    if each.expiry is None:
        return MISSING
    return f"goes {each.expiry.at:%Y-%m-%d %H:%M}: {each.expiry.why}" if each.expiry.at else each.expiry.why
