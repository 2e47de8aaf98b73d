"""A screen that shows a plan, runs its checks, asks, runs it, and tells how it ended."""

import asyncio
from pathlib import Path
from typing import TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Unmount
from textual.widgets import Static

from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.operation import Confirmation
from dfly_tui.operations.access import Access
from screens.base import DashboardScreen
from screens.failover_question import QuestionDialog
from screens.services import Services
from screens.unlock import toggle_lock
from screens.walk import Walk
from screens.walk_phase import Phase, hints_in, key_of
from screens.walk_state import WalkState
from screens.walk_words import TONES
from widgets.dialog import TextDialog
from widgets.footer import KeyHints
from widgets.plan_view import Details, PlanList

TICK_SECONDS = 0.5
State = TypeVar("State", bound=WalkState)


class WalkScreen(DashboardScreen):
    """Runs a plan. Subclasses bind `bindings(PLAN)`, make the plan in `look()`, and say in `heading()` what it is.

    Attributes:
        access: To the instances concerned; opened by `look()`, closed with the screen.
    """

    def __init__(self, services: Services, state: WalkState) -> None:
        super().__init__(services)
        self.state = state
        self.access: Access | None = None
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
        self.look()

    @on(Unmount)
    async def _hang_up(self) -> None:
        if self.access is not None:
            await self.access.aclose()

    def focus_body(self) -> None:
        self.query_one(PlanList).focus()

    def held(self) -> str:
        return self.state.held()

    def heading(self) -> str:
        """What this is about, in a line."""
        raise NotImplementedError

    def wishes(self) -> str:
        """What can be turned on and off now; empty for nothing."""
        return ""

    @property
    def journals(self) -> Path:
        """Where the journals of its runs are kept."""
        return self.services.paths.journal_dir

    def look(self, *, go_on: bool = False) -> object:
        """Read the world and make a plan, in a worker; `go_on` with its checks at once."""
        raise NotImplementedError

    def ended(self, walk: Walk) -> None:
        """A run has ended, and the screen does not show it yet."""

    def enter(self, phase: Phase) -> None:
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
        """What comes next: check, be asked, look again."""
        state = self.state
        if self._hold is not None:
            self._hold.set_result(True)
        elif state.phase is Phase.PLANNED:
            self.go()
        elif state.phase in {Phase.REFUSED, Phase.ENDED}:
            self.look(go_on=state.phase is Phase.ENDED and state.can_plan_again)

    @on(PlanList.Selected)
    def _selected(self) -> None:
        self.action_next()

    @on(PlanList.Highlighted)
    def _highlighted(self) -> None:
        self._show_details()

    def read_again(self) -> None:
        if self.state.phase in {Phase.PLANNED, Phase.REFUSED, Phase.UNFINISHED}:
            self.look()

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

    # --- the run

    @work(exclusive=True, group="run")
    async def go(self) -> None:
        """Unlock what is locked, then run the plan to its end."""
        state, plan, access = self.state, self.state.plan, self.access
        if plan is None or access is None:
            return
        for name in [] if state.dry_run else state.locked:
            await toggle_lock(self.app, self.services, name)
        if state.locked and not state.dry_run:
            self.repaint()
            return
        walk = state.walk = Walk(self.services, plan, self.changed, journals=self.journals)
        self.enter(Phase.RUNNING)
        await walk.run(access, self, dry_run=state.dry_run)
        self.ended(walk)
        self.enter(Phase.ENDED)

    async def confirm(self, question: Confirmation) -> bool:
        """Let what the checks found be read in peace, then ask."""
        walk = self.state.walk
        if walk is None or not (walk.read or await self._is_read(walk)):
            return False
        return await self.app.push_screen_wait(QuestionDialog(question))

    async def _is_read(self, walk: Walk) -> bool:
        self._hold = asyncio.get_running_loop().create_future()
        self.enter(Phase.HELD)
        try:
            walk.read = await self._hold
        finally:
            self._hold = None
        self.enter(Phase.RUNNING)
        return walk.read

    # --- paint

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        state, keymap = self.state, self.services.settings.keymap
        self.put("#what", self.heading())
        wishes = self.wishes()
        self.put("#wishes", wishes)
        self.query_one("#wishes").display = bool(wishes)
        said = state.said()
        self.put("#banner", said.text)
        for tone in TONES:
            self.query_one("#banner").set_class(said.tone == tone, f"-{tone}")
        self.query_one(PlanList).show(*state.rows())
        self._show_details()
        self.query_one(KeyHints).show(hints_in(state.phase, keymap, without=state.useless))

    def _show_details(self) -> None:
        row = self.query_one(PlanList).highlighted
        key = key_of("plan.whole", self.services.settings.keymap)
        self.query_one(Details).show(row.details if row else (), f"{key} shows all")
