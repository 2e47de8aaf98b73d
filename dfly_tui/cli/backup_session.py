"""What the actions of `dfly-tui backup` share: an instance's backups, and how a plan of them is run and told of."""

import argparse
import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import event_lines, talk
from dfly_tui.cli.plan_run import PlanRun, heed_ctrl_c
from dfly_tui.cli.read import chosen, password_source, prompted, settings_from
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.errors import BadInput, ConfigError, DflyError, Refused
from dfly_tui.models.operation import Event, Outcome, PlanView, StepKind, StepState
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.backup.scene import Backups, opened
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.failover.run import run as run_plan
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.plan import Plan
from dfly_tui.paths import Paths
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import InstanceConfig
from dfly_tui.units import bytes_text, percent_text

Make = Callable[[Backups], Awaitable[Plan]]
TELL_SECONDS = 0.5
_GRAVITY = (
    ExitCode.DONE, ExitCode.INCOMPLETE, ExitCode.DECLINED, ExitCode.BLOCKED, ExitCode.USAGE, ExitCode.FAILED,
    ExitCode.UNKNOWN,
)  # fmt: skip
"""The worst last."""


def worst(codes: Iterable[int]) -> int:
    """The exit code of several."""
    return max(codes, key=lambda code: _GRAVITY.index(ExitCode(code)), default=ExitCode.DONE)


def complain(error: DflyError, about: str = "") -> ExitCode:
    """Say why there is no plan to run; returns the exit code."""
    talk(f"dfly-tui: {f'{about}: ' if about else ''}{error}")
    if error.hint:
        talk(f"  hint: {error.hint}")
    if isinstance(error, Refused):
        return ExitCode.BLOCKED
    return ExitCode.USAGE if isinstance(error, BadInput | ConfigError) else ExitCode.FAILED


class Progress:
    """One line that is written anew, for a person on a terminal and for nobody else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told_at: float | None = None

    def tell(self, text: str) -> None:
        """How far it is."""
        now = self._clock.monotonic()
        if sys.stderr.isatty() and (self._told_at is None or now - self._told_at >= TELL_SECONDS):
            self._told_at = now
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def tell_bytes(self, what: str, done: int, total: int) -> None:
        """How much was read."""
        part = percent_text(done / total) if total else ""
        self.tell(f"  {what}: {part} {bytes_text(done)} of {bytes_text(total)} read")

    def clear(self) -> None:
        """Something else is said."""
        if self._told_at is not None:
            self._told_at = None
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@dataclass
class BackupRun(PlanRun):
    """Runs plans of backups."""

    progress: Progress = field(kw_only=True)

    def told(self, event: Event, view: PlanView) -> list[str]:
        """How far a save or a load is, is for who watches; what ended is for all."""
        if event.state is StepState.RUNNING and event.text:
            self.progress.tell(f"{event.elapsed_seconds:6.1f} s  {event.text}")
            return []
        self.progress.clear()
        return event_lines(event, view)

    def ended(self, view: PlanView, events: list[Event]) -> list[str]:
        """With what retention says of each set where nothing was removed, and what is left to a person in any case."""
        first, *rest = super().ended(view, events)
        outcome = events[-1].outcome
        said = []
        if view.kind == "prune" and (outcome is Outcome.PLANNED or not _acts(view)):
            said += [f"  {found.title} {found.value}" for event in events for found in event.findings]
        if outcome is Outcome.DONE and not _acts(view):
            first += ": there is nothing to do"
        notes = view.notes if outcome in {Outcome.PLANNED, Outcome.DONE, Outcome.INCOMPLETE} else ()
        return [first, *said, *rest, *(f"by hand: {note}" for note in notes)]


def _acts(view: PlanView) -> bool:
    return any(step.kind is StepKind.ACT for step in view.steps)


class Session:
    """One run of the command.

    Attributes:
        stop: Set to give up; Ctrl-C does.
        here: The zone of this machine.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.settings = settings_from(args, args.environ)
        self.paths = Paths.from_env(args.environ)
        self.clock = SystemClock()
        self.audit = Audit(self.paths.audit_file, clock=self.clock)
        self.progress = Progress(self.clock)
        self.here = self.clock.now().astimezone().tzinfo or UTC
        self.stop = asyncio.Event()
        self._answers = prompted(self.settings)
        self._rng = random.Random()  # noqa: S311 - ids of runs are no secrets
        self._heeds = False

    def config(self, name: str) -> InstanceConfig:
        """One that is configured; raises `ConfigError`."""
        return chosen(self.settings, [name])[0]

    def access(self, configs: Iterable[InstanceConfig]) -> Access:
        """What looks at some instances, and changes them; to be closed."""
        guard = Guard(self.clock, self.settings)
        source = partial(password_source, environ=self.args.environ, answers=self._answers)
        timeout = self.settings.defaults.timeout_seconds
        return Access(configs, source, guard=guard, clock=self.clock, timeout_seconds=timeout)

    def opened(self, access: Access, name: str) -> AbstractAsyncContextManager[Backups]:
        """An instance's backups; hung up afterwards."""
        environ = self.args.environ
        return opened(
            access, name, self.settings, plan_id=new_run_id(self.clock.now(), self._rng), who=self.audit.author,
            environ=environ, folder=self.paths.backups_dir,
            secret_of=lambda store: PasswordSource(store, environ=environ), here=self.here,
        )  # fmt: skip

    @asynccontextmanager
    async def scene(self, name: str) -> AsyncIterator[Backups]:
        """An instance's backups, and all that has its data; plans are run while it is open."""
        config = self.config(name)
        group = [each for each in self.settings.instances if config.group and each.group == config.group]
        async with self.access(group or [config]) as access, self.opened(access, name) as scene:
            yield scene

    async def run(self, name: str, make: Make) -> Outcome:
        """Make a plan of an instance's backups, and run it to its end."""
        async with self.scene(name) as scene:
            return await self.follow(scene, await make(scene))

    async def follow(self, scene: Backups, plan: Plan) -> Outcome:
        """Run a plan to its end under the lock of its group; what it prints last is the outcome."""
        args = self.args
        if not self._heeds:
            self._heeds = True
            heed_ctrl_c(self.stop.set, "giving up, unless there is no way back any more")
        at_work = BackupRun(
            self.settings, scene.access, self.audit, self.paths.backup_journal_dir, as_json=args.json, yes=args.yes,
            names=args.confirm, stop=self.stop, progress=self.progress,
        )  # fmt: skip
        return await at_work.to_the_end(plan, partial(run_plan, locks=self.paths.lock_dir, who=self.audit.author))
