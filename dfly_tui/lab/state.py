"""What a server is about at the moment, and whether its clients have to wait."""

from enum import Enum
from typing import TYPE_CHECKING

from dfly_tui.clock import Clock
from dfly_tui.lab.flavour import CommandSpec

if TYPE_CHECKING:
    from dfly_tui.lab.session import Session


class State(Enum):
    """The states Dragonfly knows."""

    ACTIVE = "ACTIVE"
    LOADING = "LOADING"
    TAKEN_OVER = "TAKEN OVER"
    SHUTTING_DOWN = "SHUTTING DOWN"


class Pause:
    """CLIENT PAUSE.

    Attributes:
        held: How many commands wait for its end.
    """

    def __init__(self, clock: Clock) -> None:
        self.held = 0
        self._clock = clock
        self._until = 0.0
        self._writes_only = False

    def begin(self, seconds: float, *, writes_only: bool) -> None:
        """Hold commands back for so long."""
        self._until = self._clock.monotonic() + seconds
        self._writes_only = writes_only

    def end(self) -> None:
        """CLIENT UNPAUSE."""
        self._until = 0.0

    async def wait(self, session: "Session", spec: CommandSpec) -> None:
        """Hold this command back, if it is one that has to wait."""
        if session.admin or spec.is_admin or spec.name in {"CLIENT", "AUTH", "HELLO", "QUIT"}:
            return
        self.held += 1
        try:
            while (left := self._until - self._clock.monotonic()) > 0 and (spec.is_write or not self._writes_only):
                await self._clock.sleep(min(left, 0.05))
        finally:
            self.held -= 1
