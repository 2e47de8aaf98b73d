"""The folder a server in a container writes to, through the Docker engine: while it runs and while it does not."""

import asyncio
import posixpath
import re
import shlex
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterable, Iterator
from contextlib import aclosing, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from dfly_tui.clients.container_files import Ran, file_pieces, output_pieces, path_stat, put_archive, run
from dfly_tui.clients.container_writer import LOCAL_ENGINE
from dfly_tui.clients.docker import engine_failure, failures_of
from dfly_tui.clients.engine import Engine
from dfly_tui.clients.stores.container_listing import LIST, Seen, listed, owner, walked
from dfly_tui.clients.stores.container_place import Place, address_of, found
from dfly_tui.clients.stores.folder import PART
from dfly_tui.clients.stores.names import INSTANCE, checked, shown
from dfly_tui.clients.stores.packing import PutFile, content_of, emptied, named, nothing
from dfly_tui.clients.stores.port import Space
from dfly_tui.clients.stores.pump import drawn, fed
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, OutcomeUnknown, Refused, StoreFailed
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text

if TYPE_CHECKING:
    from docker.api.client import APIClient

WALK_SECONDS = 120.0
SYNC_SECONDS = 600.0
_LOOKS = 3
_DF = re.compile(rb"\s(?P<total>\d+)\s+\d+\s+(?P<free>\d+)\s+(?:\d+%|-)\s+/")


