"""What is said of a plan in which state: what is the case, and what the next key does."""

from collections.abc import Sequence
from dataclasses import dataclass

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Outcome, StepState, Verdict
from dfly_tui.units import duration_text
from screens.walk import Walk
from widgets.findings import finding_text

LOOK_FIRST = "Do not guess, do not repeat it: look at the servers with the commands below."
TONES = ("plain", "ok", "warning", "critical")


@dataclass(frozen=True)
class Said:
    """A banner: its text, and how grave it is (`plain`, `ok`, `warning`, `critical`)."""

    text: str
    tone: str = "plain"


def planned(locked: Sequence[str], *, read_only: bool, dry_run: bool, never: str) -> Said:
    """Before the checks.

    Args:
        locked: Whom the plan would change, and nobody unlocked.
        never: What a program that is read-only does not do.
    """
    if read_only:
        text = "The whole program is read-only: only a dry run is possible. Enter runs the checks and changes nothing."
        return Said(f"{text}\nTo {never}, start it without --read-only and without read_only.", "warning")
    if dry_run:
        return Said("Dry run: Enter runs the checks and stops before the question. Nothing is changed.")
    text = "Nothing is changed yet. Enter runs the checks, then you are asked."
    if locked:
        return Said(f"{text}\nLocked: {', '.join(locked)}. Enter asks you to unlock first.", "warning")
    return Said(text)


def refused(error: DflyError) -> Said:
    """There is no plan."""
    hint = f" → {error.hint}" if error.hint else ""
    return Said(f"✖ {error}{hint}\nr looks again.", "critical")


def running(walk: Walk, *, held: bool) -> Said:
    """While a plan runs."""
    elapsed = f"{walk.elapsed:.0f} s"
    if held:
        warnings = len(walk.findings(Verdict.WARN))
        count = "nothing was found against it" if not warnings else f"▲ {warnings} to know before you say yes"
        text = f"The checks are read: {count}. Nothing is changed yet. Enter goes on to the question, Esc gives up."
        return Said(text, "warning" if warnings else "ok")
    if walk.past_it:
        text = f"The change is made, and what is left is being done ({elapsed}). This screen stays open until then."
        return Said(text, "warning")
    if walk.no_way_back:
        text = f"There is no way back now: it is being done ({elapsed}). This screen stays open until it is."
        return Said(text, "critical")
    if walk.stop.is_set():
        return Said(f"Giving up: what is running ends first, then what was done is taken back ({elapsed}).", "warning")
    if walk.confirmed:
        return Said(f"Running for {elapsed}. Esc gives up: what was done so far is taken back.", "warning")
    return Said(f"Checking for {elapsed}. Nothing is changed. Esc gives up.")


def ended(walk: Walk, then: str) -> Said:
    """How it ended, what it cost, and what the next key does."""
    text, tone = _outcome(walk)
    report = walk.report
    if report is not None and report.outage_seconds is not None:
        text += f" No writes for {report.outage_seconds:.1f} s at most."
    if report is not None and walk.touched:
        text += f" It took {duration_text(report.seconds)}."
    if walk.unsaved:
        text += f"\n▲ The report could not be written: {walk.unsaved}"
    return Said(f"{text}\n{then}", tone)


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


def next_key(walk: Walk) -> str:
    """What the next key does."""
    match walk.outcome:
        case Outcome.BLOCKED | Outcome.DECLINED | Outcome.PLANNED | Outcome.FAILED | Outcome.UNDONE:
            return "Enter plans and checks again.  Esc closes."
        case _:
            return "Enter looks again.  Esc closes."
