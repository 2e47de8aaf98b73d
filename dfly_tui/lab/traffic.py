"""Invented clients: gentle traffic of the kinds one finds, so that a demo has something to show."""

import random
from typing import TYPE_CHECKING

from dfly_tui.clock import Clock
from dfly_tui.lab import seed

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

TICKS_PER_SECOND = 10
FEWEST_KEYS = 500


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
        self._rounds = max(FEWEST_KEYS, server.options.keys) // len(seed.KINDS)

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
        """Two reads, of which few miss, to a write."""
        rng, kinds = self._rng, len(seed.KINDS)
        number = kinds * rng.randrange(1, self._rounds)
        match rng.randrange(20):
            case 0 | 1 | 2 | 3 | 4:
                return ("HGETALL", seed.user(number, rng)[1])
            case 5 | 6 | 7 | 8:
                return ("GET", seed.session(number + 2, rng)[1])
            case 9 | 10 | 11:
                return ("GET", seed.phase(number + 5, rng)[1])
            case 12:
                return ("GET", f"session:gone-{number}")
            case 13:
                return ("LPOP", seed.queue(number + 6, rng)[1])
            case 14 | 15:
                return ("RPUSH", seed.queue(number + 6, rng)[1], f"job-{rng.randrange(10_000)}")
            case 16 | 17:
                return seed.session(number + 2, rng)
            case 18:
                return seed.phase(number + 5, rng)
        return seed.user(number, rng)
