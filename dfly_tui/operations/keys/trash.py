"""Keys as they were before they were changed, on this machine, for some hours, within bounds; the oldest go first.

A file holds what one change kept: for each key a header of JSON and the bytes of its DUMP, one after the other, so that
a listing need not read the bytes. Files are written whole or not at all, and only under a lock, since several programs
may keep keys at the same time.
"""

import asyncio
import json
import os
import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import AwareDatetime, ValidationError

from dfly_tui.clients.key_talk import Dump
from dfly_tui.clock import Clock
from dfly_tui.errors import Refused
from dfly_tui.models.base import Frozen
from dfly_tui.paths import locked
from dfly_tui.text import safe

_SIZES = struct.Struct(">II")
_MOST_HEADER = 8 << 20
_NAME = re.compile(r"(\d{8}T\d{6}\d{6}Z)-.*\.keys")
_STAMP = "%Y%m%dT%H%M%S%fZ"


class Limits(NamedTuple):
    """How much is kept."""

    total_bytes: int = 256 << 20
    key_bytes: int = 16 << 20
    hours: float = 24.0


class _Header(Frozen):
    """What a file says of a key beside its bytes."""

    at: AwareDatetime
    run: str
    why: str
    instance: str
    database: int
    name_hex: str
    kind: str
    expires_at_ms: int | None


@dataclass(frozen=True)
class Kept:
    """A key in the trash.

    Attributes:
        at: When it was kept, just before it was changed.
        run: The change it was kept for.
        why: What that did, in a few words.
        expires_at_ms: When it was to expire, Unix time; None when it was to stay.
        size_bytes: Of its DUMP.
    """

    at: datetime
    run: str
    why: str
    instance: str
    database: int
    name: bytes
    kind: str
    expires_at_ms: int | None
    size_bytes: int
    file: Path
    offset: int


class Trash:
    """Where keys are kept. Its files have mode 0600, its folder 0700.

    Raises:
        OSError: From all methods, when the folder cannot be read or written.
    """

    def __init__(self, folder: Path, *, clock: Clock, limits: Limits | None = None) -> None:
        self.folder = folder
        self.limits = limits or Limits()
        self.clock = clock

    def keeper(self, *, instance: str, database: int, run: str, why: str) -> "TrashKeeper":
        """What keeps the keys that one change is about."""
        return TrashKeeper(self, instance, database, run, why)

    def add(self, records: Sequence[tuple[_Header, bytes]]) -> int:
        """Keep keys, after the oldest have made room; they are on disk when this returns.

        Returns:
            How many bytes it took.

        Raises:
            OSError: They are more than all the room there is.
        """
        packed = [(header.model_dump_json().encode(), payload) for header, payload in records]
        size = sum(_SIZES.size + len(header) + len(payload) for header, payload in packed)
        if size > self.limits.total_bytes:
            raise OSError(f"{size:,} bytes are more than the trash takes in all")
        with locked(self.folder / "lock"):
            self._make_room(size)
            self._write(packed)
        return size

    def _write(self, packed: Sequence[tuple[bytes, bytes]]) -> None:
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                for header, payload in packed:
                    file.write(_SIZES.pack(len(header), len(payload)))
                    file.write(header)
                    file.write(payload)
                file.flush()
                os.fsync(descriptor)
            unique = Path(temporary).name.removeprefix(".new-")
            Path(temporary).rename(self.folder / f"{self.clock.now():{_STAMP}}-{unique}.keys")
            _sync_folder(self.folder)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _make_room(self, size: int) -> None:
        """Remove what is too old, then the oldest until there is room; and what a killed program was writing."""
        for left in self.folder.glob(".new-*"):
            left.unlink(missing_ok=True)
        files = self._files()
        sizes = {path: path.stat().st_size for path in files}
        total = sum(sizes.values())
        oldest = self.clock.now() - timedelta(hours=self.limits.hours)
        for path in files:
            if total + size <= self.limits.total_bytes and _kept_at(path) >= oldest:
                return
            path.unlink(missing_ok=True)
            total -= sizes[path]

    def kept(self, *, instance: str | None = None, run: str | None = None) -> list[Kept]:
        """What is kept and not too old, the newest first; what is damaged is left out."""
        if not self.folder.is_dir():
            return []
        with locked(self.folder / "lock"):
            self._make_room(0)
            found = [kept for path in self._files() for kept in _listed(path)]
        wanted = [kept for kept in found if instance in {None, kept.instance} and run in {None, kept.run}]
        return sorted(wanted, key=lambda kept: kept.at, reverse=True)

    def payload(self, kept: Kept) -> bytes:
        """The bytes of a key's DUMP.

        Raises:
            Refused: It went meanwhile, to make room.
        """
        try:
            with kept.file.open("rb") as file:
                file.seek(kept.offset)
                data = file.read(kept.size_bytes)
        except FileNotFoundError:
            data = b""
        if len(data) != kept.size_bytes:
            raise Refused(f"{safe(kept.name, limit=80)} is no longer in the trash", "newer keys needed the room")
        return data

    def _files(self) -> list[Path]:
        """The oldest first."""
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))


@dataclass
class TrashKeeper:
    """Keeps the keys of one change.

    Attributes:
        kept_bytes: What they took so far.
    """

    trash: Trash
    instance: str
    database: int
    run: str
    why: str
    kept_bytes: int = 0

    @property
    def most_bytes(self) -> int:
        """What is larger is not kept."""
        return self.trash.limits.key_bytes

    async def keep(self, dumps: Sequence[Dump]) -> None:
        """Keep keys; they are on disk when this returns. Raises OSError."""
        at = self.trash.clock.now()
        records = [
            (
                _Header(
                    at=at,
                    run=self.run,
                    why=self.why,
                    instance=self.instance,
                    database=self.database,
                    name_hex=dump.name.hex(),
                    kind=dump.kind,
                    expires_at_ms=dump.expires_at_ms,
                ),
                dump.payload,
            )
            for dump in dumps
        ]
        self.kept_bytes += await asyncio.to_thread(self.trash.add, records)


def _listed(path: Path) -> Iterator[Kept]:
    """The keys of a file; the last may be cut off."""
    with path.open("rb") as file:
        size = path.stat().st_size
        while (head := _header(file)) is not None:
            header, length = head
            offset = file.tell()
            if offset + length > size:
                return
            file.seek(length, os.SEEK_CUR)
            yield Kept(
                at=header.at,
                run=header.run,
                why=header.why,
                instance=header.instance,
                database=header.database,
                name=bytes.fromhex(header.name_hex),
                kind=header.kind,
                expires_at_ms=header.expires_at_ms,
                size_bytes=length,
                file=path,
                offset=offset,
            )


def _header(file: BinaryIO) -> tuple[_Header, int] | None:
    """The next header with the length of what follows; None at the end, or where the file is damaged."""
    packed = file.read(_SIZES.size)
    if len(packed) < _SIZES.size:
        return None
    length, payload = _SIZES.unpack(packed)
    if length > _MOST_HEADER:
        return None
    try:
        return _Header.model_validate(json.loads(file.read(length))), payload
    except (ValueError, ValidationError):
        return None


def _kept_at(path: Path) -> datetime:
    return datetime.strptime(path.name.partition("-")[0] + "+0000", f"{_STAMP}%z")


def _sync_folder(folder: Path) -> None:
    """See the new name on disk, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
