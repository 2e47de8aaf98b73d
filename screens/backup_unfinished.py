"""A restore that was cut off: told of where backups are shown, and finished or taken back from there."""

from dfly_tui.models.operation import Outcome
from dfly_tui.operations.journal import Record, close_record, is_free, records
from dfly_tui.text import safe
from screens.services import Services

RESTORES = frozenset({"restore"})
"""Kinds of plans that must not be left in the middle."""


def unfinished_restore(services: Services, name: str | None = None) -> Record | None:
    """The newest restore that never ended, of one instance or of any, unless it runs in another program now.

    Reads the journals; not for every paint.
    """
    return next(
        (
            record
            for record in records(services.paths.backup_journal_dir)
            if record.is_unfinished
            and record.plan.kind in RESTORES
            and name in {None, record.plan.facts.get("instance")}
            and is_free(services.paths.lock_dir, record.plan.group, services.audit.author)
        ),
        None,
    )


def restore_notice(record: Record, key: str) -> str:
    """A line that tells of it."""
    began = f"{record.begun_at:%Y-%m-%d %H:%M} UTC"
    title = safe(record.plan.title, limit=200)
    return f"▲ cut off in the middle, {began}: {title}. {key} looks, and finishes or takes it back."


def settle(services: Services, record: Record, outcome: Outcome) -> None:
    """Say how it ended after all. Raises `OSError`."""
    close_record(record, outcome, clock=services.clock)
