"""What the wizard knows and wants beyond what every plan has."""

from dataclasses import dataclass, replace

from dfly_tui.errors import DflyError
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.settings import FailoverSettings
from screens import failover_words as words
from screens import walk_words
from screens.failover_plan import Aim, Unfinished, choices_for, make_plan
from screens.failover_rows import CHOICES, group_rows, unfinished_rows
from screens.walk_phase import Phase
from screens.walk_rows import first_of, plan_rows
from screens.walk_state import WalkState
from widgets.plan_view import Choice, Row


@dataclass(kw_only=True)
class WizardState(WalkState):
    """Where the wizard is.

    Attributes:
        scene: The group as it was seen last.
        unfinished: A run that was cut off; it comes before everything else, and its plans are made of it.
    """

    aim: Aim
    limits: FailoverSettings
    scene: Scene | None = None
    unfinished: Unfinished | None = None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Who may be chosen."""
        return choices_for(self.scene, self.aim, self.plan) if self.scene and self.unfinished is None else ()

    @property
    def can_plan_again(self) -> bool:
        return self.unfinished is None and super().can_plan_again

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
    def after_all(self) -> str:
        return "; the wizard offers to finish it when it is opened again"

    @property
    def useless(self) -> set[str]:
        changed = self.unfinished.situation.changed if self.unfinished and self.unfinished.situation else None
        ways = (("failover.finish", True), ("failover.undo", False))
        return super().useless | {name for name, when in ways if changed is not when}

    def said(self) -> walk_words.Said:
        match self.phase:
            case Phase.REFUSED if self.problem is not None:
                return words.refused(self.problem)
            case Phase.UNFINISHED if self.unfinished is not None:
                return words.unfinished(self.unfinished)
            case Phase.PLANNED if self.plan is not None:
                return words.planned(self.plan, self.locked, read_only=self.read_only, dry_run=self.dry_run)
            case Phase.ENDED if self.walk is not None:
                return walk_words.ended(self.walk, words.next_key(self.walk))
            case Phase.READING:
                return walk_words.Said("Reading the group …")
            case _:
                return super().said()

    def rows(self) -> tuple[list[Row], str]:
        match self.phase:
            case Phase.UNFINISHED if self.unfinished is not None:
                return unfinished_rows(self.unfinished.record, self.scene)
            case Phase.PLANNED:
                rows = plan_rows(self.choices, self.plan, CHOICES)
                return rows, first_of(rows)
            case Phase.REFUSED:
                rows = [*plan_rows(self.choices, None, CHOICES), *group_rows(self.scene)]
                return rows, first_of(rows)
            case _:
                return super().rows()
