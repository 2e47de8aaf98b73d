"""An old primary comes back: its own data is put aside in a snapshot, then it follows; and replicas that are attached
or let go by hand."""

from collections.abc import Sequence

from dfly_tui.models.container import RestartPolicy
from dfly_tui.models.operation import Finding, Level, passed, preferred, required, warned
from dfly_tui.models.replication import Role
from dfly_tui.operations.failover import looking, returning, steps
from dfly_tui.operations.failover.canary import followed_canary
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.plan import Check, Confirm, Plan, Step
from dfly_tui.units import count_text


def rejoin(scene: Scene, old: str, new: str, *, policy: str = "") -> Plan:
    """The plan by which an old primary, running on its own or stopped, becomes a replica of the present one.

    Args:
        policy: The restart policy its container had before it was fenced; empty to leave the one it has.
    """
    container = steps.container_of(scene, old)
    before = RestartPolicy.parse(policy) if policy else None
    if container is not None and before is None:
        before = container.policy
    runs = scene.world[old].snapshot is not None
    found: list[Step] = [looking.alone(scene), _may_follow(scene, old, new), _question(scene, old, new, runs=runs)]
    if runs:
        found += steps.snapshot(scene, old, f"aside-{scene.plan_id}", "aside, as its own writes are lost to the group")
    if container is not None and before is not None and scene.limits.recreate_container:
        found += [*((steps.fence(scene, old, before), returning.stop(scene, old, final=True)) if runs else ()),
                  *returning.bring_back(scene, old, new, before)]  # fmt: skip
    elif runs:
        found += steps.re_point(scene, old, new, final=True)
    else:
        found += returning.bring_back(scene, old, new, before)
    if scene.limits.watch_seconds:
        found.append(steps.one_primary(scene))
    return Plan(
        id=scene.plan_id,
        kind="rejoin",
        title=f"{old} comes back as a replica of {new}",
        group=scene.group,
        facts={"old": old, "new": new, "restart_policy": str(before or "")},
        look_with=steps.look_with(scene),
        notes=steps.notes(scene, old, new),
        committed=not runs,
        steps=tuple(found),
    )


def _question(scene: Scene, old: str, new: str, *, runs: bool) -> Confirm:
    seen = scene.world[old].snapshot
    keys = seen.keys if seen else None
    what = f"its {count_text(keys)} keys are replaced" if keys is not None else "its data is replaced"
    kept = f"; they are kept in the snapshot aside-{scene.plan_id} in its own folder" if runs else ""
    return Confirm(
        id="confirm", title=f"{old} follows {new}", consequence=f"{what} by those of {new}{kept}.", level=Level.NAME,
        token=old,
    )  # fmt: skip


def attach(scene: Scene, name: str, primary: str) -> Plan:
    """The plan that makes an instance a replica (SOP-2)."""
    container = steps.container_of(scene, name)
    found: list[Step] = [looking.alone(scene), _may_follow(scene, name, primary)]
    found.append(_question(scene, name, primary, runs=True))
    found += steps.snapshot(scene, name, f"aside-{scene.plan_id}", "aside, before its data is replaced")
    found += steps.re_point(scene, name, primary, final=True)
    if scene.limits.canary:
        found.append(followed_canary(scene, primary, name))
    persists = container is not None and any(word.startswith("--replicaof") for word in container.command)
    flag = f"--replicaof={scene.access.configs[primary].peer_address}"
    forgets = f"{name} forgets its primary at its next restart: start it with {flag}"
    return Plan(
        id=scene.plan_id,
        kind="attach",
        title=f"{name} becomes a replica of {primary}",
        group=scene.group,
        facts={"old": name, "new": primary},
        look_with=steps.look_with(scene),
        notes=() if persists else (forgets,),
        steps=tuple(found),
    )


def detach(scene: Scene, name: str) -> Plan:
    """The plan that makes a replica a primary of its own, with the data it has."""

    async def run() -> Sequence[Finding]:
        seen = await scene.access.look_at(name)
        value = f"it is a {seen.role}" if seen.role else str(seen.error)
        return [required(seen.role is Role.REPLICA, "replica", f"{name} is a replica", value)]

    return Plan(
        id=scene.plan_id,
        kind="detach",
        title=f"{name} stops following",
        group=scene.group,
        facts={"old": name, "new": name},
        look_with=steps.look_with(scene),
        notes=(f"{name} takes writes of its own from now on: keep applications away from it",),
        steps=(
            looking.alone(scene),
            Check(id="replica", title=f"{name} is a replica", run=run),
            Confirm(
                id="confirm",
                title=f"{name} leads itself",
                consequence="the group then has two primaries; what is written to this one stays there.",
                level=Level.NAME,
                token=name,
            ),
            steps.promote(scene, name),
            steps.leads(scene, name),
        ),
    )


def _may_follow(scene: Scene, name: str, primary: str) -> Check:
    """Whether REPLICAOF would find what it should, and what is lost by it."""

    async def run() -> Sequence[Finding]:
        world = await scene.look()
        await scene.require_dialable(name, primary)
        leader, mine = world[primary], world[name]
        theirs = (leader.snapshot.keys if leader.snapshot else 0) or 0
        found = [passed("dialable", f"{primary} leads and can be dialled", f"{theirs} keys")]
        if mine.snapshot is None:
            return [*found, warned("stopped", f"{name} answers", str(mine.error), advice="it will be started")]
        keys, fed = mine.snapshot.keys or 0, mine.snapshot.replication.connected_replicas or 0
        busy = bool(mine.snapshot.persistence.loading or mine.snapshot.persistence.saving)
        around = "is it the right way round? the fuller one would be emptied"
        value = f"{theirs} against {keys} keys"
        return [
            *found,
            preferred(theirs >= keys, "emptier", f"{primary} holds as much as {name}", value, advice=around),
            required(not fed, "fed", f"nobody follows {name}", f"{fed} do", advice=f"point them at {primary} first"),
            required(not busy, "at-rest", f"{name} neither loads nor saves", "it does" if busy else "yes"),
        ]

    return Check(id="may-follow", title=f"{name} can follow {primary}", run=run)
