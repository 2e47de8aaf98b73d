"""From a key on the screen to a plan that is run: unlocking, asking, running, and telling how it ended."""

import random
from collections.abc import Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from textual.app import App

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.key_edit import Edit, Seen
from dfly_tui.clients.key_writer import Changed
from dfly_tui.errors import DflyError
from dfly_tui.models.key_text import date_text, difference
from dfly_tui.models.operation import Confirmation, Event, Outcome, StepState, Verdict
from dfly_tui.operations.access import Access
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.keys.edit import KeyEdit
from dfly_tui.operations.keys.place import Place, desk_of, look_at, run
from dfly_tui.operations.keys.trash import Trash
from dfly_tui.operations.plan import Plan
from screens.failover_question import QuestionDialog
from screens.key_dialogs import ChangedDialog
from screens.services import Services
from screens.unlock import toggle_lock
from widgets.dialog import TextDialog

T = TypeVar("T")


class KeyTarget(NamedTuple):
    """A key on the screen."""

    instance: str
    database: int
    name: bytes


@dataclass
class Ended:
    """How a run ended.

    Attributes:
        said: What the last change, or what blocked, told.
    """

    outcome: Outcome
    said: str
    left: tuple[str, ...]

    @property
    def is_done(self) -> bool:
        return self.outcome is Outcome.DONE


@dataclass
class KeyJob:
    """Changes keys of one database from a screen."""

    app: App[int]
    services: Services
    access: Access
    place: Place
    rng: random.Random

    @property
    def can(self) -> Capabilities:
        """What the server can do."""
        return self.place.server.capabilities

    async def look(self, edit: Edit) -> Seen:
        """What the change would replace now; raises `DflyError`."""
        return await self.access.key_looker(self.place.instance).look(self.place.database, edit)

    def again(self) -> Place:
        """The same place for another run."""
        self.place = replace(self.place, run=new_run_id(self.services.clock.now(), self.rng))
        return self.place

    async def perform(self, edit: Edit, seen: Seen | None = None) -> bool:
        """Make one change of one key, after the question; whether it was made.

        Args:
            seen: What the person saw; None for the key as it is now.

        Raises:
            DflyError: The key cannot be read.
        """
        if not await self.unlocked():
            return False
        while True:
            job = await KeyEdit.prepare(self.again(), edit, seen)
            ended = await self.run(job.plan())
            if job.changed is None:
                self.tell(edit.title, ended)
                return ended.is_done
            if not await self._shown(edit, job.changed):
                return False
            seen = job.changed.now

    async def _shown(self, edit: Edit, changed: Changed) -> bool:
        """Show what somebody else did; whether it is to be done all the same."""
        was, now = changed.was, changed.now
        lines = difference(was.value, now.value) if was.parts != now.parts else []
        if was.expires_at_ms != now.expires_at_ms:
            lines += [f"- expires: {date_text(was.expires_at_ms)}", f"+ expires: {date_text(now.expires_at_ms)}"]
        dialog = ChangedDialog(changed.detail, lines, may_go_on=edit.fits(now.kind))
        return await self.app.push_screen_wait(dialog)

    async def unlocked(self) -> bool:
        """See that the instance may be changed; a locked one asks for its name."""
        guard, name = self.services.guard, self.place.instance
        if guard.is_read_only(name):
            await toggle_lock(self.app, self.services, name)
        return not guard.is_read_only(name)

    async def run(self, plan: Plan, confirmer: Confirmer | None = None) -> Ended:
        """Run a plan to its end."""
        services = self.services
        dry_run = services.settings.defaults.dry_run
        desk = desk_of(plan, self.access, confirmer or self, services.audit, services.paths, dry_run=dry_run)
        said, acts = "", {act.id for act in plan.acts}
        async with aclosing(run(plan, desk)) as events:
            async for event in events:
                said = _said(event, acts) or said
                if event.outcome is not None:
                    return Ended(event.outcome, event.text or said, event.follow_ups)
        raise AssertionError("a run ends with its outcome")

    async def confirm(self, question: Confirmation) -> bool:
        """Ask in a dialog whose default is Cancel."""
        return await self.app.push_screen_wait(QuestionDialog(question))

    def tell(self, title: str, ended: Ended) -> None:
        """Say how it ended; what is left to do stays on the screen."""
        lines = [f"{ended.outcome}: {title}", ended.said, *(f"left to do: {line}" for line in ended.left)]
        if ended.left:
            self.app.push_screen(TextDialog(f"{ended.outcome}: {title}"[:80], "\n".join(filter(None, lines))))
        elif ended.outcome is not Outcome.DECLINED:
            severity = "information" if ended.is_done or ended.outcome is Outcome.PLANNED else "error"
            what = "\n".join(filter(None, (title, ended.said)))
            self.app.notify(what, title=str(ended.outcome).capitalize(), severity=severity, markup=False)  # type: ignore[arg-type]


def _said(event: Event, acts: Collection[str]) -> str:
    """What an event has to say about how it ended; of what went well only the changes do."""
    if event.state is StepState.BLOCKED:
        found = [each for each in event.findings if each.verdict is Verdict.BLOCK]
        return "\n".join(f"{each.title}: {each.value}" for each in found) or event.text
    if event.state is StepState.DONE:
        return event.text if event.step in acts else ""
    return event.text if event.state in {StepState.FAILED, StepState.UNKNOWN} else ""


async def at_work(
    app: App[int], services: Services, instance: str, database: int, work: Callable[[KeyJob], Awaitable[T]], failed: T
) -> T:
    """Look at a server and work with its keys; errors are shown, and `failed` comes back then."""
    rng = random.Random()  # noqa: S311 (it names a run and draws a sample)
    trash = Trash(services.paths.trash_dir, clock=services.clock)
    try:
        async with services.access([services.hub[instance].config]) as access:
            run_id = new_run_id(services.clock.now(), rng)
            place = await look_at(access, instance, database, trash=trash, run=run_id)
            return await work(KeyJob(app, services, access, place, rng))
    except DflyError as error:
        app.notify(f"{error.detail}\n{error.hint}".strip(), title=error.title, severity="error", markup=False)
    except OSError as error:
        app.notify(str(error), title="The trash cannot be read", severity="error", markup=False)
    return failed
