"""What the wizard is asked for, and the plan, the candidates and the unfinished run that a look at the group gives."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from dfly_tui.errors import Refused
from dfly_tui.models.world import World
from dfly_tui.operations.failover.candidates import ranked
from dfly_tui.operations.failover.choose import Wish, change_of_roles, coming_back, member, swap_back
from dfly_tui.operations.failover.emergency import LastSeen
from dfly_tui.operations.failover.rejoin import attach, detach, rejoin
from dfly_tui.operations.failover.resume import Situation, situation
from dfly_tui.operations.failover.scene import Scene, names_of
from dfly_tui.operations.journal import Record, is_free, records
from dfly_tui.operations.plan import Plan
from dfly_tui.pollers.hub import HISTORY_SECONDS
from dfly_tui.pollers.series import TimeSeries
from screens.services import Services
from widgets.plan_view import Choice

CHANGE, SWAP_BACK, REJOIN, ATTACH, DETACH, RESUME = "change", "swap-back", "rejoin", "attach", "detach", "resume"


@dataclass(frozen=True)
class Aim:
    """What a person wants.

    Attributes:
        kind: `change` (of roles: a switchover, or an emergency promotion), `swap-back`, `rejoin`, `attach`, `detach`.
        to: Who is to lead; None for whoever fits best.
        instance: Who is attached, detached or comes back; None for a change of roles.
        override_cooldown: Meant although the last change was a moment ago.
    """

    group: str
    kind: str = CHANGE
    to: str | None = None
    instance: str | None = None
    override_cooldown: bool = False


def make_plan(services: Services, scene: Scene, aim: Aim) -> Plan:
    """The plan that fits the group as it was seen. Raises `Refused` or `ConfigError` when none does."""
    wish = Wish(services.paths.journal_dir, aim.to, aim.override_cooldown)
    named = member(scene, aim.instance or "") if aim.kind in {ATTACH, DETACH} or aim.instance is not None else ""
    match aim.kind:
        case "swap-back":
            return swap_back(scene, wish)
        case "rejoin":
            plan = coming_back(scene, wish)
            return plan if named in {"", plan.facts["old"]} else rejoin(scene, named, plan.facts["new"])
        case "attach":
            return attach(scene, named, aim.to or _leader(scene.world, named))
        case "detach":
            return detach(scene, named)
        case _:
            return _change(services, scene, wish)


def _change(services: Services, scene: Scene, wish: Wish) -> Plan:
    plan = change_of_roles(scene, wish)
    if plan.kind != "emergency":
        return plan
    known = last_seen(services, plan.facts["old"])
    return change_of_roles(scene, Wish(wish.journals, wish.to, wish.override_cooldown, known))


def _leader(world: World, instance: str) -> str:
    leaders = [seen for seen in world.primaries if seen.name != instance]
    if len(leaders) != 1:
        raise Refused(f"{instance} cannot be attached: {names_of(leaders)} lead", "choose the primary it is to follow")
    return leaders[0].name


def choices_for(scene: Scene, aim: Aim, plan: Plan | None) -> tuple[Choice, ...]:
    """Who may be chosen in the place of whom the plan has, the best first; none where there is nothing to choose."""
    chosen = plan.facts["new"] if plan else aim.to
    match aim.kind:
        case "change":
            old = plan.facts["old"] if plan else _primary(scene)
            if old is None:
                return ()
            found = [Choice(each.name, each.barred, each.reasons) for each in ranked(scene.world, old)]
        case "rejoin" | "attach":
            leaders = [seen.name for seen in scene.world.primaries if seen.name != aim.instance]
            found = [Choice(name, reasons=("it leads now",)) for name in leaders] if len(leaders) > 1 else []
        case _:
            found = []
    return tuple(each._replace(chosen=each.name == chosen) for each in found)


def _primary(scene: Scene) -> str | None:
    leading = [seen.name for seen in scene.world.primaries]
    meant = [name for name, config in scene.access.configs.items() if config.role == "primary"]
    found = leading or meant
    return found[0] if len(found) == 1 else None


def last_seen(services: Services, old: str) -> LastSeen | None:
    """What polling knew of a primary before it went; None when it never was read."""
    watched = next((each for each in services.hub.watched if each.config.name == old), None)
    reading = watched.status.reading if watched else None
    if watched is None or reading is None or reading.value is None or reading.value_at is None:
        return None
    now, series = services.clock.monotonic(), watched.history.series
    behind, writes = (_last(series, name, now - HISTORY_SECONDS) for name in ("lag_records", "writes"))
    known = LastSeen(now - reading.value_at, writes_per_second=writes.value if writes else None)
    if behind is None:
        return known
    # One record of the worst shard stands for as many writes as there are shards, as in `StatusHistory`.
    seconds = behind.value * (reading.value.thread_count or 1) / max(writes.value, 1.0) if writes else None
    return replace(known, lag_records=int(behind.value), lag_seconds=seconds, lag_seconds_ago=now - behind.at)


class _Point(NamedTuple):
    at: float
    value: float


def _last(series: TimeSeries, name: str, since: float) -> _Point | None:
    """The newest value that is known: the reads that failed since left gaps."""
    times, values = series.window(name, since)
    return next(
        (_Point(at, value) for at, value in zip(times[::-1], values[::-1], strict=True) if not math.isnan(value)), None
    )


@dataclass(frozen=True)
class Unfinished:
    """A run that was cut off, and what the world says of it.

    Attributes:
        situation: None when its instances are no longer those of the group.
    """

    record: Record
    situation: Situation | None


def unfinished_in(services: Services, scene: Scene) -> Unfinished | None:
    """The newest run of a group that never ended, unless it is running in another program now."""
    record = next(_cut_off(services, scene.group), None)
    if record is None:
        return None
    known = {record.plan.facts.get("old", ""), record.plan.facts.get("new", "")} <= set(scene.access.configs)
    return Unfinished(record, situation(record, scene.world) if known else None)


def unfinished_notice(services: Services) -> str | None:
    """A line for any screen: that a change of roles was cut off, and in which group. None when none was.

    Reads the journals; not for every paint.
    """
    record = next(_cut_off(services), None)
    if record is None:
        return None
    began, plan = f"{record.begun_at:%Y-%m-%d %H:%M} UTC", record.plan
    return f"▲ unfinished in group {plan.group} since {began}: {plan.title}. Open its failover wizard to finish it."


def _cut_off(services: Services, group: str | None = None) -> Iterator[Record]:
    for record in records(services.paths.journal_dir):
        if group not in {None, record.plan.group} or not record.is_unfinished:
            continue
        if is_free(services.paths.lock_dir, record.plan.group, services.audit.author):
            yield record
