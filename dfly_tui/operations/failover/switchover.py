"""A planned change of roles: the primary is well and hands over everything, then it follows."""

from pathlib import Path

from dfly_tui.models.container import RestartPolicy
from dfly_tui.models.operation import Level
from dfly_tui.operations.failover import looking, returning, steps
from dfly_tui.operations.failover.canary import canary
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.plan import Confirm, Plan, Step


def switchover(
    scene: Scene, old: str, new: str, *, journals: Path, kind: str = "switchover", override_cooldown: bool = False
) -> Plan:
    """The plan by which a replica takes over from a primary that is well.

    Args:
        old, new: The primary, and the replica that becomes one.
        journals: Where earlier runs are found, for the cool-down.
        kind: `switchover`, or `swap-back` when it restores the intended roles.
        override_cooldown: The last change was a moment ago, and this one is meant all the same.
    """
    container = steps.container_of(scene, old)
    policy = container.policy if container else None
    old_id = scene.world[old].replication_id
    others = [name for name in scene.access.configs if name not in (old, new)]
    checks = (
        looking.undisturbed(scene, journals, override_cooldown=override_cooldown),
        looking.ready_to_promote(scene, old, new),
        *((looking.siblings_listed(scene, others, new),) if others else ()),
        looking.applications(scene, old, new),
    )
    return Plan(
        id=scene.plan_id,
        kind=kind,
        title=f"{new} takes over from {old}",
        group=scene.group,
        facts={"old": old, "new": new, "restart_policy": str(policy or ""), "old_id": old_id or ""},
        look_with=steps.look_with(scene),
        notes=steps.notes(scene, old, new),
        steps=(
            *checks,
            _question(scene, old, new, policy),
            *_before(scene, old, new, policy),
            steps.take_over(scene, old, new),
            *after(scene, old, new, policy, old_id),
        ),
    )


def _question(scene: Scene, old: str, new: str, policy: RestartPolicy | None) -> Confirm:
    end = f"{old} ends; no acknowledged write is lost, and writes are refused for about a second."
    if policy is None:
        end += f" What starts {old} again makes it a writable primary with old data, until it is made a replica."
    return Confirm(
        id="confirm",
        title=f"{new} becomes the primary of {scene.group}",
        consequence=end,
        level=Level.NAME,
        token=new,
    )


def _before(scene: Scene, old: str, new: str, policy: RestartPolicy | None) -> tuple[Step, ...]:
    """What can be taken back."""
    found: list[Step] = []
    if scene.limits.hook_before is not None:
        found.append(steps.hook(scene, "before", scene.limits.hook_before, old, new))
    if scene.limits.snapshot_first:
        found += steps.snapshot(scene, old, f"before-{scene.plan_id}", "before anything else")
    if policy is not None and policy.name != "no":
        found.append(steps.fence(scene, old, policy))
    if scene.limits.pause_writes:
        found.append(steps.pause_writes(scene, old))
    return tuple(found)


def after(scene: Scene, old: str, new: str, policy: RestartPolicy | None, ended_id: str | None) -> tuple[Step, ...]:
    """What comes once the new primary leads; the same for a run that is finished later.

    Args:
        policy: The restart policy of the old primary's container before the fence.
        ended_id: The replication id of the old primary's process that handed over.
    """
    found: list[Step] = [steps.leads(scene, new)]
    for name in scene.access.configs:
        if name not in (old, new):
            found += steps.re_point(scene, name, new)  # one at a time: on v1.22 each is a full sync
    if scene.limits.canary:
        found.append(canary(scene, new))
    if scene.limits.hook_after is not None:
        found.append(steps.hook(scene, "after", scene.limits.hook_after, old, new))
    found += returning.bring_back(scene, old, new, policy, ended_id=ended_id)
    if scene.limits.watch_seconds:
        found.append(steps.one_primary(scene))
    return tuple(found)
