"""`dfly-tui backup …`: backups without a screen; the same plans, checks and promises as on it."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from dfly_tui.cli.plan_run import add_answer_options
from dfly_tui.errors import Refused
from dfly_tui.models.snapshots import SnapshotFormat


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "backup",
        help="snapshots: saved, copied, verified, kept, tried and restored",
        description="Backups of an instance. Exit codes: 0 done, 1 failed, 2 usage, 3 blocked by a check, 4 declined, "
        "5 outcome unknown, 6 done but something is left to do. See docs/backups.md.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    _add_looking(actions)
    _add_saving(actions)
    _add_restoring(actions)
    _add_timing(actions)
    parser.set_defaults(run=run)


def _action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, words: str
) -> argparse.ArgumentParser:
    action = actions.add_parser(name, help=words, description=words)
    action.add_argument("--json", action="store_true", help="JSON on stdout")
    return action


def _instance(action: argparse.ArgumentParser) -> None:
    action.add_argument("name", metavar="INSTANCE", help="which instance")


def _set(action: argparse.ArgumentParser, *, optional: bool, every: bool = False) -> None:
    what = "which set, as `list` names it" + (" (default: the newest whole one)" if optional else "")
    which = action.add_mutually_exclusive_group() if optional else action
    which.add_argument("base", metavar="SET", nargs="?" if optional else None, help=what)
    if optional:
        which.add_argument("--newest", action="store_true", help="the newest whole one, as without a SET")
    if every:
        which.add_argument("--all", action="store_true", help="every set, wherever it lies")
    action.add_argument("--store", metavar="NAME", help="in which store; `instance` is the server's own folder")
    action.add_argument("--format", choices=[each.value for each in SnapshotFormat], help="where there are two")


def _add_looking(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    listing = _action(actions, "list", "what there is, how old, how good, and what becomes of it")
    listing.add_argument("names", metavar="INSTANCE", nargs="*", help="default: all that are backed up")
    verify = _action(actions, "verify", "read a set to its end and compare it with what was recorded")
    _instance(verify)
    _set(verify, optional=True, every=True)
    for name, words in (("pin", "keep a set whatever retention says"), ("unpin", "let retention have it again")):
        action = _action(actions, name, words)
        _instance(action)
        _set(action, optional=False)
        if name == "pin":
            action.add_argument("--why", metavar="TEXT", required=True, help="kept with it")


def _add_saving(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    now = _action(actions, "now", "save, prove, record and copy")
    _instance(now)
    now.add_argument("--why", metavar="TEXT", default="", help="kept with it")
    now.add_argument("--format", choices=[each.value for each in SnapshotFormat], help="default: the server's own")
    now.add_argument("--no-copy", action="store_true", help="leave it with the instance")
    copy = _action(actions, "copy", "copy a set that is there to another store")
    _instance(copy)
    _set(copy, optional=True)
    copy.add_argument("--to", metavar="STORE", action="append", required=True, help="may be repeated")
    prune = _action(actions, "prune", "remove what retention no longer wants; a reason for every set")
    prune.add_argument("names", metavar="INSTANCE", nargs="+", help="one after the other")
    for action in (now, copy, prune):
        add_answer_options(action)


def _add_restoring(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    drill = _action(actions, "drill", "prove that a set can be restored, in a throw-away server")
    restore = _action(actions, "restore", "replace what an instance holds by a set, with a way back until the end")
    for action in (drill, restore):
        _instance(action)
        _set(action, optional=action is drill)
        add_answer_options(action)
    restore.add_argument("--skip-drill", action="store_true", help="although it was not tried lately")
    resume = _action(actions, "resume", "finish, or take back, a restore that was cut off")
    _instance(resume)
    add_answer_options(resume)


def _add_timing(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    schedule = _action(actions, "schedule", "when the server saves by itself: shown, set, paused, resumed")
    _instance(schedule)
    schedule.add_argument("what", choices=("show", "set", "pause", "resume"), nargs="?", default="show")
    schedule.add_argument("value", nargs="?", help="set: five fields, '0 2 * * *', or '' for none; pause: 90m, 12h, 3d")
    add_answer_options(schedule)
    timed = _action(
        actions,
        "run",
        "what a timer runs: end pauses that are over, back up, verify, prune; --drill tries the newest, too",
    )
    timed.add_argument("names", metavar="INSTANCE", nargs="+", help="one after the other")
    timed.add_argument("--why", metavar="TEXT", default="timer", help="kept with it (timer)")
    timed.add_argument("--drill", action="store_true", help="try a restore when the last one is older than drill_days")
    timed.add_argument("--no-prune", action="store_true", help="remove nothing")
    add_answer_options(timed)
    install = _action(actions, "install-timer", "units for systemd that run `backup run`; shown, not written")
    install.add_argument("names", metavar="INSTANCE", nargs="+")
    when = install.add_mutually_exclusive_group()
    when.add_argument("--cron", metavar="CRON", default="30 2 * * *", help="when: five fields (30 2 * * *)")
    when.add_argument("--on-calendar", metavar="WHEN", help="when, as systemd takes it, instead")
    whose = install.add_mutually_exclusive_group()
    whose.add_argument("--user", action="store_true", help="for you (so it is without an option)")
    whose.add_argument("--system", action="store_true", help="for the machine rather than for you")
    install.add_argument("--write", action="store_true", help="write them; nothing is enabled by that")


def run(args: argparse.Namespace) -> int:
    """Run one action; returns the exit code."""
    from dfly_tui.cli import backup_acts, backup_timer
    from dfly_tui.cli.backup_list import listed
    from dfly_tui.cli.backup_session import Session
    from dfly_tui.cli.failover import refused

    session = Session(args)
    acts: dict[str, Callable[[], Awaitable[int]]] = {
        "list": lambda: listed(session, args.names),
        "verify": lambda: backup_acts.verified(session),
        "pin": lambda: backup_acts.pinned(session, args.why),
        "unpin": lambda: backup_acts.pinned(session, None),
        "run": lambda: backup_timer.timed(session),
        "install-timer": lambda: backup_timer.installed(session),
        "schedule": lambda: backup_acts.scheduled(session),
    }

    async def act() -> int:
        return await acts.get(args.action, lambda: backup_acts.changed(session))()

    try:
        return asyncio.run(act())
    except Refused as error:
        return refused(error, as_json=args.json)
