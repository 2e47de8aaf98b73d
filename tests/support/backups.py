"""What drills and restores need to know, for tests that have no catalogue: it is all kept in memory."""

import errno
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from dfly_tui.clients.container_log import Life, told
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.port import Store
from dfly_tui.clients.throwaway import BASE, FixedPassword
from dfly_tui.errors import DflyError
from dfly_tui.lab.server import LabServer
from dfly_tui.lab.snapshot import Damaged
from dfly_tui.models.backup import BackupRecord, Proof, Sample
from dfly_tui.models.load_log import LogLine
from dfly_tui.models.snapshots import SnapshotSet, listing
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.settings import InstanceConfig
from dfly_tui.settings_backup import BackupSettings
from tests.support.hurry import LoopClock
from tests.support.lab import lab

QUICK = BackupSettings(drill_memory_bytes=512 << 20, load_seconds=20.0, save_seconds=20.0)


@dataclass
class Kept:
    """An instance, and what was proven of its sets.

    Attributes:
        proofs: By the set's base.
        different: What the comparison of samples says.
        full: The catalogue takes nothing.
    """

    access: Access
    name: str
    instance_store: Store
    plan_id: str
    settings: BackupSettings = QUICK
    who: str = "somebody@somewhere"
    environ: Mapping[str, str] = field(default_factory=dict)
    proofs: dict[str, list[Proof]] = field(default_factory=dict)
    different: Sequence[str] = ()
    compared: list[Sample] = field(default_factory=list)
    full: bool = False

    def add_proof(self, found: SnapshotSet, record: BackupRecord | None, proof: Proof) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.proofs.setdefault(found.base, []).append(proof)

    async def samples_differ(
        self, config: InstanceConfig, password: PasswordProvider, samples: Sequence[Sample]
    ) -> Sequence[str]:
        self.compared += samples
        return self.different

    async def chosen(self, base: str, record: BackupRecord | None = None, store: Store | None = None) -> Chosen:
        """A set of the instance's own folder, or of another store."""
        where = store or self.instance_store
        found = next(each for each in listing(await where.files()).sets if each.base == base)
        return Chosen(where, found, record)


@dataclass
class InProcess:
    """A throw-away server of the lab in this process.

    Attributes:
        done: What was asked of it, in order.
        errors: What goes wrong when it is asked that.
        ends: How it ends, in words, whatever it loads.
        code: With which code it ends then.
        phases: How it is when it is looked at, one after the other: `silent`, `loading`, `late` (its log says that it
            has loaded, and it does not), and then done.
    """

    folder: Path
    done: list[str] = field(default_factory=list)
    errors: dict[str, DflyError] = field(default_factory=dict)
    ends: str = ""
    code: int = 1
    phases: list[str] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)
    exit_code: int | None = None
    server: LabServer | None = None

    @property
    def commands(self) -> tuple[str, ...]:
        return ("make it", "start it")

    @property
    def remove_text(self) -> str:
        return "remove it"

    def _do(self, what: str) -> None:
        self.done.append(what)
        if what in self.errors:
            raise self.errors[what]

    async def create(self) -> None:
        self._do("create")
        self.folder.mkdir(exist_ok=True)

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        self._do(f"write {name}")
        await FolderStore("drill", self.folder).write(name, content, size_bytes, modified_at=modified_at)

    async def start(self) -> None:
        self._do("start")
        self.server = lab(LoopClock(), name="drill", dbfilename=BASE, data_dir=self.folder, password="once")
        self.server.log = lambda words: self.lines.append(LogLine(datetime.now(UTC), f"drill: {words}"))  # type: ignore[method-assign]
        try:
            await self.server.start()
        except Damaged:
            self.exit_code = 1

    async def look(self) -> Life:
        self._do("look")
        if self.ends:
            return told([LogLine(datetime.now(UTC), self.ends)], self.code)
        assert self.server is not None
        phase = self.phases.pop(0) if self.phases else ""
        self.server.faults.loading = phase in {"loading", "late"}
        return told(self.lines if phase in {"late", ""} else [], self.exit_code)

    async def open(self) -> tuple[InstanceConfig, PasswordProvider]:
        self._do("open")
        port = self.server.port if self.server is not None else 1
        return InstanceConfig(name="drill", url=f"redis://127.0.0.1:{port}"), FixedPassword("once")

    async def remove(self) -> None:
        self._do("remove")
        if self.server is not None:
            await self.server.stop()
