"""A plan run from the command line: how it asks, tells, and heeds Ctrl-C. Talk goes to stderr, data to stdout."""

import argparse
import asyncio
import json
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dfly_tui.cli.failover_talk import AtTheTerminal, Unlocking, event_lines, talk
from dfly_tui.models.operation import Confirmation, Event, Level, Outcome, PlanView
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Confirmer, Deny, GivenAnswer
from dfly_tui.operations.engine import Desk
from dfly_tui.operations.journal import Journal
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import Settings

Runner = Callable[[Plan, Desk], AsyncGenerator[Event, None]]


def add_answer_options(parser: argparse.ArgumentParser) -> None:
    """What a person would answer, said beforehand."""
    parser.add_argument("--yes", action="store_true", help="answer questions with yes; checks are made all the same")
    parser.add_argument(
        "--confirm", action="append", default=[], metavar="NAME", help="the name that would be typed; may be repeated"
    )


@dataclass
class PlanRun:
    """Runs plans and tells of them, in words or as JSON lines.

    Attributes:
        journals: Where the journal of a run is kept.
        yes, names: What was confirmed beforehand.
        dry_run: Stop before the question.
        stop: Set to give up; Ctrl-C does.
    """

    settings: Settings
    access: Access
    audit: Audit
    journals: Path
    as_json: bool
    yes: bool
    names: Sequence[str]
    dry_run: bool = False
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def events(self, plan: Plan, run: Runner) -> list[Event]:
        """Run a plan to its end; the last event has the outcome."""
        view, events = plan.view(), []
        desk = Desk(
            self.access,
            Unlocking(self._confirmer(), self.access.guard, plan.targets, self.settings.defaults.unlock_minutes),
            self.audit,
            Journal(self.journals, view, clock=self.access.clock),
            dry_run=self.dry_run or self.settings.defaults.dry_run,
            stop=self.stop,
        )
        self.print({"plan": view.model_dump(mode="json")})
        async with aclosing(run(plan, desk)) as stream:
            async for event in stream:
                events.append(event)
                for line in self.told(event, view):
                    talk(line)
                self.print({"event": event.model_dump(mode="json")})
        return events

    async def to_the_end(self, plan: Plan, run: Runner) -> Outcome:
        """Run a plan and tell how it ended; what it prints last is the outcome."""
        events = await self.events(plan, run)
        last = events[-1]
        outcome = last.outcome or Outcome.UNKNOWN
        if self.as_json:
            self.print({"outcome": outcome, "text": last.text, "run": plan.id, "left_to_do": last.follow_ups})
        else:
            print("\n".join(self.ended(plan.view(), events)), flush=True)
        return outcome

    def ended(self, view: PlanView, events: list[Event]) -> list[str]:
        """How it ended, in lines; what it would do, when nothing was to be done."""
        last = events[-1]
        lines = [f"{last.outcome}: {view.title}{f': {last.text}' if last.text else ''}"]
        for step in view.steps if last.outcome is Outcome.PLANNED else ():
            lines += [f"  {step.title}", *(f"      {command}" for command in step.commands)]
        return lines + [f"left to do: {line}" for line in last.follow_ups]

    def told(self, event: Event, view: PlanView) -> list[str]:
        """What is said of an event, in lines."""
        return event_lines(event, view)

    def print(self, line: dict[str, object]) -> None:
        """A line of JSON, if that is wanted."""
        if self.as_json:
            print(json.dumps(line), flush=True)

    def _confirmer(self) -> Confirmer:
        if self.yes:
            return _Given(yes=True, names=self.names)
        return AtTheTerminal(self.stop) if sys.stdin.isatty() else _Nobody()


class _Given(GivenAnswer):
    """Says what is wanting in what was said beforehand."""

    async def confirm(self, question: Confirmation) -> bool:
        said = await super().confirm(question)
        if not said:
            talk(f"--yes is not enough here: --confirm {question.token} says the name that would be typed")
        return said


class _Nobody(Deny):
    """Nobody is there to be asked."""

    async def confirm(self, question: Confirmation) -> bool:
        for line in question.consequence.splitlines():
            talk(f"  {line}")
        wanted = f"--yes --confirm {question.token}" if question.level is Level.NAME else "--yes"
        talk(f"nobody is at the terminal to confirm: {wanted} says it beforehand")
        return False


def heed_ctrl_c(stop: Callable[[], None], words: str) -> None:
    """The first Ctrl-C stops in order, and `words` say how; the second ends the program at once."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        talk(f"{words}; Ctrl-C again ends the program at once")
        stop()

    if threading.current_thread() is threading.main_thread():  # only there signals are heard
        with suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, heard)
