"""What watching 1, 10 and 100 instances costs, each read once a second."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench.common import LIVE, configuration, console_script, cost, empty_home, report
from tests.support.pty_app import PtyApp
from tests.support.respd import Answer, Respd, bulk

SIZES = (1, 10, 100)
WARM_UP_SECONDS = 5.0
MEASURED_SECONDS = 12.0
LEAST_SHARE = 0.9
"""Of the readings that one a second would be; fewer, and polling falls behind."""
ROLE = b"*2\r\n$6\r\nmaster\r\n*0\r\n"


def readings() -> list[Answer]:
    """INFO of a recorded primary, its counters moving on by a second each."""
    text = (Path(__file__).parents[1] / "data" / "info" / "v1.40.1-primary.txt").read_text()
    return [bulk(later(text, second)) for second in range(1, 120)]


def later(text: str, seconds: int) -> str:
    grows = {"total_commands_processed": 1200, "keyspace_hits": 900, "keyspace_misses": 100, "used_memory": 4096}
    lines = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        lines.append(f"{name}:{int(value) + grows[name] * seconds}" if name in grows else line)
    return "\r\n".join(lines)


async def watching(count: int) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        answers = readings()
        fleet = [Respd({"INFO": list(answers), "ROLE": ROLE}) for _ in range(count)]
        for server in fleet:
            await stack.enter_async_context(server)
        environ = stack.enter_context(empty_home())
        config = str(configuration(environ, [server.url for server in fleet]))
        app = stack.enter_context(PtyApp([*console_script(), "--config", config], environ=environ))
        await asyncio.to_thread(app.wait_for, LIVE)
        await asyncio.to_thread(app.pump, WARM_UP_SECONDS)
        before = sum(server.count("INFO") for server in fleet)
        traffic = await asyncio.to_thread(app.pump, MEASURED_SECONDS)
        read = sum(server.count("INFO") for server in fleet) - before
        return {**cost(app, traffic), "readings_per_second": round(read / traffic.seconds, 1)}


def main() -> None:
    found = {count: asyncio.run(watching(count)) for count in SIZES}
    missed = [
        f"{count} instances: {values['readings_per_second']} readings a second"
        for count, values in found.items()
        if values["readings_per_second"] < LEAST_SHARE * count
    ]
    report("fleet", missed, instances=found)


if __name__ == "__main__":
    main()
