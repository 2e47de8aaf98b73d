"""Invented clients: gentle traffic of the kinds one finds, so that a demo has something to show."""

import random
from typing import TYPE_CHECKING

from dfly_tui.clock import Clock
from dfly_tui.lab import seed

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

TICKS_PER_SECOND = 10
USERS = 400


class Traffic:
    """Runs commands inside the server, as if clients had sent them.

    Args:
        server: Whose data.
        ops_per_second: How many commands; may be changed while it runs.
        rng: Which ones.
        clock: When.
    """

    def __init__(self, server: "LabServer", ops_per_second: float, rng: random.Random, clock: Clock) -> None:
        self.ops_per_second = ops_per_second
        self._server = server
        self._rng = rng
        self._clock = clock
        self._socket = server.keyspace.socket(lambda reply: None)
        self._owed = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        before = self._clock.monotonic()
        while True:
            await self._clock.sleep(1 / TICKS_PER_SECOND)
            await self._server.faults.thawed()
            now = self._clock.monotonic()
            self._owed += self.ops_per_second * min(now - before, 1.0)
            before = now
            due = int(self._owed + 1e-9)
            self._owed -= due
            for _ in range(due):
                self._one()

    def _one(self) -> None:
        words = self._choose()
        data = [str(word).encode() for word in words]
        self._server.dispatcher.run_invented(self._socket, data)

    def _choose(self) -> seed.Words:
        """Seven reads, of which about one misses, to three writes."""
        rng = self._rng
        number = rng.randrange(USERS)
        match rng.randrange(20):
            case 0 | 1 | 2 | 3 | 4 | 5:
                return ("HGETALL", f"users:{number * 7 + 4}")
            case 6 | 7 | 8 | 9 | 10:
                return ("GET", f"session:{number:06x}")
            case 11 | 12:
                return ("GET", f"tef:state:LAW-{number}:{rng.choice(seed.PHASES)}:{rng.choice(seed.AGENTS)}")
            case 13:
                return ("LPOP", f"queue:{number}")
            case 14:
                return ("RPUSH", f"queue:{number}", f"job-{rng.randrange(10_000)}")
            case 15 | 16:
                return seed.session(number, rng)
            case 17:
                return seed.agent_state(number, rng)
            case 18:
                return seed.phase(number, rng)
        return ("HINCRBY", f"users:{number * 7 + 4}", "visits", 1)
