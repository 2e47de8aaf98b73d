"""The lines of the wizard's list that only a change of roles has."""

from dfly_tui.models.operation import StepState
from dfly_tui.models.replication import Role
from dfly_tui.models.world import Seen
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import Record
from widgets.plan_view import Progress, Row, heading, note_row, step_rows

CHOICES = "New primary (Enter chooses)"


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
