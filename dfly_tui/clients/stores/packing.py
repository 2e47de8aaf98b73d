"""The tar streams by which a file is put into a container: under its name only when it is whole.

An engine unpacks what it gets as it comes, and what it got before a stream broke off stays. So the content goes into
`NAME.part`; then a second stream brings NAME, a hard link to the same content, and an empty file for `NAME.part`.
"""

import tarfile
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from dfly_tui.clients.stores.folder import PART
from dfly_tui.clients.stores.names import shown
from dfly_tui.errors import StoreFailed

_END = bytes(2 * tarfile.BLOCKSIZE)


class PutFile(NamedTuple):
    """A file that shall be there.

    Attributes:
        user, group, mode: Whose it shall be.
    """

    name: str
    size_bytes: int
    modified_at: datetime
    user: int
    group: int
    mode: int

    @property
    def part(self) -> str:
        return self.name + PART


def content_of(file: PutFile, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The stream that brings the content.

    Raises:
        StoreFailed: It is not as long as it should be. The stream breaks off.
    """
    sent = 0
    yield _header(file, file.part, size=file.size_bytes)
    for piece in pieces:
        sent += len(piece)
        if sent <= file.size_bytes:
            yield piece
    if sent != file.size_bytes:
        raise StoreFailed(
            f"{shown(file.name)} has {sent} bytes, where it should have {file.size_bytes}", "it was not kept"
        )
    yield bytes(-sent % tarfile.BLOCKSIZE) + _END


def named(file: PutFile) -> Iterator[bytes]:
    """The stream that gives it its name, over any other file of that name."""
    yield _header(file, file.name, link=file.part) + _header(file, file.part) + _END


def emptied(file: PutFile) -> Iterator[bytes]:
    """A stream that leaves nothing in `NAME.part`."""
    yield _header(file, file.part) + _END


def nothing() -> Iterator[bytes]:
    """A stream that changes nothing, to see what the engine says."""
    yield _END


def _header(file: PutFile, name: str, *, size: int = 0, link: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.uid, entry.gid, entry.mode = size, file.user, file.group, file.mode
    entry.mtime = file.modified_at.timestamp()
    if link:
        entry.type, entry.linkname = tarfile.LNKTYPE, link
    return entry.tobuf(tarfile.PAX_FORMAT)
