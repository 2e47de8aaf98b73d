"""`dfly-tui failover …`: changes of roles without a screen; the same plans, checks and promises as the wizard."""

import argparse
import asyncio
import json
import random
from dataclasses import dataclass
from functools import partial

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import (
    EXIT_CODES,
    plan_lines,
    summary_lines,
    talk,
)
from dfly_tui.cli.plan_run import PlanRun, add_answer_options, heed_ctrl_c
from dfly_tui.cli.read import password_source, prompted, settings_from
from dfly_tui.clock import SystemClock
from dfly_tui.errors import ConfigError, Refused
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.failover import choose, rejoin, resume
from dfly_tui.operations.failover.report import as_json, report_of, write
from dfly_tui.operations.failover.run import look_at_group, members, new_run_id
from dfly_tui.operations.failover.run import run as run_plan
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.journal import Record, records
from dfly_tui.operations.plan import Plan
from dfly_tui.paths import Paths
from dfly_tui.settings import FailoverSettings, Settings
from dfly_tui.text import safe

ACTIONS = {
    "plan": "check, and show what `run` would do; nothing is changed",
    "run": "switch over to a replica, or promote one when the primary is gone",
    "rejoin": "bring an old primary back as a replica; its own data is kept aside first",
    "swap-back": "restore the intended roles, by another switchover",
    "attach": "make an instance a replica of the group's primary",
    "detach": "make a replica a primary of its own",
    "resume": "finish, or take back, what a killed program began",
    "status": "the last changes of roles, and what was left unfinished",
    "rehearse": "the whole walkthrough on simulated servers, with a fault to choose",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "failover",
        help="change the roles of a group: switchover, failover, rejoin, swap back",
        description="Change the roles of a group. Exit codes: 0 done, 1 failed or taken back, 2 usage, 3 blocked by a "
        "check, 4 declined, 5 outcome unknown, 6 done but something is left to do. See docs/failover.md.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for name, summary in ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument("--group", metavar="G", help="which group (default: the only one)")
        action.add_argument("--json", action="store_true", help="JSON lines on stdout: events, last the report")
        if name in {"attach", "detach"}:
            action.add_argument("name", metavar="NAME", help="the instance")
        if name in {"plan", "run", "rejoin", "attach"}:
            action.add_argument("--to", metavar="NAME", help="the new primary; for rejoin and attach the present one")
        if name == "rehearse":
            from dfly_tui.cli.rehearse import add_options

            add_options(action)
        elif name != "status":
            _add_run_options(action)
        if name == "resume":
            action.add_argument("--give-up", action="store_true", help="take back rather than finish, where possible")
    parser.set_defaults(run=run)


def _add_run_options(action: argparse.ArgumentParser) -> None:
    add_answer_options(action)
    action.add_argument("--override-cooldown", action="store_true", help="although roles changed a moment ago")
    action.add_argument("--snapshot-first", action="store_true", help="save a snapshot on the primary first")
    action.add_argument("--pause-writes", action="store_true", help="pause clients' writes before the takeover")
    action.add_argument("--canary", action="store_true", help="write, read and delete a key on the new primary")
    action.add_argument("--no-watch", action="store_true", help="do not watch the group afterwards")


def run(args: argparse.Namespace) -> int:
    """Run one action; returns the exit code."""
    if args.action == "rehearse":
        from dfly_tui.cli.rehearse import rehearse

        return int(rehearse(args))
    settings = settings_from(args, args.environ)
    paths = Paths.from_env(args.environ)
    try:
        if args.action == "status":
            return _status(args, paths)
        return asyncio.run(Action(args, settings, paths).run())
    except Refused as error:
        return refused(error, as_json=args.json)


def refused(error: Refused, *, as_json: bool) -> ExitCode:
    """Say why there is no plan to run; the exit code is that of a check that blocks."""
    if as_json:
        print(json.dumps({"refused": {"detail": error.detail, "hint": error.hint}}))
    talk(f"dfly-tui: {error}")
    if error.hint:
        talk(f"  hint: {error.hint}")
    return ExitCode.BLOCKED


def group_of(args: argparse.Namespace, settings: Settings) -> str:
    """The group that was named, or the only one; raises `ConfigError`."""
    if args.group is not None:
        return str(args.group)
    groups = sorted({config.group for config in settings.instances if config.group})
    if len(groups) != 1:
        raise ConfigError(
            f"which group? configured are {', '.join(map(safe, groups)) or 'none'}",
            "name one with --group; instances belong together by group = … in the configuration",
        )
    return groups[0]


def limits_of(args: argparse.Namespace, settings: Settings) -> FailoverSettings:
    """The configured limits, with what was asked for on the command line."""
    asked: dict[str, object] = {
        key: True for key in ("snapshot_first", "pause_writes", "canary") if getattr(args, key, False)
    }
    if getattr(args, "no_watch", False):
        asked["watch_seconds"] = 0.0
    return settings.failover.model_copy(update=asked)


@dataclass
class Action:
    """One run of one plan, from the command line."""

    args: argparse.Namespace
    settings: Settings
    paths: Paths
    keeps_report: bool = True

    def __post_init__(self) -> None:
        self.clock = SystemClock()
        self.group = group_of(self.args, self.settings)
        self.configs = members(self.settings.instances, self.group)
        self.guard = Guard(self.clock, self.settings)
        self.audit = Audit(self.paths.audit_file, clock=self.clock)
        self.record: Record | None = None

    async def run(self) -> int:
        answers = prompted(self.settings)
        source = partial(password_source, environ=self.args.environ, answers=answers)
        timeout = self.settings.defaults.timeout_seconds
        access = Access(self.configs, source, guard=self.guard, clock=self.clock, timeout_seconds=timeout)
        async with access:
            scene = await look_at_group(
                access, self.group, limits_of(self.args, self.settings), who=self.audit.author,
                run_id=new_run_id(self.clock.now(), random.Random()), environ=self.args.environ,  # noqa: S311
            )  # fmt: skip
            plan = self._plan(scene)
            events = await self._events(plan, access)
        return self._report(plan, events)

    def _plan(self, scene: Scene) -> Plan:
        args = self.args
        wish = choose.Wish(
            journals=self.paths.journal_dir,
            to=getattr(args, "to", None),
            override_cooldown=args.override_cooldown,
        )
        match args.action:
            case "rejoin":
                return choose.coming_back(scene, wish)
            case "swap-back":
                return choose.swap_back(scene, wish)
            case "attach":
                return rejoin.attach(scene, choose.member(scene, args.name), choose.leader(scene, wish))
            case "detach":
                return rejoin.detach(scene, choose.member(scene, args.name))
            case "resume":
                return self._resumed(scene)
            case _:
                return choose.change_of_roles(scene, wish)

    def _resumed(self, scene: Scene) -> Plan:
        self.record = unfinished(self.paths, self.group)
        if self.record is None:
            raise Refused(f"nothing is unfinished in group {safe(self.group)}", "dfly-tui failover status")
        now = resume.situation(self.record, scene.world)
        talk(f"{self.record.plan.title}: {now.text}")
        if now.changed is None:
            raise Refused(now.text, "look: " + " ; ".join(self.record.plan.look_with))
        if self.args.give_up and now.changed:
            raise Refused(f"{now.text}, so it cannot be taken back", "resume without --give-up finishes it")
        return resume.finish(scene, self.record) if now.changed else resume.give_up(scene, self.record)

    async def _events(self, plan: Plan, access: Access) -> list[Event]:
        args = self.args
        at_work = PlanRun(
            self.settings, access, self.audit, self.paths.journal_dir, as_json=args.json, yes=args.yes,
            names=args.confirm, dry_run=args.action == "plan",
        )  # fmt: skip
        heed_ctrl_c(at_work.stop.set, "giving up, unless there is no way back any more")
        return await at_work.events(plan, partial(run_plan, locks=self.paths.lock_dir, who=self.audit.author))

    def _report(self, plan: Plan, events: list[Event]) -> int:
        report = report_of(plan.view(), events, self.audit.author)
        planned = report.outcome is Outcome.PLANNED
        path = str(write(report, self.paths.reports_dir)) if self.keeps_report and not planned else ""
        if self.record is not None and report.outcome in {Outcome.DONE, Outcome.INCOMPLETE}:
            resume.settle(self.record, report.outcome, clock=self.clock)
        if self.args.json:
            print(json.dumps({"report": json.loads(as_json(report))}))
        else:
            for line in (*(plan_lines(plan.view()) if planned else ()), *summary_lines(report, path)):
                print(line)
        return EXIT_CODES[report.outcome]


def unfinished(paths: Paths, group: str | None) -> Record | None:
    """The newest run of a group that never ended; of any group when none is named."""
    found = (record for record in records(paths.journal_dir) if record.is_unfinished)
    return next((record for record in found if group is None or record.plan.group == group), None)


def _status(args: argparse.Namespace, paths: Paths) -> int:
    """The last runs, the unfinished ones first."""
    known = [record for record in records(paths.journal_dir) if args.group in {None, record.plan.group}]
    known.sort(key=lambda record: not record.is_unfinished)
    for record in known:
        if args.json:
            print(json.dumps(_as_dict(record)))
            continue
        state = record.outcome or "UNFINISHED"
        print(f"{record.begun_at:%Y-%m-%d %H:%M} UTC  {state}  {record.plan.title} (group {record.plan.group})")
        if record.is_unfinished:
            print(f"    begun: {', '.join(f'{step} ({how})' for step, how in record.steps.items())}")
            print(f"    dfly-tui failover resume --group {record.plan.group}")
    if not known and not args.json:
        print("no change of roles is known on this machine")
    return ExitCode.INCOMPLETE if any(record.is_unfinished for record in known) else ExitCode.DONE


def _as_dict(record: Record) -> dict[str, object]:
    return {
        "run": record.plan.id,
        "group": record.plan.group,
        "kind": record.plan.kind,
        "title": record.plan.title,
        "begun_at": record.begun_at.isoformat(),
        "ended_at": record.ended_at.isoformat() if record.ended_at else None,
        "outcome": record.outcome,
        "unfinished": record.is_unfinished,
        "steps": record.steps,
    }
