"""A folder of this machine, which may well be another machine's disk."""

import errno
import fcntl
import os
import shlex
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from dfly_tui.clients.stores.names import INSTANCE, checked, shown
from dfly_tui.clients.stores.port import Space
from dfly_tui.clients.stores.pump import PIECE_BYTES, drawn, fed, in_thread
from dfly_tui.errors import Busy, Refused, StoreFailed
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

T = TypeVar("T")

PART = ".part"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SNAPSHOTS = (".dfs", ".rdb")
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EINVAL}
"""What a file system says that knows no second name for a file."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class _Owner(NamedTuple):
    """Whose a new file shall be."""

    user: int
    group: int
    mode: int


class FolderStore:
    """A folder. Nothing is ever made but files in it: a folder that is absent may be a disk that is not mounted.

    A new file belongs to whom the newest snapshot there belongs, where we may give it away: the server has to read it.

    Args:
        name: `instance`, or as configured.
        path: The folder, absolute.
    """

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def name(self) -> str:
        return self._name

    @property
    def address(self) -> str:
        return safe(str(self._path), limit=300)

    async def files(self) -> tuple[SnapshotFile, ...]:
        return await in_thread(self._files)

    def read(self, name: str) -> AsyncGenerator[bytes, None]:
        return drawn(self._pieces(checked(name)))

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        checked(name + PART)
        await fed(lambda pieces: self._write(name, pieces, size_bytes, modified_at), content)

    async def remove(self, name: str) -> None:
        checked(name)
        await in_thread(lambda: self._remove(name))

    async def space(self) -> Space:
        return await in_thread(self._space)

    async def writable(self) -> bool | None:
        return await in_thread(self._writable)

    def read_text(self, name: str) -> str:
        return shlex.join(["cp", "--", str(self._path / name), "."])

    def remove_text(self, name: str) -> str:
        return shlex.join(["rm", "-f", "--", str(self._path / name)])

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _files(self) -> tuple[SnapshotFile, ...]:
        with self._errors("list"), os.scandir(self._path) as entries:
            found = [self._seen(entry) for entry in entries if not entry.name.startswith(".")]
        return tuple(file for file in found if file is not None)

    @staticmethod
    def _seen(entry: "os.DirEntry[str]") -> SnapshotFile | None:
        """None for what is no plain file, is gone by now, or has a name that is no text."""
        try:
            seen = entry.stat(follow_symlinks=False)
            entry.name.encode()
        except (FileNotFoundError, UnicodeEncodeError):
            return None
        if not stat.S_ISREG(seen.st_mode):
            return None
        return SnapshotFile(name=entry.name, size_bytes=seen.st_size, modified_at=moment(seen.st_mtime_ns))

    def _pieces(self, name: str) -> Generator[bytes, None, None]:
        with self._errors("read", name):
            # Not blocked by a pipe, nor led elsewhere by a link, that took the file's place.
            descriptor = os.open(self._path / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise StoreFailed(f"{shown(name)} in {self.address} is no plain file")
                while piece := file.read(PIECE_BYTES):
                    yield piece

    def _write(self, name: str, pieces: Iterator[bytes], size_bytes: int, modified_at: datetime | None) -> None:
        final, part = self._path / name, self._path / (name + PART)
        with self._errors("write", name):
            self._not_there_yet(final, name)
            self._roomy(size_bytes)
            descriptor = self._open_part(part)
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                try:
                    self._give_away(descriptor, name, self._owner())
                    self._fill(file.write, pieces, name, size_bytes)
                    if modified_at is not None:
                        os.utime(descriptor, ns=(nanoseconds(modified_at),) * 2)
                    os.fsync(descriptor)
                    self._show(part, final, name)
                finally:
                    # While it is still locked: the next to open it would empty what now has another name, too.
                    part.unlink(missing_ok=True)
            self._sync_folder()

    def _not_there_yet(self, final: Path, name: str) -> None:
        if os.path.lexists(final):
            raise Refused(f"{shown(name)} is in {self.address} already", "nothing was overwritten")

    def _roomy(self, size_bytes: int) -> None:
        free = self._space().free_bytes
        if size_bytes > free:
            raise StoreFailed(
                f"no room in {self.address}: {bytes_text(size_bytes)} are wanted, {bytes_text(free)} are free",
                "make room there, or let retention remove older backups",
            )

    def _open_part(self, part: Path) -> int:
        """Open the file under its preliminary name; one that was left behind by a write that was cut off is emptied."""
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Not one that its writer took away after we opened it.
            if not os.path.samestat(os.fstat(descriptor), part.lstat()):
                raise BlockingIOError
            os.ftruncate(descriptor, 0)
        except (BlockingIOError, FileNotFoundError):
            os.close(descriptor)
            raise Busy(f"somebody else is writing {shown(part.name)} in {self.address}") from None
        except OSError as error:
            if error.errno not in {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}:  # no locks on this file system
                os.close(descriptor)
                raise
            os.ftruncate(descriptor, 0)
        return descriptor

    def _fill(self, write: Callable[[memoryview], int], pieces: Iterator[bytes], name: str, size_bytes: int) -> None:
        written = 0
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                count = write(rest)
                written, rest = written + count, rest[count:]
        if size_bytes not in {-1, written}:
            raise StoreFailed(
                f"{shown(name)} has {written} bytes, where it should have {size_bytes}", "it was not kept"
            )

    def _owner(self) -> _Owner:
        """Of the newest snapshot there, else of the folder."""
        seen = []
        with os.scandir(self._path) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.name.endswith(SNAPSHOTS) and entry.is_file(follow_symlinks=False):
                        seen.append(entry.stat(follow_symlinks=False))
        if not seen:
            folder = self._path.stat()
            return _Owner(folder.st_uid, folder.st_gid, 0o600)
        newest = max(seen, key=lambda each: each.st_mtime_ns)
        return _Owner(newest.st_uid, newest.st_gid, stat.S_IMODE(newest.st_mode) & 0o666 | 0o600)

    def _give_away(self, descriptor: int, name: str, owner: _Owner) -> None:
        ours = os.fstat(descriptor)
        try:
            if (ours.st_uid, ours.st_gid) != (owner.user, owner.group):
                os.fchown(descriptor, owner.user, owner.group)
            os.fchmod(descriptor, owner.mode)
        except OSError as error:
            if error.errno not in _NO_LINKS | _FORBIDDEN:
                raise
            if self._name == INSTANCE and ours.st_uid != owner.user:
                raise StoreFailed(
                    f"{shown(name)} in {self.address} would not be the server's own, which could not read it",
                    f"run this as root or as user {owner.user}",
                ) from None

    def _show(self, part: Path, final: Path, name: str) -> None:
        """Give it its name, unless something has that name by now."""
        try:
            os.link(part, final, follow_symlinks=False)
        except FileExistsError:
            self._not_there_yet(final, name)
            raise
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._not_there_yet(final, name)
            part.rename(final)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            with suppress(OSError):  # there are file systems that do not know what that means
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _remove(self, name: str) -> None:
        with self._errors("remove", name), suppress(FileNotFoundError):
            if not stat.S_ISREG((self._path / name).lstat().st_mode):
                raise StoreFailed(f"{shown(name)} in {self.address} is no plain file", "it was not touched")
            (self._path / name).unlink()

    def _space(self) -> Space:
        with self._errors("look at"):
            found = os.statvfs(f"{self._path}/")
        return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)

    def _writable(self) -> bool | None:
        """By the folder's mode and the owner of the newest snapshot, who is the server's user."""
        with self._errors("look at"):
            if os.statvfs(self._path).f_flag & os.ST_RDONLY:
                return False
            owner, folder = self._owner(), self._path.stat()
        if owner.user == 0:
            return True
        shift = 6 if folder.st_uid == owner.user else 3 if folder.st_gid == owner.group else 0
        return bool(folder.st_mode >> shift & 0o2)

    @contextmanager
    def _errors(self, doing: str, name: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._failure(error, doing, name) from error

    def _failure(self, error: OSError, doing: str, name: str) -> StoreFailed:
        what = f"{shown(name)} in {self.address}" if name else self.address
        if error.errno in _FULL:
            return StoreFailed(f"no space left in {self.address} for {shown(name)}", "make room there")
        if error.errno == errno.EROFS:
            return StoreFailed(f"{self.address} is on a file system that is read-only", "mount it writable")
        if error.errno in _FORBIDDEN:
            return StoreFailed(f"you may not {doing} {what}", f"ls -ld {shlex.quote(self.address)} tells who may")
        if error.errno == errno.ELOOP:
            return StoreFailed(f"{what} is a link", "only plain files are taken")
        if error.errno in {errno.ENOENT, errno.ENOTDIR} and not self._path.is_dir():
            state = "is no folder" if os.path.lexists(self._path) else "is not there"
            return StoreFailed(f"the folder {self.address} {state}", "is the disk mounted? it is not made by us")
        if error.errno == errno.ENOENT:
            return StoreFailed(f"{what} is not there")
        return StoreFailed(f"cannot {doing} {what}: {safe(error.strerror or str(error), limit=200)}")


def moment(nanoseconds: int) -> datetime:
    """A file's time. One outside of all calendars is as good as none."""
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return EPOCH


def nanoseconds(at: datetime) -> int:
    """The other way round, exactly."""
    return (at - EPOCH) // timedelta(microseconds=1) * 1000
