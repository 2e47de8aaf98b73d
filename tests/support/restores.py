"""A server of the lab in a container that is none, with a set to restore; fast enough to harm every step of it."""

import hashlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.models.backup import BackupRecord, FileSum, Proof, ProofLevel, Sample
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.models.snapshots import SnapshotFormat, listing
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.restore import Wish, restore
from dfly_tui.operations.backup.restore_resume import resume, situation
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.journal import records
from dfly_tui.operations.plan import Plan
from dfly_tui.settings_backup import BackupSettings
from tests.support.backups import QUICK, Kept
from tests.support.eventually import eventually
from tests.support.group import Group, group, outcome, told
from tests.support.hurry import LoopClock
from tests.support.lab import Client
from tests.support.lab_engine import LabEngine

PASSWORD = "s3cret"
RDB = {"dbfilename": "dump.rdb", "df_snapshot_format": False}
"""A server that loads and saves one file of a certain name."""
SAMPLES = tuple(Sample(database=0, name_hex=f"{number:02x}", kind="string", digest="0") for number in range(10))
BEFORE = 50
"""Keys in the set."""


class WallClock(LoopClock):
    """Waits as the loop does, and tells the time of the machine, which files have."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Stage:
    """The instance called `alpha`, which has two keys; a set of fifty lies beside.

    Attributes:
        record: Of the set; proven a day ago.
    """

    servers: Group
    record: BackupRecord
    settings: BackupSettings = QUICK
    runs: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.servers.state / "alpha"

    @property
    def store(self) -> FolderStore:
        return FolderStore("instance", self.folder)

    def kept(self, access: Access, **more: Any) -> Kept:
        self.runs.append(new_run_id(datetime.now(UTC), random.Random()))
        return Kept(access, "alpha", self.store, self.runs[-1], settings=self.settings, **more)

    async def chosen(self, kept: Kept, base: str = "dump-1", **more: Any) -> Chosen:
        return await kept.chosen(base, more.pop("record", self.record), **more)

    async def plan(self, access: Access, wish: Wish | None = None, **more: Any) -> tuple[Kept, Plan]:
        kept = self.kept(access, **more)
        return kept, await restore(kept, await self.chosen(kept), wish)

    async def restored(self, **more: Any) -> tuple[Kept, list[Event]]:
        """Restore the set in one go."""
        async with self.servers.access() as access:
            kept, plan = await self.plan(access, **more)
            return kept, await self.servers.run(plan, access)

    async def ask(self, *words: str | int) -> Any:
        async with Client(self.servers.servers["alpha"].port, PASSWORD) as client:
            return await client(*words)

    async def keys(self) -> int:
        """How many it has once it answers."""

        async def loaded() -> bool:
            return "loading:0" in await self.ask("INFO", "PERSISTENCE")

        await eventually(loaded)
        count: int = await self.ask("DBSIZE")
        return count

    @property
    def engine(self) -> LabEngine:
        assert self.servers.engine is not None
        return self.servers.engine

    @property
    def box(self) -> Any:
        return self.engine.box("alpha")

    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@asynccontextmanager
async def stage(kind: str = "DF", **options: Any) -> AsyncIterator[Stage]:
    """The stage, of which nothing is left.

    Args:
        options: As `group()` has them; the server's own, too.
    """
    given = {"replicas": 0, "docker": True, "saves": True, "keys": BEFORE, "shards": 2} | options
    async with group(**given) as servers:
        servers.clock = WallClock()
        at = Stage(servers, _record())
        assert await at.ask("SAVE", kind, "dump-1") == "OK"
        found = next(each for each in listing(await at.store.files()).sets if each.base == "dump-1")
        files = tuple(FileSum(name=file.name, size_bytes=file.size_bytes) for file in found.files)
        keys = {0: int(await at.ask("DBSIZE"))}
        at.record = at.record.model_copy(update={"files": files, "keys": keys, "format": SnapshotFormat(kind.lower())})
        await at.ask("FLUSHALL")
        for key in ("later", "latest"):
            await at.ask("SET", key, "1")
        yield at


def told_all(events: Sequence[Event]) -> str:
    """The same with what was found and is as it should be."""
    return told(events) + " ".join(found.value for event in events for found in event.findings)


def damaged(at: Stage) -> None:
    """A shard is cut off, and nobody recorded what it was."""
    at.record = at.record.model_copy(update={"files": ()})
    shard = at.folder / "dump-1-0001.dfs"
    shard.write_bytes(shard.read_bytes()[:-7])


def flipped(at: Stage) -> None:
    """A byte of it is not what it was when it was recorded."""
    path = next(path for path in (at.folder / "dump-1-0001.dfs", at.folder / "dump-1.rdb") if path.exists())
    data = path.read_bytes()
    sums = (FileSum(name=path.name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()),)
    files = (*(each for each in at.record.files if each.name != path.name), *sums)
    at.record = at.record.model_copy(update={"files": files})
    path.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])


def recorded(**more: Any) -> Callable[[Stage], None]:
    """Something else was recorded of the set."""

    def change(at: Stage) -> None:
        at.record = at.record.model_copy(update=more)

    return change


def _record() -> BackupRecord:
    now = datetime.now(UTC)
    proof = Proof(level=ProofLevel.RESTORED, at=now - timedelta(days=1), ok=True, store="instance", text="")
    return BackupRecord(
        instance="alpha", base="dump-1", format=SnapshotFormat.DF, version="1.22.2", began_at=now, files=(),
        proofs=(proof,),
    )  # fmt: skip


SPOTS = [
    ("docker", ("update", "alpha", "no")),
    ("alpha", ("CLIENT", "PAUSE")),
    ("alpha", ("BGSAVE",)),
    ("alpha", ("CLIENT", "UNPAUSE")),
    ("docker", ("stop",)),
    ("docker", ("start",)),
    ("docker", ("update", "alpha", "unless-stopped")),
]
"""What changes something, in order, and where it passes."""
WAS = 2
"""Keys that were there before."""
CERTAIN = {Outcome.UNDONE, Outcome.FAILED, Outcome.BLOCKED, Outcome.DECLINED}


async def all_is_well(at: Stage, events: list[Event]) -> None:
    """The world is as the outcome says."""
    end, text = outcome(events), told(events)
    if end is Outcome.DONE:
        assert await at.keys() == BEFORE, text
    elif end in CERTAIN:
        assert await at.keys() == WAS, text
        assert not [name for name in at.names() if "restored" in name], text
        assert at.box.policy["Name"] == "unless-stopped", text
    else:
        assert end in {Outcome.UNKNOWN, Outcome.INCOMPLETE}, text
        assert events[-1].follow_ups, text
        await come_to_an_end(at)


async def come_to_an_end(at: Stage) -> None:
    """What was cut off is taken back or finished by the next program."""
    servers = at.servers
    record = next(iter(records(servers.journals)))
    async with servers.access() as access:
        kept = at.kept(access)
        restored = (await situation(kept, record)).restored
        plan = await resume(kept, record)
        events = await servers.run(plan, access)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await at.keys() == (BEFORE if restored else WAS), told(events)
    assert at.box.policy["Name"] == "unless-stopped", told(events)
    assert restored or not [name for name in at.names() if "restored" in name]
    assert await at.ask("SET", "x", "1") == "OK"
