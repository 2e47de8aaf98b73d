"""What the commands that change keys say while they run, and how they ask. Talk goes to stderr, data to stdout."""

import asyncio
import json
import signal
import sys
import threading
from contextlib import aclosing
from dataclasses import dataclass

from dfly_tui.cli.failover_talk import EXIT_CODES, AtTheTerminal, Unlocking, event_lines, talk
from dfly_tui.models.key_text import date_text
from dfly_tui.models.keys import kind_name
from dfly_tui.models.operation import Confirmation, Event, Outcome, PlanView
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Confirmer, Deny, GivenAnswer
from dfly_tui.operations.engine import Desk
from dfly_tui.operations.journal import Journal
from dfly_tui.operations.keys.bulk import Progress
from dfly_tui.operations.keys.place import run
from dfly_tui.operations.keys.trash import Kept
from dfly_tui.operations.plan import Plan
from dfly_tui.paths import Paths
from dfly_tui.settings import Settings
from dfly_tui.text import safe
from dfly_tui.units import bytes_text


@dataclass
class Talking:
    """Runs plans and tells of them, in words or as JSON lines.

    Attributes:
        yes, names: What was confirmed beforehand.
        stop: Set by Ctrl-C.
    """

    settings: Settings
    paths: Paths
    access: Access
    audit: Audit
    as_json: bool
    yes: bool
    names: list[str]
    stop: asyncio.Event

    async def run(self, plan: Plan) -> Outcome:
        """Run a plan to its end; what it prints last is the outcome."""
        view = plan.view()
        desk = Desk(
            self.access,
            Unlocking(self._confirmer(), self.access.guard, plan.targets, self.settings.defaults.unlock_minutes),
            self.audit,
            Journal(self.paths.key_journal_dir, view, clock=self.access.clock),
            dry_run=self.settings.defaults.dry_run,
            stop=self.stop,
        )
        self._print({"plan": view.model_dump(mode="json")})
        last: Event | None = None
        async with aclosing(run(plan, desk)) as events:
            async for event in events:
                last = event
                for line in event_lines(event, view):
                    talk(line)
                self._print({"event": event.model_dump(mode="json")})
        assert last is not None
        assert last.outcome is not None
        self._end(view, last, last.outcome)
        return last.outcome

    def _confirmer(self) -> Confirmer:
        if self.yes:
            return _Given(yes=True, names=self.names)
        return AtTheTerminal(self.stop) if sys.stdin.isatty() else _Nobody()

    def _end(self, plan: PlanView, last: Event, outcome: Outcome) -> None:
        if self.as_json:
            self._print({"outcome": outcome, "run": plan.id, "left_to_do": last.follow_ups})
            return
        print(f"{outcome}: {plan.title}{f': {last.text}' if last.text else ''}")
        if outcome is Outcome.PLANNED:
            for step in plan.steps:
                print(f"  {step.title}")
                for command in step.commands:
                    print(f"      {command}")
        for line in last.follow_ups:
            print(f"left to do: {line}")

    def progress(self, progress: Progress) -> None:
        """How far a change of many keys is."""
        talk(f"           {progress.text}")
        told = {"rate": round(progress.rate, 1), "eta_seconds": progress.eta_seconds}
        self._print({"progress": {**progress.model_dump(mode="json"), **told}})

    def say(self, line: str) -> None:
        """A line for the person who watches."""
        talk(line)

    def _print(self, line: dict[str, object]) -> None:
        if self.as_json:
            print(json.dumps(line), flush=True)


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
        wanted = f"--yes --confirm {question.token}" if question.level == "name" else "--yes"
        talk(f"nobody is at the terminal to confirm: {wanted} says it beforehand")
        return False


def heed_ctrl_c(stop: asyncio.Event) -> None:
    """The first Ctrl-C ends after the window that is under way, the second ends the program."""
    loop = asyncio.get_running_loop()

    def heard() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        talk("giving up after what is under way; Ctrl-C again ends the program at once")
        stop.set()

    if threading.current_thread() is threading.main_thread():  # only there signals are heard
        loop.add_signal_handler(signal.SIGINT, heard)


def kept_line(kept: Kept) -> str:
    """A key in the trash, for a person."""
    where = f"{safe(kept.instance)} db{kept.database}"
    kind, size = safe(kind_name(kept.kind), limit=20), bytes_text(kept.size_bytes)
    about = f"{kind}, {size}, expires {date_text(kept.expires_at_ms)}"
    name = safe(kept.name, limit=200)
    return f"{kept.at:%Y-%m-%d %H:%M:%S} UTC  {where}  {name}  ({about})  {kept.why}  run {kept.run}"


def kept_record(kept: Kept) -> str:
    """The same as a JSON line; the name exactly."""
    return json.dumps(
        {
            "at": kept.at.isoformat(),
            "run": kept.run,
            "why": kept.why,
            "instance": kept.instance,
            "database": kept.database,
            "name": safe(kept.name, limit=1 << 20),
            "name_hex": kept.name.hex(),
            "type": kept.kind,
            "expires_at_ms": kept.expires_at_ms,
            "dump_bytes": kept.size_bytes,
        }
    )


def exit_code(outcome: Outcome) -> int:
    """See `dfly_tui.cli.exit_codes.ExitCode`."""
    return EXIT_CODES[outcome]
