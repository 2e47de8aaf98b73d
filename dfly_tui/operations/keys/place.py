"""Where keys are changed: one database of one instance as it was looked at before, and what all changes ask of it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from dfly_tui.clients.keys import Server
from dfly_tui.models.operation import Event, Finding, Level, Outcome, blocked, passed
from dfly_tui.models.replication import Role
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Confirmer
from dfly_tui.operations.engine import Desk, execute
from dfly_tui.operations.journal import Journal
from dfly_tui.operations.keys.trash import Trash
from dfly_tui.operations.plan import Check, Plan
from dfly_tui.paths import Paths
from dfly_tui.text import safe

BULK = "keys-bulk"


@dataclass(frozen=True)
class Place:
    """One database of one instance.

    Attributes:
        server: As it was when the change was planned: another one is not changed.
        run: Id of the run.
    """

    access: Access
    instance: str
    database: int
    server: Server
    trash: Trash
    run: str

    @property
    def shown(self) -> str:
        """For a sentence."""
        return f"{safe(self.instance)} db{self.database}"

    def level(self, *, grave: bool) -> Level:
        """How a change is confirmed: production asks for the name always."""
        return self.access.level(self.instance, grave=grave)

    def look_with(self, *words: str) -> str:
        """A command for a person, when an outcome is not known."""
        host, _, port = self.access.configs[self.instance].address.rpartition(":")
        return f"redis-cli -h {safe(host)} -p {port} -n {self.database} {' '.join(words)}"


async def look_at(access: Access, instance: str, database: int, *, trash: Trash, run: str) -> Place:
    """Look at an instance before a change is planned.

    Raises:
        DflyError: It cannot be read.
    """
    server = await access.key_reader(instance).look()
    return Place(access, instance, database, server, trash, run)


def server_check(place: Place) -> Check:
    """That it takes writes, and is the very server that was looked at."""

    async def run() -> list[Finding]:
        return [await same_server(place)]

    return Check("server", "the server takes writes", run)


async def same_server(place: Place) -> Finding:
    """Whether it is the primary it was; raises `DflyError` when it cannot be read."""
    now = await place.access.key_reader(place.instance).look()
    code, title = "server", f"server behind {safe(place.instance)}"
    if now.seen.role is Role.REPLICA:
        return blocked(code, title, "a replica", "a primary", "change the keys on its primary")
    if now.seen.persistence.loading:
        return blocked(code, title, "loading its data", "ready", "wait until it is done")
    if not now.is_still(place.server):
        return blocked(
            code, title, "another server, or restarted, since it was looked at", "the same", "look again, then decide"
        )
    return passed(code, title, "the primary that was looked at")


def desk_of(
    plan: Plan, access: Access, confirmer: Confirmer, audit: Audit, paths: Paths, *, dry_run: bool = False
) -> Desk:
    """What a run of such a plan needs."""
    journal = Journal(paths.key_journal_dir, plan.view(), clock=access.clock)
    return Desk(access, confirmer, audit, journal, dry_run)


async def run(plan: Plan, desk: Desk) -> AsyncGenerator[Event, None]:
    """Run it. Of a change of one key whose outcome is known no journal stays: the audit log has it all."""
    async with aclosing(execute(plan, desk)) as events:
        async for event in events:
            yield event
            if event.outcome not in {None, Outcome.UNKNOWN} and plan.kind != BULK:
                desk.journal.path.unlink(missing_ok=True)
