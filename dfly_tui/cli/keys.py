"""`dfly-tui keys …`: look into the databases of an instance."""

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from dfly_tui.cli import keys_change, keys_export, keys_get, keys_view
from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.keys_common import (
    add_filter_options,
    add_target_options,
    filter_from,
    opened_reader,
    pace_from,
    ttl_words,
)
from dfly_tui.clients.scan import ALL_PROBES
from dfly_tui.errors import BadInput
from dfly_tui.models.keys import KeyFacts, kind_name
from dfly_tui.models.namespaces import Namespace, Namespaces, largest_first
from dfly_tui.text import safe
from dfly_tui.units import MISSING, bytes_text, percent_text

NO_LIMIT = 1 << 62


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and what it can do to the program's."""
    parser = subparsers.add_parser(
        "keys",
        help="look into the databases of an instance: namespaces, keys, values",
        description="Look into the databases of an instance, by SCAN and never by KEYS.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    tree = actions.add_parser("tree", help="how many keys each namespace has")
    add_target_options(tree)
    add_filter_options(tree)
    tree.add_argument("--delimiter", default=":", metavar="TEXT", help="what stands between namespaces (:)")
    tree.add_argument("--depth", type=int, default=2, metavar="N", help="how many levels are printed (2)")
    tree.add_argument("--top", type=int, default=20, metavar="N", help="of each level the N largest (20)")
    tree.set_defaults(act=_tree)
    listing = actions.add_parser("list", help="names as they are found, with what is to be told of them")
    add_target_options(listing)
    add_filter_options(listing)
    listing.add_argument("--names", action="store_true", help="names alone, which is quicker")
    listing.add_argument("--limit", type=int, default=NO_LIMIT, metavar="N", help="stop after so many")
    listing.set_defaults(act=_list)
    keys_get.add(actions, add_target_options)
    keys_view.add(actions, add_target_options)
    keys_change.add(actions, add_target_options)
    keys_export.add(actions, add_target_options)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do one of them."""
    return int(asyncio.run(args.act(args)))


async def _tree(args: argparse.Namespace) -> int:
    wanted = filter_from(args)
    if not args.delimiter:
        raise BadInput("--delimiter cannot be empty")
    spaces = Namespaces(args.delimiter.encode())
    async with opened_reader(args) as (reader, database):
        found = reader.find(wanted, database=database, pace=pace_from(args))
        async with aclosing(found) as pages:
            async for keys in pages:
                spaces.add([key.name for key in keys])
    if args.json:
        document = {"schema": 1, "database": database, **_described(spaces.root, args.depth, args.top)}
        print(json.dumps(document, indent=2))
    else:
        print(f"{spaces.root.keys:>13,}         in db{database}")
        print("\n".join(_lines(spaces.root, spaces.root.keys, args.depth, args.top, "")))
    return ExitCode.DONE


def _described(space: Namespace, depth: int, top: int) -> dict[str, object]:
    below = largest_first(space.below.values())
    return {
        "prefix": safe(space.prefix),
        "keys": space.keys,
        "own_keys": space.own_keys,
        "folded": space.folded,
        "namespaces": [_described(each, depth - 1, top) for each in below[:top]] if depth > 0 else [],
        "left_out": max(0, len(below) - top) if depth > 0 else len(below),
    }


def _lines(space: Namespace, total: int, depth: int, top: int, indent: str) -> Iterator[str]:
    if depth <= 0:
        return
    below = largest_first(space.below.values())
    for each in below[:top]:
        share = percent_text(each.keys / total).rjust(6)
        yield f"{each.keys:>13,} {share}  {indent}{safe(each.label, limit=200)}"
        yield from _lines(each, total, depth - 1, top, indent + "  ")
    if len(below) > top:
        rest = sum(each.keys for each in below[top:])
        yield f"{rest:>13,}         {indent}… in {len(below) - top:,} more"
    if space.folded:
        inside = space.keys - space.own_keys
        yield f"{inside:>13,}         {indent}… in too many namespaces to tell apart"
    if space.own_keys and below:
        yield f"{space.own_keys:>13,}         {indent}· keys of its own"


async def _list(args: argparse.Namespace) -> int:
    wanted = filter_from(args)
    probes = () if args.names else ALL_PROBES
    async with opened_reader(args) as (reader, database):
        found = reader.find(wanted, database=database, pace=pace_from(args), probes=probes)
        async for key in _first(found, args.limit):
            print(_json(key) if args.json else safe(key.name) if args.names else _row(key))
    return ExitCode.DONE


async def _first(found: AsyncGenerator[list[KeyFacts], None], limit: int) -> AsyncGenerator[KeyFacts, None]:
    async with aclosing(found) as pages:
        async for keys in pages:
            for key in keys:
                if limit <= 0:
                    return
                limit -= 1
                yield key


def _row(key: KeyFacts) -> str:
    kind = safe(kind_name(key.kind), limit=20) if key.kind else MISSING
    return f"{kind:<12} {ttl_words(key.ttl_ms):>10} {bytes_text(key.size_bytes):>10}  {safe(key.name)}"


def _json(key: KeyFacts) -> str:
    """One line; the name exactly, as base64, where its text would not be."""
    shown = safe(key.name, limit=1 << 20)
    line: dict[str, object] = {"name": shown}
    if shown.encode("utf-8", "backslashreplace") != key.name:
        line["name_hex"] = key.name.hex()
    if key.kind is not None:
        line |= {"type": key.kind}
    if key.ttl_ms is not None:
        line |= {"ttl_ms": key.ttl_ms}
    if key.size_bytes is not None:
        line |= {"size_bytes": key.size_bytes}
    return json.dumps(line)
