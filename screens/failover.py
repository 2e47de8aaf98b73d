"""The failover wizard: what would be done, whether it may be, the question, the run, and what is left to do."""

import random
from dataclasses import replace

from textual import work

from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.failover.resume import finish, give_up, settle
from dfly_tui.operations.failover.run import look_at_group, members, new_run_id
from screens import failover_words as words
from screens.commands import FAILOVER, PLAN, bindings
from screens.failover_plan import CHANGE, RESUME, Aim, unfinished_in, unfinished_notice
from screens.failover_state import WizardState
from screens.services import Services
from screens.walk import Walk
from screens.walk_phase import AT_REST, Phase
from screens.walk_screen import WalkScreen
from widgets.dialog import ConfirmDialog
from widgets.plan_view import PlanList

__all__ = ["FailoverScreen", "unfinished_notice"]


class FailoverScreen(WalkScreen):
    """Changes the roles of a group.

    Args:
        kind: `change` of roles, `swap-back`, `rejoin`, `attach`, `detach` or `resume`. A run that never ended comes
            first, whatever was asked for.
        to: Who is to lead; None for whoever fits best.
        instance: Who is attached, detached or comes back.
        rng: For the run's id.
    """

    scope = FAILOVER
    BINDINGS = [*bindings(FAILOVER), *bindings(PLAN)]
    state: WizardState

    def __init__(
        self, services: Services, group: str, kind: str = CHANGE, to: str | None = None, instance: str | None = None,
        *, rng: random.Random | None = None,
    ) -> None:  # fmt: skip
        defaults, aim = services.settings.defaults, Aim(group, CHANGE if kind == RESUME else kind, to, instance)
        dry_run = defaults.dry_run or defaults.read_only
        super().__init__(services, WizardState(services, dry_run, aim=aim, limits=services.settings.failover))
        self._rng = rng or random.Random()  # noqa: S311 (it names a run)

    def heading(self) -> str:
        state = self.state
        return words.heading_of(state.aim, state.plan if state.phase is not Phase.UNFINISHED else None)

    def wishes(self) -> str:
        state = self.state
        if not state.offers_options:
            return ""
        return words.wishes(state.plan, state.options, self.services.settings.keymap)

    # --- looking and planning

    @work(exclusive=True, group="look")
    async def look(self, *, go_on: bool = False) -> None:
        """Read the group and make a plan; `go_on` with its checks at once."""
        self.enter(Phase.READING)
        services, state = self.services, self.state
        try:
            if self.access is None:
                configs = [watched.config for watched in services.hub.watched]
                self.access = services.access(members(configs, state.aim.group))
            state.scene = await look_at_group(
                self.access, state.aim.group, state.limits, run_id=new_run_id(services.clock.now(), self._rng),
                who=services.audit.author, environ=services.environ,
            )  # fmt: skip
        except DflyError as error:
            state.problem = error
            self.enter(Phase.REFUSED)
            return
        state.unfinished = unfinished_in(services, state.scene)
        self.enter(Phase.UNFINISHED if state.unfinished else state.make_plan())
        if go_on and self.state.phase is Phase.PLANNED:
            self.go()

    # --- keys

    def action_next(self) -> None:
        """What comes next: choose, check, be asked, look again."""
        state, row = self.state, self.query_one(PlanList).highlighted
        under = row.key.removeprefix("choice:") if row and row.key.startswith("choice:") else None
        chosen = next((choice.name for choice in state.choices if choice.chosen), None)
        if state.phase in {Phase.PLANNED, Phase.REFUSED} and under not in {None, chosen}:
            state.aim = replace(state.aim, to=under)
            self.enter(state.make_plan())
        else:
            super().action_next()

    def action_option(self, name: str) -> None:
        """Turn one of the options on or off and plan again."""
        if not self.state.turn(name):
            return
        if self.state.can_plan_again:
            self.enter(self.state.make_plan())
        self.repaint()

    def action_aim(self, kind: str) -> None:
        """Another kind of plan for the same group."""
        aim = self.state.aim
        if self.state.phase in AT_REST and self.state.unfinished is None:
            self.state.aim = Aim(aim.group, kind, override_cooldown=aim.override_cooldown)
            self.look()

    # --- a run that was cut off

    def action_finish(self) -> None:
        """Make the plan that does what is left."""
        self._resume(True)

    def action_undo(self) -> None:
        """Make the plan that takes back what was begun."""
        self._resume(False)

    def _resume(self, changed: bool) -> None:
        state, found = self.state, self.state.unfinished
        if state.phase is not Phase.UNFINISHED or found is None or state.scene is None or found.situation is None:
            return
        if found.situation.changed is changed:
            state.plan = (finish if changed else give_up)(state.scene, found.record)
            self.enter(Phase.PLANNED)

    @work(exclusive=True, group="look")
    async def action_settle(self) -> None:
        """Somebody saw to it: the run is closed in the journal, and nothing else is done."""
        found = self.state.unfinished
        if self.state.phase is not Phase.UNFINISHED or found is None:
            return
        consequence = f"{found.record.plan.title}: the wizard will not speak of this run again. No server is changed."
        if await self.app.push_screen_wait(
            ConfirmDialog("It is settled", consequence, confirm="Settled", danger=False)
        ):
            changed = found.situation.changed if found.situation else None
            self._settle({True: Outcome.DONE, False: Outcome.UNDONE, None: Outcome.INCOMPLETE}[changed])
            self.look()

    def ended(self, walk: Walk) -> None:
        if walk.outcome in {Outcome.DONE, Outcome.INCOMPLETE}:
            taken_back = walk.plan.kind == "give-up" and walk.outcome is Outcome.DONE
            self._settle(Outcome.UNDONE if taken_back else walk.outcome)

    def _settle(self, outcome: Outcome) -> None:
        """Close the record of the run that was cut off."""
        if self.state.unfinished is None:
            return
        try:
            settle(self.state.unfinished.record, outcome, clock=self.services.clock)
        except OSError as error:
            self.notify(str(error), title="Not recorded", severity="error", markup=False)
