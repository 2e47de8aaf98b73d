"""What the sub-commands of `dfly-tui keys` share: which instance and database, and which keys."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dfly_tui.cli.read import chosen, password_source, prompted, settings_from
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import Pace
from dfly_tui.clock import SystemClock
from dfly_tui.errors import ConfigError
from dfly_tui.models.key_query import parse_query
from dfly_tui.models.keys import KeyFilter
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.text import safe
from dfly_tui.units import MISSING, duration_text


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Which instance, which database, and JSON or not."""
    parser.add_argument("--instance", metavar="NAME", help="which instance; needless when there is only one")
    parser.add_argument("--db", type=int, metavar="N", help="which database (that of the instance's URL, or 0)")
    parser.add_argument("--json", action="store_true", help="print JSON, names as text with \\xNN for what is none")


def add_filter_options(parser: argparse.ArgumentParser) -> None:
    """Which keys, and how gently they are looked for."""
    parser.add_argument(
        "find",
        nargs="*",
        metavar="FILTER",
        help="which keys, all that is given must hold: a pattern (user:*), type:hash, ttl<1h, ttl>5m, ttl:none, "
        "ttl:some, size>64k, used, unused",
    )
    parser.add_argument(
        "--pace",
        choices=[pace.name.lower() for pace in Pace],
        default=Pace.FAST.name.lower(),
        help="how much of the server's time it may take: gentle 20%%, normal 50%%, fast all it can get (fast)",
    )


def filter_from(args: argparse.Namespace) -> KeyFilter:
    """The filter that was given; raises `BadInput`."""
    return parse_query(" ".join(f'"{word}"' if " " in word else word for word in args.find))


def chosen_instance(settings: Settings, name: str | None) -> InstanceConfig:
    """The instance that was named, or the only one there is.

    Raises:
        ConfigError: None was named and there are several, or there is none of that name.
    """
    found = chosen(settings, [name] if name else None)
    if len(found) > 1:
        names = ", ".join(safe(each.name) for each in found)
        raise ConfigError("which instance?", f"name one with --instance: {names}")
    return found[0]


def pace_from(args: argparse.Namespace) -> Pace:
    """The pace that was chosen."""
    return Pace[args.pace.upper()]


@asynccontextmanager
async def opened_reader(args: argparse.Namespace) -> AsyncIterator[tuple[KeyReader, int]]:
    """What looks into the chosen instance, and the chosen database."""
    settings = settings_from(args, args.environ)
    config = chosen_instance(settings, args.instance)
    password = password_source(config, args.environ, prompted(settings))
    reader = KeyReader(config, password, clock=SystemClock(), timeout_seconds=settings.defaults.timeout_seconds)
    try:
        yield reader, reader.database if args.db is None else args.db
    finally:
        await reader.aclose()


def ttl_words(ttl_ms: int | None) -> str:
    """A time to live as PTTL tells it, in a word or two."""
    if ttl_ms is None or ttl_ms < 0:
        return MISSING if ttl_ms is None else "never" if ttl_ms == -1 else "gone"
    return duration_text(ttl_ms / 1000)
