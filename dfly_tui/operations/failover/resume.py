"""A run that was killed in the middle: what was begun, how the world is now, and what can be done about it."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from dfly_tui.clock import Clock
from dfly_tui.models.container import RestartPolicy
from dfly_tui.models.operation import Finding, Level, Outcome, required
from dfly_tui.models.replication import Role
from dfly_tui.models.world import World
from dfly_tui.operations.failover import emergency, looking, rejoin, returning, steps, switchover
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import Record, close_record, records
from dfly_tui.operations.plan import Check, Confirm, Plan, Step


@dataclass(frozen=True)
class Situation:
    """What became of a run that never ended.

    Attributes:
        changed: Whether the roles changed, or may still be made to: then it is finished, else given up. None when
            nobody can tell now.
        text: What is the case, in a sentence.
    """

    changed: bool | None
    text: str


def situation(record: Record, world: World) -> Situation:
    """Judge by the world, not by the journal: only it knows whether what was begun took place."""
    old, new = record.plan.facts["old"], record.plan.facts["new"]
    if _kind(record) in {"rejoin", "attach"}:
        if _follows(world, old, new):
            return Situation(True, f"{old} follows {new}: the rest may be left to do")
        return Situation(True, f"{old} does not follow {new}: it is made to from the beginning")
    role = world[new].role if new in world.by_name else None
    if role is Role.PRIMARY:
        return Situation(True, f"{new} leads: the change of roles took place, the rest may be left to do")
    if role is Role.REPLICA:
        return Situation(False, f"{new} is still a replica: the roles did not change")
    return Situation(None, f"{new} does not answer: whether it leads is not known")


def finish(scene: Scene, record: Record) -> Plan:
    """The plan that does what is left of a run; what is done already is skipped."""
    facts = record.plan.facts
    scene = _resuming(scene, record)
    old, new, policy = facts["old"], facts["new"], _policy(record)
    title, check = f"finish what was begun: {record.plan.title}", _role(scene, new, Role.PRIMARY)
    match _kind(record):
        case "rejoin" | "attach" as kind if not _follows(scene.world, old, new):
            # Whether its own data is on disk already nobody knows, so that comes first again.
            again = rejoin.attach(scene, old, new) if kind == "attach" else rejoin.rejoin(
                scene, old, new, policy=facts.get("restart_policy", "")
            )  # fmt: skip
            return replace(again, kind="finish", title=title, facts=_facts(record))
        case "rejoin" | "attach":
            back = returning.settled(scene, old, new, policy) if policy is not None else ()
            watch = (steps.one_primary(scene),) if scene.limits.watch_seconds else ()
            left: tuple[Step, ...] = (*steps.re_point(scene, old, new), *back, *watch)
        case "detach":
            left = (steps.leads(scene, new),)
        case "emergency":
            left = emergency.after(scene, old, new)
        case _:
            left = switchover.after(scene, old, new, policy, facts["old_id"] or None)
    hooked = _begun(record).get("hook-after") == "done"
    return _plan(scene, record, "finish", title, check, [step for step in left if not (hooked and _is_hook(step))])


def give_up(scene: Scene, record: Record) -> Plan:
    """The plan that takes back what was done before the roles changed."""
    old, new, policy = record.plan.facts["old"], record.plan.facts["new"], _policy(record)
    scene, begun = _resuming(scene, record), _begun(record)
    back: list[Step] = []
    if "pause" in begun:
        back.append(steps.resume_writes(scene, old))
    if "fence" in begun and policy is not None:
        back.append(steps.restore_policy(scene, old, policy))
    if _kind(record) != "detach":
        back.append(steps.one_primary(scene))
    title = f"take back what was begun: {record.plan.title}"
    plan = _plan(scene, record, "give-up", title, _role(scene, new, Role.REPLICA), back)
    return replace(plan, notes=tuple(_stays(scene, record, begun)))


def _stays(scene: Scene, record: Record, begun: Collection[str]) -> Iterator[str]:
    """What was done before the roles changed and is not taken back by us."""
    old, new = record.plan.facts["old"], record.plan.facts["new"]
    if "hook-before" in begun and scene.limits.hook_before is not None:
        yield steps.hook(scene, "before", scene.limits.hook_before, old, new).stays
    if "stop" in begun:
        yield returning.stop(scene, old).stays
    if _kind(record) == "emergency":
        yield f"if {old} does not come back, promote a replica: dfly-tui failover run --group {scene.group}"


def _resuming(scene: Scene, record: Record) -> Scene:
    return replace(scene, resumed=frozenset({record.plan.id, record.plan.facts.get("run", "")}))


def settle(record: Record, outcome: Outcome, *, clock: Clock) -> None:
    """Say how a run that was killed ended after all, and those it was to finish. Raises OSError."""
    names = {record.plan.id}
    for each in records(record.path.parent):  # the newest first: what finishes comes before what is finished
        if each.plan.id in names:
            names.add(each.plan.facts.get("run", ""))
            close_record(each, outcome, clock=clock)


def _is_hook(step: Step) -> bool:
    return step.id == "hook-after"


def _kind(record: Record) -> str:
    """What was begun in the first place, before it was tried to finish it."""
    return record.plan.facts.get("kind", record.plan.kind)


def _begun(record: Record) -> dict[str, str]:
    """Each change that was begun and its last outcome, by this run and those it was to finish."""
    earlier: dict[str, str] = json.loads(record.plan.facts.get("begun", "{}"))
    return earlier | record.steps


def _facts(record: Record) -> dict[str, str]:
    begun = json.dumps(_begun(record))
    return {**record.plan.facts, "run": record.plan.id, "kind": _kind(record), "begun": begun}


def _policy(record: Record) -> RestartPolicy | None:
    """What the old primary's container had before the run; None when it has none, or Docker was not at hand."""
    text = record.plan.facts.get("restart_policy", "")
    return RestartPolicy.parse(text) if text else None


def _follows(world: World, name: str, primary: str) -> bool:
    followed = world.primary_of(world[name])
    return followed is not None and followed.name == primary


def _plan(scene: Scene, record: Record, kind: str, title: str, check: Check, left: Sequence[Step]) -> Plan:
    question = Confirm(
        id="confirm", title=title, consequence=f"the run {record.plan.id} was cut off in the middle.",
        level=Level.NAME, token=record.plan.facts["new"],
    )  # fmt: skip
    return Plan(
        id=scene.plan_id,
        kind=kind,
        title=title,
        group=scene.group,
        facts=_facts(record),
        look_with=steps.look_with(scene),
        notes=record.plan.notes,
        committed=True,
        steps=(looking.alone(scene), check, question, *left),
    )


def _role(scene: Scene, name: str, wanted: Role) -> Check:
    async def run() -> Sequence[Finding]:
        role = await scene.role(name)
        return [required(role is wanted, "role", f"{name} is a {wanted}", f"it is a {role}")]

    return Check(id="role", title=f"{name} is a {wanted}", run=run)
