"""Lab servers as something outside of them keeps them: started again when they end, or not."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from dfly_tui.clock import Clock
from dfly_tui.lab.server import LabServer
from tests.support.hurry import LoopClock
from tests.support.lab import lab


class Servers:
    """Lab servers by name; those that end may be started again, as a supervisor would."""

    def __init__(
        self, state: Path, password: str | None, restarts: bool, options: dict[str, Any], clock: Clock | None = None
    ) -> None:
        self.running: dict[str, LabServer] = {}
        self.exits: dict[str, int] = {}
        self._state, self._password, self._restarts, self._options = state, password, restarts, options
        self._ports: dict[str, int] = {}
        self._seeds = count(1)
        self._clock = clock or LoopClock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.ended: Callable[[str], Awaitable[None]] = self._start_again
        self.logged: Callable[[str, str], None] | None = None

    def name_of(self, port: int) -> str:
        """Who listens there."""
        return next(name for name, used in self._ports.items() if used == port)

    async def start(self, name: str, *, keys: int = 0, follow: str | None = None) -> None:
        """Start one, or start it again on its own, with the data of its last snapshot."""
        server = lab(
            self._clock, seed=next(self._seeds), name=name, password=self._password, data_dir=self._state / name,
            keys=keys, replicaof=("127.0.0.1", self._ports[follow]) if follow else None, masterauth=self._password,
            port=self._ports.get(name, 0), on_exit=partial(self._ended, name), **self._options,
        )  # fmt: skip
        self.running[name] = server
        if self.logged is not None:
            server.log = partial(self.logged, name)  # type: ignore[method-assign]
        await server.start()
        self._ports[name] = server.port

    def _ended(self, name: str, code: int) -> None:
        self.exits[name] = code
        self._tasks.add(asyncio.ensure_future(self._end(name)))

    async def _end(self, name: str) -> None:
        await self.running[name].stop()
        await self.ended(name)

    async def _start_again(self, name: str) -> None:
        if self._restarts:
            await asyncio.sleep(0.2)
            await self.start(name)

    async def aclose(self) -> None:
        """Stop all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self.running.values():
            server.faults.frozen = False
        await asyncio.sleep(0.05)  # what was waiting is done before all ends
        for server in self.running.values():
            await server.stop()
