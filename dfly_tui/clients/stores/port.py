"""What every place that holds snapshot files can do."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple, Protocol

from dfly_tui.models.snapshots import SnapshotFile


class Space(NamedTuple):
    """Room in a store."""

    free_bytes: int
    total_bytes: int


class Store(Protocol):
    """A flat folder of files. All methods raise `StoreFailed` (or another `DflyError`) and nothing else.

    Names are taken as they are; one with a `/`, a control character or a leading dot is refused, whoever asks.
    What changes something is sent once; `OutcomeUnknown` when nobody knows whether it was done.
    """

    @property
    def name(self) -> str:
        """`instance` for the folder the server itself writes to; else as configured in `[[stores]]`."""
        ...

    @property
    def address(self) -> str:
        """Where it is, for a person: `/srv/backups`, `s3://bucket/prefix`, `container dragonfly:/data`."""
        ...

    async def files(self) -> tuple[SnapshotFile, ...]:
        """All files in it, but for folders and hidden ones."""
        ...

    def read(self, name: str) -> AsyncIterator[bytes]:
        """A file's content in pieces of at most some MiB; bounded memory, whatever the size."""
        ...

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        """Put a new file there, seen under its name only when it is whole and synced; never over an existing one.

        Args:
            size_bytes: What `content` adds up to, where that is known before; -1 otherwise.
            modified_at: The time the file shall have, where the store lets one choose; default: now.

        Raises:
            Refused: There is a file of that name; it is as it was.
        """
        ...

    async def remove(self, name: str) -> None:
        """Remove a file; nothing happens if it is gone."""
        ...

    async def space(self) -> Space | None:
        """None where that has no meaning or cannot be told."""
        ...

    async def writable(self) -> bool | None:
        """Whether the server can write there; None where that cannot be told beforehand."""
        ...

    def read_text(self, name: str) -> str:
        """The command line that reads a file, for a person; likewise the next."""
        ...

    def remove_text(self, name: str) -> str: ...

    async def aclose(self) -> None:
        """Hang up."""
        ...
