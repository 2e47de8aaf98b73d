"""The failover wizard: what would be done, whether it may be, the question, the run, and what is left to do."""

import asyncio
import random
from dataclasses import replace

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Unmount
from textual.widgets import Static

from dfly_tui.errors import DflyError
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.operation import Confirmation, Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.failover.resume import finish, give_up, settle
from dfly_tui.operations.failover.run import look_at_group, members, new_run_id
from screens import failover_words as words
from screens.base import DashboardScreen
from screens.commands import FAILOVER, bindings
from screens.failover_phase import AT_REST, Phase, hints_in, key_of
from screens.failover_plan import CHANGE, RESUME, Aim, unfinished_in, unfinished_notice
from screens.failover_question import QuestionDialog
from screens.failover_run import Walk
from screens.failover_state import WizardState
from screens.services import Services
from screens.unlock import toggle_lock
from widgets.dialog import ConfirmDialog, TextDialog
from widgets.footer import KeyHints
from widgets.plan_view import Details, PlanList

__all__ = ["FailoverScreen", "unfinished_notice"]

TICK_SECONDS = 0.5


class FailoverScreen(DashboardScreen):
    """Changes the roles of a group.

    Args:
        kind: `change` of roles, `swap-back`, `rejoin`, `attach`, `detach` or `resume`. A run that never ended comes
            first, whatever was asked for.
        to: Who is to lead; None for whoever fits best.
        instance: Who is attached, detached or comes back.
        rng: For the run's id.
    """

    scope = FAILOVER
    BINDINGS = bindings(FAILOVER)

    def __init__(
        self, services: Services, group: str, kind: str = CHANGE, to: str | None = None, instance: str | None = None,
        *, rng: random.Random | None = None,
    ) -> None:  # fmt: skip
        super().__init__(services)
        defaults, aim = services.settings.defaults, Aim(group, CHANGE if kind == RESUME else kind, to, instance)
        self.state = WizardState(services, aim, services.settings.failover, defaults.dry_run or defaults.read_only)
        self._rng = rng or random.Random()  # noqa: S311 (it names a run)
        self._access: Access | None = None
        self._hold: asyncio.Future[bool] | None = None

    def compose_body(self) -> ComposeResult:
        yield Static(id="what", markup=False)
        yield Static(id="wishes", markup=False)
        yield Static(id="banner", markup=False)
        with Container(id="walk"):
            yield PlanList()
            yield Details()

    def on_mount(self) -> None:
        self._ticker = self.set_interval(TICK_SECONDS, self.repaint, pause=True)
        self.focus_body()
        self._look()

    @on(Unmount)
    async def _hang_up(self) -> None:
        if self._access is not None:
            await self._access.aclose()

    def focus_body(self) -> None:
        self.query_one(PlanList).focus()

    def held(self) -> str:
        return self.state.held()

    # --- looking and planning

    @work(exclusive=True, group="look")
    async def _look(self, *, go_on: bool = False) -> None:
        """Read the group and make a plan; `go_on` with its checks at once."""
        self._enter(Phase.READING)
        services, state = self.services, self.state
        try:
            if self._access is None:
                configs = [watched.config for watched in services.hub.watched]
                self._access = services.access(members(configs, state.aim.group))
            state.scene = await look_at_group(
                self._access, state.aim.group, state.limits, run_id=new_run_id(services.clock.now(), self._rng),
                who=services.audit.author, environ=services.environ,
            )  # fmt: skip
        except DflyError as error:
            state.problem = error
            self._enter(Phase.REFUSED)
            return
        state.unfinished = unfinished_in(services, state.scene)
        self._enter(Phase.UNFINISHED if state.unfinished else state.make_plan())
        if go_on and self.state.phase is Phase.PLANNED:
            self._go()

    def _enter(self, phase: Phase) -> None:
        """Another phase: the cursor goes to where something is to be seen."""
        self.state.phase = phase
        self.state.every_finding = None
        self.query_one(PlanList).follows = True
        if phase is Phase.RUNNING:
            self._ticker.resume()
        elif phase is Phase.ENDED:
            self._ticker.pause()
        self.repaint()

    # --- keys

    def action_next(self) -> None:
        """What comes next: choose, check, be asked, look again."""
        state, row = self.state, self.query_one(PlanList).highlighted
        under = row.key.removeprefix("choice:") if row and row.key.startswith("choice:") else None
        chosen = next((choice.name for choice in state.choices if choice.chosen), None)
        if self._hold is not None:
            self._hold.set_result(True)
        elif state.phase in {Phase.PLANNED, Phase.REFUSED} and under not in {None, chosen}:
            state.aim = replace(state.aim, to=under)
            self._enter(state.make_plan())
        elif state.phase is Phase.PLANNED:
            self._go()
        elif state.phase in {Phase.REFUSED, Phase.ENDED}:
            self._look(go_on=state.phase is Phase.ENDED and state.can_plan_again)

    @on(PlanList.Selected)
    def _selected(self) -> None:
        self.action_next()

    @on(PlanList.Highlighted)
    def _highlighted(self) -> None:
        self._show_details()

    def action_option(self, name: str) -> None:
        """Turn one of the options on or off and plan again."""
        if not self.state.turn(name):
            return
        if self.state.can_plan_again:
            self._enter(self.state.make_plan())
        self.repaint()

    def action_aim(self, kind: str) -> None:
        """Another kind of plan for the same group."""
        aim = self.state.aim
        if self.state.phase in AT_REST and self.state.unfinished is None:
            self.state.aim = Aim(aim.group, kind, override_cooldown=aim.override_cooldown)
            self._look()

    def read_again(self) -> None:
        if self.state.phase in {Phase.PLANNED, Phase.REFUSED, Phase.UNFINISHED}:
            self._look()

    def action_findings(self) -> None:
        """All findings, or only those that are not as they should be."""
        self.state.every_finding = not self.state.shows_every_finding
        self.repaint()

    def action_copy(self) -> None:
        """Put the commands under the cursor on the clipboard, through the terminal."""
        row = self.query_one(PlanList).highlighted
        if row is not None and row.copy:
            self.app.copy_to_clipboard(row.copy)
            self.notify(row.copy, title="Copied, if your terminal permits it", markup=False)

    def action_whole(self) -> None:
        """What the cursor is on, in full, in a dialog that scrolls."""
        row = self.query_one(PlanList).highlighted
        if row is not None and row.details:
            first, *more = row.details
            self.app.push_screen(TextDialog(first.text, "\n".join(run.text for run in more or [first])))

    def action_back(self) -> None:
        """Close the screen; while a plan runs, give it up as long as there is a way back."""
        walk = self.state.walk
        if self._hold is not None:
            self._hold.set_result(False)
        elif self.state.phase is not Phase.RUNNING or walk is None:
            super().action_back()
        elif walk.no_way_back:
            self.notify("There is no way back now. This screen can be closed when it is done.", severity="warning")
        else:
            walk.stop.set()
            self.repaint()

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
            self._enter(Phase.PLANNED)

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
            self._look()

    def _settle(self, outcome: Outcome) -> None:
        """Close the record of the run that was cut off."""
        if self.state.unfinished is None:
            return
        try:
            settle(self.state.unfinished.record, outcome, clock=self.services.clock)
        except OSError as error:
            self.notify(str(error), title="Not recorded", severity="error", markup=False)

    # --- the run

    @work(exclusive=True, group="run")
    async def _go(self) -> None:
        """Unlock what is locked, then run the plan to its end."""
        state, plan, access = self.state, self.state.plan, self._access
        if plan is None or access is None:
            return
        for name in [] if state.dry_run else state.locked:
            await toggle_lock(self.app, self.services, name)
        if state.locked and not state.dry_run:
            self.repaint()
            return
        walk = state.walk = Walk(self.services, plan, self.changed)
        self._enter(Phase.RUNNING)
        await walk.run(access, self, dry_run=state.dry_run)
        if walk.outcome in {Outcome.DONE, Outcome.INCOMPLETE}:
            taken_back = plan.kind == "give-up" and walk.outcome is Outcome.DONE
            self._settle(Outcome.UNDONE if taken_back else walk.outcome)
        self._enter(Phase.ENDED)

    async def confirm(self, question: Confirmation) -> bool:
        """Let what the checks found be read in peace, then ask."""
        walk = self.state.walk
        if walk is None or not (walk.read or await self._is_read(walk)):
            return False
        return await self.app.push_screen_wait(QuestionDialog(question))

    async def _is_read(self, walk: Walk) -> bool:
        self._hold = asyncio.get_running_loop().create_future()
        self._enter(Phase.HELD)
        try:
            walk.read = await self._hold
        finally:
            self._hold = None
        self._enter(Phase.RUNNING)
        return walk.read

    # --- paint

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        state, keymap = self.state, self.services.settings.keymap
        self.put("#what", words.heading_of(state.aim, state.plan if state.phase is not Phase.UNFINISHED else None))
        self.put("#wishes", words.wishes(state.plan, state.options, keymap))
        self.query_one("#wishes").display = state.offers_options
        said = state.said()
        self.put("#banner", said.text)
        for tone in words.TONES:
            self.query_one("#banner").set_class(said.tone == tone, f"-{tone}")
        self.query_one(PlanList).show(*state.rows())
        self._show_details()
        self.query_one(KeyHints).show(hints_in(state.phase, keymap, without=state.useless))

    def _show_details(self) -> None:
        row = self.query_one(PlanList).highlighted
        key = key_of("failover.whole", self.services.settings.keymap)
        self.query_one(Details).show(row.details if row else (), f"{key} shows all")
