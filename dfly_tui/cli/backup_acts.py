"""The actions of `dfly-tui backup` on one instance."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from dfly_tui.cli.backup_chosen import Lying, chosen, found, kind_of
from dfly_tui.cli.backup_report import verify_report
from dfly_tui.cli.backup_session import Make, Session, complain, worst
from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import EXIT_CODES, talk
from dfly_tui.errors import BadInput, DflyError, Refused, StoreFailed
from dfly_tui.models.backup import Proof
from dfly_tui.models.backup_alerts import cron_of
from dfly_tui.models.backup_shown import RUNS, schedule_words
from dfly_tui.models.backup_view import SetView
from dfly_tui.models.operation import Outcome
from dfly_tui.models.server_zone import zone_of
from dfly_tui.operations.backup.copy import copy
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.prune import prune
from dfly_tui.operations.backup.restore import Wish, restore
from dfly_tui.operations.backup.restore_resume import finish, situation, take_back
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.operations.backup.schedule import pause, resume, schedule
from dfly_tui.operations.backup.verify import verify
from dfly_tui.operations.journal import close_record, records
from dfly_tui.operations.plan import Plan
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

MOST_WHY = 200
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


async def changed(session: Session) -> int:
    """`now`, `copy`, `prune`, `drill`, `restore`, `resume`: make the plan and run it."""
    args = session.args
    if args.action == "resume":
        return await _resumed(session)
    if args.action == "prune":
        names = [session.config(name).name for name in args.names]
        return worst([await _pruned(session, name) for name in dict.fromkeys(names)])

    async def make(scene: Backups) -> Plan:
        match args.action:
            case "now":
                return await backup(scene, args.why, kind=kind_of(session), copies=not args.no_copy)
            case "copy":
                return await copy(scene, await chosen(session, scene, readable=False), args.to)
            case "drill":
                return await drill(scene, await chosen(session, scene))
        return await restore(scene, await chosen(session, scene), Wish(skip_drill=args.skip_drill))

    return EXIT_CODES[await session.run(args.name, make)]


async def _pruned(session: Session, name: str) -> int:
    """One of several: what goes wrong with it keeps none of the others."""
    try:
        return EXIT_CODES[await session.run(name, lambda scene: prune(scene.pruning()))]
    except DflyError as error:
        return complain(error, safe(name))


async def _resumed(session: Session) -> int:
    """Finish the newest restore of the instance that never ended, or take it back."""
    name = session.config(session.args.name).name
    record = next(
        (
            record
            for record in records(session.paths.backup_journal_dir)
            if record.is_unfinished and record.plan.kind == "restore" and record.plan.facts.get("instance") == name
        ),
        None,
    )
    if record is None:
        raise Refused(f"no restore of {safe(name)} was cut off", "there is nothing to do")
    async with session.scene(name) as scene:
        now = await situation(scene, record)
        talk(f"{record.plan.title}, begun {record.begun_at:%Y-%m-%d %H:%M} UTC: {now.text}")
        outcome = await session.follow(scene, await (finish if now.restored else take_back)(scene, record))
    if outcome in {Outcome.DONE, Outcome.INCOMPLETE}:
        close_record(record, Outcome.DONE if now.restored else Outcome.UNDONE, clock=session.clock)
    return EXIT_CODES[outcome]


async def verified(session: Session) -> int:
    """Read one set, or all; 1 when one of them is no good, or cannot be read."""
    async with session.scene(session.args.name) as scene:
        what = await found(session, scene)
        if session.settings.defaults.dry_run:
            for each, place in what.sets:
                print(f"planned: read {each.shown} in {safe(place.store)}, {bytes_text(place.found.size_bytes)}")
            return ExitCode.DONE
        proofs, lost = await verify_each(session, scene, what.sets)
    lost = (*lost, *what.lost)
    if session.args.json:
        print(verify_report(session.args.name, proofs, lost))
    else:
        for each, proof in proofs:
            print(f"{'ok ' if proof.ok else 'BAD'}  {each.shown} from {safe(proof.store)}: {proof.text}")
        for line in lost:
            print(f"BAD  {line}")
    return ExitCode.DONE if not lost and all(proof.ok for _, proof in proofs) else ExitCode.FAILED


async def verify_each(
    session: Session, scene: Backups, sets: Sequence[Lying]
) -> tuple[list[tuple[SetView, Proof]], tuple[str, ...]]:
    """Read them one after the other; what was found, and what could not be read."""
    proofs, lost = [], []
    for each, place in sets:
        name = f"{each.shown} in {safe(place.store)}"
        try:
            chosen = await scene.chosen(each.base, place.store, each.format, readable=False)
            proof = await verify(scene, chosen, partial(session.progress.tell_bytes, name))
            proofs.append((each, proof))
        except DflyError as error:
            lost.append(f"{name}: {error}")
        except OSError as error:
            raise StoreFailed(f"the catalogue could not be written: {error}", "is the disk full?") from error
        finally:
            session.progress.clear()
    return proofs, tuple(lost)


async def pinned(session: Session, why: str | None) -> int:
    """Keep a set whatever retention says, or no longer."""
    args, defaults = session.args, session.settings.defaults
    if defaults.read_only:
        raise Refused("the whole program is read-only", "start it without --read-only and read_only in [defaults]")
    if why is not None and not why.strip():
        raise BadInput("nobody would know why it is kept", "say it: --why 'before the upgrade'")
    kept = safe(why.strip(), limit=MOST_WHY) if why is not None else None
    async with session.scene(args.name) as scene:
        each = await chosen(session, scene, readable=False)
        if not defaults.dry_run:
            try:
                scene.pin(each.found, kept)
            except OSError as error:
                raise StoreFailed(f"the catalogue could not be written: {error}", "is the disk full?") from error
    outcome = Outcome.PLANNED if defaults.dry_run else Outcome.DONE
    if args.json:
        print(json.dumps({"outcome": outcome, "instance": args.name, "set": each.found.shown, "pinned": kept}))
    else:
        print(f"{outcome}: {each.found.shown} is {'kept' if why is not None else 'no longer kept'}")
    return ExitCode.DONE


async def scheduled(session: Session) -> int:
    """Show, set, pause or resume a schedule."""
    args = session.args
    if (args.value is None) is (args.what in {"set", "pause"}):
        raise BadInput(f"schedule {args.what} {'needs a value' if args.value is None else 'takes none'}",
                       "schedule NAME set '0 2 * * *'; schedule NAME pause 12h")  # fmt: skip
    makes: dict[str, Make] = {
        "set": lambda scene: schedule(scene.scheduling(), args.value),
        "pause": lambda scene: pause(
            scene.scheduling(), session.clock.now() + timedelta(seconds=seconds_of(args.value))
        ),
        "resume": lambda scene: resume(scene.scheduling()),
    }
    if args.what == "show":
        return await _shown(session)
    return EXIT_CODES[await session.run(args.name, makes[args.what])]


async def _shown(session: Session) -> int:
    """The schedule in words, and the next runs by both clocks."""
    args, now = session.args, session.clock.now()
    async with session.scene(args.name) as scene:
        seen, cron = await scene.access.reader(args.name).snapshot(), await scene.scheduling().now()
        paused = scene.pauses.of(args.name)
    kept = seen.persistence
    zone = zone_of(kept.last_snapshot_file, kept.last_snapshot_at, session.here)
    known = cron_of(cron)
    runs = known.next_runs(now, zone.zone, RUNS) if known is not None else ()
    remarks = known.remarks if known is not None else ()
    if args.json:
        print(json.dumps({
            "schema": 1, "instance": args.name, "cron": cron, "words": schedule_words(cron), "clock": zone.text,
            "next_runs": [run.isoformat() for run in runs], "remarks": list(remarks),
            "paused_until": paused.until.isoformat() if paused else None,
            "paused_cron": paused.cron if paused else None,
        }, indent=2))  # fmt: skip
        return ExitCode.DONE
    print(f"{safe(args.name)}: {safe(cron, limit=80) or 'no schedule'}: {safe(schedule_words(cron), limit=200)}")
    if paused is not None:
        print(f"paused until {paused.until:%Y-%m-%d %H:%M} UTC, then {schedule_words(paused.cron)}")
    for run in runs:
        local = run.astimezone(session.here)
        here = f" = {local:%a %H:%M} here" if local.utcoffset() != run.utcoffset() else ""
        print(f"  {run:%a %Y-%m-%d %H:%M} {run.tzname()}{here}")
    for remark in remarks:
        print(f"WARN {remark}")
    if runs:
        print(f"the server's clock: {zone.text}")
    return ExitCode.DONE


def seconds_of(text: str) -> float:
    """`90s`, `30m`, `12h`, `3d`; raises `BadInput`."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None or not int(match[1]):
        raise BadInput(f"{safe(text, limit=40)!r} is no time", "such as 30m, 12h, 3d")
    return float(int(match[1]) * _UNITS[match[2]])
