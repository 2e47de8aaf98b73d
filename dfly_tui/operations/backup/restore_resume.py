"""A restore that was cut off: how the world is now, and what can be done about it."""

import json
from dataclasses import dataclass, replace

from dfly_tui.clients.stores.switch import switch_of
from dfly_tui.errors import Refused
from dfly_tui.models.container import RestartPolicy
from dfly_tui.models.operation import Level
from dfly_tui.operations.backup.needs import Needs
from dfly_tui.operations.backup.restore import scene_of, what_it_loads
from dfly_tui.operations.backup.restore_back import WayBack
from dfly_tui.operations.failover import steps
from dfly_tui.operations.failover.looking import alone
from dfly_tui.operations.journal import Record
from dfly_tui.operations.plan import Act, Confirm, Plan
from dfly_tui.text import safe


@dataclass(frozen=True)
class Situation:
    """What became of a restore that never ended.

    Attributes:
        restored: Whether the set was proven to be served, and clients wrote to it: then the rest is finished, else all
            is taken back.
        text: What is the case, in a sentence.
    """

    restored: bool
    text: str


async def situation(needs: Needs, record: Record) -> Situation:
    """Judge by the world as far as it tells. Raises `DflyError` when nobody can tell."""
    back, name = _back(needs, record), needs.name
    if record.steps.get("release") in {"intended", "done", "unknown"}:
        return Situation(True, f"{name} was restored, and clients write to it again")
    runs = (await back.life()).runs
    if not await back.in_place():
        return Situation(False, f"{name} {'has' if runs else 'is stopped, and has'} what it had before")
    state = "runs with it" if runs else "is stopped"
    return Situation(False, f"the set was brought to {name}, which {state}; it was not proven to be what it should be")


async def resume(needs: Needs, record: Record) -> Plan:
    """What is to be done about it: finished, once clients write to the restored data; else taken back."""
    return await (finish if (await situation(needs, record)).restored else take_back)(needs, record)


async def take_back(needs: Needs, record: Record) -> Plan:
    """The plan after which what was there before is served again.

    Raises:
        Refused: Clients write to the restored data already.
    """
    if (now := await situation(needs, record)).restored:
        raise Refused(now.text, "finish it; to go back, restore the snapshot that was made before it")
    back, policy = _back(needs, record), _policy(record)
    scene = await scene_of(needs)
    unfence = () if policy is None else (steps.restore_policy(scene, needs.name, policy),)
    acts = (back.kill(), back.withdraw(), back.start_again(), *unfence, back.resume(), back.unstage())
    plan = await _plan(needs, record, "give-up", f"take back what was begun: {record.plan.title}", acts)
    hook = needs.settings.restore_hook_before
    if hook is None or "hook-before" not in record.steps:
        return plan
    return replace(plan, notes=(*plan.notes, back.hook("before", hook, record.plan.facts["base"]).stays))


async def finish(needs: Needs, record: Record) -> Plan:
    """The plan that does what is left once clients write to the restored data.

    Raises:
        Refused: It did not come that far.
    """
    if not (now := await situation(needs, record)).restored:
        raise Refused(now.text, "take it back, and begin again")
    back, policy, scene = _back(needs, record), _policy(record), await scene_of(needs)
    unfence = () if policy is None else (steps.restore_policy(scene, needs.name, policy),)
    after = needs.settings.restore_hook_after
    hooked = after is None or record.steps.get("hook-after") == "done"
    hook = () if hooked else (back.hook("after", after or "", record.plan.facts["base"]),)
    acts = (back.resume(), *unfence, *hook, back.tidy())
    return await _plan(needs, record, "finish", f"finish what was begun: {record.plan.title}", acts)


def _back(needs: Needs, record: Record) -> WayBack:
    facts, docker = record.plan.facts, needs.access.configs[needs.name].docker
    if docker is None:
        raise Refused(f"{needs.name} has no container in the configuration any more", "name it there again")
    return WayBack(
        needs=needs,
        docker=docker,
        switch=switch_of(needs.instance_store),
        file=facts["file"],
        staged=tuple(json.loads(facts["staged"])),
        aside=facts["aside"],
        safety=f"{facts['safety']}.rdb",
        keys=int(facts["keys"]),
    )


def _policy(record: Record) -> RestartPolicy | None:
    """What the container had before; None where it was left alone."""
    policy = RestartPolicy.parse(record.plan.facts["restart_policy"])
    return None if policy.name == "no" else policy


async def _plan(needs: Needs, record: Record, kind: str, title: str, acts: tuple[Act, ...]) -> Plan:
    scene = await scene_of(needs, resumed=frozenset({record.plan.id}))
    question = Confirm(
        id="confirm",
        title=title,
        consequence=f"the run {record.plan.id} was cut off in the middle: {(await situation(needs, record)).text}.",
        level=Level.NAME,
        token=needs.name,
    )
    return Plan(
        id=needs.plan_id,
        kind=kind,
        title=title,
        group=record.plan.group,
        steps=(alone(scene), question, *acts),
        facts={**record.plan.facts, "run": record.plan.id},
        look_with=(*steps.look_with(scene), what_it_loads(safe(record.plan.facts["file"], limit=120))),
        notes=record.plan.notes,
        committed=True,
    )
