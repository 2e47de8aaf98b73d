"""What only a wizard that changes roles says: what is the case, and what the next key does."""

from collections.abc import Mapping

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Outcome, Verdict
from dfly_tui.operations.plan import Plan
from screens import walk_words
from screens.failover_plan import Aim, Unfinished
from screens.walk import Walk
from screens.walk_phase import key_of
from screens.walk_words import Said

KINDS = {
    "switchover": "planned switchover",
    "emergency": "EMERGENCY promotion",
    "swap-back": "swap back",
    "rejoin": "rejoin",
    "attach": "attach a replica",
    "detach": "detach a replica",
    "finish": "finish what was begun",
    "give-up": "take back what was begun",
}


def heading_of(aim: Aim, plan: Plan | None) -> str:
    """What this is about, in a line."""
    if plan is None:
        return f"{aim.group}: {KINDS.get(aim.kind, 'change of roles')}"
    kind = "" if plan.kind in {"finish", "give-up"} else f"{KINDS.get(plan.kind, plan.kind)}: "
    return f"{aim.group}: {kind}{plan.title}"


OPTIONS = {
    "snapshot_first": ("failover.snapshot", "snapshot", {"switchover", "swap-back"}),
    "pause_writes": ("failover.pause-writes", "pause", {"switchover", "swap-back"}),
    "canary": ("failover.canary", "canary", {"switchover", "swap-back", "emergency", "attach"}),
    "override_cooldown": ("failover.cooldown", "no cool-down", {"switchover", "swap-back", "emergency"}),
    "dry_run": ("failover.dry-run", "dry run", set(KINDS)),
}
"""Each option: its command, what it is called, and the kinds of plan on which it has an effect."""


def options_of(plan: Plan | None) -> tuple[str, ...]:
    """The options that have an effect on a plan."""
    return tuple(name for name, (_, _, kinds) in OPTIONS.items() if plan is not None and plan.kind in kinds)


def wishes(plan: Plan | None, chosen: Mapping[str, bool], keymap: Mapping[str, str]) -> str:
    """The options that have an effect on a plan, each with its key and whether it is chosen."""
    shown = [(OPTIONS[name], chosen[name]) for name in options_of(plan)]
    return " ".join(f"{key_of(command, keymap)} [{'x' if on else ' '}] {name} " for (command, name, _), on in shown)


def planned(plan: Plan, locked: list[str], *, read_only: bool, dry_run: bool) -> Said:
    """Before the checks."""
    said = walk_words.planned(locked, read_only=read_only, dry_run=dry_run, never="change roles")
    if plan.kind == "emergency" and not read_only and not dry_run:
        tone = "critical" if said.tone == "plain" else said.tone
        return Said(f"{plan.facts['old']} does not answer. {said.text}", tone)
    return said


def refused(error: DflyError) -> Said:
    """No plan fits."""
    said = walk_words.refused(error)
    return Said(f"{said.text}  c change of roles, b swap back, R rejoin.", said.tone)


def unfinished(found: Unfinished) -> Said:
    """A run was cut off."""
    record = found.record
    begun = ", ".join(f"{step} {outcome}" for step, outcome in record.steps.items())
    text = (
        f"▲ A run never ended: {record.plan.title} ({KINDS.get(record.plan.kind, record.plan.kind)}, begun "
        f"{record.begun_at:%Y-%m-%d %H:%M:%S} UTC). Changes begun: {begun}.\n"
    )
    if found.situation is None:
        return Said(f"{text}Its instances are no longer those of this group. x: it is settled.", "warning")
    keys = {
        True: "f finishes it as a plan.  x: it is settled, I saw to it.",
        False: "u takes back what was begun.  x: it is settled, I saw to it.",
        None: "r looks again.  x: it is settled, I saw to it.",
    }[found.situation.changed]
    return Said(f"{text}Now: {found.situation.text}.\n{keys}", "warning")


def next_key(walk: Walk) -> str:
    """What the next key does when a plan has ended."""
    again = "Enter looks at the group again.  Esc closes."
    match walk.outcome:
        case Outcome.BLOCKED | Outcome.DECLINED | Outcome.PLANNED | Outcome.FAILED | Outcome.UNDONE:
            meant = any(finding.code == "cooldown" for finding in walk.findings(Verdict.BLOCK))
            return f"{'o: it is meant, no cool-down.  ' if meant else ''}Enter plans and checks again.  Esc closes."
        case Outcome.UNKNOWN:
            return again
        case _:
            pass
    match walk.plan.kind:
        case "switchover":
            return f"b swaps back.  {again}"
        case "emergency":
            return f"R brings {walk.plan.facts['old']} back as a replica.  {again}"
        case "rejoin":
            return f"b swaps back to the intended roles.  {again}"
        case _:
            return again
