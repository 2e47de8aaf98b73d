"""`dfly-tui keys export` and `keys import`: keys to a file of JSON lines and back, exactly."""

import argparse
import json
import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import (
    EXIT_CODES,
    plan_lines,
    talk,
)
from dfly_tui.cli.keys_common import chosen_instance, pace_from
from dfly_tui.cli.plan_run import PlanRun, add_answer_options, heed_ctrl_c
from dfly_tui.cli.read import password_source, prompted, settings_from
from dfly_tui.clients.address import Address
from dfly_tui.clients.scan import Pace
from dfly_tui.clock import SystemClock
from dfly_tui.errors import BadInput, Refused
from dfly_tui.models.key_lines import Damaged
from dfly_tui.models.key_query import parse_query
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.keys.export import Exporter, ExportReport, Failures, Wanted
from dfly_tui.operations.keys.export_file import ExportFile
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.operations.keys.import_report import Existing
from dfly_tui.operations.keys.place import look_at
from dfly_tui.operations.keys.place import run as run_plan
from dfly_tui.operations.keys.trash import Trash
from dfly_tui.operations.keys.words import export_lines, export_progress, import_lines, import_progress
from dfly_tui.paths import Paths
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.text import safe

_TELL_SECONDS = 1.0
_Add = Callable[[argparse.ArgumentParser], None]


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", common: _Add) -> None:
    """Add `export` and `import` to the actions of `keys`; `common` adds the options for instance and database."""
    export = actions.add_parser(
        "export",
        help="keys to a file of JSON lines, exactly, with types and expiry",
        description="Write keys to a file of JSON lines. Exit codes: 0 all of them, 1 failed, 6 some keys are missing.",
    )
    common(export)
    export.add_argument("file", metavar="FILE", help="where to; packed when it ends in .gz; - for standard output")
    export.add_argument("--match", metavar="PATTERN", help="only keys whose name matches this glob exactly as given")
    export.add_argument("--type", metavar="TYPE", help="only keys of this type")
    export.add_argument("--find", metavar="FILTER", default="", help="as for keys list: 'user:* ttl<1h size>64k'")
    export.add_argument("--key", action="append", metavar="NAME", help="this key and no others; may be repeated")
    export.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")
    export.add_argument(
        "--pace", choices=[pace.name.lower() for pace in Pace], default=Pace.FAST.name.lower(),
        help="how much of the server's time looking for keys may take (fast)",
    )  # fmt: skip
    export.set_defaults(act=export_keys)
    importing = actions.add_parser(
        "import",
        help="the keys of such a file into a database",
        description="Write the keys of an export. The file is read to its end first, and nothing is sent before you "
        "confirmed. Exit codes: 0 done, 1 failed, 2 usage, 3 blocked by a check, 4 declined, 5 outcome unknown, "
        "6 some keys are missing.",
    )
    common(importing)
    importing.add_argument("file", metavar="FILE", help="an export")
    importing.add_argument(
        "--existing", choices=[each.value for each in Existing], default=Existing.FAIL.value,
        help="what becomes of a key that is there and differs: reported (fail), left alone unseen (skip), "
        "put into the trash (replace)",
    )  # fmt: skip
    add_answer_options(importing)
    importing.set_defaults(act=import_keys)


async def export_keys(args: argparse.Namespace) -> int:
    """Export; returns the exit code."""
    wanted = _wanted(args)
    settings = settings_from(args, args.environ)
    config, database = _target(args, settings)
    if args.file == "-" and sys.stdout.isatty():
        raise BadInput("an export is not for a terminal", "send it to a file or a pipe")
    clock = SystemClock()
    tell = _Telling(clock)
    exporter = Exporter(
        config,
        password_source(config, args.environ, prompted(settings)),
        wanted,
        database=database,
        clock=clock,
        timeout_seconds=settings.defaults.timeout_seconds,
        pace=pace_from(args),
        told=lambda report: tell(export_progress(report)),
    )
    heed_ctrl_c(exporter.stop, "stopping")
    if args.file == "-":
        report = await exporter.to_stream(sys.stdout.buffer)
    else:
        report = await exporter.to_file(Path(args.file), overwrite=args.overwrite)
    if args.json and args.file != "-":
        print(json.dumps(_export_document(report, args.file)))
    else:
        stopped = "nothing was kept" if args.file != "-" else "what was written is not whole"
        for line in [f"stopped: {stopped}"] if report.stopped else export_lines(report):
            talk(line)
    if report.stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.DONE if report.is_exact else ExitCode.INCOMPLETE


