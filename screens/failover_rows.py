"""The lines of the wizard's list in each of its phases."""

from collections.abc import Iterable
from pathlib import Path

from dfly_tui.models.operation import Outcome, StepState, Verdict
from dfly_tui.models.replication import Role
from dfly_tui.models.world import Seen
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import Record
from dfly_tui.operations.plan import Plan
from screens.failover_run import Walk, finals_of
from widgets.lines import Run
from widgets.plan_view import Choice, Progress, Row, choice_row, heading, note_row, step_rows


def plan_rows(choices: Iterable[Choice], plan: Plan | None) -> list[Row]:
    """Before a run: who may be chosen, then the steps."""
    chosen = [choice_row(choice) for choice in choices]
    rows = [heading("New primary (Enter chooses)"), *chosen] if chosen else []
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


def unfinished_rows(record: Record, scene: Scene | None) -> tuple[list[Row], str]:
    """A run that was cut off: how far each change came, as its journal tells; and the key of the last one."""
    progress = {step: _journalled(outcome) for step, outcome in record.steps.items()}
    steps = step_rows(record.plan.steps, progress, finals=(), every_finding=False)
    looks = [note_row(f"look:{number}", line) for number, line in enumerate(record.plan.look_with)]
    rows = [
        heading(f"Steps of run {record.plan.id}"),
        *steps,
        *group_rows(scene),
        heading("Look at the servers with"),
        *looks,
    ]
    return rows, next(reversed(record.steps), "")


def group_rows(scene: Scene | None) -> list[Row]:
    """Who is who in the group now."""
    if scene is None:
        return []
    return [heading("The group now"), *(_seen_row(seen, scene.world.primary_of(seen)) for seen in scene.world)]


def _seen_row(seen: Seen, leader: Seen | None) -> Row:
    if seen.snapshot is None:
        return note_row(f"seen:{seen.name}", f"✖ {seen.name}: {seen.error}", "warning")
    follows = f" of {leader.name if leader else 'somebody not configured'}, link {seen.link_state}"
    what = f"{seen.role or 'role not known'}{follows if seen.role is Role.REPLICA else ''}"
    return note_row(f"seen:{seen.name}", f"● {seen.name}: {what}")


def _journalled(outcome: str) -> Progress:
    if outcome not in {str(state) for state in StepState}:
        return Progress(StepState.UNKNOWN, None, "begun, and its end is not recorded")
    return Progress(StepState(outcome), None)
