"""How far a replica is behind, measured to the record: the journal of the primary against what the replica did of it.

`INFO` counts what was not acknowledged, in steps of a second or a thousand records (facts §1.10). `DFLY REPLICAOFFSET`
and `DEBUG REPLICA OFFSET` tell exactly, shard by shard.
"""

from dataclasses import dataclass, field

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError

LEAST_RATE = 1.0
"""A primary at rest is taken to write once a second, so that a replica that hangs still shows."""


@dataclass
class LagMeter:
    """Takes samples of one link; the rate of writes is that between the first sample and the last.

    Attributes:
        missing: In each sample, the records that the replica had not carried out.
    """

    primary: DragonflyReader
    replica: DragonflyReader
    clock: Clock
    missing: list[int] = field(default_factory=list)
    _written: list[tuple[float, int]] = field(default_factory=list)

    async def sample(self) -> bool:
        """Take one; returns whether it could be had. The primary is asked first, so that what the replica did since
        counts for it."""
        try:
            sent, at = await self.primary.journal_offsets(), self.clock.monotonic()
            done = await self.replica.executed_offsets()
        except DflyError:
            return False
        if len(sent) != len(done):
            return False
        self.missing.append(sum(max(0, wanted - had) for wanted, had in zip(sent, done, strict=True)))
        self._written.append((at, sum(sent)))
        return True

    @property
    def seconds(self) -> float | None:
        """The newest lag as the time the primary takes for as many writes; None before there are two samples."""
        if len(self._written) < 2:
            return None
        (began, first), (ended, last) = self._written[0], self._written[-1]
        rate = (last - first) / max(ended - began, 1e-3)
        return self.missing[-1] / max(rate, LEAST_RATE)
