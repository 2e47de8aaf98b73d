"""A set read back: are all its bytes what was recorded, and is what an RDB file holds what was counted?"""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from dfly_tui.clients.rdb_file import RdbContent, read_rdb
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.transfer import sum_of
from dfly_tui.errors import NotSupported
from dfly_tui.models.backup import BackupRecord, FileSum, Proof, ProofLevel
from dfly_tui.models.snapshots import SnapshotFormat
from dfly_tui.operations.backup.attempt import counts_differ
from dfly_tui.operations.backup.catalogue import adopted
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.scene import MOST_PROOFS, Backups
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, count_text

Told = Callable[[int, int], None]
"""Told of bytes read, and of how many there are."""
SCRATCH = "dump.rdb"


async def verify(scene: Backups, chosen: Chosen, told: Told = lambda done, total: None) -> Proof:
    """Read a set to its end and say what it is worth; that is recorded. Nothing else is changed.

    Args:
        chosen: Without a `coder` what is encrypted is compared as it lies there.

    Raises:
        DflyError: It could not be read, which says nothing of it.
        OSError: The catalogue cannot be written.
    """
    now = scene.access.clock.now()
    if not chosen.found.is_complete:
        return _kept(scene, chosen, _proof(chosen, now, ProofLevel.COMPLETE, "; ".join(chosen.found.problems)), ())
    sums = await _read(chosen, told)
    wrong = _damaged(chosen, sums)
    content = None if wrong else await _content(chosen)
    if isinstance(content, RdbContent):
        keys = content.counts
        recorded = chosen.record.keys if chosen.record is not None else {}
        differ = counts_differ(recorded, keys, 0) if recorded else ""
        wrong = f"it cannot be read to its end: {safe(content.error, limit=200)}" if content.error else differ
    proof = _proof(chosen, now, ProofLevel.CHECKSUMS, wrong, _words(chosen, sums, content))
    return _kept(scene, chosen, proof, sums)


def _proof(chosen: Chosen, now: datetime, level: ProofLevel, wrong: str, good: str = "") -> Proof:
    return Proof(level=level, at=now, ok=not wrong, store=chosen.store.name, text=wrong or good)


async def _read(chosen: Chosen, told: Told) -> tuple[FileSum, ...]:
    """The sums of all its files as they lie there; what is encrypted is decrypted to see that it can be."""
    total, done, sums = chosen.found.size_bytes, 0, []
    for file in chosen.found.files:
        so_far = done

        def tell(read: int, so_far: int = so_far) -> None:
            told(so_far + read, total)

        sums.append((await sum_of(chosen.store, file.name, coder=chosen.coder, told=tell)).read)
        done += file.size_bytes
    return tuple(sums)


def _damaged(chosen: Chosen, sums: Sequence[FileSum]) -> str:
    """Which file is not what was recorded, in a sentence; empty when all are."""
    for file, found in zip(chosen.found.files, sums, strict=True):
        recorded = chosen.recorded(file)
        if recorded is None:
            continue
        if found.size_bytes != recorded.size_bytes:
            sizes = f"{found.size_bytes} bytes, not the {recorded.size_bytes} it was recorded with"
            return f"{safe(file.name, limit=120)} has {sizes}"
        if recorded.sha256 not in {None, found.sha256}:
            return f"{safe(file.name, limit=120)} does not have the content it was recorded with"
    return ""


async def _content(chosen: Chosen) -> RdbContent | str | None:
    """What is in an RDB file; why that was not looked at; None for the other format."""
    if chosen.found.format is not SnapshotFormat.RDB:
        return None
    if chosen.found.encryption is not None and chosen.coder is None:
        return "what is in it was not looked at: the key to it is not here"
    async with _local(chosen) as path:
        try:
            return await read_rdb(path)
        except NotSupported as error:
            return f"what is in it was not looked at: {error.detail}"


@asynccontextmanager
async def _local(chosen: Chosen) -> AsyncIterator[Path]:
    """An RDB file as a file of this machine, for the moment if it is none."""
    if isinstance(chosen.store, FolderStore) and chosen.coder is None:
        yield chosen.store.path / chosen.looked_for.name
        return
    with tempfile.TemporaryDirectory(prefix="dfly-tui-") as folder:
        await chosen.send(chosen.looked_for, FolderStore("scratch", Path(folder)), SCRATCH)
        yield Path(folder) / SCRATCH


def _words(chosen: Chosen, sums: Sequence[FileSum], content: RdbContent | str | None) -> str:
    size = bytes_text(sum(each.size_bytes for each in sums))
    known = [chosen.recorded(file) for file in chosen.found.files]
    told = all(each is not None and each.sha256 is not None for each in known)
    what = "each is what was recorded" if told else "what they are was recorded now: there was nothing to compare with"
    words = f"{len(sums)} files, {size}, were read: {what}"
    if isinstance(content, str):
        return f"{words}; {content}"
    if content is not None:
        return f"{words}; {count_text(sum(content.counts.values()))} keys in it, RDB version {content.version}"
    return words


def _kept(scene: Backups, chosen: Chosen, proof: Proof, sums: Sequence[FileSum]) -> Proof:
    """Write it down; of files nobody knew the sums of, these are the sums from now on."""
    found = chosen.found

    def changed(known: BackupRecord | None) -> BackupRecord:
        now = known or adopted(scene.name, found)
        proofs = (*now.proofs, proof)[-MOST_PROOFS:]
        own = chosen.store.name == scene.stores[0].name and found.encryption is None
        unknown = not now.files or any(each.sha256 is None for each in now.files)
        files = tuple(sums) if proof.ok and own and unknown else now.files
        return now.model_copy(update={"proofs": proofs, "files": files})

    scene.catalogue.change((found.base, found.format), changed)
    return proof
