"""What a screen that runs a plan knows, without its looks: the screen changes this and paints it."""

from dataclasses import dataclass

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Verdict
from dfly_tui.operations.plan import Plan
from screens import walk_words as words
from screens.services import Services
from screens.walk import Walk
from screens.walk_phase import Phase
from screens.walk_rows import ended_rows, first_of, plan_rows, walk_rows
from widgets.plan_view import Row


@dataclass
class WalkState:
    """Where a plan is.

    Attributes:
        problem: Why there is no plan.
        walk: The run that is made, or was made last.
        every_finding: Asked for by a person; None while nobody did.
    """

    services: Services
    dry_run: bool
    phase: Phase = Phase.READING
    plan: Plan | None = None
    problem: DflyError | None = None
    walk: Walk | None = None
    every_finding: bool | None = None

    @property
    def read_only(self) -> bool:
        """Whether the whole program is."""
        return self.services.settings.defaults.read_only

    @property
    def locked(self) -> list[str]:
        """Whom the plan would change, and nobody unlocked."""
        targets = self.plan.targets if self.plan else ()
        return [name for name in targets if self.services.guard.is_read_only(name)]

    @property
    def can_plan_again(self) -> bool:
        """Whether what was seen still holds: a run that changed nothing leaves it as it was."""
        return self.walk is None or not self.walk.touched

    @property
    def shows_every_finding(self) -> bool:
        """All, until somebody said yes; then only what is not as it should be, so that the steps are in sight."""
        if self.every_finding is not None:
            return self.every_finding
        return self.walk is None or not self.walk.confirmed

    def held(self) -> str:
        """Why the screen cannot be left now; empty when it can."""
        if self.walk is None or not self.walk.running:
            return ""
        if self.walk.no_way_back:
            return (
                f"{self.walk.plan.title}: this is being done now, and there is no way back. What is begun and not "
                f"finished stays so{self.after_all}."
            )
        return f"{self.walk.plan.title}: this is being done now. Esc in its screen gives up and takes it back."

    @property
    def after_all(self) -> str:
        """What becomes of a run that is left in the middle, for the end of a sentence."""
        return ""

    @property
    def useless(self) -> set[str]:
        """Commands that do nothing now, so that no footer offers them."""
        return {"app.back"} if self.walk is not None and self.walk.running and self.walk.no_way_back else set()

    def said(self) -> words.Said:
        """The banner."""
        match self.phase:
            case Phase.REFUSED if self.problem is not None:
                return words.refused(self.problem)
            case Phase.PLANNED if self.plan is not None:
                return words.planned(self.locked, read_only=self.read_only, dry_run=self.dry_run, never="do it")
            case Phase.RUNNING | Phase.HELD if self.walk is not None:
                return words.running(self.walk, held=self.phase is Phase.HELD)
            case Phase.ENDED if self.walk is not None:
                return words.ended(self.walk, words.next_key(self.walk))
            case _:
                return words.Said("Reading …")

    def rows(self) -> tuple[list[Row], str]:
        """What stands in the list, and the key of the line where something happens."""
        every = self.shows_every_finding
        match self.phase:
            case Phase.PLANNED:
                rows = plan_rows((), self.plan)
                return rows, first_of(rows)
            case Phase.RUNNING | Phase.HELD if self.walk is not None:
                seek = Verdict.WARN if self.phase is Phase.HELD else None
                return walk_rows(self.walk, every_finding=every, seek=seek)
            case Phase.ENDED if self.walk is not None:
                return ended_rows(self.walk, every_finding=every)
            case _:
                return [], ""
