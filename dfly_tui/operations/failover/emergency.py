"""The primary is gone: make sure of it, keep it from coming back as a second one, promote the best replica."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dfly_tui.errors import Timeout, Unreachable
from dfly_tui.models.container import RestartPolicy
from dfly_tui.models.operation import Finding, Level, blocked, preferred, required, warned
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.failover import looking, returning, steps
from dfly_tui.operations.failover.canary import canary
from dfly_tui.operations.failover.candidates import ranked
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.plan import Check, Confirm, Plan, Step
from dfly_tui.units import count_text, duration_text

SILENT_SECONDS = 5
"""A replica that heard nothing for that long is a witness that the primary is gone."""
WITNESSES = 2


@dataclass(frozen=True)
class LastSeen:
    """What polling knew of the primary before it went, for the estimate of what is lost.

    Attributes:
        seconds_ago: When it was last read.
        lag_records, lag_seconds: How far the candidate was behind; None when not known.
        writes_per_second: Of the primary; None when not known.
        lag_seconds_ago: When that lag was read: longer ago than the primary, when that did not list the replica any
            more. None when not known; then the lag tells nothing.
    """

    seconds_ago: float
    lag_records: int | None = None
    lag_seconds: float | None = None
    writes_per_second: float | None = None
    lag_seconds_ago: float | None = None

    def later(self, seconds: float) -> "LastSeen":
        """The same, told so many seconds later."""
        ago = None if self.lag_seconds_ago is None else self.lag_seconds_ago + seconds
        return replace(self, seconds_ago=self.seconds_ago + seconds, lag_seconds_ago=ago)


def emergency(
    scene: Scene,
    old: str,
    new: str,
    *,
    journals: Path,
    last_seen: LastSeen | None = None,
    override_cooldown: bool = False,
) -> Plan:
    """The plan by which a replica is promoted because its primary is gone.

    Args:
        old, new: The primary that is gone, and the replica to promote.
        last_seen: What was known of the primary before; None when nobody watched.
    """
    container = steps.container_of(scene, old)
    policy = container.policy if container else None
    return Plan(
        id=scene.plan_id,
        kind="emergency",
        title=f"{new} is promoted, as {old} is gone",
        group=scene.group,
        facts={"old": old, "new": new, "restart_policy": str(policy or ""), "silent_seconds": _silent(scene, new)},
        look_with=steps.look_with(scene),
        notes=(
            *steps.notes(scene, old, new),
            f"{old} comes back by: dfly-tui failover rejoin --group {scene.group} (its own writes are saved first)",
        ),
        steps=(
            looking.undisturbed(scene, journals, override_cooldown=override_cooldown),
            gone(scene, old, new, last_seen),
            *(() if policy else (_cut_off(old),)),
            _question(scene, old, new),
            *_before(scene, old, new, policy),
            steps.promote(scene, new),
            *after(scene, old, new),
        ),
    )


def _silent(scene: Scene, new: str) -> str:
    """How long the candidate heard nothing of the primary when the plan was made, in seconds at most; empty if not
    known."""
    seen = scene.world[new].snapshot
    link = seen.replication.primary if seen else None
    return str(link.last_io_seconds + 1) if link and link.last_io_seconds is not None else ""


def _before(scene: Scene, old: str, new: str, policy: RestartPolicy | None) -> tuple[Step, ...]:
    hook = scene.limits.hook_before
    first = (steps.hook(scene, "before", hook, old, new),) if hook is not None else ()
    return (*first, *(returning.fenced_and_stopped(scene, old, policy) if policy else ()))


def after(scene: Scene, old: str, new: str) -> tuple[Step, ...]:
    """What comes once the replica leads. The old primary stays where it is: it may hold writes nobody else has."""
    found: list[Step] = [steps.leads(scene, new)]
    for name in scene.access.configs:
        if name not in (old, new):
            found += steps.re_point(scene, name, new)
    if scene.limits.canary:
        found.append(canary(scene, new))
    if scene.limits.hook_after is not None:
        found.append(steps.hook(scene, "after", scene.limits.hook_after, old, new))
    if scene.limits.watch_seconds:
        found.append(steps.one_primary(scene))
    return tuple(found)


def _cut_off(old: str) -> Confirm:
    return Confirm(
        id="cut-off",
        title=f"{old} is cut off",
        consequence=f"we cannot stop {old} ourselves. If it still runs somewhere, or starts again, there are two "
        "primaries, and what is written to it is lost. State that its machine, container or network is off.",
        level=Level.NAME,
        token=f"{old} is off",
    )


def _question(scene: Scene, old: str, new: str) -> Confirm:
    return Confirm(
        id="confirm",
        title=f"{new} is promoted to primary of {scene.group}",
        consequence=f"what {old} acknowledged and {new} does not have is lost to the applications.",
        level=Level.NAME,
        token=new,
    )


def gone(scene: Scene, old: str, new: str, last_seen: LastSeen | None) -> Check:
    """Whether the primary really is gone, the candidate's data is whole, and what is lost. One look for all: each one
    waits for an answer that does not come."""
    made = scene.access.clock.monotonic()

    async def run() -> Sequence[Finding]:
        clock = scene.access.clock
        until = clock.monotonic() + SILENT_SECONDS + 1
        world = await scene.look()
        # It may have gone a moment ago: replicas need some seconds until they are witnesses.
        while world[old].snapshot is None and _still_heard(world) and clock.monotonic() < until:
            await clock.sleep(1.0)
            world = await scene.look()
        known = last_seen.later(clock.monotonic() - made) if last_seen is not None else None
        return (_gone(world, old), *_promotable(world, old, new), _loss(world, old, new, known))

    return Check(id="gone", title=f"{old} is gone and {new} can be promoted", run=run)


def _gone(world: World, old: str) -> Finding:
    if world[old].snapshot is not None:
        advice = "a primary that answers is switched over, or waited for while it loads"
        return blocked("gone", f"{old} is gone", f"it answers, as a {world[old].role}", advice=advice)
    alive = _still_heard(world)
    if alive:
        advice = "only this machine cannot reach it: look at the network between, or from another machine"
        return blocked("gone", f"{old} is gone", "; ".join(alive), "silent to its replicas, too", advice)
    witnesses = _witnesses(world, old)
    title, value = f"{old} is gone, as seen from more than one side", "; ".join(witnesses) or "nobody says so"
    judge = preferred if witnesses else required
    advice = "perhaps only this machine cannot reach it: look from another one"
    return judge(len(witnesses) >= WITNESSES, "gone", title, value, f"at least {WITNESSES} witnesses", advice)


def _still_heard(world: World) -> list[str]:
    """The replicas whose link to the primary stands and is alive, in words."""
    found = []
    for seen in world.replicas:
        link = seen.snapshot.replication.primary if seen.snapshot else None
        seconds = link.last_io_seconds if link is not None and link.up else None
        if seconds is not None and seconds < SILENT_SECONDS:
            found.append(f"{seen.name} heard it {seconds} s ago")
    return found


def _witnesses(world: World, old: str) -> list[str]:
    """Who says that the primary is gone, when no replica hears it any more."""
    seen = world[old]
    we = [f"we: {seen.error}"] if isinstance(seen.error, Unreachable | Timeout) else []
    stopped = seen.container is not None and seen.container.state != "running"
    docker = [f"Docker: the container is {seen.container.state}"] if seen.container and stopped else []
    links = [(each.name, each.snapshot.replication.primary) for each in world.replicas if each.snapshot is not None]
    silent = [
        f"{name}: heard nothing for {'ever' if link.last_io_seconds is None else f'{link.last_io_seconds} s'}"
        if link.up
        else f"{name}: its link is down"
        for name, link in links
        if link is not None
    ]
    return we + docker + silent


def _promotable(world: World, old: str, new: str) -> list[Finding]:
    """Whether the candidate's data is whole, and whether another replica has more of it."""
    ranking = ranked(world, old)
    mine = next(candidate for candidate in ranking if candidate.name == new)
    best = next((candidate for candidate in ranking if not candidate.barred), mine)
    at_once = "REPLICAOF NO ONE on it at once, before it takes over an empty data set"
    advice = at_once if _is_emptying(world[new]) else ""
    value = mine.barred or "; ".join(mine.reasons)
    findings = [required(not mine.barred, "candidate", f"{new} can be promoted", value, advice=advice)]
    if best.name != new and not mine.barred:
        value = f"{best.name}: {'; '.join(best.reasons)}"
        findings.append(warned("better", "another replica has more", value, advice=f"consider --to {best.name}"))
    leading = [each.name for each in world.primaries if each.name != old]
    if leading:
        advice = "the group has a primary already"
        findings.append(blocked("one-primary", "nobody else leads", ", ".join(leading), advice=advice))
    return findings


