"""`dfly-tui keys set|delete|expire|persist|rename|undo|resume`: the same plans and promises as on the screen."""

import argparse
import asyncio
import json
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.keys_common import chosen_instance
from dfly_tui.cli.keys_talk import Talking, exit_code, kept_line, kept_record
from dfly_tui.cli.plan_run import add_answer_options, heed_ctrl_c
from dfly_tui.cli.read import password_source, prompted, settings_from
from dfly_tui.clients import key_edits
from dfly_tui.clients.address import Address
from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.key_edit import Edit
from dfly_tui.clients.scan import Pace
from dfly_tui.clock import SystemClock
from dfly_tui.errors import BadInput, Refused
from dfly_tui.models.key_query import parse_query
from dfly_tui.models.key_text import EXPIRY_HINT, parse_expiry
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.journal import Record, close_record, records
from dfly_tui.operations.keys.bulk import BulkChange
from dfly_tui.operations.keys.edit import KeyEdit
from dfly_tui.operations.keys.place import BULK, Place, look_at
from dfly_tui.operations.keys.trash import Kept, Trash
from dfly_tui.operations.keys.undo import Undo, newest, oldest
from dfly_tui.operations.keys.wish import What, Wish, count, persisting, preview, renaming, wish_from
from dfly_tui.paths import Paths
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.text import safe

Common = Callable[[argparse.ArgumentParser], None]
EXITS = (
    "Exit codes: 0 done, 1 failed, 2 usage, 3 blocked by a check, 4 declined, 5 outcome unknown, 6 done but something "
    "is left to do."
)


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", common: Common) -> None:
    """Add what changes keys to the actions of `keys`; `common` adds the options for instance and database."""
    _add_set(actions, common)
    for name, act, summary in (
        ("delete", delete, "delete a key, or all that match; they are kept in the trash first, where it has room"),
        ("expire", expire, "let a key, or all that match, expire"),
        ("persist", persist, "let a key, or all that match, not expire any more"),
    ):
        parser = _action(actions, common, name, summary, act)
        parser.add_argument("key", nargs="?", metavar="KEY", help="its name, exactly")
        _add_bulk_options(parser)
        if name == "expire":
            parser.add_argument("--in", "--at", dest="when", required=True, metavar="TIME", help=EXPIRY_HINT)
    parser = _action(actions, common, "rename", "rename a key, or all whose names begin with a prefix", rename)
    parser.add_argument("key", nargs="?", metavar="KEY", help="its name, exactly")
    parser.add_argument("new", nargs="?", metavar="NEW", help="the name it gets; a key of that name is left alone")
    parser.add_argument("--prefix", metavar="TEXT", help="rename all keys whose names begin so …")
    parser.add_argument("--to", metavar="TEXT", help="… to begin so")
    _add_bulk_options(parser)
    parser = _action(actions, common, "undo", "list what the trash holds, or restore a key, or all of a run", undo)
    parser.add_argument("key", nargs="?", metavar="KEY", help="restore this key as it was kept last")
    parser.add_argument("--run", metavar="ID", help="restore all keys of this run, as they were before it")
    parser.add_argument("--replace", action="store_true", help="over keys that hold something else now")
    parser.add_argument("--no-expiry", action="store_true", help="without the expiries that have passed")
    parser = _action(actions, common, "resume", "begin a change of many keys anew that a killed program left", resume)
    parser.add_argument("run_id", nargs="?", metavar="RUN", help="which (the newest)")


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", common: Common, name: str, summary: str,
    act: Callable[["Session"], Awaitable[int]],
) -> argparse.ArgumentParser:  # fmt: skip
    parser = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {EXITS}")
    common(parser)
    add_answer_options(parser)
    parser.set_defaults(act=lambda args: _acted(args, act))
    return parser


def _add_bulk_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--find", nargs="+", metavar="FILTER", help="all keys that match instead of one, as `keys list` finds them"
    )
    parser.add_argument("--all", action="store_true", help="all keys of the database")
    parser.add_argument(
        "--pace", choices=[pace.name.lower() for pace in Pace], default="normal",
        help="how much of the server's time it may take: gentle 20%%, normal 50%%, fast all it can get (normal)",
    )  # fmt: skip
    parser.add_argument("--rate", type=float, metavar="N", help="at most so many keys a second")
    parser.add_argument("--no-undo", action="store_true", help="keep nothing in the trash")


