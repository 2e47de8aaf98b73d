"""From what was read of an instance and its stores to all that is shown of its backups, on the screen and on a line."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from dfly_tui.models.backup_alerts import BackupFacts, backup_reasons, cron_of
from dfly_tui.models.backup_view import (
    INSTANCE,
    BackupsSeen,
    Expiry,
    InstanceBackups,
    SetView,
    Standing,
    StoreSeen,
    leftovers_of,
    merged,
    proven_restore,
    saving_of,
    sizes_of,
    standing_of,
)
from dfly_tui.models.cron import BadCron, Cron
from dfly_tui.models.forecast import cadence, disk_forecast, last_good_at
from dfly_tui.models.instance import InstanceSnapshot, Persistence
from dfly_tui.models.retention import decide
from dfly_tui.models.server_zone import ServerZone, zone_of
from dfly_tui.models.verdict import Reason, State
from dfly_tui.settings import Thresholds
from dfly_tui.settings_backup import BackupSettings

RUNS = 5


class Judged(NamedTuple):
    """What follows from a look; it is much work with many sets, and changes by the minute."""

    sets: tuple[SetView, ...] = ()
    full_in_days: float | None = None
    alerts: tuple[Reason, ...] = ()


class About(NamedTuple):
    """An instance, as it is seen and configured.

    Attributes:
        seen: None while it does not answer.
        down: Whether it was asked and did not answer.
        leader: Whom it follows by the configuration.
        reasons: What is said of it in the fleet.
        here: The zone of whoever looks.
    """

    name: str
    seen: InstanceSnapshot | None
    policy: BackupSettings
    limits: Thresholds
    here: tzinfo = UTC
    down: bool = False
    leader: str | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def kept(self) -> Persistence:
        return self.seen.persistence if self.seen is not None else Persistence()

    @property
    def zone(self) -> ServerZone:
        """In which the server's cron is read."""
        return zone_of(self.kept.last_snapshot_file, self.kept.last_snapshot_at, self.here)

    def saving_since(self, now: datetime) -> datetime | None:
        """When the running save began, to the minute; None when none runs."""
        return _minute(now - timedelta(seconds=self.kept.save_seconds or 0)) if self.kept.saving else None


def judge(about: About, look: BackupsSeen, now: datetime) -> Judged:
    """What retention says of each set, when the disk is full if all of them stay, and what is wrong."""
    sets = merged(look.stores, look.records)
    unreadable = {store.name for store in look.stores if store.files is None}
    decisions = decide(
        sets, about.policy, now=now, zone=about.zone.zone, saving_since=about.saving_since(now), unreadable=unreadable
    )
    said = {each.key: Expiry(each.goes_at, each.why) for each in decisions}
    sets = tuple(each.model_copy(update={"expiry": said.get(each.key)}) for each in sets)
    free = next((store.free_bytes for store in look.stores if store.name == INSTANCE), None)
    full = disk_forecast(sets, free, cadence(cron_of(look.cron), sets))
    facts = BackupFacts(look, about.policy, about.here)
    alerts = (*backup_reasons(facts, about.seen, about.limits, now), *map(_unreadable, look.unreadable))
    return Judged(sets, full.days if full is not None else None, alerts)


