"""Copies of a set in other stores, encrypted where that is wanted, each with a manifest that explains it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dfly_tui.clients.crypt import Coder, encryptor
from dfly_tui.clients.stores.port import Store
from dfly_tui.clients.stores.transfer import transfer
from dfly_tui.errors import DflyError, OutcomeUnknown, Refused, StoreFailed
from dfly_tui.models.backup import BackupRecord, Copy, FileSum
from dfly_tui.models.operation import Finding, blocked, passed, required, warned
from dfly_tui.models.snapshots import MANIFEST, Encryption, SnapshotFile, listing
from dfly_tui.operations.access import Hands
from dfly_tui.operations.backup.catalogue import adopted
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.operations.plan import Act, Check, Confirm, Plan
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

Source = Callable[[], Awaitable[Chosen]]
"""The set that is copied; for a backup it is there only when the save has ended."""


@dataclass(frozen=True)
class Copying:
    """A set and a store it is copied to.

    Attributes:
        shown: What it is called, for a sentence.
    """

    scene: Backups
    source: Source
    shown: str
    base: str
    store: Store

    @property
    def encryption(self) -> Encryption | None:
        """How it is encrypted; what is encrypted already stays as it is."""
        return Encryption(self.scene.settings.encrypt) if self.scene.settings.encrypt else None

    def act(self) -> Act:
        """The copy as a step."""
        how = f", encrypted by {self.encryption}" if self.encryption else ""
        line = f"copy {self.shown} to {self.store.address}{how}"
        again = f"dfly-tui backup copy {safe(self.scene.name)} {self.shown} --to {safe(self.store.name)}"
        return Act(
            id=f"copy-{self.store.name}", title=f"copy it to {safe(self.store.name)}", target=self.scene.name,
            commands=(line,), run=self._run, left_to_do=f"it is not copied to {safe(self.store.name)}: {again}",
        )  # fmt: skip

    async def _run(self, hands: Hands) -> str:
        chosen = await self.source()
        coder = self._coder(chosen)
        written: list[FileSum] = []
        try:
            # The file by which a set is found comes last: half a copy looks like none.
            for file in (*chosen.others, chosen.looked_for):
                written.append(await self._file(chosen, file, coder))  # noqa: PERF401 (what was written is taken back)
            await self._require_whole(written)
        except OutcomeUnknown as error:
            raise StoreFailed(
                f"nobody knows whether {safe(self.store.name)} took it: {error.detail}", error.hint
            ) from None
        except DflyError:
            await self._take_back(written)
            raise
        encryption = self.encryption if coder is not None else chosen.found.encryption
        copy = Copy(store=self.store.name, at=self.scene.access.clock.now(), encryption=encryption,
                    files=tuple(sorted(written, key=lambda each: each.name)))  # fmt: skip
        record = _recorded(self.scene, chosen, copy)
        explained = await self._explain(record)
        size = bytes_text(sum(each.size_bytes for each in written))
        return f"{len(written)} files, {size}, are in {self.store.address}{explained}"

    def _coder(self, chosen: Chosen) -> Coder | None:
        if self.encryption is None or chosen.found.encryption is not None:
            return None
        return encryptor(self.encryption, self.scene.settings.recipients, self.scene.environ)

    async def _file(self, chosen: Chosen, file: SnapshotFile, coder: Coder | None) -> FileSum:
        name = f"{file.name}.{self.encryption}" if coder is not None else file.name
        size = file.size_bytes if coder is None else -1
        done = await transfer(
            chosen.store, file.name, self.store, target_name=name, size_bytes=size, expected=chosen.recorded(file),
            coder=coder,
        )  # fmt: skip
        return done.written

    async def _require_whole(self, written: Sequence[FileSum]) -> None:
        """What the store lists is what was sent."""
        files = {file.name: file.size_bytes for file in await self.store.files()}
        wrong = [each.name for each in written if files.get(each.name) != each.size_bytes]
        if wrong:
            raise StoreFailed(
                f"{safe(wrong[0], limit=120)} is not in {self.store.address} as it was sent", "is it synchronized?"
            )

    async def _take_back(self, written: Sequence[FileSum]) -> None:
        for each in written:
            with suppress(DflyError):
                await self.store.remove(each.name)

    async def _explain(self, record: BackupRecord) -> str:
        """Put the manifest beside it, which is not part of the set: without it the copy is as good."""
        if self.encryption is not None:  # names of keys are for nobody's eyes either
            record = record.model_copy(update={"samples": ()})
        name, data = f"{self.base}{MANIFEST}", record.model_dump_json(indent=1).encode()
        try:
            await self.store.remove(name)
            await self.store.write(name, _pieces(data), len(data))
        except DflyError as error:
            return f"; without a manifest: {error.detail}"
        return ""


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _recorded(scene: Backups, chosen: Chosen, copy: Copy) -> BackupRecord:
    def changed(known: BackupRecord | None) -> BackupRecord:
        now = known or chosen.record or adopted(scene.name, chosen.found)
        others = tuple(each for each in now.copies if each.store != copy.store)
        return now.model_copy(update={"copies": (*others, copy)})

    try:
        return scene.catalogue.change((chosen.found.base, chosen.found.format), changed)
    except OSError as error:
        raise StoreFailed(
            f"it is copied, and the catalogue could not be written: {error}", "is the disk full?"
        ) from error


async def copy(scene: Backups, chosen: Chosen, stores: Sequence[str]) -> Plan:
    """The plan that copies a set that is there to other stores.

    Raises:
        DflyError: There is no such store, or the set is in it already, or not whole.
    """
    targets = [scene.store(name) for name in dict.fromkeys(stores)]
    if not chosen.found.is_complete:
        raise Refused(f"{chosen.shown} is not whole: {'; '.join(chosen.found.problems)}", "half a set is of no use")

    async def source() -> Chosen:
        return chosen

    async def ready() -> Sequence[Finding]:
        found = await store_findings(scene, targets, chosen.found.size_bytes, needed=True)
        return [*found, *await _absent(chosen, targets)]

    base, shown = chosen.found.base, chosen.found.shown
    copies = [Copying(scene, source, shown, base, store) for store in targets]
    names = " and ".join(safe(store.name) for store in targets)
    return Plan(
        id=scene.plan_id,
        kind="copy",
        title=f"copy {shown} of {scene.name} to {names}",
        group=f"backups of {scene.name}",
        steps=(
            Check(id="stores", title="there is room for it", run=ready),
            Confirm(
                id="confirm", title=f"Copy {chosen.shown} to {names}", token=scene.name,
                level=scene.access.level(scene.name),
                consequence=f"{bytes_text(chosen.found.size_bytes)} are written. {scene.name} is not touched.",
            ),
            *(each.act() for each in copies),
        ),
        facts={"instance": scene.name, "base": base, "store": chosen.store.name},
        committed=True,
    )  # fmt: skip


async def _absent(chosen: Chosen, stores: Sequence[Store]) -> list[Finding]:
    """That it is not there already."""
    found = []
    for store in stores:
        sets = listing(await store.files()).sets
        same = [each for each in sets if (each.base, each.format) == (chosen.found.base, chosen.found.format)]
        title, advice = f"{safe(store.name)} has none of that name yet", "remove that first, if it is of no use"
        state = "; ".join(same[0].problems) or "a whole one is there" if same else "none"
        found.append(required(not same, f"absent-{store.name}", title, state, advice=advice))
    return found


async def store_findings(
    scene: Backups, stores: Sequence[Store], size_bytes: int, *, needed: bool = False
) -> list[Finding]:
    """Whether stores answer, have room, and what encrypts is there.

    Args:
        size_bytes: What is written, about; 0 where that is not known.
        needed: Whether nothing is done without them.
    """
    bad = blocked if needed else warned
    found = [await _store_finding(store, size_bytes, needed) for store in stores]
    program = scene.settings.encrypt
    if stores and program is not None and shutil.which(program, path=scene.environ.get("PATH")) is None:
        package = "gnupg" if program == "gpg" else program
        found.append(bad("encryption", f"the program {program}", "not installed", advice=f"install {package}"))
    return found


async def _store_finding(store: Store, size_bytes: int, needed: bool) -> Finding:
    bad, code, title = blocked if needed else warned, f"store-{store.name}", f"room in {safe(store.name)}"
    try:
        await store.files()
        space = await store.space()
    except DflyError as error:
        return bad(code, f"store {safe(store.name)}", str(error), advice=error.hint or "it will not be copied there")
    if space is None:
        return passed(code, title, "it answers, and tells no limit")
    value, wanted = bytes_text(space.free_bytes), bytes_text(size_bytes)
    if space.free_bytes < size_bytes:
        return bad(code, title, value, wanted, "make room there")
    return passed(code, title, value, wanted)
