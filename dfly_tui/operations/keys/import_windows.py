"""Windows of commands that write keys: each is sent once, and the next is made while it is answered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_bulk import BulkChanges
from dfly_tui.clients.key_codec import KeyCodec
from dfly_tui.clients.key_writer import Keeper
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, OutcomeUnknown
from dfly_tui.models.key_parts import Part
from dfly_tui.text import safe

WINDOW_COMMANDS = 1000
WINDOW_BYTES = 4 << 20


@dataclass
class Job:
    """One key on its way.

    Attributes:
        temporary: What it is written under; empty for a string in one command.
        whole: The key, when it is small enough to be held.
        failed: The first error.
        is_complete: Whether all of it was sent.
    """

    name: bytes
    expires_at_ms: int | None
    temporary: bytes = b""
    whole: Part | None = None
    overwrite: bool = False
    failed: DflyError | None = None
    is_complete: bool = False


class Role(Enum):
    """What the reply to a command means."""

    WRITE = "a part is written"
    LAST = "the last part is written"
    SET = "a string is written, unless there was a key"
    RENAME = "the key is there"
    CLEAN = "a temporary key is gone"


class Sent(NamedTuple):
    job: Job
    command: Command
    role: Role


@dataclass(frozen=True)
class Target:
    """Where keys are written.

    Attributes:
        changes: Open.
        codec: Reads what is there.
        server: What it can do.
        now_ms: Its time at the beginning, in milliseconds since 1970.
        keeper: Keeps what is replaced; without one nothing is.
        token: Of this run; no key has it in its name.
    """

    changes: BulkChanges
    codec: KeyCodec
    server: Capabilities
    now_ms: int
    keeper: Keeper | None
    token: str


class Windows:
    """Sends commands about jobs.

    Args:
        changes: Open.
    """

    def __init__(self, changes: BulkChanges, clock: Clock) -> None:
        self._changes = changes
        self._clock = clock
        self._queue: list[Sent] = []
        self._queued_bytes = 0
        self._flying: tuple[list[Sent], asyncio.Task[list[Reply]]] | None = None

    def put(self, job: Job, command: Command, role: Role, size: int = 0) -> None:
        """Queue a command of about so many bytes."""
        self._queue.append(Sent(job, command, role))
        self._queued_bytes += size + len(job.name)

    @property
    def is_full(self) -> bool:
        """Whether what is queued should go out."""
        return len(self._queue) >= WINDOW_COMMANDS or self._queued_bytes >= WINDOW_BYTES

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued or under way."""
        return not self._queue and self._flying is None

    async def send(self) -> None:
        """Send what is queued; nothing may be under way."""
        assert self._flying is None, "the answers were taken"
        if not self._queue:
            return
        sent, self._queue, self._queued_bytes = self._queue, [], 0
        commands = [each.command for each in sent]
        self._flying = sent, asyncio.ensure_future(self._changes.each(commands))
        await self._clock.sleep(0)  # it goes out now

    async def receive(self) -> list[tuple[Sent, Reply]]:
        """What was sent last, with the answers; raises `OutcomeUnknown` with the names of the keys."""
        if self._flying is None:
            return []
        sent, task = self._flying
        try:
            return list(zip(sent, await task, strict=True))
        except OutcomeUnknown as error:
            raise OutcomeUnknown(f"{_names(sent)}: {error.detail}", error.hint) from None
        finally:
            self._flying = None

    def give_up(self) -> None:
        """Wait for nothing more."""
        if self._flying is not None:
            self._flying[1].cancel()
            self._flying = None


def _names(sent: Sequence[Sent]) -> str:
    names = list(dict.fromkeys(each.job.name for each in sent))
    shown = ", ".join(safe(name, limit=60) for name in names[:3])
    return f"{shown} and {len(names) - 3:,} more keys" if len(names) > 3 else f"the keys {shown}"
