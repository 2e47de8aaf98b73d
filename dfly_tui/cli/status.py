"""`dfly-tui status`: how every instance is, as a table, as JSON, or repainted until Ctrl-C."""

import argparse
import asyncio
import random
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.read import look_and_ask, password_source, prompted, settings_from
from dfly_tui.cli.report import status_report
from dfly_tui.cli.table import fleet_table, summary, use_colour
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.models.health import InstanceStatus
from dfly_tui.settings import InstanceConfig, Settings


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "status",
        help="how every instance is, problems first",
        description="How every instance is, problems first. Exit code 0 when every instance was read, 1 otherwise.",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print one JSON document (docs/status.schema.json)")
    how.add_argument("--watch", action="store_true", help="print again every --refresh seconds, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """Print the status; 0 when every instance was read, 1 otherwise."""
    settings, clock = settings_from(args, args.environ), SystemClock()
    answers = prompted(settings)
    statuses = asyncio.run(look_and_ask(settings, args.environ, clock=clock, answers=answers))
    if args.watch:
        asyncio.run(_watch(settings, args.environ, clock=clock, answers=answers))
    elif args.json:
        print(status_report(statuses, clock.now()).model_dump_json(by_alias=True, indent=2))
    else:
        print("\n".join(_block(statuses, clock, args.environ)))
    return ExitCode.DONE if all(status.observation.status.error is None for status in statuses) else ExitCode.FAILED


def _block(statuses: Sequence[InstanceStatus], clock: Clock, environ: Mapping[str, str]) -> list[str]:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    colour = use_colour(sys.stdout, environ)
    return [*fleet_table(statuses, clock.now(), width=width, colour=colour), summary(statuses)]


async def _watch(settings: Settings, environ: Mapping[str, str], *, clock: Clock, answers: Mapping[str, str]) -> None:
    """Print again and again: over the last block on a terminal, below it elsewhere."""
    async with aclosing(watched(settings, environ, clock=clock, answers=answers)) as looks:
        async for statuses in looks:
            lines = [f"{clock.now():%H:%M:%S} UTC, every {settings.defaults.refresh_seconds:g} s", ""]
            lines += _block(statuses, clock, environ)
            if sys.stdout.isatty():
                # Overwritten line by line, so that nothing flickers; what is too long must not scroll.
                lines = lines[: shutil.get_terminal_size().lines - 1]
                print("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J", end="", flush=True)
            else:
                print("\n".join([*lines, ""]), flush=True)


async def watched(
    settings: Settings, environ: Mapping[str, str], *, clock: Clock, answers: Mapping[str, str]
) -> AsyncGenerator[tuple[InstanceStatus, ...], None]:
    """The fleet's status, at once when all were read and then every `refresh_seconds`, without end.

    Connections stay open between two reads, and an instance that is gone is tried less and less often.
    """
    from dfly_tui.clients.connect import InstanceClients, open_clients
    from dfly_tui.pollers.hub import Hub

    def clients_of(config: InstanceConfig) -> InstanceClients:
        source = password_source(config, environ, answers)
        return open_clients(config, source, clock=clock, timeout_seconds=settings.defaults.timeout_seconds)

    hub = Hub(settings, clients_of, clock=clock, rng=random.Random())  # noqa: S311 - jitter is no secret
    seen = asyncio.Event()

    def note() -> None:
        if all(instance.status.reading.seq for instance in hub.watched):
            seen.set()

    leave = hub.subscribe(note)
    try:
        await seen.wait()
        while True:
            yield hub.statuses()
            await clock.sleep(settings.defaults.refresh_seconds)
    finally:
        leave()
        await hub.aclose()