def shown(
    about: About,
    look: BackupsSeen | None,
    judged: Judged,
    now: datetime,
    *,
    trouble: tuple[str, str] = ("", ""),
    slowed: float | None = None,
) -> InstanceBackups:
    """All of it.

    Args:
        trouble: Why it could not be looked at, and what to do.
        slowed: As in `backup_view.Saving`.
    """
    standing, why = _standing(about)
    if standing in {Standing.FOREIGN, Standing.PENDING}:
        return InstanceBackups(name=about.name, standing=standing, why=why)
    own = next((store for store in look.stores if store.name == INSTANCE), None) if look is not None else None
    proof, last_at = proven_restore(judged.sets), _last_at(about, judged.sets)
    what, advice = trouble if trouble[0] else _trouble(look, own)
    if own is not None and own.files is None and standing is Standing.OPEN:
        standing = Standing.CLOSED
    return InstanceBackups(
        name=about.name,
        standing=standing,
        why=why or what,
        advice="" if why else advice,
        cron=look.cron if look is not None else None,
        schedule=_schedule(look, now),
        paused_until=look.paused_until if look is not None else None,
        next_runs=next_runs(look.cron, _minute(now), about.zone.zone) if look and look.cron else (),
        zone=about.zone.zone,
        last_at=last_at,
        last_seconds=about.kept.last_snapshot_seconds,
        objective_seconds=about.limits.snapshot_age_warning_seconds,
        loss_seconds=None if last_at is None else max(0.0, (now - last_at).total_seconds()),
        restore_seconds=proof.seconds if proof else None,
        proven_at=proof.at if proof else None,
        saving=saving_of(about.seen, slowed) if about.seen else None,
        sets=judged.sets,
        leftovers=leftovers_of(look.stores) if look is not None else (),
        stores=look.stores if look is not None else (),
        sizes=sizes_of(judged.sets),
        full_in_days=judged.full_in_days,
        free_bytes=own.free_bytes if own else None,
        alerts=_alerts(about.reasons, judged.alerts),
    )


@lru_cache(64)
def schedule_words(cron: str) -> str:
    """When it saves by itself; what is no schedule is shown as it is."""
    try:
        words = Cron(cron).words
    except BadCron as error:
        return f"{cron}: {error.detail}"
    return words[:1].lower() + words[1:]


@lru_cache(64)
def next_runs(cron: str, after: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The next five.

    Args:
        after: Cut to the minute, or it is reckoned anew each second.
    """
    known = cron_of(cron)
    return known.next_runs(after, zone, RUNS) if known is not None else ()


def _alerts(fleet: Sequence[Reason], found: Sequence[Reason]) -> tuple[Reason, ...]:
    """What is wrong with its backups, the worst first; what is said of the fleet is not said twice."""
    known = {reason.text: reason for reason in fleet if reason.code.startswith(("snapshot", "backup"))}
    codes = {reason.code for reason in known.values()}
    alerts = [*known.values(), *(reason for reason in found if reason.code not in codes)]
    return tuple(sorted(alerts, key=lambda reason: -reason.state.rank))


def _unreadable(line: str) -> Reason:
    advice = "what it said is not known: restore the file, or remove it and verify the sets"
    return Reason(code="backup-unreadable", text=line, advice=advice, state=State.WARNING)


def _schedule(look: BackupsSeen | None, now: datetime) -> str:
    """When it saves by itself, in words."""
    if look is None or look.cron is None:
        return ""
    if look.paused_until is not None and look.paused_until > now:
        return f"paused until {look.paused_until:%a %H:%M} UTC, then {schedule_words(look.paused_cron)}"
    return schedule_words(look.cron)


def _standing(about: About) -> tuple[Standing, str]:
    """What it is to backups, and why it is not open."""
    seen = about.seen
    standing = standing_of(seen)
    if seen is not None and standing is Standing.FOREIGN:
        version = f" {seen.version}" if seen.version else ""
        return standing, f"{seen.flavour.title()}{version}: only Dragonfly is backed up from here"
    if standing is Standing.REPLICA:
        leader = f" {about.leader}" if about.leader else ""
        return standing, f"a replica: its primary{leader} is backed up instead"
    if standing is Standing.PENDING and about.down:
        return Standing.OPEN, ""  # it is down, and its files may well be there
    return standing, ""


def _trouble(look: BackupsSeen | None, own: StoreSeen | None) -> tuple[str, str]:
    """Why not all could be read, and what to do."""
    if own is not None and own.files is None:
        return own.problem, own.advice
    failed = next((store for store in look.stores if store.files is None), None) if look is not None else None
    return (f"{failed.name}: {failed.problem}", failed.advice) if failed is not None else ("", "")


def _last_at(about: About, sets: tuple[SetView, ...]) -> datetime | None:
    """When what a crash now would fall back to was begun; a server that was restarted does not know of it."""
    return max([at for at in (last_good_at(sets), about.kept.last_snapshot_at) if at is not None], default=None)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
