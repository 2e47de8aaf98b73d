"""What tests of stores put in and get out."""

import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dfly_tui.clients.stores.port import Store


async def content(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def read(store: Store, name: str) -> bytes:
    return b"".join([piece async for piece in store.read(name)])


def some_bytes(count: int) -> bytes:
    """The same each time, and not to be compressed."""
    return random.Random(5).randbytes(count)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A disk of memory over a folder, where this machine lets us."""
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
