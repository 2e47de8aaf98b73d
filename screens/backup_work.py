"""What the backups screen asks of operations: looks at what there is, and plans that change it."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from dfly_tui.errors import Refused
from dfly_tui.models.backup import Proof
from dfly_tui.models.backup_view import BackupsSeen, SetView
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup import schedule as schedules
from dfly_tui.operations.backup.catalogue import Catalogue, adopted
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.look import look_at
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.prune import prune
from dfly_tui.operations.backup.restore import Wish, restore
from dfly_tui.operations.backup.restore_resume import resume
from dfly_tui.operations.backup.scene import Backups, opened
from dfly_tui.operations.backup.verify import verify
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.journal import Record
from dfly_tui.operations.plan import Plan
from dfly_tui.secrets import PasswordSource
from screens.backup_dialogs import RestoreWish, Source
from screens.backup_plan import MakePlan
from screens.backups_view import here
from screens.services import Services

Told = Callable[[int, int], None]
"""Told of bytes read, and of how many there are."""


class BackupWork:
    """Makes plans; each is made anew from the world as it is whenever somebody looks again."""

    def __init__(self, services: Services) -> None:
        self.services = services

    async def seen(self, name: str) -> BackupsSeen:
        """What lies in the stores of an instance, and what is recorded of it. Raises `DflyError`."""
        async with self._alone(name) as scene:
            return await look_at(scene)

    def backup(self, name: str, why: str) -> MakePlan:
        """Save, prove, copy."""
        return self._made(name, lambda scene: backup(scene, why))

    def drill(self, name: str, source: Source) -> MakePlan:
        """Try a set in a throw-away server."""

        async def make(scene: Backups) -> Plan:
            return await drill(scene, await scene.chosen(source.each.base, source.store, source.each.format))

        return self._made(name, make)

    def restore(self, name: str, wish: RestoreWish) -> MakePlan:
        """Replace what an instance holds."""
        source = wish.source

        async def make(scene: Backups) -> Plan:
            chosen = await scene.chosen(source.each.base, source.store, source.each.format)
            return await restore(scene, chosen, Wish(skip_drill=not wish.drill_first))

        return self._made(name, make)

    def resume(self, name: str, record: Record) -> MakePlan:
        """Finish a restore that was cut off once clients write to what was restored; else take it back."""
        return self._made(name, lambda scene: resume(scene, record))

    def prune(self, name: str) -> MakePlan:
        """Remove what retention no longer wants."""
        return self._made(name, lambda scene: prune(scene.pruning()))

    def schedule(self, name: str, cron: str) -> MakePlan:
        """Another cron."""
        return self._made(name, lambda scene: schedules.schedule(scene.scheduling(), cron))

    def pause_schedule(self, name: str, until: datetime) -> MakePlan:
        """No saves until then."""
        return self._made(name, lambda scene: schedules.pause(scene.scheduling(), until))

    def resume_schedule(self, name: str) -> MakePlan:
        """The schedule as it was before the pause."""
        return self._made(name, lambda scene: schedules.resume(scene.scheduling()))

    async def verify(self, name: str, source: Source, told: Told) -> Proof:
        """Read a set and compare it with what was recorded; the proof is recorded. Raises `DflyError` or `OSError`."""
        async with self._alone(name) as scene:
            chosen = await scene.chosen(source.each.base, source.store, source.each.format, readable=False)
            return await verify(scene, chosen, told)

    async def pin(self, name: str, each: SetView, why: str | None) -> None:
        """Keep a set, or no longer. Raises `DflyError` or `OSError`."""
        if each.record is None and not each.places:
            raise Refused(f"{each.shown} lies nowhere any more", "read again")
        Catalogue(self.services.paths.backups_dir, name).change(
            each.key, lambda known: (known or adopted(name, each.places[0].found)).model_copy(update={"pinned": why})
        )

    def _made(self, name: str, make: Callable[[Backups], Awaitable[Plan]]) -> MakePlan:
        """A plan's stores stay open as long as what it is given."""

        async def made(access: Access, stack: AsyncExitStack) -> Plan:
            return await make(await stack.enter_async_context(self._scene(access, name)))

        return made

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[Backups]:
        """For a look: nothing is changed by it."""
        async with (
            self.services.access([self.services.hub[name].config]) as access,
            self._scene(access, name) as scene,
        ):
            yield scene

    @asynccontextmanager
    async def _scene(self, access: Access, name: str) -> AsyncIterator[Backups]:
        services = self.services
        now = services.clock.now()
        async with opened(
            access, name, services.settings, plan_id=new_run_id(now, random.Random()),  # noqa: S311
            who=services.audit.author, environ=services.environ, folder=services.paths.backups_dir, here=here(now),
            secret_of=lambda store: PasswordSource(store, environ=services.environ),
        ) as scene:  # fmt: skip
            yield scene
