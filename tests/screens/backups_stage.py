"""Backups on a stage: scripted instances, and stores of which the test says what lies in them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from textual.pilot import Pilot
from textual.widgets import Input

from dfly_tui.app import DflyApp
from dfly_tui.errors import DflyError
from dfly_tui.models.backup import BackupRecord, Copy, FileSum, Proof, ProofLevel
from dfly_tui.models.backup_view import INSTANCE, BackupsSeen, SetView, StoreSeen
from dfly_tui.models.operation import Finding, Level, PlanView, passed, warned
from dfly_tui.models.snapshots import Encryption, SnapshotFile, SnapshotFormat
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.journal import Journal, Record
from dfly_tui.operations.plan import Act, Check, Confirm, Plan
from screens.backup_dialogs import RestoreWish, Source
from screens.backup_plan import MakePlan
from screens.backup_work import BackupWork, Told
from screens.services import Services
from tests.screens.stage import Actor, Stage, screen_text, seconds
from tests.support.clock import START

MIB = 1 << 20
NARROW = (80, 24)
NOW = START
HOUR = timedelta(hours=1)
LAST = 3 + 245 / 3600
"""Hours since 00:00, when the last set was written."""


def files_of(
    base: str, hours: float, *, size: int = MIB, shards: int = 2, ending: str = ""
) -> tuple[SnapshotFile, ...]:
    """A whole set as a server leaves it, `hours` ago."""
    names = [*(f"{base}-{number:04}.dfs" for number in range(shards)), f"{base}-summary.dfs"]
    at = NOW - hours * HOUR
    return tuple(
        SnapshotFile(name=name + ending, size_bytes=200 if "summary" in name else size, modified_at=at)
        for name in names
    )


def name_at(hours: float) -> str:
    """What a server calls the set it writes then."""
    return f"dump-{NOW - hours * HOUR:%Y-%m-%dT%H:%M:%S}"


def record_of(instance: str, hours: float, *, base: str = "", **fields: object) -> BackupRecord:
    """What is recorded of such a set."""
    base = base or name_at(hours)
    sums = tuple(
        FileSum(name=file.name, size_bytes=file.size_bytes, sha256=f"{number:064x}")
        for number, file in enumerate(files_of(base, hours))
    )
    whole = {
        "instance": instance, "base": base, "format": SnapshotFormat.DF, "version": "v1.40.1",
        "began_at": NOW - hours * HOUR, "seconds": 38.0, "files": sums, "keys": {0: 1_002_228, 3: 12},
        "who": "oncall@bastion", "why": "before the upgrade", **fields,
    }  # fmt: skip
    return BackupRecord.model_validate(whole)


def proven(hours: float, *, ok: bool = True, level: ProofLevel = ProofLevel.RESTORED, text: str = "") -> Proof:
    """That a set was tried, `hours` ago."""
    text = text or ("1,002,240 keys as recorded, 50 of 50 samples equal" if ok else "db0 has 12 keys, recorded were 13")
    return Proof(
        level=level, at=NOW - hours * HOUR, ok=ok, store=INSTANCE, text=text, seconds=38.0, keys={0: 1_002_228}
    )


def copied(hours: float, store: str = "nas", encryption: Encryption | None = None, base: str = "") -> Copy:
    """A copy of such a set."""
    found = files_of(base or name_at(hours), hours, ending=f".{encryption}" if encryption else "")
    return Copy(
        store=store, at=NOW - hours * HOUR, encryption=encryption,
        files=tuple(FileSum(name=file.name, size_bytes=file.size_bytes) for file in found),
    )  # fmt: skip


@dataclass
class Shelf:
    """What lies where, by instance; tests change it between looks.

    Attributes:
        errors: What looking at an instance fails with.
        looks: How often each was looked at.
        asked: What the screen asked for: instance, kind and what else.
        done: Kinds of the plans that acted.
        made: How many plans were made.
        gate: Verifying waits for it.
        proof: What verifying finds.
    """

    stage: Stage
    seen: dict[str, BackupsSeen] = field(default_factory=dict)
    errors: dict[str, DflyError] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    made: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    proof: Proof = field(default_factory=lambda: proven(0, level=ProofLevel.CHECKSUMS, text="3 files as recorded"))

    def put(
        self, name: str, *files: Sequence[SnapshotFile], records: Sequence[BackupRecord] = (),
        cron: str = "0 */6 * * *", copies: Sequence[SnapshotFile] | None = None, free: int | None = 40 << 30,
        **fields: object,
    ) -> None:  # fmt: skip
        """An instance has these files, and there are these records of them."""
        stores = [StoreSeen(name=INSTANCE, address=f"container {name}:/data", free_bytes=free, total_bytes=100 << 30,
                            files=tuple(file for each in files for file in each))]  # fmt: skip
        if copies is not None:
            stores.append(StoreSeen(name="nas", address="/srv/backups", files=tuple(copies)))
        self.seen[name] = BackupsSeen.model_validate(
            {"at": NOW, "stores": tuple(stores), "records": tuple(records), "cron": cron,
             "dbfilename": "dump-{timestamp}", "folder": "/data", **fields}
        )  # fmt: skip

    async def look(self, name: str) -> BackupsSeen:
        self.looks[name] = self.looks.get(name, 0) + 1
        if name in self.errors:
            raise self.errors[name]
        return self.seen.get(name, BackupsSeen(at=self.stage.clock.now(), stores=(StoreSeen(name=INSTANCE, files=()),)))

    def app(self) -> DflyApp:
        """The dashboard on this shelf."""
        app = self.stage.app()
        work = FakeWork(app.services, self)
        app.services.backup_work = lambda: work  # type: ignore[method-assign]
        return app


class FakeWork(BackupWork):
    """Looks at the shelf. Its plans note when they act; what they were made for stands in `shelf.asked`."""

    def __init__(self, services: Services, shelf: Shelf) -> None:
        super().__init__(services)
        self._shelf = shelf

    async def seen(self, name: str) -> BackupsSeen:
        return await self._shelf.look(name)

    def backup(self, name: str, why: str) -> MakePlan:
        return self._plan(name, "backup", why)

    def drill(self, name: str, source: Source) -> MakePlan:
        return self._plan(name, "drill", source.each.base, source.store)

    def restore(self, name: str, wish: RestoreWish) -> MakePlan:
        first = "drill first" if wish.drill_first else "no drill"
        return self._plan(name, "restore", wish.source.each.base, wish.source.store, first)

    def resume(self, name: str, record: Record) -> MakePlan:
        return self._plan(name, "give-up", record.plan.id)

    def prune(self, name: str) -> MakePlan:
        return self._plan(name, "prune")

    def schedule(self, name: str, cron: str) -> MakePlan:
        return self._plan(name, "schedule", cron)

    def pause_schedule(self, name: str, until: datetime) -> MakePlan:
        return self._plan(name, "pause", until.isoformat())

    def resume_schedule(self, name: str) -> MakePlan:
        return self._plan(name, "resume")

    async def verify(self, name: str, source: Source, told: Told) -> Proof:
        self._shelf.asked.append((name, "verify", source.each.base, source.store))
        told(1 << 20, 2 << 20)
        await self._shelf.gate.wait()
        return self._shelf.proof

    async def pin(self, name: str, each: SetView, why: str | None) -> None:
        self._shelf.asked.append((name, "pin", each.base, why or ""))

    def _plan(self, name: str, kind: str, *words: str) -> MakePlan:
        self._shelf.asked.append((name, kind, *words))

        async def look() -> Sequence[Finding]:
            return [passed("space", "free space", "40 GiB", "at least 4 MiB"), warned("late", "the last one", "is old")]

        async def act(hands: Hands) -> str:
            self._shelf.done.append(kind)
            return "it is done"

        async def make(access: Access, opened: AsyncExitStack) -> Plan:
            self._shelf.made += 1
            return Plan(
                id="20260102-030405-0007", kind=kind, title=f"{kind} {name}", group=name,
                steps=(
                    Check(id="ground", title="there is room", run=look),
                    Confirm(id="confirm", title=f"{kind} {name}", consequence="So.", token="", level=Level.BUTTON),
                    Act(id="act", title=f"do the {kind}", target=name, commands=("redis-cli BGSAVE",), run=act),
                ),
            )  # fmt: skip

        return make


def saved(actor: Actor, hours: float = LAST, **fields: object) -> None:
    """The server says that it saved `hours` ago, and what else is given."""
    told: dict[str, object] = {
        "last_success_save": int((NOW - hours * HOUR).timestamp()),
        "last_saved_file": f"/data/{name_at(hours)}-summary.dfs",
        "last_success_save_duration_sec": 38,
        **fields,
    }
    lines = []
    for line in actor.text.splitlines():
        key = line.partition(":")[0]
        lines.append(f"{key}:{told[key]}" if key in told else line)
    actor.text = "\n".join(lines)


def ordinary(shelf: Shelf) -> None:
    """A primary in good order with a replica, on its own disk and on a NAS."""
    stage = shelf.stage
    primary = stage.add("workhorse", group="main", role="primary", environment="staging", url="redis://10.0.0.1:6379")
    primary.steady = True
    saved(primary)
    replica = stage.add("nas", "v1.40.1-replica", group="main", role="replica", replica_of="workhorse")
    replica.steady = True
    hours = (LAST, LAST + 6, LAST + 12, LAST + 24)
    records = (
        record_of("workhorse", LAST, proofs=(proven(3, level=ProofLevel.CHECKSUMS, text="3 files as recorded"),),
                  copies=(copied(LAST, encryption=Encryption.AGE),)),
        record_of("workhorse", LAST + 6, proofs=(proven(5.0),), pinned="before the upgrade"),
        record_of("workhorse", LAST + 12, proofs=(proven(5.0, ok=False),)),
    )  # fmt: skip
    shelf.put(
        "workhorse", *(files_of(name_at(each), each) for each in hours), files_of(name_at(30), 30)[1:],
        [SnapshotFile(name=f"{name_at(29)}-0000.dfs.tmp", size_bytes=512 << 10, modified_at=NOW - 29 * HOUR)],
        records=records, copies=files_of(name_at(LAST), LAST, ending=".age"),
    )  # fmt: skip


def cut_off(shelf: Shelf) -> Journal:
    """Leave the journal of a restore that was killed."""
    plan = PlanView(id="20260102-025900-beef", kind="restore", title="restore dump-1 into workhorse", group="main",
                    facts={"instance": "workhorse"}, steps=())  # fmt: skip
    journal = Journal(shelf.stage.paths.backup_journal_dir, plan, clock=shelf.stage.clock)
    journal.note("stop", "done")
    return journal


async def open_backups(shelf: Shelf, pilot: Pilot[int], *keys: str, wait: int = 3) -> None:
    """Let the dashboard look around, open the screen, press keys."""
    await seconds(shelf.stage, pilot, wait)
    await pilot.press("5")
    await seconds(shelf.stage, pilot, 1)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await seconds(shelf.stage, pilot, 1)


def story(shelf: Shelf, *keys: str, wait: int = 3) -> Callable[[Pilot[int]], Awaitable[None]]:
    """For `snap_compare(run_before=…)`."""

    async def run(pilot: Pilot[int]) -> None:
        await open_backups(shelf, pilot, *keys, wait=wait)

    return run


async def press(shelf: Shelf, pilot: Pilot[int], *keys: str, wait: float = 1) -> str:
    """Press keys one by one, let their effect show, and read the screen."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        await shelf.stage.clock.advance(0)
        await pilot.pause()
    await seconds(shelf.stage, pilot, int(wait))
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def typed(pilot: Pilot[int], text: str) -> None:
    """Write into the field of a dialog."""
    pilot.app.screen.query_one(Input).value = text
    await pilot.pause()


def told(pilot: Pilot[int]) -> str:
    """What was said in toasts."""
    return "\n".join(f"{each.title}: {each.message}" for each in pilot.app._notifications)