def _wanted(args: argparse.Namespace) -> Wanted:
    """The filter, or the names; raises `BadInput`."""
    if args.key:
        if args.match is not None or args.type or args.find:
            raise BadInput("--key names keys, and a filter looks for others", "give one of the two")
        return [name.encode("utf-8", "surrogateescape") for name in args.key]
    found = parse_query(args.find)
    words: dict[str, object] = {}
    if args.match is not None:
        words["pattern"] = args.match.encode("utf-8", "surrogateescape")
    if args.type:
        words["kind"] = parse_query(f"type:{args.type}").kind
    for name, what in (("pattern", "--match"), ("kind", "--type")):
        if name in words and getattr(found, name):
            raise BadInput(f"{what} and --find say two things", "say it once")
    return KeyFilter.model_validate(found.model_dump() | words)


def _target(args: argparse.Namespace, settings: Settings) -> tuple[InstanceConfig, int]:
    config = chosen_instance(settings, args.instance)
    return config, Address.parse(config.url).database if args.db is None else args.db


async def import_keys(args: argparse.Namespace) -> int:
    """Import; returns the exit code."""
    settings = settings_from(args, args.environ)
    config, database = _target(args, settings)
    clock, paths = SystemClock(), Paths.from_env(args.environ)
    source = partial(password_source, environ=args.environ, answers=prompted(settings))
    guard = Guard(clock, settings)
    access = Access([config], source, guard=guard, clock=clock, timeout_seconds=settings.defaults.timeout_seconds)
    async with access:
        trash = Trash(paths.trash_dir, clock=clock)
        run_id = new_run_id(clock.now(), random.Random())  # noqa: S311
        place = await look_at(access, config.name, database, trash=trash, run=run_id)
        tell = _Telling(clock)
        wish = KeyImport(
            place, ExportFile(Path(args.file)), Existing(args.existing), told=lambda wish: tell(import_progress(wish))
        )
        heed_ctrl_c(wish.stop.set, "stopping")
        try:
            await wish.inspect()
        except (Damaged, Refused) as error:
            talk(f"dfly-tui: {error}")
            talk(f"  hint: {error.hint}" if error.hint else "  nothing was sent")
            return ExitCode.BLOCKED
        return await _run(args, settings, paths, access, wish)


async def _run(args: argparse.Namespace, settings: Settings, paths: Paths, access: Access, wish: KeyImport) -> int:
    plan = wish.plan()
    view = plan.view()
    audit = Audit(paths.audit_file, clock=access.clock)
    at_work = PlanRun(
        settings, access, audit, paths.key_journal_dir, as_json=False, yes=args.yes, names=args.confirm, stop=wish.stop
    )
    events = await at_work.events(plan, run_plan)
    last = events[-1]
    outcome = last.outcome or Outcome.UNKNOWN
    if args.json:
        print(json.dumps(_import_document(wish, outcome, last.follow_ups), indent=2))
    else:
        for line in (*(plan_lines(view) if outcome is Outcome.PLANNED else ()), *_import_lines(wish, outcome, last)):
            print(line)
    return EXIT_CODES[outcome]


class _Telling:
    """Says on a terminal, once a second, how far it is."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._told_at = clock.monotonic()

    def __call__(self, line: str) -> None:
        now = self._clock.monotonic()
        if sys.stderr.isatty() and now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            talk(line)


def _failure_documents(failures: Failures) -> dict[str, object]:
    named = [
        {"name": safe(name), "name_hex": name.hex(), "code": error.code, "detail": error.detail}
        for name, error in failures.named
    ]
    return {"failed": failures.count, "failures": named}


def _export_document(report: ExportReport, file: str) -> dict[str, object]:
    return {
        "schema": 1,
        "file": None if report.stopped else safe(file),
        "keys": report.keys,
        "bytes": report.size_bytes,
        "gone": report.gone,
        "changed": report.changed,
        "written_to": [name.hex() for name in report.restless],
        "element_expiry": report.elements_unread is None,
        "stopped": report.stopped,
        "seconds": round(report.seconds, 3),
        **_failure_documents(report.failures),
    }


def _import_lines(wish: KeyImport, outcome: Outcome, last: Event) -> list[str]:
    if outcome is Outcome.PLANNED:
        return [f"{outcome}: nothing was sent"]
    first, *rest = import_lines(wish)
    return [f"{outcome}: {first}", *rest, *(f"left to do: {line}" for line in last.follow_ups)]


def _import_document(wish: KeyImport, outcome: Outcome, left: tuple[str, ...]) -> dict[str, object]:
    report = wish.report
    return {
        "schema": 1,
        "outcome": str(outcome),
        "keys": report.keys,
        "written": report.written,
        "replaced": report.replaced,
        "equal": report.equal,
        "skipped": report.skipped,
        "expired": report.expired,
        "stopped": report.stopped,
        "seconds": round(report.seconds, 3),
        "left_to_do": list(left),
        **_failure_documents(report.failures),
    }
