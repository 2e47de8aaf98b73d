"""The lines of a plan's list before, during and after its run."""

from collections.abc import Iterable
from pathlib import Path

from dfly_tui.models.operation import Outcome, Verdict
from dfly_tui.operations.plan import Plan
from screens.walk import Walk, finals_of
from widgets.lines import Run
from widgets.plan_view import Choice, Row, choice_row, heading, note_row, step_rows


def plan_rows(choices: Iterable[Choice], plan: Plan | None, title: str = "") -> list[Row]:
    """Before a run: what may be chosen, under its title, then the steps."""
    chosen = [choice_row(choice) for choice in choices]
    rows = [heading(title), *chosen] if chosen else []
    if plan is not None:
        rows.append(heading(f"Steps of run {plan.id}"))
        rows += step_rows(plan.view().steps, {}, finals=_marked(plan), every_finding=False)
        rows += _notes(plan)
    return rows


def _notes(plan: Plan) -> list[Row]:
    notes = [note_row(f"note:{number}", text, "muted") for number, text in enumerate(plan.notes)]
    return [heading("Left to you even when all goes well"), *notes] if notes else []


def _marked(plan: Plan) -> frozenset[str]:
    """Where the list says that there is no way back; a plan that finishes another has none from its first change on."""
    return frozenset(act.id for act in plan.acts[:1]) if plan.committed else finals_of(plan)


def first_of(rows: list[Row]) -> str:
    """Where the cursor begins: on the first line that says something."""
    return next((row.key for row in rows if row.details), "")


def walk_rows(walk: Walk, *, every_finding: bool, seek: Verdict | None = None) -> tuple[list[Row], str]:
    """During a run: each step and how far it came; and the key of the line to look at.

    Args:
        seek: Look at the first finding with this verdict, rather than at the step that runs.
    """
    rows = list(step_rows(walk.steps, walk.progress, finals=_marked(walk.plan), every_finding=every_finding))
    return rows, (_sought(walk, seek) if seek else "") or walk.at


def _sought(walk: Walk, verdict: Verdict) -> str:
    for event in walk.events:
        for number, finding in enumerate(event.findings):
            if finding.verdict is verdict:
                return f"{event.step}:{number}"
    return ""


def ended_rows(walk: Walk, *, every_finding: bool) -> tuple[list[Row], str]:
    """After a run: what is left to do, where the report is, then every step."""
    left = walk.report.follow_ups if walk.report else ()
    rows: list[Row] = []
    if left:
        rows.append(heading("Left to do", "warning"))
        rows += [note_row(f"left:{number}", f"[ ] {text}") for number, text in enumerate(left)]
    if walk.files:
        rows.append(heading("Report"))
        rows += [_file_row(path) for path in walk.files]
    seek = Verdict.WARN if walk.outcome is Outcome.PLANNED else Verdict.BLOCK
    steps, at = walk_rows(walk, every_finding=every_finding, seek=seek)
    rows += [heading(f"Steps of run {walk.plan.id}"), *steps]
    return rows, "left:0" if left else at


def _file_row(path: Path) -> Row:
    return Row(
        f"file:{path.name}", (Run("  "), Run(path.name, "muted")), (Run(path.name, "strong"), Run(str(path))), str(path)
    )