def _is_emptying(seen: Seen) -> bool:
    return seen.role is Role.REPLICA and seen.link_state is LinkState.FULL_SYNC


def _loss(world: World, old: str, new: str, last_seen: LastSeen | None) -> Finding:
    """What is lost at most, as far as it can be told."""
    seen = world[new].snapshot
    link = seen.replication.primary if seen else None
    text = loss_text(old, link.last_io_seconds if link else None, last_seen)
    return warned("loss", "what is lost at most", text, advice=f"a later rejoin of {old} keeps its data aside")


def loss_text(old: str, heard_seconds: int | None, last_seen: LastSeen | None) -> str:
    """What the primary acknowledged and the replica cannot have; never less than the truth.

    That a replica heard of its primary a moment ago does not mean that it had everything by then: it may have been
    behind, or only been told again that its password is wrong. So without a lag that was measured, nothing is known.

    Args:
        heard_seconds: Since the replica last heard of the primary (`master_last_io_seconds_ago`); whole, cut off.
    """
    kept_up = heard_seconds + 1 if heard_seconds is not None else None
    if last_seen is None or last_seen.lag_seconds is None or last_seen.lag_seconds_ago is None:
        if kept_up is None:
            return f"not known: the replica cannot say when it last heard of {old}"
        read = f" when {old} was last read, {duration_text(last_seen.seconds_ago)} ago" if last_seen else ""
        why = f"not known, as nobody saw how far the replica was behind{read}"
        return f"{why}; if it kept up, every write {old} acknowledged in the last {_at_most_text(kept_up)}"
    window = max(last_seen.lag_seconds_ago, kept_up or 0) + last_seen.lag_seconds
    text = f"every write {old} acknowledged in the last {_at_most_text(window)}"
    if last_seen.writes_per_second is not None:
        text += f", some {count_text(math.ceil(last_seen.writes_per_second * window))} at its last known rate"
    if last_seen.lag_records is not None:
        ago = duration_text(last_seen.lag_seconds_ago)
        text += f"; {last_seen.lag_records} records were not confirmed {ago} ago"
    return text


def _at_most_text(seconds: float) -> str:
    """Rounded up to what `duration_text` shows of it."""
    shown = 1 if seconds < 3600 else 60 if seconds < 86400 else 3600
    return duration_text(math.ceil(seconds / shown) * shown)