class ContainerStore:
    """A folder in a container.

    A running one is listed, synced and cleaned by programs in it (`find`, `stat`, `sync`, `rm`, `df`), where it has
    them. One that does not run, or has no programs, tells names only by sending all the files: that is done anew only
    when the folder itself has changed, and may take a while. Nothing can be removed from such a one.

    A new file belongs to whom the newest snapshot there belongs: the server has to read it. Where nothing can be
    removed an empty file `NAME.part` stays beside it.

    Args:
        config: Engine and container.
        folder: In the container; a relative one is relative to where its process is started.
        timeout_seconds: For each request to the engine, and for each part of what is streamed.
        walk_seconds: What it may take to have all the files sent for their names.
    """

    def __init__(
        self,
        config: DockerConfig,
        folder: str,
        *,
        clock: Clock,
        timeout_seconds: float,
        walk_seconds: float = WALK_SECONDS,
    ) -> None:
        self._config = config
        self._folder = folder
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._walk_seconds = walk_seconds
        self._walked: tuple[tuple[str, datetime], tuple[Seen, ...]] | None = None
        self._owner: Seen | None = None

    @property
    def name(self) -> str:
        return INSTANCE

    @property
    def address(self) -> str:
        return address_of(self._config, self._folder)

    async def files(self) -> tuple[SnapshotFile, ...]:
        async with self._engine() as engine:
            seen = await self._look(engine, await self._place(engine))
        return tuple(
            SnapshotFile(name=each.name, size_bytes=each.size_bytes, modified_at=each.modified_at)
            for each in seen
            if each.name
        )

    def read(self, name: str) -> AsyncGenerator[bytes, None]:
        return self._read(checked(name))

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        """As the port says; but the size has to be known."""
        checked(name + PART)
        if size_bytes < 0:
            raise StoreFailed(f"{shown(name)} cannot be put into {self.address}: its size is not known before")
        async with self._engine() as engine:
            place = await self._place(engine)
            await engine.ask(lambda api: self._not_there_yet(api, place, name))
            space = await self._space(engine, place)
            if space is not None and size_bytes > space.free_bytes:
                wanted, free = bytes_text(size_bytes), bytes_text(space.free_bytes)
                raise StoreFailed(
                    f"no room in {self.address}: {wanted} are wanted, {free} are free", "make room on that disk"
                )
            # An engine that refuses says why; in the middle of a stream it may just hang up.
            await engine.ask(lambda api: self._unpack(api, place, nothing()))
            whose = await self._whose(engine, place)
            at = modified_at or self._clock.now()
            await self._put(engine, place, PutFile(name, size_bytes, at, whose.user, whose.group, whose.mode), content)

    async def remove(self, name: str) -> None:
        checked(name)
        async with self._engine() as engine:
            place = await self._place(engine)
            there = await engine.ask(lambda api: path_stat(api, place.container, place.of(name)))
            if there is None:
                return
            if not there.is_file:
                raise StoreFailed(f"{shown(name)} in {self.address} is no plain file", "it was not touched")
            ran = Ran.missing()
            if place.runs:
                ran = await engine.change(lambda api: _run(api, place, "rm", "-f", "--", name), self.remove_text(name))
            if ran.is_missing:
                what = "it has no program rm" if place.runs else "it does not run"
                line = self._docker("run", "--rm", "--volumes-from", self._config.container, "alpine", "rm", "-f", "--")
                by_hand = f"{line} {shlex.quote(posixpath.join(self._folder, name))}"
                raise StoreFailed(
                    f"nothing can be removed from {self.address}: {what}",
                    f"{'' if place.runs else 'start it, or '}by hand: {by_hand}",
                )
            if ran.status:
                raise StoreFailed(f"{shown(name)} in {self.address} was not removed: {ran.complaint}")

    async def space(self) -> Space | None:
        async with self._engine() as engine:
            return await self._space(engine, await self._place(engine))

    async def writable(self) -> bool | None:
        """What a program run there may do as the container's user says no, but not yes: root may do anything."""
        async with self._engine() as engine:
            place = await self._place(engine)
            if not place.runs:
                return None
            ran = await engine.ask(lambda api: _run(api, place, "test", "-w", "."))
        return False if ran.status == 1 else None

    def read_text(self, name: str) -> str:
        return self._docker("cp", f"{self._config.container}:{posixpath.join(self._folder, name)}", ".")

    def remove_text(self, name: str) -> str:
        return self._docker("exec", self._config.container, "rm", "-f", "--", posixpath.join(self._folder, name))

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _docker(self, *words: str) -> str:
        engine = [] if self._config.host == LOCAL_ENGINE else ["-H", self._config.host]
        return shlex.join(["docker", *engine, *words])

    def _engine(self) -> Engine:
        return Engine(self._config, self._timeout_seconds)

    async def _place(self, engine: Engine) -> Place:
        return await engine.ask(lambda api: found(api, self._config, self._folder))

    async def _look(self, engine: Engine, place: Place) -> tuple[Seen, ...]:
        seen: tuple[Seen, ...] = ()
        for _ in range(_LOOKS if place.runs else 0):
            ran = await engine.ask(lambda api: _run(api, place, *LIST))
            if b"Permission denied" in ran.errors:
                raise StoreFailed(f"{self.address} may not be listed: {ran.complaint}")
            seen = listed(ran.output)
            if ran.status == 0 or not seen:
                break
            # One was renamed or removed in the meantime.
        if seen:
            return seen
        # It does not run, or has no find or no stat.
        return await engine.ask(lambda api: self._walk(api, place), extra_seconds=self._walk_seconds)

    def _walk(self, api: "APIClient", place: Place) -> tuple[Seen, ...]:
        until = self._clock.monotonic() + self._walk_seconds

        def in_time() -> None:
            if self._clock.monotonic() > until:
                raise StoreFailed(
                    f"{self.address} was not listed within {duration_text(self._walk_seconds)}: a container that does "
                    "not run, or has no find and stat, sends all its files for that",
                    "start it, or set backup.folder to where this machine sees the files",
                )

        as_of = (place.container, place.stat.modified_at)
        if self._walked is None or self._walked[0] != as_of:
            self._walked = (as_of, walked(api, place.container, place.path, in_time))
        return tuple(_now(api, place, self._walked[1]))

    async def _read(self, name: str) -> AsyncGenerator[bytes, None]:
        async with self._engine() as engine:
            place = await self._place(engine)
            there = await engine.ask(lambda api: path_stat(api, place.container, place.of(name)))
            if there is None:
                raise StoreFailed(f"{shown(name)} in {self.address} is not there")
            if not there.is_file:
                raise StoreFailed(f"{shown(name)} in {self.address} is no plain file")
            api = await engine.ask(lambda api: api)
            async with aclosing(drawn(self._pieces(api, place, name))) as pieces:
                async for piece in pieces:
                    yield piece

    def _pieces(self, api: "APIClient", place: Place, name: str) -> Generator[bytes, None, None]:
        host = self._config.host
        if place.runs:
            # While it sends an archive an engine answers nothing else about the container, nor stops it.
            ran = yield from output_pieces(api, host, place.container, ("cat", "--", name), place.path)
            if not ran.is_missing:
                if ran.status:
                    raise StoreFailed(f"{shown(name)} in {self.address} was not read: {ran.complaint}")
                return
        yield from file_pieces(api, host, place.container, place.of(name))

    async def _space(self, engine: Engine, place: Place) -> Space | None:
        if not place.runs:
            return None
        ran = await engine.ask(lambda api: _run(api, place, "df", "-PB1", "."))
        found = list(_DF.finditer(ran.output))
        return Space(int(found[-1]["free"]), int(found[-1]["total"])) if found and ran.status == 0 else None

    async def _whose(self, engine: Engine, place: Place) -> Seen:
        """Whose a new file shall be."""
        if self._owner is None:
            self._owner = owner(await self._look(engine, place))
        if self._owner is None:
            raise StoreFailed(f"nobody knows whose the files in {self.address} are", "nothing was sent")
        return self._owner

    def _not_there_yet(self, api: "APIClient", place: Place, name: str) -> None:
        if path_stat(api, place.container, place.of(name)) is not None:
            raise Refused(f"{shown(name)} is in {self.address} already", "nothing was overwritten")

    def _unpack(self, api: "APIClient", place: Place, stream: Iterator[bytes]) -> None:
        from docker.errors import APIError

        try:
            put_archive(api, place.container, place.path, stream)
        except APIError as error:
            words = safe(str(error.explanation or error), limit=300)
            if "no space left" in words or "quota exceeded" in words:
                raise StoreFailed(f"no space left in {self.address}", "make room on that disk") from None
            raise StoreFailed(f"the engine refused to put a file into {self.address}: {words}") from None

    async def _put(self, engine: Engine, place: Place, file: PutFile, content: AsyncIterator[bytes]) -> None:
        host, put = self._config.host, False
        api = await engine.ask(lambda api: api)
        try:
            try:
                await fed(lambda pieces: self._unpack(api, place, content_of(file, pieces)), content)
            except failures_of(host) as error:
                raise engine_failure(error, host) from error
            # Not sooner: whoever asks for a path of a container waits until no stream is unpacked there.
            await engine.ask(lambda api: self._not_there_yet(api, place, file.name))
            await self._show(engine, place, file)
            put = True
        finally:
            # Also when given up on: a preliminary file may be as large as the disk.
            await asyncio.shield(asyncio.ensure_future(self._tidy(engine, place, file, put)))

    async def _show(self, engine: Engine, place: Place, file: PutFile) -> None:
        line = self._docker("cp", file.name, f"{self._config.container}:{self._folder}")
        try:
            await engine.change(lambda api: self._unpack(api, place, named(file)), line)
        except OutcomeUnknown:
            if not await self._is_there(engine, place, file):
                raise

    async def _is_there(self, engine: Engine, place: Place, file: PutFile) -> bool:
        with suppress(DflyError):
            there = await engine.ask(lambda api: path_stat(api, place.container, place.of(file.name)))
            return there is not None and there.size == file.size_bytes
        return False

    async def _tidy(self, engine: Engine, place: Place, file: PutFile, put: bool) -> None:
        """Sync what was put, and remove the preliminary file, or empty it. What cannot be done is left."""
        if put and place.runs:
            with suppress(DflyError):
                async with Engine(self._config, SYNC_SECONDS) as patient:
                    await patient.ask(lambda api: _run(api, place, "sync", "--", file.name))
        with suppress(DflyError):
            if place.runs and (await engine.ask(lambda api: _run(api, place, "rm", "-f", "--", file.part))).status == 0:
                return
            part = await engine.ask(lambda api: path_stat(api, place.container, place.of(file.part)))
            if part is not None and part.size > 0:
                await engine.ask(lambda api: self._unpack(api, place, emptied(file)))


def _run(api: "APIClient", place: Place, *words: str) -> Ran:
    return run(api, place.container, words, place.path)


def _now(api: "APIClient", place: Place, seen: Iterable[Seen]) -> Iterator[Seen]:
    """The same with sizes and times of now, to the microsecond; without those that are gone."""
    for each in seen:
        if not each.name:
            yield each
            continue
        stat = path_stat(api, place.container, place.of(each.name))
        if stat is not None and stat.is_file:
            yield each._replace(size_bytes=stat.size, modified_at=stat.modified_at)
