"""`dfly-tui keys view NAME`: what a view shows, once or again and again."""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.keys_common import chosen_instance
from dfly_tui.cli.read import password_source, prompted, settings_from
from dfly_tui.clients.scan import Pace
from dfly_tui.clients.view_rows import ViewReader
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.errors import BadInput, DflyError
from dfly_tui.models.view import MOST_ROWS, Cell, Heading, Row, Told, View, arrange
from dfly_tui.models.view_text import cell_text, ttl_left
from dfly_tui.pollers.views import Look, ViewFeed
from dfly_tui.settings import Settings
from dfly_tui.settings_views import ViewConfig
from dfly_tui.text import fit, safe
from dfly_tui.view_words import ColumnKind

_WIDEST = 60
_TREND = 10


def add(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", common: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Add `view` to the actions of `keys`; `common` adds the options for instance and database."""
    parser = actions.add_parser(
        "view",
        help="keys of a kind as rows with columns: workflows, agents, sessions, queues, or configured ones",
        description="Keys of a kind as rows with columns. Without a name the views there are.",
    )
    parser.add_argument("view", nargs="?", metavar="NAME", help="a view's name")
    common(parser)
    parser.add_argument("--watch", action="store_true", help="look again and again; with --json a line for each look")
    parser.set_defaults(act=view)


async def view(args: argparse.Namespace) -> int:
    """Print it; returns the exit code."""
    settings = settings_from(args, args.environ, instances=args.view is not None)
    if args.view is None:
        return _list(settings.all_views, as_json=args.json)
    chosen = View.of(chosen_view(settings, args.view))
    config = chosen_instance(settings, args.instance)
    clock = SystemClock()
    reader = ViewReader(
        config,
        password_source(config, args.environ, prompted(settings)),
        clock=clock,
        timeout_seconds=settings.defaults.timeout_seconds,
        database=args.db,
    )
    feed = ViewFeed(reader, chosen, pace=Pace[settings.keys.pace.upper()], rng=random.Random(0))  # noqa: S311 - retries' jitter
    try:
        return await (_watch(feed, clock, args.json) if args.watch else _once(feed, clock, reader.database, args.json))
    finally:
        await feed.aclose()


def chosen_view(settings: Settings, name: str) -> ViewConfig:
    """The view of that name.

    Raises:
        BadInput: There is none.
    """
    found = next((view for view in settings.all_views if view.name.casefold() == name.casefold()), None)
    if found is None:
        names = ", ".join(safe(view.name) for view in settings.all_views)
        raise BadInput(f"there is no view {safe(name, limit=60)}", f"there are {names}")
    return found


def _list(views: tuple[ViewConfig, ...], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"schema": 1, "views": [view.model_dump(mode="json") for view in views]}, indent=2))
    else:
        for view in views:
            print(f"{fit(safe(view.name), 16)} {', '.join(map(safe, view.patterns))}")
    return ExitCode.DONE


async def _once(feed: ViewFeed, clock: Clock, database: int, as_json: bool) -> int:
    look = await feed.read()
    if as_json:
        print(json.dumps({"schema": 1, "database": database, **_described(feed.view, look, clock)}, indent=2))
    else:
        _print(feed.view, look, clock)
    return ExitCode.DONE


async def _watch(feed: ViewFeed, clock: Clock, as_json: bool) -> int:
    """Until it is interrupted. A server that went away is told of and tried again."""
    while True:
        try:
            look = await feed.read()
        except DflyError as error:
            print(f"dfly-tui: {error}", file=sys.stderr, flush=True)
        else:
            feed.look = look
            if as_json:
                print(json.dumps({"schema": 1, **_described(feed.view, look, clock)}), flush=True)
            else:
                print(f"--- {clock.now():%H:%M:%S} UTC, {len(look.rows):,} keys")
                _print(feed.view, look, clock)
        await clock.sleep(feed.view.refresh_seconds)


def _print(view: View, look: Look, clock: Clock) -> None:
    for line in _table(view, look, clock):
        print(line)
    if look.is_cut:
        print(f"dfly-tui: only the first {MOST_ROWS:,} keys are shown", file=sys.stderr)
    sys.stdout.flush()


def _table(view: View, look: Look, clock: Clock) -> Iterator[str]:
    listed = arrange(view, look.rows, sort=view.sort, descending=view.descending)
    titles = [safe(column.title) for column in view.columns]
    texts = [None if isinstance(item, Heading) else _texts(view, item, clock) for item in listed]
    widths = [len(title) for title in titles]
    for row in texts:
        for at, text in enumerate(row or ()):
            widths[at] = max(widths[at], min(_WIDEST, len(text)))
    indent = "  " if view.group_by else ""
    yield indent + "  ".join(map(fit, titles, widths)).rstrip()
    for item, row in zip(listed, texts, strict=True):
        if isinstance(item, Heading):
            yield view.heading_words(item)
        elif row is not None:
            yield indent + "  ".join(map(fit, row, widths)).rstrip()


def _texts(view: View, row: Row, clock: Clock) -> list[str]:
    texts = []
    for column, cell in zip(view.columns, row.cells, strict=True):
        part = cell._replace(trend=cell.trend[-_TREND:]) if cell.told is Told.TREND else cell
        texts.append(cell_text(column, part, row, now=clock.now(), monotonic=clock.monotonic()))
    return texts


def _described(view: View, look: Look, clock: Clock) -> dict[str, object]:
    rows = arrange(view, look.rows, sort=view.sort, descending=view.descending)
    return {
        "view": view.name,
        "at": clock.now().isoformat(timespec="seconds"),
        "complete": look.found_at is not None and not look.is_cut,
        "rows": [_row(view, row, clock) for row in rows if isinstance(row, Row)],
    }


def _row(view: View, row: Row, clock: Clock) -> dict[str, object]:
    name = safe(row.key.name, limit=1 << 20)
    line: dict[str, object] = {"name": name}
    if name.encode("utf-8", "backslashreplace") != row.key.name:
        line["name_hex"] = row.key.name.hex()
    line |= {"gone": row.is_gone, "placeholders": dict(zip(view.placeholders, map(safe, row.key.values), strict=True))}
    cells = zip(view.columns, row.cells, strict=True)
    told = {safe(column.title): _value(column.kind, cell, row, clock) for column, cell in cells}
    problems = {safe(column.title): cell.text for column, cell in zip(view.columns, row.cells, strict=True)
                if cell.told in {Told.TROUBLE, Told.LONG}}  # fmt: skip
    return line | {"columns": told} | ({"problems": problems} if problems else {})


def _value(kind: ColumnKind, cell: Cell, row: Row, clock: Clock) -> object:
    """As a program takes it: a time in ISO, a TTL in milliseconds as PTTL says it; null where it is not known."""
    match cell.told:
        case Told.TEXT:
            return cell.text
        case Told.TIME:
            return datetime.fromtimestamp(cell.number or 0.0, clock.now().tzinfo).isoformat()
        case Told.TTL:
            return int(ttl_left(cell, row, clock.monotonic()))
        case Told.NUMBER:
            return int(cell.number or 0)
        case Told.TREND:
            return list(cell.trend)
        case Told.GONE if kind is ColumnKind.LENGTH:
            return 0
        case _:
            return None
