"""A backup now: checked, saved, read back, recorded, copied."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dfly_tui.clients.stores.transfer import sum_of
from dfly_tui.errors import DflyError, NotSupported, Refused, StoreFailed
from dfly_tui.models.backup import BackupRecord, FileSum, Proof, ProofLevel, Sample
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.operation import Finding, required
from dfly_tui.models.snapshots import SnapshotFormat, SnapshotSet, listing
from dfly_tui.operations.access import Hands
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.copy import Copying, store_findings
from dfly_tui.operations.backup.fitting import base_of
from dfly_tui.operations.backup.now_checks import ready_findings, room_findings
from dfly_tui.operations.backup.samples import again, take, unchanged
from dfly_tui.operations.backup.saving import Saving
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.operations.plan import Act, Check, Confirm, Plan, Step, Verify
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, count_text, duration_text

LIST_SECONDS = 5.0
"""Until the files of a save that has ended are listed."""


@dataclass
class Backup:
    """A backup under way.

    Attributes:
        why: Kept with it.
        found: The set, once it is there.
    """

    scene: Backups
    saving: Saving
    kind: SnapshotFormat
    why: str
    found: SnapshotSet | None = None
    samples: tuple[Sample, ...] = ()
    unsampled: str = ""

    @property
    def base(self) -> str:
        return self.saving.base

    def steps(self) -> tuple[Step, ...]:
        """What is done after the yes."""
        save = replace(self.saving.act(), run=self._save)
        if isinstance(self.scene.own, DflyError):
            return save, self.saving.verify(essential=True)
        copies = [
            Copying(self.scene, self.chosen, safe(self.base), self.base, store).act() for store in self.scene.others
        ]
        return save, self.saving.verify(essential=True), self._whole(), self._record(), *copies

    async def _save(self, hands: Hands) -> str:
        await self._sample()
        return await self.saving.begin(hands)

    async def _sample(self) -> None:
        """Some keys as they are before it; a server that refuses that is backed up all the same."""
        try:
            self.samples = await take(self.scene.keys)
        except DflyError as error:
            self.unsampled = str(error)

    def _whole(self) -> Verify:
        title = f"all files of {self.base} are there"

        async def probe() -> Finding:
            sets = listing(await self.scene.instance_store.files()).sets
            found = next((each for each in sets if (each.base, each.format) == (self.base, self.kind)), None)
            value = "none of them" if found is None else "; ".join(found.problems)
            if found is None or not found.is_complete:
                return required(False, "whole", title, value, advice=f"look into {self.scene.instance_store.address}")
            self.found = found
            return required(True, "whole", title, f"{len(found.files)} files, {bytes_text(found.size_bytes)}")

        return Verify(
            id="whole", title=title, probe=probe, timeout_seconds=LIST_SECONDS, essential=True, of="save", long=True
        )

    def _record(self) -> Act:
        async def run(hands: Hands) -> str:
            record = await self._made()
            try:
                self.scene.catalogue.keep(record)
            except OSError as error:
                raise StoreFailed(f"the catalogue could not be written: {error}", "is the disk full?") from error
            keys = count_text(sum(record.keys.values()))
            sampled = f"{len(record.samples)} of them sampled" if not self.unsampled else "none of them sampled"
            return f"{keys} keys, {sampled}; {bytes_text(record.size_bytes)} read and summed up"

        return Act(
            id="record", title="read it, and write down what it is", target=self.scene.name, commands=(), run=run,
            final=True, left_to_do=f"{self.base} is saved and not recorded: dfly-tui backup verify records it",
            stays=f"{self.base} stays where it was saved, without a record",
        )  # fmt: skip

    async def _made(self) -> BackupRecord:
        """The record of it, which says what was saved as exactly as can be told."""
        scene, before, after = self.scene, self.saving.before, self.saving.after
        assert self.found is not None
        assert before is not None
        files = await self._sums(self.found)
        now = scene.access.clock.now()
        took = after.persistence.last_snapshot_seconds if after is not None else None
        text = f"{len(files)} files of {bytes_text(sum(each.size_bytes for each in files))} were read"
        return BackupRecord(
            instance=scene.name,
            base=self.base,
            format=self.kind,
            version=before.version,
            began_at=self.saving.began_at or before.taken_at,
            seconds=took,
            files=files,
            keys={space.database: space.keys for space in before.keyspaces if space.keys},
            changes=before.persistence.changes_since_snapshot,
            samples=await self._still(),
            who=scene.who,
            why=self.why,
            run=scene.plan_id,
            proofs=tuple(
                Proof(level=level, at=now, ok=True, store=scene.instance_store.name, text=text)
                for level in (ProofLevel.COMPLETE, ProofLevel.CHECKSUMS)
            ),
        )

    async def _sums(self, found: SnapshotSet) -> tuple[FileSum, ...]:
        sums = [(await sum_of(self.scene.instance_store, file.name)).read for file in found.files]
        changed = [
            each.name for each, file in zip(sums, found.files, strict=True) if each.size_bytes != file.size_bytes
        ]
        if changed:
            raise StoreFailed(f"{safe(changed[0], limit=120)} changed while it was read", "who writes there?")
        return tuple(sums)

    async def _still(self) -> tuple[Sample, ...]:
        """The sampled keys that did not change while it was saved."""
        try:
            return unchanged(self.samples, await again(self.scene.keys, self.samples))
        except DflyError as error:
            self.unsampled = str(error)
            return ()

    async def chosen(self) -> Chosen:
        """It, to be copied."""
        assert self.found is not None
        record = self.scene.catalogue.find((self.base, self.kind))
        return Chosen(self.scene.instance_store, self.found, record)


async def backup(scene: Backups, why: str = "", *, kind: SnapshotFormat | None = None, copies: bool = True) -> Plan:
    """The plan that backs an instance up now.

    Args:
        why: Kept with the backup.
        kind: Default: as configured, else what the server writes by itself.
        copies: Whether it is copied to the stores of `copy_to`.

    Raises:
        DflyError: The server does not answer, or is none that is backed up from here.
    """
    if not copies or isinstance(scene.own, DflyError):
        scene = replace(scene, others=())
    seen = await scene.access.reader(scene.name).snapshot()
    if seen.flavour is not Flavour.DRAGONFLY:
        raise NotSupported(f"{safe(scene.name)} is {seen.flavour}: only Dragonfly is backed up from here")
    chosen_kind = kind or _kind_of(scene)
    base = _base(scene)
    saving = Saving(scene.access, scene.name, base, chosen_kind is SnapshotFormat.RDB, scene.settings.save_seconds)
    work = Backup(scene, saving, chosen_kind, why)
    return Plan(
        id=scene.plan_id,
        kind="backup",
        title=f"back up {scene.name}",
        group=f"backups of {scene.name}",
        steps=(*_checks(work), _question(work, seen), *work.steps()),
        facts={"instance": scene.name, "base": base, "format": str(chosen_kind)},
        look_with=(f"dfly-tui backup list {safe(scene.name)}",),
        notes=_notes(work),
    )


def _checks(work: Backup) -> tuple[Check, ...]:
    scene = work.scene

    async def ready() -> Sequence[Finding]:
        return ready_findings(
            await scene.access.look_at(scene.name), scene.told, work.base, work.kind, scene.access.clock.now()
        )

    async def room() -> Sequence[Finding]:
        return await room_findings(scene)

    async def stores() -> Sequence[Finding]:
        return await store_findings(scene, scene.others, await _last_bytes(scene))

    copies = (Check(id="stores", title="it can be copied", run=stores, again=False),) if scene.others else ()
    return (
        Check(id="ready", title=f"{scene.name} can save", run=ready),
        Check(id="room", title="there is room for it", run=room, again=False),
        *copies,
    )


async def _last_bytes(scene: Backups) -> int:
    """Of the newest whole set; 0 where there is none."""
    sets = listing(await scene.instance_store.files()).sets
    return next((each.size_bytes for each in sets if each.is_complete), 0)


def _question(work: Backup, seen: InstanceSnapshot) -> Confirm:
    scene, kept = work.scene, seen.persistence
    took = f" The last one took {duration_text(kept.last_snapshot_seconds)}." if kept.last_snapshot_seconds else ""
    where = ", ".join(safe(store.name) for store in scene.others)
    copies = f" It is copied to {where} then." if where else ""
    what = "RDB file" if work.kind is SnapshotFormat.RDB else "snapshot"
    return Confirm(
        id="confirm",
        title=f"Back up {scene.name} now",
        consequence=f"{scene.name} saves its {count_text(seen.keys or 0)} keys as a {what} called {work.base}, beside "
        f"the others. It goes on serving, a little slower while it saves.{took}{copies}",
        level=scene.access.level(scene.name),
        token=scene.name,
    )


def _notes(work: Backup) -> tuple[str, ...]:
    own = work.scene.own
    if isinstance(own, DflyError):
        return (f"what was saved is not looked at, recorded or copied: {own} ({own.hint})",)
    return ()


def _kind_of(scene: Backups) -> SnapshotFormat:
    """What the server would write by itself."""
    if scene.settings.format is not None:
        return SnapshotFormat(scene.settings.format)
    told = scene.told
    is_rdb = told.get("dbfilename", "").endswith(".rdb") or told.get("df_snapshot_format", "") in {"false", "no", "0"}
    return SnapshotFormat.RDB if is_rdb else SnapshotFormat.DF


def _base(scene: Backups) -> str:
    """A name that a start of the server finds, where it can be told; else one of ours."""
    own = f"dfly-tui-{scene.plan_id}"
    try:
        base = base_of(scene.told.get("dbfilename", ""), scene.access.clock.now(), "backup", scene.plan_id)
    except Refused:
        return own
    return base if base.replace("-", "").replace("_", "").isalnum() and base.isascii() else own