def _add_set(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", common: Common) -> None:
    summary = "set a string, or one part of another value; type and expiry stay"
    parser = _action(actions, common, "set", summary, set_value)
    parser.add_argument("key", metavar="KEY", help="its name, exactly")
    parser.add_argument("value", nargs="?", metavar="VALUE", help="what it is set to; see --stdin")
    parser.add_argument("--stdin", action="store_true", help="read the value from stdin, exactly, to its end")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--field", metavar="NAME", help="of a hash")
    part.add_argument("--index", type=int, metavar="N", help="of a list")
    part.add_argument("--path", metavar="PATH", help="of a JSON document, such as $.name; VALUE is JSON")
    part.add_argument("--score", metavar="N", help="of a sorted set, whose member VALUE is")
    part.add_argument("--member", action="store_true", help="add VALUE to a set")
    part.add_argument("--push", choices=("head", "tail"), help="add VALUE to a list")
    part.add_argument("--append", action="store_true", help="add VALUE to the end of a string")


@dataclass
class Session:
    """One run of one of the commands."""

    args: argparse.Namespace
    settings: Settings
    paths: Paths
    config: InstanceConfig
    access: Access
    trash: Trash
    talking: Talking
    rng: random.Random

    @property
    def database(self) -> int:
        return Address.parse(self.config.url).database if self.args.db is None else int(self.args.db)

    async def place(self, database: int | None = None) -> Place:
        """Look at the server; raises `DflyError`."""
        run = new_run_id(self.access.clock.now(), self.rng)
        return await look_at(
            self.access, self.config.name, self.database if database is None else database, trash=self.trash, run=run
        )

    async def edit(self, make: Callable[[Capabilities], Edit]) -> int:
        """One change of one key."""
        place = await self.place()
        edit = make(place.server.capabilities)
        job = await KeyEdit.prepare(place, edit)
        return exit_code(await self.talking.run(job.plan()))

    async def bulk(self, wish: Wish, database: int | None = None) -> Outcome:
        """One change of many keys."""
        place = await self.place(database)
        found = await preview(place, wish, rng=self.rng)
        job = BulkChange(place, wish, found, told=self.talking.progress, stop=self.talking.stop.is_set)
        for line in job.consequence().splitlines():
            self.talking.say(line)
        return await self.talking.run(job.plan())


@asynccontextmanager
async def _session(args: argparse.Namespace, instance: str | None) -> AsyncIterator[Session]:
    settings, paths, clock = settings_from(args, args.environ), Paths.from_env(args.environ), SystemClock()
    config = chosen_instance(settings, instance)
    answers, stop = prompted(settings), asyncio.Event()
    heed_ctrl_c(stop.set, "giving up after what is under way")
    access = Access(
        [config], lambda one: password_source(one, args.environ, answers), guard=Guard(clock, settings), clock=clock,
        timeout_seconds=settings.defaults.timeout_seconds,
    )  # fmt: skip
    async with access:
        talking = Talking(
            settings, access, Audit(paths.audit_file, clock=clock), paths.key_journal_dir, args.json, args.yes,
            args.confirm, stop=stop,
        )  # fmt: skip
        trash = Trash(paths.trash_dir, clock=clock)
        rng = random.Random()  # noqa: S311 (it names a run and draws a sample)
        yield Session(args, settings, paths, config, access, trash, talking, rng)


async def _acted(args: argparse.Namespace, act: Callable[[Session], Awaitable[int]]) -> int:
    try:
        instance = _unfinished(args).plan.facts["instance"] if act is resume else args.instance
        async with _session(args, instance) as session:
            return await act(session)
    except Refused as error:
        if args.json:
            print(json.dumps({"refused": {"detail": error.detail, "hint": error.hint}}))
        print(f"dfly-tui: {error}{f' ({error.hint})' if error.hint else ''}", file=sys.stderr)
        return ExitCode.BLOCKED


async def set_value(session: Session) -> int:
    """Set a string, or a part of another value."""
    args, name, value = session.args, os.fsencode(session.args.key), _value(session.args)
    if args.field is not None:
        field = os.fsencode(args.field)
        return await session.edit(lambda can: key_edits.set_field(name, field, value, can))
    if args.index is not None:
        return await session.edit(lambda can: key_edits.set_item(name, args.index, value))
    if args.path is not None:
        return await session.edit(lambda can: key_edits.set_json(name, os.fsencode(args.path), value))
    if args.score is not None:
        return await session.edit(lambda can: key_edits.set_score(name, value, args.score))
    if args.member:
        return await session.edit(lambda can: key_edits.add_member(name, value))
    if args.push:
        return await session.edit(lambda can: key_edits.push(name, value, left=args.push == "head"))
    if args.append:
        return await session.edit(lambda can: key_edits.append(name, value))
    return await session.edit(lambda can: key_edits.set_string(name, value, can, create=True))


def _value(args: argparse.Namespace) -> bytes:
    if args.stdin is (args.value is not None):
        raise BadInput("either VALUE or --stdin says what it is set to")
    return sys.stdin.buffer.read() if args.stdin else os.fsencode(args.value)


async def delete(session: Session) -> int:
    """Delete a key, or many."""
    return await _one_or_many(session, key_edits.delete, lambda wanted: _wish(session.args, What.DELETE, wanted))


async def expire(session: Session) -> int:
    """Let a key, or many, expire."""
    now = session.access.clock.now()
    at_ms, now_ms = parse_expiry(session.args.when, now), int(now.timestamp() * 1000)

    def wish(wanted: KeyFilter) -> Wish:
        return _wish(session.args, What.EXPIRE, wanted, at_ms)

    return await _one_or_many(session, lambda name: key_edits.expire_at(name, at_ms, now_ms), wish)


async def persist(session: Session) -> int:
    """Let a key, or many, stay."""
    args = session.args

    def wish(wanted: KeyFilter) -> Wish:
        return persisting(wanted, pace=Pace[args.pace.upper()], rate=_rate(args))

    return await _one_or_many(session, key_edits.persist, wish)


async def rename(session: Session) -> int:
    """Rename a key, or all that begin with a prefix."""
    args = session.args
    if args.prefix is not None and args.to is not None and args.key is None and not args.all:
        prefix, to = os.fsencode(args.prefix), os.fsencode(args.to)
        wish = renaming(prefix, to, _filter(args), pace=Pace[args.pace.upper()], rate=_rate(args))
        return exit_code(await session.bulk(wish))
    if args.new is None or args.prefix is not None or args.to is not None or args.find or args.all:
        raise BadInput("what is renamed to what?", "rename KEY NEW, or rename --prefix TEXT --to TEXT")
    return await session.edit(lambda can: key_edits.rename(os.fsencode(args.key), os.fsencode(args.new)))


async def _one_or_many(session: Session, one: Callable[[bytes], Edit], many: Callable[[KeyFilter], Wish]) -> int:
    args = session.args
    if (args.key is not None) + bool(args.find) + args.all != 1:
        raise BadInput("which keys?", "name one KEY, or give --find FILTER …, or --all")
    if args.key is not None:
        return await session.edit(lambda can: one(os.fsencode(args.key)))
    return exit_code(await session.bulk(many(_filter(args))))


def _filter(args: argparse.Namespace) -> KeyFilter:
    return parse_query(" ".join(f'"{word}"' if " " in word else word for word in args.find or ()))


def _wish(args: argparse.Namespace, what: What, wanted: KeyFilter, at_ms: int = 0) -> Wish:
    pace, undoable = Pace[args.pace.upper()], not args.no_undo
    return Wish(what, wanted, expires_at_ms=at_ms, pace=pace, rate=_rate(args), undoable=undoable)


def _rate(args: argparse.Namespace) -> float | None:
    if args.rate is None:
        return None
    if not args.rate >= 1:
        raise BadInput("--rate is at least one key a second")
    return float(args.rate)


async def undo(session: Session) -> int:
    """List the trash, or restore from it."""
    args = session.args
    kept = session.trash.kept(instance=session.config.name, run=args.run)
    if args.key is None and args.run is None:
        for each in kept:
            print(kept_record(each) if args.json else kept_line(each))
        if not kept:
            session.talking.say(f"nothing of {safe(session.config.name)} is in the trash")
        return ExitCode.DONE
    database = session.database if args.db is not None or args.run is None else _database_of(kept, session.database)
    kept = [each for each in kept if each.database == database]
    if args.key is not None:
        kept = [each for each in kept if each.name == os.fsencode(args.key)]
    kept = oldest(kept) if args.run is not None else newest(kept)
    if not kept:
        raise Refused("there is no such thing in the trash", "dfly-tui keys undo lists what there is")
    place = await session.place(database)
    job = Undo(place, kept, replace=args.replace, persist=args.no_expiry)
    return exit_code(await session.talking.run(job.plan()))


def _database_of(kept: list[Kept], otherwise: int) -> int:
    """The database a run was in: it is one."""
    return kept[0].database if kept else otherwise


async def resume(session: Session) -> int:
    """Begin anew what a killed program left."""
    record = _unfinished(session.args)
    wish = wish_from(record.plan.facts)
    session.talking.say(f"{record.plan.title}, begun {record.begun_at:%Y-%m-%d %H:%M} UTC: it looks for what is left")
    database = int(record.plan.facts["database"])
    if not await count(await session.place(database), wish):
        session.talking.say("nothing is left to do")
        close_record(record, Outcome.DONE, clock=session.access.clock)
        return ExitCode.DONE
    outcome = await session.bulk(wish, database)
    if outcome in {Outcome.DONE, Outcome.INCOMPLETE}:
        close_record(record, outcome, clock=session.access.clock)
    return exit_code(outcome)


def _unfinished(args: argparse.Namespace) -> Record:
    folder = Paths.from_env(args.environ).key_journal_dir
    found = (each for each in records(folder) if each.is_unfinished and each.plan.kind == BULK)
    record = next((each for each in found if args.run_id in {None, each.plan.id}), None)
    if record is None:
        raise Refused("no change of many keys was left unfinished on this machine")
    return record
