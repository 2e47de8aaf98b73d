"""A program that restores a set and is killed in the middle: `python -m tests.support.restoring`, told by JSON.

It kills itself, with SIGKILL, when an event comes or while it reads a file; else whoever started it does.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clock import SystemClock
from dfly_tui.models.backup import BackupRecord
from dfly_tui.models.operation import Event
from dfly_tui.operations.backup.restore import restore
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.settings import InstanceConfig
from tests.support.backups import Kept
from tests.support.group import Group, Yes, told
from tests.support.supervised import Servers

PATIENT_SECONDS = 8.0
"""For answers that nobody holds back: a busy machine may take its time."""


class Told(BaseModel):
    """What it is to do.

    Attributes:
        state: Where journals and the like are.
        folder: Of the server, as this machine sees it; None if it is in the container only.
        source: Where the set lies; None for the server's own folder.
        dies_at: A step and its state, such as `stop done`; empty for none.
        dies_reading: A file of the set: of that it reads the half. Empty for none.
    """

    config: InstanceConfig
    password: str | None
    state: Path
    folder: Path | None
    source: Path | None = None
    record: BackupRecord
    dies_at: str = ""
    dies_reading: str = ""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def half(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """What is read before it ends."""
    async for piece in pieces:
        yield piece[: len(piece) // 2]
        # Whoever writes it asks for more when it has written that.
        die()


class DyingFolder(FolderStore):
    """A folder of which one file is read in half."""

    def __init__(self, given: Told, name: str, path: Path) -> None:
        super().__init__(name, path)
        self.dies_reading = given.dies_reading

    def read(self, name: str) -> AsyncGenerator[bytes, None]:
        pieces = super().read(name)
        return half(pieces) if name == self.dies_reading else pieces


class DyingContainer(ContainerStore):
    """The same in a container."""

    def __init__(self, given: Told) -> None:
        assert given.config.docker is not None
        super().__init__(given.config.docker, "/data", clock=SystemClock(), timeout_seconds=20)
        self.dies_reading = given.dies_reading

    def read(self, name: str) -> AsyncGenerator[bytes, None]:
        pieces = super().read(name)
        return half(pieces) if name == self.dies_reading else pieces


async def main(given: Told) -> None:
    servers = Servers(given.state, given.password, False, {})
    group = Group(
        servers, {}, (given.config,), given.state, given.password, timeout_seconds=PATIENT_SECONDS, clock=SystemClock()
    )  # fmt: skip
    run = new_run_id(datetime.now(UTC), random.Random())
    events: list[Event] = []
    async with group.access() as access:
        folder = given.folder
        own = DyingContainer(given) if folder is None else DyingFolder(given, "instance", folder)
        kept = Kept(access, given.config.name, own, run)
        source = DyingFolder(given, "elsewhere", given.source) if given.source is not None else own
        plan = await restore(kept, await kept.chosen(given.record.base, given.record, source))
        async for event in group.stream(plan, access, Yes()):
            events.append(event)
            if f"{event.step} {event.state}" == given.dies_at:
                die()
    sys.stderr.write(told(events))


async def restoring(given: Told) -> asyncio.subprocess.Process:
    """Start it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.restoring",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(given.model_dump_json().encode())
    process.stdin.close()
    return process


async def ended(process: asyncio.subprocess.Process) -> None:
    """It was killed."""
    assert process.stderr is not None
    told = await process.stderr.read()
    assert await process.wait() == -signal.SIGKILL, told.decode()


if __name__ == "__main__":
    asyncio.run(main(Told.model_validate_json(sys.stdin.read())))
