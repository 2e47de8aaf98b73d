"""What the wizard says in which state: what is the case, and what the next key does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Outcome, StepState, Verdict
from dfly_tui.operations.plan import Plan
from dfly_tui.units import duration_text
from screens.failover_phase import key_of
from screens.failover_plan import Aim, Unfinished
from screens.failover_run import Walk
from widgets.findings import finding_text

LOOK_FIRST = "Do not guess, do not repeat it: look at the servers with the commands below."
TONES = ("plain", "ok", "warning", "critical")
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


@dataclass(frozen=True)
class Said:
    """A banner: its text, and how grave it is (`plain`, `ok`, `warning`, `critical`)."""

    text: str
    tone: str = "plain"


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
    if read_only:
        text = "The whole program is read-only: only a dry run is possible. Enter runs the checks and changes nothing."
        return Said(f"{text}\nTo change roles, start it without --read-only and without read_only.", "warning")
    if dry_run:
        return Said("Dry run: Enter runs the checks and stops before the question. Nothing is changed.")
    tone, text = "plain", "Nothing is changed yet. Enter runs the checks, then you are asked."
    if plan.kind == "emergency":
        tone, text = "critical", f"{plan.facts['old']} does not answer. {text}"
    if locked:
        tone, text = "warning", f"{text}\nLocked: {', '.join(locked)}. Enter asks you to unlock first."
    return Said(text, tone)


def refused(error: DflyError) -> Said:
    """No plan fits."""
    hint = f" → {error.hint}" if error.hint else ""
    return Said(f"✖ {error}{hint}\nr looks again.  c change of roles, b swap back, R rejoin.", "critical")


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


def running(walk: Walk, *, held: bool) -> Said:
    """While a plan runs."""
    elapsed = f"{walk.elapsed:.0f} s"
    if held:
        warnings = len(walk.findings(Verdict.WARN))
        count = "nothing was found against it" if not warnings else f"▲ {warnings} to know before you say yes"
        text = f"The checks are read: {count}. Nothing is changed yet. Enter goes on to the question, Esc gives up."
        return Said(text, "warning" if warnings else "ok")
    if walk.past_it:
        text = f"The roles changed, and what is left is being done ({elapsed}). This screen stays open until then."
        return Said(text, "warning")
    if walk.no_way_back:
        text = f"There is no way back now: it is being done ({elapsed}). This screen stays open until it is."
        return Said(text, "critical")
    if walk.stop.is_set():
        return Said(f"Giving up: what is running ends first, then what was done is taken back ({elapsed}).", "warning")
    if walk.confirmed:
        return Said(f"Running for {elapsed}. Esc gives up: what was done so far is taken back.", "warning")
    return Said(f"Checking for {elapsed}. Nothing is changed. Esc gives up.")


def ended(walk: Walk) -> Said:
    """How it ended, what it cost, and what the next key is."""
    text, tone = _outcome(walk)
    report = walk.report
    if report is not None and report.outage_seconds is not None:
        text += f" No writes for {report.outage_seconds:.1f} s at most."
    if report is not None and walk.touched:
        text += f" It took {duration_text(report.seconds)}."
    if walk.unsaved:
        text += f"\n▲ The report could not be written: {walk.unsaved}"
    return Said(f"{text}\n{_next(walk)}", tone)


def _outcome(walk: Walk) -> tuple[str, str]:
    why = walk.events[-1].text
    back = " What was done was taken back." if _undone(walk) else " Nothing was changed."
    left = [each for each in walk.report.follow_ups if not each.startswith("look with: ")] if walk.report else []
    match walk.outcome:
        case Outcome.PLANNED:
            return "Dry run: nothing blocks it, and nothing was changed. These are the steps it would take.", "ok"
        case Outcome.DONE:
            return f"✔ Done: {walk.plan.title}.", "ok"
        case Outcome.INCOMPLETE:
            return f"▲ Done but incomplete: {count_of(left)} left to do, listed below.", "warning"
        case Outcome.DECLINED:
            return f"○ Given up.{back}", "plain"
        case Outcome.BLOCKED:
            return f"✖ Blocked: {why or _blocking(walk)}{back}", "critical"
        case Outcome.UNDONE | Outcome.FAILED:
            return f"✖ Failed: {_failure(walk)}.{back}", "critical"
        case _:
            return f"? UNKNOWN: nobody knows whether the last change was made. {LOOK_FIRST}", "critical"


def count_of(things: Sequence[str]) -> str:
    """For a sentence."""
    return "1 thing is" if len(things) == 1 else f"{len(things)} things are"


def _undone(walk: Walk) -> bool:
    return any(event.state is StepState.UNDONE for event in walk.events)


def _blocking(walk: Walk) -> str:
    found = walk.findings(Verdict.BLOCK)
    last = next((event.text for event in reversed(walk.events) if event.state is StepState.BLOCKED and event.text), "")
    text = finding_text(found[0]).partition("  ")[2] if found else ""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{last}{': ' if last and text else ''}{text}{more}."


def _failure(walk: Walk) -> str:
    return next((event.text for event in reversed(walk.events) if event.state is StepState.FAILED), "no reason given")


def _next(walk: Walk) -> str:
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
