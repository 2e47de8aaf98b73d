"""Which sets an action of `dfly-tui backup` is about, and where they lie."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dfly_tui.cli.backup_session import Session
from dfly_tui.errors import BadInput
from dfly_tui.models.backup_view import BackupsSeen, Place, SetView, merged
from dfly_tui.models.snapshots import SnapshotFormat
from dfly_tui.operations.backup.chosen import Chosen
from dfly_tui.operations.backup.look import look_at
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.text import safe


class Lying(NamedTuple):
    """A set in one store."""

    each: SetView
    place: Place


class Found(NamedTuple):
    """What is to be read.

    Attributes:
        sets: Each in every store it lies in.
        lost: Why there is more that cannot be read, each in a sentence.
    """

    sets: tuple[Lying, ...]
    lost: tuple[str, ...] = ()


def kind_of(session: Session) -> SnapshotFormat | None:
    """The format that was named."""
    return SnapshotFormat(session.args.format) if session.args.format else None


async def chosen(session: Session, scene: Backups, *, readable: bool = True) -> Chosen:
    """The set that was named, or the newest whole one; raises `DflyError`."""
    args = session.args
    if args.base is not None:
        return await scene.chosen(args.base, args.store, kind_of(session), readable=readable)
    look = await look_at(scene)
    newest = _newest(session, scene, merged(look.stores, look.records))
    return await scene.chosen(newest.each.base, newest.place.store, newest.each.format, readable=readable)


def _newest(session: Session, scene: Backups, sets: Sequence[SetView]) -> Lying:
    """By when the save began: a copy that was made today of an old set is old."""
    args, kind = session.args, kind_of(session)
    if args.store is not None:
        scene.store(args.store)
    found = next(
        (
            Lying(each, place)
            for each in sets
            for place in each.places
            if not place.problems and args.store in {None, place.store} and kind in {None, each.format}
        ),
        None,
    )
    if found is None:
        where = f" in {safe(args.store)}" if args.store is not None else ""
        raise BadInput(f"there is no whole set of {safe(scene.name)}{where}", f"dfly-tui backup now {safe(scene.name)}")
    return found


async def found(session: Session, scene: Backups) -> Found:
    """What is to be verified: one set or all, in every store or in the one that was named; raises `DflyError`."""
    args, look = session.args, await look_at(scene)
    sets = merged(look.stores, look.records)
    if not args.all and args.base is None:
        sets = (_newest(session, scene, sets).each,)
    elif not args.all:
        kind = kind_of(session)
        sets = tuple(each for each in sets if each.base == args.base and kind in {None, each.format})
    since = await _saving_since(scene, look.at)
    lying = tuple(
        Lying(each, place)
        for each in sets
        for place in each.places
        if args.store in {None, place.store} and (since is None or place.found.written_at < since)
    )
    lost = (*_gone(sets, look), *_unseen(look, args.store)) if args.all else _unseen(look, args.store)
    if not lying and not lost and not args.all:
        await scene.chosen(args.base or "", args.store, kind_of(session), readable=False)  # says why there is none
    return Found(lying, lost)


async def _saving_since(scene: Backups, now: datetime) -> datetime | None:
    """What is written now is not whole yet, and not to be called damaged."""
    seen = (await scene.access.look_at(scene.name)).snapshot
    if seen is None or not seen.persistence.saving:
        return None
    return now - timedelta(seconds=(seen.persistence.save_seconds or 0) + 1)


def _gone(sets: Sequence[SetView], look: BackupsSeen) -> tuple[str, ...]:
    """Sets of which there is a record and nothing else, as far as all stores tell."""
    if any(store.files is None for store in look.stores):
        return ()
    return tuple(f"{each.shown}: it is recorded, and its files are gone" for each in sets if not each.places)


def _unseen(look: BackupsSeen, wanted: str | None) -> tuple[str, ...]:
    return tuple(
        f"{safe(store.name)}: {store.problem}"
        for store in look.stores
        if store.files is None and wanted in {None, store.name}
    )
