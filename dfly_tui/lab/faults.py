"""What can be made to go wrong, by a test in the same process or by `DEBUG LAB`."""

import asyncio
from dataclasses import dataclass, field

from dfly_tui.clock import Clock

GARBAGE = b"\x16\x03\x01\x02\x00 this is not the protocol you expected \x00\xff\r\n"


@dataclass
class Faults:
    """Set an attribute and it happens from the next command on.

    Attributes:
        delay_seconds: Wait this long before each answer.
        hang: Accept connections and commands, never answer.
        drop: Close each connection at its next command.
        refuse: Accept and close at once, as a proxy does with nothing behind it.
        oom: Refuse every write with "Out of memory".
        disk_full: Every save fails with "No space left on device".
        save_seconds: How long a save takes, so that one can be watched.
        loading: Be loading until this is False again.
        garbage: Answer with bytes of another protocol.
        frozen: Do nothing at all, as a stopped process does; connections stay open.
    """

    clock: Clock
    delay_seconds: float = 0.0
    hang: bool = False
    drop: bool = False
    refuse: bool = False
    oom: bool = False
    disk_full: bool = False
    save_seconds: float = 0.0
    loading: bool = False
    garbage: bool = False
    _thawed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def __post_init__(self) -> None:
        self._thawed.set()

    @property
    def frozen(self) -> bool:
        return not self._thawed.is_set()

    @frozen.setter
    def frozen(self, value: bool) -> None:
        if value:
            self._thawed.clear()
        else:
            self._thawed.set()

    async def pass_time(self) -> None:
        """Wait as long as the faults of the moment want a command to wait."""
        if not self._thawed.is_set():
            await self._thawed.wait()
        while self.hang:
            await self.clock.sleep(0.05)
        if self.delay_seconds:
            await self.clock.sleep(self.delay_seconds)

    async def thawed(self) -> None:
        """Wait while frozen."""
        await self._thawed.wait()

    async def load_for(self, seconds: float) -> None:
        """Be loading for so long."""
        self.loading = True
        await self.clock.sleep(seconds)
        self.loading = False
