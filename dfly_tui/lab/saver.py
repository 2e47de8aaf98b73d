"""SAVE, BGSAVE, the cron, and loading at start."""

import errno
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dfly_tui.lab.keyspace import Change
from dfly_tui.lab.rdb_load import commands, is_real
from dfly_tui.lab.snapshot import (
    MAGIC,
    SUMMARY,
    BadName,
    Damaged,
    base_name,
    encode_changes,
    newest,
    parts,
    read_changes,
)
from dfly_tui.lab.state import State
from dfly_tui.models.cron import Cron

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

BATCH = 500
BIG_HASH = 64
"""Hashes beyond this many fields are counted as hashes, smaller ones as `other`, as the real ones do."""


class SaveRefused(Exception):
    """A save that did not begin, or failed; the text is Dragonfly's."""


class Saver:
    """Writes snapshots and loads them.

    Attributes:
        changes: Writes since the last good save.
        last_success: When the last good save began; when the server started before the first.
        last_file: Its path: the summary, or the RDB file without its ending.
        last_counts: Kind of entry → how many it had.
        last_error: Of the last save that failed; empty when the last one did not.
        processed, total: Keys of the save that is running.
        restores: How many snapshots were loaded.
    """

    def __init__(self, server: "LabServer") -> None:
        self._server = server
        self.changes = 0
        self.saves = 0
        self.save_usec = 0
        self.restores = 0
        self.last_success = server.clock.now()
        self.last_duration = 0.0
        self.last_file = ""
        self.last_counts: Counter[str] = Counter()
        self.last_failed: datetime | None = None
        self.last_failed_duration = 0.0
        self.last_error = ""
        self.is_saving = False
        self.processed = 0
        self.total = 0
        self._began = 0.0
        self._last_minute = ""

    @property
    def percent(self) -> float:
        return 100 * self.processed / self.total if self.is_saving and self.total else 0.0

    @property
    def running_seconds(self) -> float:
        return self._server.clock.monotonic() - self._began if self.is_saving else 0.0

    def forget_changes(self) -> None:
        """What was loaded or invented is no change."""
        self.changes = 0

    def check(self, *, rdb: bool, name: str | None) -> str:
        """The base name a save would have now.

        Raises:
            SaveRefused: It may not begin.
        """
        if self._server.is_loading:
            raise SaveRefused("Operation now in progress: LOADING - can not save database")
        if self.is_saving:
            raise SaveRefused("Operation now in progress: SAVING - can not save database")
        try:
            wanted = self._server.config["dbfilename"] if name is None else name
            return base_name(wanted, rdb=rdb, now=self._server.clock.now().astimezone())
        except BadName as problem:
            raise SaveRefused(str(problem)) from None

    async def save(self, *, rdb: bool | None = None, name: str | None = None) -> None:
        """Write a snapshot.

        Args:
            rdb: Which format; the server's own when None.
            name: Instead of `dbfilename`.

        Raises:
            SaveRefused: It did not begin, or failed.
        """
        as_rdb = not self._server.options.df_snapshot_format if rdb is None else rdb
        base = self.check(rdb=as_rdb, name=name)
        clock = self._server.clock
        self.is_saving = True
        self._began, at = clock.monotonic(), clock.now()
        self.processed, self.total = 0, self._server.keyspace.entries
        before = self.changes
        try:
            path, counts = await self._write(base, rdb=as_rdb)
        except OSError as problem:
            self.last_failed, self.last_failed_duration = at, self.running_seconds
            self.last_error = _words(problem)
            self._server.log(f"Failed to perform snapshot {self.last_error}")
            raise SaveRefused(self.last_error) from None
        else:
            self.changes -= before
            self.saves += 1
            self.save_usec += int(self.running_seconds * 1e6)
            self.last_success, self.last_duration = at, self.running_seconds
            self.last_file, self.last_counts, self.last_error = str(path), counts, ""
            self._server.log(f'Saving "{path}" finished')
        finally:
            self.is_saving = False
            self.processed = self.total = 0

    async def _write(self, base: str, *, rdb: bool) -> tuple[Path, Counter[str]]:
        folder = self._server.options.data_dir
        if folder is None:
            raise PermissionError(errno.EACCES, "Permission denied: Failed to create directories")
        folder.mkdir(parents=True, exist_ok=True)
        shards = 1 if rdb else self._server.options.shards
        names = [f"{base}.rdb"] if rdb else [f"{base}-{shard:04}.dfs" for shard in range(shards)] + [base + SUMMARY]
        drafts = [folder / f"{name}.tmp" for name in names]
        try:
            files = [_open(draft) for draft in drafts]
            try:
                counts = await self._fill(files, shards)
            finally:
                for file in files:
                    file.close()
            for draft, name in zip(drafts, names, strict=True):
                draft.rename(folder / name)
        except OSError:
            for draft in drafts:
                with suppress(OSError):
                    draft.unlink()
            raise
        return folder / (base if rdb else names[-1]), counts

    async def _fill(self, files: list[BinaryIO], shards: int) -> Counter[str]:
        server = self._server
        counts: Counter[str] = Counter()
        for file in files:
            file.write(MAGIC)
        pause = server.faults.save_seconds / max(1, self.total / BATCH)
        for batch in _batches(server.keyspace.changes()):
            if server.faults.disk_full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            for shard in range(shards):
                mine = [change for change in batch if shards == 1 or server.keyspace.shard_of(_key(change)) == shard]
                files[shard].write(encode_changes(mine))
            counts.update(self._kind(change) for change in batch)
            self.processed += len(batch)
            await server.clock.sleep(pause)
            await server.faults.thawed()
        if server.faults.disk_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return counts

    def _kind(self, change: Change) -> str:
        space = self._server.keyspace
        item = space.store(change.db).peek(_key(change))
        kind = "other" if item is None else space.fake.type_of(item.value)
        if item is not None and kind == "hash" and space.fake.members_of(item.value) <= BIG_HASH:
            return "other"
        return kind if kind in {"string", "set", "hash"} else "other"

    def tick(self) -> None:
        """To be called about once a second: is a save due by the cron?"""
        expression = self._server.config["snapshot_cron"]
        if not expression:
            return
        now = self._server.clock.now().astimezone()
        minute = now.strftime("%F %R")
        if minute != self._last_minute and Cron(expression).is_due(now):
            self._last_minute = minute
            self._server.spawn(self.save_by_itself())

    async def save_by_itself(self) -> None:
        """A save nobody asked for: by the cron, or at SHUTDOWN. A failure is only logged."""
        self._server.stats.backups += 1
        try:
            await self.save()
        except SaveRefused:
            self._server.stats.failed_backups += 1

    async def load_at_start(self) -> bool:
        """Load the newest snapshot of the data directory. v1.22 goes on with nothing when it may not read it (#4840).

        Returns:
            Whether there was one.

        Raises:
            Damaged: It cannot be loaded.
        """
        folder = self._server.options.data_dir
        if folder is None:
            return False
        self._server.log(f'Load snapshot: Searching for snapshot in directory: "{folder}"')
        path = newest(folder, self._server.config["dbfilename"])
        if path is None:
            self._server.log("Load snapshot: No snapshot found")
            return False
        try:
            await self.load(path)
        except Damaged as problem:
            may_not_read = isinstance(problem.__cause__, OSError)
            self._server.log(f"{'Failed to load snapshot' if may_not_read else 'Rdb load failed'}: {problem}")
            if not may_not_read or self._server.flavour.is_new:
                raise
            self._server.keyspace.flush()
        return True

    def has(self, path: Path) -> bool:
        """Whether there is such a file."""
        return path.is_file()

    async def load(self, path: Path) -> None:
        """Replace the data by a snapshot.

        Raises:
            Damaged: It is none.
        """
        server = self._server
        server.log(f"Loading {path}")
        server.state = State.LOADING
        try:
            server.keyspace.flush()
            for part in parts(path):
                if is_real(part):
                    await self._load_real(part)
                    continue
                for batch in _batches(read_changes(part)):
                    for change in batch:
                        server.keyspace.apply(change)
                    await server.clock.sleep(0)
        except (OSError, ValueError) as problem:
            raise Damaged(f"{path.name} cannot be loaded: {problem}") from problem
        finally:
            server.state = State.ACTIVE
        self.restores += 1
        server.log(f"Load finished, num keys read: {server.keyspace.entries}")

    async def _load_real(self, path: Path) -> None:
        space = self._server.keyspace
        socket = space.socket(lambda reply: None)
        for number, words in enumerate(commands(path)):
            socket.run(words)
            if number % BATCH == 0:
                await self._server.clock.sleep(0)
        space.settle()
        space.forget_socket(socket)


def _open(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")  # noqa: PTH123 - a descriptor


def _key(change: Change) -> bytes:
    return change.key or b""


def _batches(changes: Iterator[Change]) -> Iterator[list[Change]]:
    batch: list[Change] = []
    for change in changes:
        batch.append(change)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _words(problem: OSError) -> str:
    words = problem.strerror or str(problem)
    if isinstance(problem, PermissionError) and ":" not in words:
        return "Permission denied: Couldn't open file for writing (is direct I/O supported by the file system?)"
    return words
