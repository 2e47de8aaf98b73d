"""Runs a plan of backups: a backup, a drill, a restore, what retention removes, another schedule."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from textual import on, work
from textual.events import Unmount

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.journal import Record
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import InstanceConfig
from screens.backup_unfinished import settle
from screens.commands import BACKUP_PLAN, PLAN, bindings
from screens.services import Services
from screens.walk import Walk
from screens.walk_phase import Phase
from screens.walk_screen import WalkScreen
from screens.walk_state import WalkState

MakePlan = Callable[[Access, AsyncExitStack], Awaitable[Plan]]
"""Looks at the world as it is now and makes the plan, which needs what it opens on the stack until it has ended. Raises
`DflyError` when there is none."""


class BackupState(WalkState):
    """Without the ways out that only a change of roles has."""

    @property
    def useless(self) -> set[str]:
        return super().useless | {"failover.rejoin", "failover.swap-back"}


class BackupPlanScreen(WalkScreen):
    """Shows the plan, runs its checks, asks, runs it.

    Args:
        instance: Whose backups it is about.
        what: In a few words, for the heading.
        make: Called anew whenever somebody looks again: nothing is done on what was seen before.
        done: Called when something may have changed.
        cut_off: The run that this finishes or takes back; closed when that is done.
    """

    scope = BACKUP_PLAN
    BINDINGS = [*bindings(BACKUP_PLAN), *bindings(PLAN)]

    def __init__(
        self, services: Services, instance: str, what: str, make: MakePlan, *, done: Callable[[], None] = lambda: None,
        cut_off: Record | None = None,
    ) -> None:  # fmt: skip
        defaults = services.settings.defaults
        super().__init__(services, BackupState(services, defaults.dry_run or defaults.read_only))
        self._instance, self._what, self._make, self._done = instance, what, make, done
        self._cut_off = cut_off
        self._opened = AsyncExitStack()

    @property
    def journals(self) -> Path:
        return self.services.paths.backup_journal_dir

    def heading(self) -> str:
        plan = self.state.plan
        title = f"{self._instance} · {self._what}"
        return f"{title}: {plan.title}" if plan is not None and plan.title != self._what else title

    @work(exclusive=True, group="look")
    async def look(self, *, go_on: bool = False) -> None:
        """Read the world and make the plan; `go_on` with its checks at once."""
        self.enter(Phase.READING)
        state = self.state
        try:
            if self.access is None:
                self.access = self.services.access(self._concerned())
            await self._opened.aclose()
            state.plan = await self._make(self.access, self._opened)
        except DflyError as error:
            state.problem = error
            self.enter(Phase.REFUSED)
            return
        self.enter(Phase.PLANNED)
        if go_on:
            self.go()

    @on(Unmount)
    async def _close(self) -> None:
        await self._opened.aclose()

    def _concerned(self) -> list[InstanceConfig]:
        """The instance, and those that replicate with it."""
        configs = [watched.config for watched in self.services.hub.watched]
        group = self.services.hub[self._instance].config.group
        return [each for each in configs if each.name == self._instance or (group is not None and each.group == group)]

    def ended(self, walk: Walk) -> None:
        if self._cut_off is not None and walk.outcome in {Outcome.DONE, Outcome.INCOMPLETE}:
            taken_back = walk.plan.kind == "give-up"
            try:
                settle(self.services, self._cut_off, Outcome.UNDONE if taken_back else Outcome.DONE)
            except OSError as error:
                self.notify(str(error), title="Not recorded", severity="error", markup=False)
        if walk.touched:
            self._done()
