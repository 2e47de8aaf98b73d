"""What is known of an instance's backups, on disk: one JSON file for each set.

Written whole or not at all, under a lock: the dashboard and a timer's `backup run` may be at it at the same time.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from dfly_tui.errors import StoreFailed
from dfly_tui.models.backup import BackupRecord, FileSum
from dfly_tui.models.snapshots import SnapshotFormat, SnapshotSet
from dfly_tui.paths import locked, write_private
from dfly_tui.text import safe

_NAME_BYTES = 150
"""Of a file's name; a longer one is cut and told apart by its sum."""

Key = tuple[str, SnapshotFormat]


class Kept(NamedTuple):
    """What the catalogue holds of an instance.

    Attributes:
        records: The oldest first.
        unreadable: Files that are no records, each in a few words.
    """

    records: tuple[BackupRecord, ...] = ()
    unreadable: tuple[str, ...] = ()


class Catalogue:
    """The records of one instance.

    Args:
        folder: Where those of all instances are; made with mode 0700 when first written to.
    """

    def __init__(self, folder: Path, instance: str) -> None:
        self.folder = folder / _plain(instance)

    def read(self) -> Kept:
        """All of them. What is damaged is told of, and is in nobody's way. Raises OSError."""
        records, unreadable = [], []
        paths = sorted(self.folder.glob(f"*.{_ENDING}")) if self.folder.is_dir() else []
        for path in paths:
            try:
                records.append(BackupRecord.model_validate_json(path.read_bytes()))
            except FileNotFoundError:
                continue
            except (OSError, ValidationError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is damaged"
                unreadable.append(f"{safe(str(path), limit=200)}: {why}")
        return Kept(tuple(sorted(records, key=lambda record: record.began_at)), tuple(unreadable))

    def records(self) -> tuple[BackupRecord, ...]:
        """All that can be read. Raises OSError."""
        return self.read().records

    def find(self, key: Key) -> BackupRecord | None:
        """One of them; of a set that was removed there is none. Raises OSError."""
        found = next((each for each in self.records() if (each.base, each.format) == key), None)
        return None if found is None or found.removed_at is not None else found

    def keep(self, record: BackupRecord) -> None:
        """Write one, in the place of what was known of this set.

        Raises:
            OSError: It cannot be written.
            StoreFailed: The set's name is no text.
        """
        with locked(self.folder / ".lock"):
            self._write(record)

    def change(self, key: Key, changed: Callable[[BackupRecord | None], BackupRecord]) -> BackupRecord:
        """Change one as it is now, while nobody else does.

        Args:
            changed: Makes the new record of what is known; None when nothing is.

        Raises:
            OSError, StoreFailed: As `keep()`.
        """
        with locked(self.folder / ".lock"):
            record = changed(self.find(key))
            self._write(record)
        return record

    @property
    def cron(self) -> str | None:
        """The server's schedule as it was last seen; None when it never was."""
        try:
            return (self.folder / _CRON).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return None

    def note_cron(self, cron: str) -> None:
        """Remember the schedule, for whoever looks without asking the server. Raises OSError."""
        if cron != self.cron:
            write_private(self.folder / _CRON, f"{cron}\n")

    def _write(self, record: BackupRecord) -> None:
        try:
            text = record.model_dump_json(indent=1)
        except PydanticSerializationError:
            raise StoreFailed(
                f"{safe(record.base, limit=120)} is no text: nothing is recorded of it", "rename it"
            ) from None
        write_private(self.folder / f"{_plain(record.base)}.{record.format}.{_ENDING}", f"{text}\n")


_ENDING = "backup.json"
_CRON = "snapshot_cron"


def _plain(name: str) -> str:
    """A file's name that says which instance or set it is of, and is that of no other."""
    quoted = quote(name, safe="", errors="surrogateescape").replace(".", "%2E")
    if len(quoted) <= _NAME_BYTES:
        return quoted
    return f"{quoted[:_NAME_BYTES]}-{hashlib.sha256(quoted.encode()).hexdigest()[:16]}"


def adopted(instance: str, found: SnapshotSet) -> BackupRecord:
    """The first record of a set that nobody recorded: the server saved it by itself, or somebody put it there."""
    plain = found.encryption is None
    files = tuple(FileSum(name=file.name, size_bytes=file.size_bytes) for file in found.files) if plain else ()
    return BackupRecord(
        instance=instance, base=found.base, format=found.format, began_at=found.written_at, files=files, who="cron"
    )
