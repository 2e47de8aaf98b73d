"""What 1, 10 and 100 instances cost at one read a second: CPU per simulated second, and one verdict on the fleet.

The servers answer at once with a recorded INFO; parsing it, the history, the feeds and the verdict are what is
measured. Run as `python -m tests.bench.bench_hub`; prints one JSON line.
"""

import asyncio
import json
import random
import time

from dfly_tui.clients.connect import InstanceClients
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.pollers.hub import Hub
from dfly_tui.settings import InstanceConfig, Settings
from tests.support.clock import FakeClock
from tests.support.fakes import FakeMetrics, FakeReader, changed_info, config, empty_page, recorded_info

SECONDS = 60
COUNTS = (1, 10, 100)


class ParsingReader(FakeReader):
    """Reads the recorded text anew each time, as a real reader does."""

    def __init__(self, clock: FakeClock, text: str) -> None:
        super().__init__([])
        self._clock = clock
        self._text = text

    async def snapshot(self) -> InstanceSnapshot:
        return InstanceSnapshot.from_info(Info.parse(self._text), taken_at=self._clock.now())


def fleet(count: int) -> tuple[InstanceConfig, ...]:
    """Groups of a primary and a replica."""
    return tuple(
        config(
            f"i{number}", url=f"redis://10.0.0.{number}:6379", group=f"g{number // 2}",
            role="replica" if number % 2 else "primary", replica_of=f"i{number - 1}" if number % 2 else None,
        )
        for number in range(count)
    )  # fmt: skip


async def measure(count: int) -> dict[str, float]:
    clock = FakeClock()

    def open_clients(instance: InstanceConfig) -> InstanceClients:
        text = recorded_info(f"v1.40.1-{instance.role}")
        reader = ParsingReader(clock, changed_info(text, {"master_replid": instance.group}))
        return InstanceClients(reader=reader, metrics=FakeMetrics([empty_page()]))

    hub = Hub(Settings(instances=fleet(count)), open_clients, clock=clock, rng=random.Random(1))
    hub.subscribe(lambda: None)
    await clock.advance(5.0)
    started = time.process_time()
    await clock.advance(SECONDS)
    polling = (time.process_time() - started) / SECONDS
    rounds = 20
    started = time.process_time()
    for _ in range(rounds):
        hub.statuses()
    judging = (time.process_time() - started) / rounds
    await hub.aclose()
    return {"cpu_ms_per_second": round(polling * 1000, 2), "statuses_ms": round(judging * 1000, 3)}


def main() -> None:
    results = {str(count): asyncio.run(measure(count)) for count in COUNTS}
    print(json.dumps({"bench": "hub", "simulated_seconds": SECONDS, "instances": results}))


if __name__ == "__main__":
    main()
