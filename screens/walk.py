"""A plan being run: its events, whether there still is a way back, and the report at its end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dfly_tui.models.operation import Event, Finding, Outcome, StepKind, StepState, StepView, Verdict
from dfly_tui.operations.access import Access
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.engine import Desk
from dfly_tui.operations.failover.report import Report, report_of, write
from dfly_tui.operations.failover.run import run
from dfly_tui.operations.journal import Journal
from dfly_tui.operations.plan import Act, Plan
from screens.services import Services
from widgets.plan_view import Progress, progress_of

SENT = {StepState.DONE, StepState.FAILED, StepState.UNDONE, StepState.UNKNOWN}
"""Ends of a change that may have reached a server."""


@dataclass
class Walk:
    """One run of a plan.

    Args:
        journals: Where its journal is kept; by default among the changes of roles.

    Attributes:
        stop: Set to give the plan up; heeded between steps, while there is a way back.
        report: With the outcome.
        files: Where the report was written.
        unsaved: Why it could not be; empty when it could, or nothing was to be written.
        read: Whether what the checks found was read, and it is to go on.
    """

    services: Services
    plan: Plan
    changed: Callable[[], None]
    events: list[Event] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    report: Report | None = None
    files: tuple[Path, ...] = ()
    unsaved: str = ""
    read: bool = False
    journals: Path | None = None

    def __post_init__(self) -> None:
        self._began = self.services.clock.monotonic()
        self._view = self.plan.view()

    async def run(self, access: Access, confirmer: Confirmer, *, dry_run: bool) -> None:
        """Run it to its end and write the report."""
        paths, clock, audit = self.services.paths, self.services.clock, self.services.audit
        journal = Journal(self.journals or paths.journal_dir, self._view, clock=clock)
        desk = Desk(access, confirmer, audit, journal, dry_run, self.stop)
        try:
            async for event in run(self.plan, desk, locks=paths.lock_dir, who=audit.author):
                self.events.append(event)
                self.changed()
        except OSError as error:  # the lock cannot be written
            self.events.append(
                Event(at=clock.now(), elapsed_seconds=self.elapsed, outcome=Outcome.BLOCKED, text=str(error))
            )
        self.report = report_of(self._view, self.events, audit.author)
        if self.touched:
            self._write(self.report)
        self.changed()

    def _write(self, report: Report) -> None:
        try:
            path = write(report, self.services.paths.reports_dir)
            self.files = (path, path.with_suffix(".json"))
        except OSError as error:
            self.unsaved = str(error)

    @property
    def elapsed(self) -> float:
        """Seconds since it was begun."""
        return self.services.clock.monotonic() - self._began

    @property
    def outcome(self) -> Outcome | None:
        """None while it runs."""
        return self.events[-1].outcome if self.events else None

    @property
    def progress(self) -> dict[str, Progress]:
        """Where each step stands."""
        return progress_of(self.events, self.elapsed)

    @property
    def at(self) -> str:
        """Id of the step that runs, or was the last."""
        return next((event.step for event in reversed(self.events) if event.step), "")

    @property
    def touched(self) -> bool:
        """Whether a change may have reached a server."""
        changes = {act.id for act in self.plan.acts} | set(self._undos())
        return any(event.state in SENT and event.step in changes for event in self.events)

    @property
    def confirmed(self) -> bool:
        """Whether the last question was answered with yes: changes are being made, or were."""
        last = [step.id for step in self._view.steps if step.kind is StepKind.CONFIRM][-1:]
        return any(event.step in last and event.state is StepState.DONE for event in self.events)

    @property
    def running(self) -> bool:
        """Whether changes are being made now."""
        return self.confirmed and self.outcome is None

    @property
    def past_it(self) -> bool:
        """Whether the change that cannot be taken back was made."""
        return any(event.step in self.finals and event.state is StepState.DONE for event in self.events)

    @property
    def no_way_back(self) -> bool:
        """Whether the change that cannot be taken back was begun."""
        begun = {step: done.state for step, done in self.progress.items()}
        past = {StepState.RUNNING, StepState.DONE, StepState.UNKNOWN}
        return (self.plan.committed and self.confirmed) or any(begun.get(step) in past for step in self.finals)

    @property
    def finals(self) -> frozenset[str]:
        """Ids of the changes that cannot be taken back."""
        return finals_of(self.plan)

    @property
    def steps(self) -> tuple[StepView, ...]:
        """The plan's steps, then those by which it was taken back."""
        known = self._view.steps
        ids = {step.id for step in known}
        taken_back = dict.fromkeys(event.step for event in self.events if event.step and event.step not in ids)
        undos = self._undos()
        return (*known, *(_view(undos[step]) for step in taken_back if step in undos))

    def _undos(self) -> dict[str, Act]:
        return {act.undo.id: act.undo for act in self.plan.acts if act.undo is not None}

    def findings(self, verdict: Verdict) -> list[Finding]:
        """What was found with this verdict, by checks and by what did not become so."""
        return [each for event in self.events for each in event.findings if each.verdict is verdict]


def finals_of(plan: Plan) -> frozenset[str]:
    """Ids of the changes of a plan that cannot be taken back."""
    return frozenset(act.id for act in plan.acts if act.final)


def _view(act: Act) -> StepView:
    return StepView(id=act.id, title=act.title, kind=StepKind.ACT, target=act.target, commands=act.commands)
