"""What `dfly-tui failover` says while it runs, and how it asks. Talk goes to stderr, data to stdout."""

import asyncio
import sys
from collections.abc import Iterable
from contextlib import suppress

from dfly_tui.clients.threads import awaited, start_daemon
from dfly_tui.errors import ReadOnly
from dfly_tui.models.operation import (
    Confirmation,
    Event,
    Finding,
    Level,
    Outcome,
    PlanView,
    StepKind,
    StepState,
    Verdict,
)
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.failover.report import Report
from dfly_tui.operations.guard import Guard
from dfly_tui.units import duration_text

_MARKS = {Verdict.PASS: "ok  ", Verdict.WARN: "WARN", Verdict.BLOCK: "STOP"}


def talk(line: str = "") -> None:
    """A line for the person who watches."""
    print(line, file=sys.stderr, flush=True)


class AtTheTerminal:
    """Asks the person at the terminal, who may also give up by Ctrl-C.

    Args:
        stop: Set when they give up.
    """

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    async def confirm(self, question: Confirmation) -> bool:
        """Show what will happen; yes only for the very words asked for."""
        for line in question_lines(question):
            talk(line)
        wanted = question.token if question.level is Level.NAME else "yes"
        typing = awaited(start_daemon(lambda: _typed(f"Type {wanted!r} to go on, anything else to stop: "), "question"))
        giving_up = asyncio.ensure_future(self._stop.wait())
        giving_up.add_done_callback(lambda _: typing.cancel())
        try:
            return await typing == wanted
        except asyncio.CancelledError:
            if not self._stop.is_set():
                raise
            return False
        finally:
            giving_up.cancel()


def _typed(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


class Unlocking:
    """Whoever typed a production instance's name in a command has unlocked what the plan changes.

    A dashboard stays open, so there it is unlocked for some minutes first; a command ends with what was confirmed.
    """

    def __init__(self, inner: Confirmer, guard: Guard, targets: Iterable[str], minutes: float) -> None:
        self._inner = inner
        self._guard = guard
        self._targets = tuple(targets)
        self._minutes = minutes

    async def confirm(self, question: Confirmation) -> bool:
        """As the other says; after a yes to a typed name the guard lets the plan act."""
        if not await self._inner.confirm(question):
            return False
        for name in self._targets if question.level is Level.NAME else ():
            with suppress(ReadOnly):  # said by the engine, which asks the guard before the first change
                self._guard.unlock(name, self._minutes)
        return True


def question_lines(question: Confirmation) -> list[str]:
    """A question with all that is known before it is answered."""
    lines = ["", question.title, f"  {question.consequence}"]
    lines += ["  not as it should be:"] if question.warnings else []
    lines += [f"    {line}" for finding in question.warnings for line in finding_lines(finding)]
    lines += ["  what will be run:", *(f"    {command}" for command in question.commands)]
    return lines


def finding_lines(finding: Finding) -> list[str]:
    """A finding, and the advice where there is one."""
    wanted = f" (wanted: {finding.wanted})" if finding.wanted and finding.verdict is not Verdict.PASS else ""
    lines = [f"{_MARKS[finding.verdict]} {finding.title}: {finding.value}{wanted}"]
    return [*lines, f"     → {finding.advice}"] if finding.advice else lines


def event_lines(event: Event, plan: PlanView) -> list[str]:
    """What happened, for a person: steps as they end, and what the checks found."""
    steps = {step.id: step for step in plan.steps}
    if event.outcome is not None:
        return []
    step = steps.get(event.step)
    title = step.title if step else event.step
    if event.state is StepState.RUNNING:
        # What may take long is announced; what was looked at is told when it was seen.
        waits = step is None or step.kind in {StepKind.ACT, StepKind.VERIFY}
        return [f"{event.elapsed_seconds:6.1f} s  {title} …"] if waits else []
    text = f": {event.text}" if event.text else ""
    lines = [f"{event.elapsed_seconds:6.1f} s  {title}: {event.state}{text}"]
    return lines + [f"           {line}" for finding in event.findings for line in finding_lines(finding)]


def plan_lines(plan: PlanView) -> list[str]:
    """A plan with every command it would run."""
    lines = [f"{plan.title} ({plan.kind} of group {plan.group})"]
    for number, step in enumerate(plan.steps, 1):
        lines.append(f"  {number:2}. {step.title}")
        lines += [f"        {command}" for command in step.commands]
    return lines + [f"  afterwards, by hand: {note}" for note in plan.notes]


def summary_lines(report: Report, path: str) -> list[str]:
    """How it ended, for stdout."""
    text = f": {report.text}" if report.text else ""
    lines = [f"{report.outcome}: {report.plan.title}{text} ({duration_text(report.seconds)})"]
    if report.outage_seconds is not None:
        lines.append(f"no writes for {report.outage_seconds:.1f} s at most")
    lines += [f"left to do: {line}" for line in report.follow_ups]
    return [*lines, f"report: {path}"] if path else lines


EXIT_CODES = {
    Outcome.PLANNED: 0,
    Outcome.DONE: 0,
    Outcome.FAILED: 1,
    Outcome.UNDONE: 1,
    Outcome.BLOCKED: 3,
    Outcome.DECLINED: 4,
    Outcome.UNKNOWN: 5,
    Outcome.INCOMPLETE: 6,
}
"""See `dfly_tui.cli.exit_codes.ExitCode`."""
