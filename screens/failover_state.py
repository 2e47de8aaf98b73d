"""What the wizard knows and wants, without its looks: the screen changes this and paints it."""

from dataclasses import dataclass, replace

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Verdict
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import FailoverSettings
from screens import failover_words as words
from screens.failover_phase import Phase
from screens.failover_plan import Aim, Unfinished, choices_for, make_plan
from screens.failover_rows import ended_rows, first_of, group_rows, plan_rows, unfinished_rows, walk_rows
from screens.failover_run import Walk
from screens.services import Services
from widgets.plan_view import Choice, Row


@dataclass
class WizardState:
    """Where the wizard is.

    Attributes:
        scene: The group as it was seen last.
        problem: Why there is no plan.
        unfinished: A run that was cut off; it comes before everything else, and its plans are made of it.
        walk: The run that is made, or was made last.
        every_finding: Asked for by a person; None while nobody did.
    """

    services: Services
    aim: Aim
    limits: FailoverSettings
    dry_run: bool
    phase: Phase = Phase.READING
    scene: Scene | None = None
    plan: Plan | None = None
    problem: DflyError | None = None
    unfinished: Unfinished | None = None
    walk: Walk | None = None
    every_finding: bool | None = None

    @property
    def read_only(self) -> bool:
        """Whether the whole program is."""
        return self.services.settings.defaults.read_only

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Who may be chosen."""
        return choices_for(self.scene, self.aim, self.plan) if self.scene and self.unfinished is None else ()

    @property
    def locked(self) -> list[str]:
        """Whom the plan would change, and nobody unlocked."""
        targets = self.plan.targets if self.plan else ()
        return [name for name in targets if self.services.guard.is_read_only(name)]

    @property
    def can_plan_again(self) -> bool:
        """Whether what was seen still holds: a run that changed nothing leaves it as it was."""
        return self.unfinished is None and (self.walk is None or not self.walk.touched)

    @property
    def offers_options(self) -> bool:
        """Whether options can be turned on and off now."""
        return self.phase is Phase.PLANNED or (self.phase is Phase.ENDED and self.can_plan_again)

    @property
    def options(self) -> dict[str, bool]:
        """Each option, and whether it is on."""
        limits = self.limits
        return {
            "snapshot_first": limits.snapshot_first, "pause_writes": limits.pause_writes, "canary": limits.canary,
            "override_cooldown": self.aim.override_cooldown, "dry_run": self.dry_run,
        }  # fmt: skip

    def make_plan(self) -> Phase:
        """Of what was seen last, and of what is wanted now; returns where that leads."""
        assert self.scene is not None, "the group was read"
        self.scene = replace(self.scene, limits=self.limits)
        self.plan = self.problem = None
        try:
            self.plan = make_plan(self.services, self.scene, self.aim)
        except DflyError as error:
            self.problem = error
        return Phase.PLANNED if self.plan else Phase.REFUSED

    def turn(self, name: str) -> bool:
        """Turn an option on or off; whether it could be."""
        if not self.offers_options or name not in words.options_of(self.plan):
            return False
        on = not self.options[name]
        if name == "dry_run":
            self.dry_run = self.read_only or on
        elif name == "override_cooldown":
            self.aim = replace(self.aim, override_cooldown=on)
        else:
            self.limits = self.limits.model_copy(update={name: on})
        return True

    @property
    def shows_every_finding(self) -> bool:
        """All, until somebody said yes; then only what is not as it should be, so that the steps are in sight."""
        if self.every_finding is not None:
            return self.every_finding
        return self.walk is None or not self.walk.confirmed

    def held(self) -> str:
        """Why the wizard cannot be left now; empty when it can."""
        if self.walk is None or not self.walk.running:
            return ""
        if self.walk.no_way_back:
            return (
                f"{self.walk.plan.title}: this is being done now, and there is no way back. What is begun and not "
                "finished stays so; the wizard offers to finish it when it is opened again."
            )
        return f"{self.walk.plan.title}: this is being done now. Esc in the wizard gives up and takes it back."

    @property
    def useless(self) -> set[str]:
        """Commands that do nothing now, so that no footer offers them."""
        found: set[str] = set()
        if self.walk is not None and self.walk.running and self.walk.no_way_back:
            found.add("app.back")
        changed = self.unfinished.situation.changed if self.unfinished and self.unfinished.situation else None
        return found | {
            name for name, when in (("failover.finish", True), ("failover.undo", False)) if changed is not when
        }

    def said(self) -> words.Said:
        """The banner."""
        match self.phase:
            case Phase.REFUSED if self.problem is not None:
                return words.refused(self.problem)
            case Phase.UNFINISHED if self.unfinished is not None:
                return words.unfinished(self.unfinished)
            case Phase.PLANNED if self.plan is not None:
                return words.planned(self.plan, self.locked, read_only=self.read_only, dry_run=self.dry_run)
            case Phase.RUNNING | Phase.HELD if self.walk is not None:
                return words.running(self.walk, held=self.phase is Phase.HELD)
            case Phase.ENDED if self.walk is not None:
                return words.ended(self.walk)
            case _:
                return words.Said("Reading the group …")

    def rows(self) -> tuple[list[Row], str]:
        """What stands in the list, and the key of the line where something happens."""
        every = self.shows_every_finding
        match self.phase:
            case Phase.UNFINISHED if self.unfinished is not None:
                return unfinished_rows(self.unfinished.record, self.scene)
            case Phase.PLANNED:
                rows = plan_rows(self.choices, self.plan)
                return rows, first_of(rows)
            case Phase.REFUSED:
                rows = [*plan_rows(self.choices, None), *group_rows(self.scene)]
                return rows, first_of(rows)
            case Phase.RUNNING | Phase.HELD if self.walk is not None:
                seek = Verdict.WARN if self.phase is Phase.HELD else None
                return walk_rows(self.walk, every_finding=every, seek=seek)
            case Phase.ENDED if self.walk is not None:
                return ended_rows(self.walk, every_finding=every)
            case _:
                return [], ""
