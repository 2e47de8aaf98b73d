"""What decides which set a server loads when it is started: put there, and taken away, while its container is stopped.

Of a stopped container an engine tells names only by sending all the files (see `ContainerStore`), so nothing is listed.
"""

import os
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dfly_tui.clients.container_files import archive, path_stat
from dfly_tui.clients.docker import engine_failure, failures_of
from dfly_tui.clients.engine import Engine
from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.stores.container_place import Place
from dfly_tui.clients.stores.folder import EPOCH, PART, FolderStore
from dfly_tui.clients.stores.names import checked, shown
from dfly_tui.clients.stores.packing import PutFile, content_of, named
from dfly_tui.clients.stores.port import Store
from dfly_tui.clients.stores.pump import fed, in_thread
from dfly_tui.errors import Refused, StoreFailed
from dfly_tui.models.snapshots import SnapshotFile

if TYPE_CHECKING:
    from docker.api.client import APIClient

_NEW = ".new"
_END = bytes(2 * tarfile.BLOCKSIZE)


class Switch(Protocol):
    """Changes single files of a server's folder. All methods raise `DflyError`s only."""

    async def prepare(self) -> None:
        """Learn what can only be learned while the container runs."""
        ...

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        """As `Store.write()`, but over a file that is there."""
        ...

    async def look(self, name: str) -> SnapshotFile | None:
        """A file as it is now; None when it is not there."""
        ...

    async def newest(self) -> datetime | None:
        """The time of the newest file; None where that cannot be told of a stopped container."""
        ...

    async def keep_aside(self, name: str, other: str) -> None:
        """Give a file another name in addition, over a file of that name."""
        ...

    async def withdraw(self, name: str) -> None:
        """See to it that no server loads this file any more: remove it or, where nothing can be removed, leave an empty
        one older than all others."""
        ...

    def drafts(self, name: str) -> tuple[str, ...]:
        """What may be left of a file if whoever wrote it was killed."""
        ...


def switch_of(store: Store) -> Switch:
    """What does that for a server's own folder.

    Raises:
        Refused: Its snapshots lie elsewhere.
    """
    if isinstance(store, FolderStore):
        return _FolderSwitch(store)
    if isinstance(store, ContainerStore):
        return _ContainerSwitch(store)
    raise Refused(
        f"the server loads its snapshots from {store.address}, where dfly-tui puts nothing",
        "restore into a server with a folder, or copy the set there by hand",
    )


class _FolderSwitch:
    def __init__(self, store: FolderStore) -> None:
        self._store = store

    async def prepare(self) -> None:
        await self._store.space()

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        draft = f"{name}{_NEW}"
        await self._store.remove(draft)
        await self._store.write(draft, content, size_bytes, modified_at=modified_at)
        await self._changed(lambda: self._path(draft).replace(self._path(name)))

    async def look(self, name: str) -> SnapshotFile | None:
        return next((file for file in await self._store.files() if file.name == name), None)

    async def newest(self) -> datetime | None:
        return max((file.modified_at for file in await self._store.files()), default=None)

    async def keep_aside(self, name: str, other: str) -> None:
        draft = self._path(f"{other}{_NEW}")

        def link() -> None:
            draft.unlink(missing_ok=True)
            os.link(self._path(name), draft, follow_symlinks=False)
            draft.replace(self._path(other))
            draft.unlink(missing_ok=True)  # nothing is renamed to what is the same file already

        await self._changed(link)

    async def withdraw(self, name: str) -> None:
        await self._store.remove(name)

    def drafts(self, name: str) -> tuple[str, ...]:
        return f"{name}{PART}", f"{name}{_NEW}", f"{name}{_NEW}{PART}"

    def _path(self, name: str) -> Path:
        return self._store._path / checked(name)

    async def _changed(self, work: Callable[[], object]) -> None:
        try:
            await in_thread(work)
        except OSError as error:
            raise StoreFailed(f"{self._store.address}: {error.strerror}") from error


class _ContainerSwitch:
    """An engine unpacks over what is there."""

    def __init__(self, store: ContainerStore) -> None:
        self._store = store
        self._owner: PutFile | None = None

    async def prepare(self) -> None:
        async with self._store._engine() as engine:
            whose = await self._store._whose(engine, await self._store._place(engine))
        self._owner = PutFile("", 0, EPOCH, whose.user, whose.group, whose.mode)

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        file = self._file(name, size_bytes, modified_at or EPOCH)
        async with self._store._engine() as engine:
            place = await self._store._place(engine)
            api = await engine.ask(lambda api: api)
            try:
                await fed(lambda pieces: self._store._unpack(api, place, content_of(file, pieces)), content)
            except failures_of(self._store._config.host) as error:
                raise engine_failure(error, self._store._config.host) from error
            await self._unpack(engine, place, named(file), name)

    async def look(self, name: str) -> SnapshotFile | None:
        async with self._store._engine() as engine:
            place = await self._store._place(engine)
            stat = await engine.ask(lambda api: path_stat(api, place.container, place.of(checked(name))))
        return SnapshotFile(name=name, size_bytes=stat.size, modified_at=stat.modified_at) if stat is not None else None

    async def newest(self) -> None:
        return None

    async def keep_aside(self, name: str, other: str) -> None:
        async with self._store._engine() as engine:
            place = await self._store._place(engine)
            entry = await engine.ask(lambda api: _head(api, place, checked(name)))
            # Whose it is goes with the entry, though it is the same file.
            entry.name, entry.type, entry.linkname, entry.size = checked(other), tarfile.LNKTYPE, name, 0
            await self._unpack(engine, place, _packed(entry), other)

    async def withdraw(self, name: str) -> None:
        with suppress(StoreFailed):  # it does not run, or has no program for that
            await self._store.remove(name)
            return
        async with self._store._engine() as engine:
            entry = tarfile.TarInfo(checked(name))
            entry.mode, entry.mtime = 0o600, 0
            await self._unpack(engine, await self._store._place(engine), _packed(entry), name)

    def drafts(self, name: str) -> tuple[str, ...]:
        return (f"{name}{PART}",)

    def _file(self, name: str, size: int, at: datetime) -> PutFile:
        assert self._owner is not None, "it was prepared while the container ran"
        return self._owner._replace(name=checked(name), size_bytes=size, modified_at=at)

    async def _unpack(self, engine: Engine, place: Place, stream: Iterator[bytes], name: str) -> None:
        line = f"docker cp {shown(name)} {self._store.address}"
        await engine.change(lambda api: self._store._unpack(api, place, stream), line)


def _head(api: "APIClient", place: Place, name: str) -> tarfile.TarInfo:
    """What an engine sends of a file before its content, which is not waited for."""
    if path_stat(api, place.container, place.of(name)) is not None:
        with archive(api, place.container, place.of(name), lambda: None) as opened:
            entry = opened.next()
        if entry is not None and entry.isreg():
            return entry
    raise StoreFailed(f"{shown(name)} is no plain file, or is not there")


def _packed(entry: tarfile.TarInfo) -> Iterator[bytes]:
    yield entry.tobuf(tarfile.PAX_FORMAT) + _END
