"""A set that was chosen to be tried or restored, from whichever store, encrypted or not."""

import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from dfly_tui.clients.crypt import Coder
from dfly_tui.clients.stores.port import Store
from dfly_tui.clients.stores.pump import PIECE_BYTES
from dfly_tui.clients.stores.transfer import Target, sum_of, transfer
from dfly_tui.models.backup import BackupRecord, FileSum
from dfly_tui.models.snapshots import SnapshotFile, SnapshotSet, is_looked_for, renamed

SPOOL_BYTES = 64 << 20
"""A larger file is kept on the disk for the moment."""


@dataclass(frozen=True)
class Chosen:
    """A set in a store.

    Attributes:
        record: What is known of it; None when nothing is.
        coder: What decrypts it; None for a set that is not encrypted.
    """

    store: Store
    found: SnapshotSet
    record: BackupRecord | None = None
    coder: Coder | None = None

    @property
    def shown(self) -> str:
        return f"{self.found.shown} from {self.store.name}"

    @property
    def looked_for(self) -> SnapshotFile:
        """The file by which a server finds it."""
        return next(file for file in self.found.files if is_looked_for(file.name))

    @property
    def others(self) -> tuple[SnapshotFile, ...]:
        return tuple(file for file in self.found.files if not is_looked_for(file.name))

    def name_in(self, base: str, file: SnapshotFile) -> str:
        """What a file of it is called in a set called otherwise."""
        return renamed(file.name, self.found.base, base)

    def recorded(self, file: SnapshotFile) -> FileSum | None:
        """What the file should be as it lies in this store."""
        if self.record is None:
            return None
        copies = [copy.files for copy in self.record.copies if copy.store == self.store.name]
        known = [each for files in (*copies, self.record.files) for each in files]
        return next((each for each in known if each.name == file.name), None)

    async def size(self, file: SnapshotFile) -> int:
        """How many bytes it has when it is not encrypted: where nobody knows that it is read for it."""
        if self.coder is None:
            return file.size_bytes
        plain = renamed(file.name, self.found.base, self.found.base)
        known = [each for each in self.record.files if each.name == plain] if self.record is not None else []
        if known:
            return known[0].size_bytes
        return (await sum_of(self.store, file.name, coder=self.coder)).written.size_bytes

    async def head(self, file: SnapshotFile, count: int) -> bytes:
        """Its first bytes, not encrypted."""
        found = b""
        pieces = self.store.read(file.name)
        async with _closed(pieces), _closed(self.coder(pieces) if self.coder is not None else pieces) as plain:
            async for piece in plain:
                found += piece
                if len(found) >= count:
                    break
        return found[:count]

    async def check(self, file: SnapshotFile) -> None:
        """Read a file of it if it was recorded what is in it; raises `NotAsRecorded`, or what reading raises."""
        expected = self.recorded(file)
        if expected is None or (expected.sha256 is None and expected.size_bytes == file.size_bytes):
            return
        await transfer(self.store, file.name, _Nowhere(), expected=expected)

    async def send(
        self,
        file: SnapshotFile,
        target: Target,
        name: str,
        *,
        modified_at: datetime | None = None,
        at_once: bool = True,
    ) -> None:
        """Copy a file of it; what is not what was recorded of it is not kept. Raises as `transfer()` does.

        Args:
            at_once: It is written while it is read; else it is kept on this machine in between.
        """
        size, expected = await self.size(file), self.recorded(file)
        if at_once:
            await transfer(
                self.store, file.name, target, target_name=name, size_bytes=size, expected=expected, coder=self.coder,
                modified_at=modified_at,
            )  # fmt: skip
            return
        with tempfile.SpooledTemporaryFile(SPOOL_BYTES) as spool:
            await transfer(self.store, file.name, _Spool(spool), expected=expected, coder=self.coder)
            spool.seek(0)
            await target.write(name, _read(spool), size, modified_at=modified_at)


class _Nowhere:
    """Takes a file and keeps nothing of it."""

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        async for _ in content:
            pass


class _Spool:
    """Takes a file to a temporary one."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        async for piece in content:
            self._spool.write(piece)


async def _read(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := spool.read(PIECE_BYTES):
        yield piece


@asynccontextmanager
async def _closed(pieces: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Leaves nothing open of what was not read to its end."""
    try:
        yield pieces
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
