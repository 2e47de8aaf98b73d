"""`dfly-tui backup run` and `install-timer`: what a timer runs, and the timer."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from dfly_tui.cli.backup_acts import verify_each
from dfly_tui.cli.backup_chosen import Lying
from dfly_tui.cli.backup_session import Session, complain, worst
from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import EXIT_CODES, talk
from dfly_tui.errors import BadInput, DflyError, Refused, StoreFailed
from dfly_tui.models.backup_view import merged
from dfly_tui.models.operation import Outcome
from dfly_tui.models.replication import Role
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.look import look_at
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.prune import prune
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.operations.backup.schedule import resume
from dfly_tui.operations.backup.timer import Timer, UnitFile, calendar_of, differences
from dfly_tui.paths import Paths, home_folder
from dfly_tui.settings_load import config_path
from dfly_tui.text import safe

GOES_ON = frozenset({Outcome.DONE, Outcome.PLANNED})


async def timed(session: Session) -> int:
    """Back up one instance after the other, verify, try and prune; the exit code is the worst."""
    names, codes = [session.config(name).name for name in session.args.names], {}
    for name in dict.fromkeys(names):
        try:
            codes[name] = await _one(session, name)
        except DflyError as error:
            codes[name] = complain(error, safe(name))
        except OSError as error:
            talk(f"dfly-tui: {safe(name)}: {error}")
            codes[name] = ExitCode.FAILED
        if session.stop.is_set():
            break
    code = worst(codes.values())
    if session.args.json:
        told = [{"instance": name, "code": int(each)} for name, each in codes.items()]
        print(json.dumps({"schema": 1, "instances": told, "code": int(code)}))
    return code


async def _one(session: Session, name: str) -> int:
    """Nothing is removed unless the new backup is whole, was copied and could be read."""
    args, codes = session.args, []
    async with session.scene(name) as scene:
        if scene.pauses.over([name], session.clock.now()):
            codes.append(EXIT_CODES[await session.follow(scene, await resume(scene.scheduling()))])
        if leader := await _leader(session, scene):
            talk(f"  {safe(name)} is a replica: {safe(leader)} is backed up instead")
            return worst(codes)
    async with session.scene(name) as scene:
        plan = await backup(scene, args.why)
        outcome = await session.follow(scene, plan)
        codes.append(EXIT_CODES[outcome])
        if outcome is Outcome.DONE:
            codes.append(await _verified(session, scene, plan.facts["base"]))
    if outcome not in GOES_ON or codes[-1] != ExitCode.DONE:
        if not args.no_prune:
            talk("  nothing is removed: that waits for a backup that is good everywhere")
        return worst(codes)
    if args.drill:
        codes.append(await _drilled(session, name))
    if not args.no_prune:
        async with session.scene(name) as scene:
            codes.append(EXIT_CODES[await session.follow(scene, await prune(scene.pruning()))])
    return worst(codes)


async def _leader(session: Session, scene: Backups) -> str:
    """Who of those that were named holds the same data and leads; empty for an instance that is no replica."""
    config, seen = scene.access.configs[scene.name], (await scene.access.look_at(scene.name)).snapshot
    if seen is None or seen.role is not Role.REPLICA or config.group is None:
        return ""
    for name in session.args.names:
        if name != scene.name and name in scene.access.configs:
            other = (await scene.access.look_at(name)).snapshot
            if other is not None and other.role is Role.PRIMARY:
                return str(name)
    return ""


async def _verified(session: Session, scene: Backups, base: str) -> int:
    """Read the new set wherever it lies."""
    look = await look_at(scene)
    sets = [Lying(each, place) for each in merged(look.stores, look.records) if each.base == base
            for place in each.places]  # fmt: skip
    if not sets:
        talk("  it is not verified: nobody here can look at its files")
        return ExitCode.INCOMPLETE
    proofs, lost = await verify_each(session, scene, sets)
    for each, proof in proofs:
        talk(f"  {'ok ' if proof.ok else 'BAD'}  {each.shown} from {safe(proof.store)}: {proof.text}")
    for line in lost:
        talk(f"  BAD  {line}")
    return ExitCode.DONE if not lost and all(proof.ok for _, proof in proofs) else ExitCode.FAILED


async def _drilled(session: Session, name: str) -> int:
    """Try to restore the newest, when that was last proven too long ago."""
    async with session.scene(name) as scene:
        if not drill_is_due(scene):
            return ExitCode.DONE
        look = await look_at(scene)
        newest = next((each for each in merged(look.stores, look.records) if each.is_complete), None)
        if newest is None:  # a dry run on an instance that was never backed up
            return ExitCode.DONE
        chosen = await scene.chosen(newest.base, kind=newest.format)
        return EXIT_CODES[await session.follow(scene, await drill(scene, chosen))]


def drill_is_due(scene: Backups) -> bool:
    """Whether no restore was proven for `drill_days`."""
    proven = [record.proven_at for record in scene.catalogue.records() if record.proven_at is not None]
    last = max(proven, default=None)
    seconds = scene.settings.drill_days * 86_400
    return last is None or (scene.access.clock.now() - last).total_seconds() >= seconds


async def installed(session: Session) -> int:
    """Show the units, or write them."""
    args, defaults = session.args, session.settings.defaults
    for name in args.names:
        session.config(name)
    timer = Timer(
        program(args.environ), tuple(args.names), args.on_calendar or calendar_of(args.cron), system=args.system,
        config=_config(session),
    )  # fmt: skip
    folder = timer.folder(home_folder(args.environ))
    if args.write and defaults.read_only:
        raise Refused("the whole program is read-only", "start it without --read-only and read_only in [defaults]")
    files, written = timer.files(folder), None
    if args.write and not defaults.dry_run:
        try:
            written = timer.write(folder)
        except OSError as error:
            raise StoreFailed(f"the units could not be written: {error}", "run it as root for --system") from error
    crontab = "" if args.on_calendar else timer.crontab(args.cron)
    if args.json:
        print(json.dumps({
            "schema": 1, "written": [str(path) for path in written or ()],
            "files": [{"path": str(file.path), "state": file.state, "text": file.text} for file in files],
            "commands": timer.commands, "crontab": crontab or None,
        }, indent=2))  # fmt: skip
        return ExitCode.DONE
    if written is None:
        _show(files)
    else:
        print("\n".join(f"written: {path}" for path in written) or "both are as they should be")
    print("\n".join(f"  {command}" for command in timer.commands))
    if crontab:
        print(f"# without systemd, a line of a crontab:\n  {crontab}")
    return ExitCode.DONE


def _show(files: tuple[UnitFile, ...]) -> None:
    """What would be written."""
    for file in files:
        print(f"# {safe(str(file.path), limit=300)} ({file.state})")
        print("\n".join(differences(file)) if file.state in {"changed", "foreign"} else file.text)
    print("# nothing was written: --write does; then:")


def _config(session: Session) -> Path | None:
    """The configuration file, where a timer would not find it by itself: root has another home."""
    if session.args.url is not None:
        raise BadInput("a timer runs what is configured", "write the instance into the configuration, and name it")
    environ = session.args.environ
    file = config_path(session.args.config, environ).absolute()
    usual = home_folder(environ) / ".config" / "dfly-tui" / Paths.from_env(environ).config_file.name
    return None if file == usual and not session.args.system else file


def program(environ: Mapping[str, str]) -> Path:
    """Where this program is, for a unit; raises `BadInput`."""
    which = shutil.which("dfly-tui", path=environ.get("PATH"))
    own = Path(sys.argv[0]) if Path(sys.argv[0]).name == "dfly-tui" else None
    for each in (own, Path(sys.executable).with_name("dfly-tui"), Path(which) if which else None):
        if each is not None and each.is_file():
            return each.absolute()
    raise BadInput("nobody knows where dfly-tui is installed", "install it, and run it by its name")
