"""Copying a file from one store to another, with its sums taken on the way."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import NamedTuple, Protocol

from dfly_tui.clients.crypt import Coder
from dfly_tui.clients.stores.names import shown
from dfly_tui.clients.stores.port import Store
from dfly_tui.errors import StoreFailed
from dfly_tui.models.backup import FileSum


class Transferred(NamedTuple):
    """A file and its copy; they differ if it was encrypted or decrypted on the way.

    Attributes:
        read: As it lies in the source.
        written: As it lies in the target.
    """

    read: FileSum
    written: FileSum


class NotAsRecorded(StoreFailed):
    """A file was read, and is not what it was when it was recorded."""


class Target(Protocol):
    """What takes a file: a store, or a server that is to load it."""

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        """As `Store.write()`."""
        ...


async def transfer(
    source: Store,
    name: str,
    target: Target,
    *,
    target_name: str | None = None,
    size_bytes: int = -1,
    expected: FileSum | None = None,
    coder: Coder | None = None,
    modified_at: datetime | None = None,
    told: Callable[[int], None] = lambda read_bytes: None,
) -> Transferred:
    """Copy a file.

    Args:
        target_name: Default: the same.
        size_bytes: What is written, where that is known before; needed by a container, unless `expected` says it.
        expected: What the file should be. If it is not, nothing is kept of the copy.
        coder: What encrypts or decrypts it.
        modified_at: The time the copy shall have.
        told: Called with the bytes read so far.

    Raises:
        Refused: The target has a file of that name.
        StoreFailed: It cannot be read, written, encrypted or decrypted, or is not what it should be.
        OutcomeUnknown: Nobody knows whether the copy is there.
    """
    name_there = target_name or name
    if size_bytes < 0 and coder is None and expected is not None:
        size_bytes = expected.size_bytes
    read, written = _Sum(name, told), _Sum(name_there, lambda size: None)
    async with AsyncExitStack() as stack:
        closed = _Closer(stack)
        pieces = closed(read.taken(closed(source.read(name)), expected))
        coded = closed(coder(pieces)) if coder is not None else pieces
        await target.write(name_there, closed(written.taken(coded)), size_bytes, modified_at=modified_at)
    return Transferred(read.result, written.result)


async def sum_of(
    store: Store, name: str, *, coder: Coder | None = None, told: Callable[[int], None] = lambda read_bytes: None
) -> Transferred:
    """Read a file for its sums alone: of its bytes, and of what `coder` makes of them."""
    read, made = _Sum(name, told), _Sum(name, lambda size: None)
    async with AsyncExitStack() as stack:
        closed = _Closer(stack)
        pieces = closed(read.taken(closed(store.read(name))))
        coded = closed(coder(pieces)) if coder is not None else pieces
        async for _ in closed(made.taken(coded)):
            pass
    return Transferred(read.result, made.result)


class _Closer:
    """Closes generators with the stack, so that nothing of what was not read to its end stays open."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    def __call__(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        if isinstance(pieces, AsyncGenerator):
            self._stack.push_async_callback(pieces.aclose)
        return pieces


class _Sum:
    """Adds up what passes."""

    def __init__(self, name: str, told: Callable[[int], None]) -> None:
        self._name = name
        self._told = told
        self._size = 0
        self._sha256 = hashlib.sha256()

    @property
    def result(self) -> FileSum:
        return FileSum(name=self._name, size_bytes=self._size, sha256=self._sha256.hexdigest())

    async def taken(self, pieces: AsyncIterator[bytes], expected: FileSum | None = None) -> AsyncGenerator[bytes, None]:
        async for piece in pieces:
            self._sha256.update(piece)
            self._size += len(piece)
            self._told(self._size)
            yield piece
        if expected is not None:
            self._compare(expected)

    def _compare(self, expected: FileSum) -> None:
        found = self.result
        if found.size_bytes != expected.size_bytes:
            what = f"has {found.size_bytes} bytes, not the {expected.size_bytes} it was recorded with"
        elif expected.sha256 not in {None, found.sha256}:
            what = "does not have the content it was recorded with"
        else:
            return
        raise NotAsRecorded(f"{shown(self._name)} {what}", "it was damaged or replaced: take another copy")
