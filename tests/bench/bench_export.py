"""Exporting and importing small keys on a redis-server, beside `redis-cli --pipe` of the same keys in the same run.

Prints one JSON line. `python -m tests.bench.bench_export [KEYS]`, by default 1,000,000. Ratios, and no targets: what
redis-cli pipes is neither checked, nor kept from overwriting, nor reported.
"""

import asyncio
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import hiredis
import psutil

from dfly_tui.clients.connection import Command
from dfly_tui.clock import SystemClock
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import GivenAnswer
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.keys.export import Exporter, ExportReport
from dfly_tui.operations.keys.export_file import ExportFile
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.operations.keys.import_report import Existing
from dfly_tui.operations.keys.place import desk_of, look_at, run
from dfly_tui.operations.keys.trash import Trash
from dfly_tui.paths import Paths
from dfly_tui.settings import Environment, InstanceConfig, Settings
from tests.bench.common import empty_home, report
from tests.support.secrets import Password
from tests.support.servers import RedisServer, running_redis


def commands_of(number: int) -> list[Command]:
    """A few small keys of different kinds; of eight keys six are strings."""
    found: list[Command] = [
        ("SET", f"user:{number}:{at}", f"value-{number}-{at}" + "x" * (number % 40)) for at in range(5)
    ]
    found.append(("SET", f"session:{number}", f"token-{number}", "PXAT", 1893456000000 + number))
    found.append(("HSET", f"agent:{number}", "name", f"agent-{number}", "state", "idle"))
    found.append(("SADD", f"tags:{number}", "red", "green", f"{number}"))
    return found


def write_pipe_file(path: Path, keys: int) -> None:
    """What `redis-cli --pipe` reads."""
    with path.open("wb") as file:
        for number in range(keys // 8):
            file.write(b"".join(hiredis.pack_command(words) for words in commands_of(number)))  # type: ignore[arg-type]


def pipe(server: RedisServer, path: Path) -> float:
    """Seconds that redis-cli takes."""
    began = time.perf_counter()
    with path.open("rb") as file:
        subprocess.run(["redis-cli", "-p", str(server.port), "--pipe"], stdin=file, check=True, capture_output=True)
    return time.perf_counter() - began


async def export(config: InstanceConfig, path: Path) -> ExportReport:
    exporter = Exporter(config, Password(), KeyFilter(), database=0, clock=SystemClock(), timeout_seconds=30)
    return await exporter.to_file(path, overwrite=True)


async def load(config: InstanceConfig, path: Path, paths: Paths) -> KeyImport:
    """Import it as the command line does."""
    clock = SystemClock()
    settings = Settings(instances=(config,))
    access = Access([config], lambda config: Password(), guard=Guard(clock, settings), clock=clock, timeout_seconds=30)
    async with access:
        place = await look_at(access, config.name, 0, trash=Trash(paths.trash_dir, clock=clock), run="bench")
        wish = KeyImport(place, ExportFile(path), Existing.FAIL)
        await wish.inspect()
        plan = wish.plan()
        desk = desk_of(
            plan, access, GivenAnswer(yes=True, names=[config.name]), Audit(paths.audit_file, clock=clock), paths
        )
        events = [event async for event in run(plan, desk)]
    assert events[-1].outcome is Outcome.DONE, events[-1]
    return wish


async def measure(keys: int) -> None:
    rss = partial(lambda process: process.memory_info().rss, psutil.Process(os.getpid()))
    with empty_home() as environ, TemporaryDirectory() as folder:
        paths = Paths.from_env(environ)
        piped, exported = Path(folder) / "pipe", Path(folder) / "keys.jsonl"
        write_pipe_file(piped, keys)
        before = rss()
        async with running_redis() as source, running_redis() as target:
            pipe_seconds = pipe(source, piped)
            config = InstanceConfig(name="bench", url=source.url, environment=Environment.LAB)
            out = await export(config, exported)
            began = time.perf_counter()
            into = await load(config.model_copy(update={"url": target.url}), exported, paths)
            whole = time.perf_counter() - began
        grown = rss() - before
    assert out.keys == into.report.written == keys // 8 * 8
    rate = out.keys / pipe_seconds
    report(
        "export",
        [],
        keys=out.keys,
        file_mib=round(out.written_bytes / 2**20, 1),
        export_keys_per_second=round(out.keys / out.seconds),
        import_keys_per_second=round(out.keys / into.report.seconds),
        import_with_checks_keys_per_second=round(out.keys / whole),
        redis_cli_pipe_keys_per_second=round(rate),
        export_ratio=round(out.keys / out.seconds / rate, 2),
        import_ratio=round(out.keys / into.report.seconds / rate, 2),
        grown_rss_mib=round(grown / 2**20, 1),
    )


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
