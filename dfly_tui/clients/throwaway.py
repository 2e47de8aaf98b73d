"""A server that lives for one look at a backup: what all kinds of it have."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dfly_tui.clients.container_log import Life
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.settings import InstanceConfig

FOLDER = "/dfly-tui-drill"
BASE = "drill"
"""What the set is called in there: names that come from elsewhere never get on a command line."""
PORT = 6379
THREAD_BYTES = 256 << 20
"""A thread of a Dragonfly needs so much of `maxmemory`, or it does not start (facts §6.1)."""
DATABASES = 16
"""So many it has unless told otherwise."""


class FixedPassword:
    """A password that nobody else knows."""

    def __init__(self, password: str | None) -> None:
        self._password = password

    async def get(self) -> str | None:
        return self._password

    def forget(self) -> None:
        """There is no other."""


class Throwaway(Protocol):
    """A server for one set. All methods raise `DflyError`s only."""

    @property
    def commands(self) -> tuple[str, ...]:
        """What making and starting it comes to, for a person."""
        ...

    @property
    def remove_text(self) -> str:
        """The command line that removes it."""
        ...

    async def create(self) -> None:
        """Make it, without starting it; what earlier ones left behind is removed first."""
        ...

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        """Give it a file of the set, whose name begins with `BASE`."""
        ...

    async def start(self) -> None:
        """Let it load."""
        ...

    async def look(self) -> Life:
        """How it is now."""
        ...

    async def open(self) -> tuple[InstanceConfig, PasswordProvider]:
        """Where it is reached, the same each time; raises `Unreachable` before it is."""
        ...

    async def remove(self) -> None:
        """Leave nothing of it; harmless when there is none."""
        ...


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        run: Of which run it is.
        shards: How many files hold data.
        memory_bytes: What it may take.
        databases: How many it must know.
        seconds: How long the whole may take.
    """

    run: str
    shards: int
    memory_bytes: int
    databases: int
    seconds: float

    @property
    def threads(self) -> int:
        return max(1, min(self.shards, self.memory_bytes // THREAD_BYTES))

    @property
    def flags(self) -> tuple[str, ...]:
        """Dragonfly's; those without which it would not load the set, and no others."""
        # The container's limit is what keeps it small: here a set that just fits must not be refused (facts §3.6).
        limit = max(self.memory_bytes, THREAD_BYTES * self.threads)
        databases = (f"--dbnum={self.databases}",) if self.databases > DATABASES else ()
        return (
            "--logtostderr", f"--port={PORT}", f"--dir={FOLDER}", f"--dbfilename={BASE}",
            f"--proactor_threads={self.threads}", f"--maxmemory={limit}", *databases,
        )  # fmt: skip
