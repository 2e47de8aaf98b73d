"""What retention no longer wants is removed: whole sets from wherever they lie, and what saves left that did not end.

Nothing goes the first time it is not wanted: that is written down, and it goes when the delay is over and it is still
not wanted. Of a set the file goes first that a server looks for, so that never half a set looks whole.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import NamedTuple

from dfly_tui.clients.stores.listed import listed
from dfly_tui.clients.stores.port import Store
from dfly_tui.errors import DflyError, OutcomeUnknown, Refused, StoreFailed
from dfly_tui.models.backup import BackupRecord, FileSum
from dfly_tui.models.backup_alerts import sets_of
from dfly_tui.models.backup_view import BackupsSeen, SetView, StoreSeen
from dfly_tui.models.operation import Finding, blocked, passed, warned
from dfly_tui.models.retention import Decision, Key, Leftover, decide, leftovers
from dfly_tui.models.server_zone import zone_of
from dfly_tui.models.snapshots import MANIFEST, SnapshotFile, is_looked_for
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.plan import Act, Check, Confirm, Plan, Step
from dfly_tui.settings_backup import BackupSettings
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

MOST_NAMED = 12
"""Sets in the question; all of them are in the check."""


@dataclass(frozen=True)
class Pruning:
    """An instance whose backups are looked through.

    Attributes:
        stores: The server's own first; closed by whoever opened them.
        records: Reads the catalogue.
        keep: Writes one record into it; raises OSError or DflyError.
        here: The zone of this machine.
    """

    access: Access
    name: str
    settings: BackupSettings
    plan_id: str
    stores: tuple[Store, ...]
    records: Callable[[], Sequence[BackupRecord]]
    keep: Callable[[BackupRecord], None]
    here: tzinfo = UTC

    def store(self, name: str) -> Store:
        """One that was looked into."""
        return next(store for store in self.stores if store.name == name)


class Look(NamedTuple):
    """What there is and what becomes of it.

    Attributes:
        manifests: Files that explain a copy, by store.
        answers: Whether the server told if it is saving.
    """

    at: datetime
    sets: dict[Key, SetView]
    decisions: tuple[Decision, ...]
    leftovers: tuple[Leftover, ...]
    stores: tuple[StoreSeen, ...]
    manifests: dict[str, frozenset[str]]
    answers: bool

    @property
    def due(self) -> tuple[Decision, ...]:
        """What is to be removed now."""
        return tuple(each for each in self.decisions if each.is_due(self.at))

    @property
    def due_leftovers(self) -> tuple[Leftover, ...]:
        return tuple(each for each in self.leftovers if each.goes_at <= self.at)


async def look(scene: Pruning) -> Look:
    """Look into all stores and decide. What cannot be read is left alone; raises OSError or DflyError of `records`."""
    reading = asyncio.gather(*map(listed, scene.stores))
    seen, stores = await scene.access.look_at(scene.name), await reading
    now = scene.access.clock.now()
    kept = seen.snapshot.persistence if seen.snapshot is not None else None
    since = now - timedelta(seconds=kept.save_seconds or 0) if kept is not None and kept.saving else None
    zone = zone_of(kept.last_snapshot_file, kept.last_snapshot_at, scene.here).zone if kept is not None else scene.here
    lying = BackupsSeen(at=now, stores=tuple(stores), records=tuple(scene.records()))
    sets = sets_of(lying)
    return Look(
        at=now,
        sets={each.key: each for each in sets},
        decisions=decide(
            sets, scene.settings, now=now, zone=zone, saving_since=since,
            unreadable={store.name for store in stores if store.files is None},
        ),
        leftovers=leftovers(stores, now=now, saving_since=since),
        stores=tuple(stores),
        manifests={
            store.name: frozenset(file.name for file in store.files or () if file.name.endswith(MANIFEST))
            for store in stores
        },
        answers=kept is not None,
    )  # fmt: skip


async def prune(scene: Pruning) -> Plan:
    """The plan that removes what is due, and writes down what is not wanted from now on.

    Raises:
        DflyError: The catalogue cannot be read.
    """
    seen = await look(scene)
    marks = tuple(_marks(seen))
    steps: list[Step] = [Check("sets", "what retention says of each set", partial(_check, scene, seen))]
    if seen.due or seen.due_leftovers or marks:
        steps.append(_question(scene, seen, len(marks)))
    if marks:
        steps.append(_mark(scene, marks))
    steps += [_removal(scene, seen, number, each) for number, each in enumerate(seen.due, start=1)]
    if seen.due_leftovers:
        steps.append(_tidying(scene, seen.due_leftovers))
    return Plan(
        id=scene.plan_id,
        kind="prune",
        title=f"remove old backups of {safe(scene.name)}",
        group=f"backups of {scene.name}",
        steps=tuple(steps),
        facts={"instance": scene.name},
        look_with=(f"dfly-tui backup list {safe(scene.name)}",),
        committed=True,
    )


async def _check(scene: Pruning, planned: Look) -> Sequence[Finding]:
    """What becomes of each set; blocks when something was to be removed that is wanted by now."""
    now = await look(scene)
    found = [_said(each, now.at) for each in now.decisions]
    found += [
        warned(
            f"store-{store.name}", f"store {safe(store.name)}", store.problem, advice="what lies there is left alone"
        )
        for store in now.stores
        if store.files is None
    ]
    if not now.answers:
        found.append(
            warned("server", f"whether {safe(scene.name)} is saving", "not known", advice="what is young is left alone")
        )
    due = {each.key for each in now.due}
    wanted = {each.key: each.why for each in now.decisions if each.keep}
    found += [
        blocked("wanted", safe(each.base, limit=120), wanted.get(each.key, "gone"), "not wanted", "make the plan anew")
        for each in planned.due
        if each.key not in due
    ]
    return found


def _said(each: Decision, now: datetime) -> Finding:
    if each.keep:
        return passed("kept", safe(each.base, limit=120), f"stays: {each.why}")
    when = "now" if each.is_due(now) else f"on {each.goes_at:%Y-%m-%d %H:%M} UTC"
    return passed("goes", safe(each.base, limit=120), f"goes {when}: {each.why}")


def _question(scene: Pruning, seen: Look, marks: int) -> Confirm:
    due = [seen.sets[each.key] for each in seen.due]
    lines = [f"{each.shown}: {bytes_text(_bytes(each))} in {', '.join(each.stores) or 'no store'}" for each in due]
    rest = [f"and {len(lines) - MOST_NAMED} more"] if len(lines) > MOST_NAMED else []
    total = sum(map(_bytes, due)) + sum(each.file.size_bytes for each in seen.due_leftovers)
    said = [*lines[:MOST_NAMED], *rest]
    if seen.due_leftovers:
        said.append(f"{len(seen.due_leftovers)} files of saves and copies that did not end")
    if said:
        said.append(f"{bytes_text(total)} are removed for good. {_kept(seen)} sets stay.")
    if marks:
        said.append(f"What is not wanted is written down of {marks} sets; that removes nothing yet.")
    return Confirm(
        id="confirm",
        title=f"Remove {len(due)} backups of {safe(scene.name)}",
        consequence="\n".join(said),
        level=scene.access.level(scene.name, grave=bool(due)),
        token=scene.name,
    )


def _kept(seen: Look) -> int:
    return len(seen.decisions) - len(seen.due)


def _bytes(each: SetView) -> int:
    return sum(place.found.size_bytes for place in each.places)


def _marks(seen: Look) -> Iterable[tuple[Key, datetime | None]]:
    """Sets whose record says something else of them than was decided."""
    for each in seen.decisions:
        record = seen.sets[each.key].record
        if (record.expired_at if record is not None else None) != each.expired_at:
            yield each.key, each.expired_at


def _mark(scene: Pruning, marks: Sequence[tuple[Key, datetime | None]]) -> Act:
    async def run(hands: Hands) -> str:
        sets = (await look(scene)).sets
        there = [(sets[key], expired_at) for key, expired_at in marks if key in sets]
        for each, expired_at in there:
            _write(scene, _record_of(scene, each).model_copy(update={"expired_at": expired_at}))
        return f"written down of {len(there)} sets"

    return Act(
        id="mark", title="write down what is not wanted from now on, and what is again", target=scene.name,
        commands=(), run=run, left_to_do="run it again: nothing was removed that was not due",
    )  # fmt: skip


def _record_of(scene: Pruning, each: SetView) -> BackupRecord:
    """What is recorded of a set as it is now; one that the server made by itself gets a record."""
    for record in scene.records():
        if (record.base, record.format) == each.key and record.removed_at is None:
            return record
    files = {file.name: file.size_bytes for place in each.places for file in place.found.files}
    return BackupRecord(
        instance=scene.name,
        base=each.base,
        format=each.format,
        began_at=each.written_at,
        files=tuple(FileSum(name=name, size_bytes=size) for name, size in sorted(files.items())),
        who="cron",
    )


def _write(scene: Pruning, record: BackupRecord) -> None:
    try:
        scene.keep(record)
    except OSError as error:
        raise StoreFailed(f"the catalogue could not be written: {error}") from error


class _Doomed(NamedTuple):
    """A file that goes, as it was seen; a manifest has no look."""

    store: Store
    name: str
    seen: SnapshotFile | None


def _doomed(scene: Pruning, seen: Look, each: SetView) -> tuple[_Doomed, ...]:
    """In the order in which they go: in each store first what makes it look whole, last what explains it."""
    found, stores = [], {store.name: store for store in scene.stores}
    for place in each.places:
        store = stores.get(place.store)
        if store is None:  # it is not configured any more
            continue
        files = sorted(place.found.files, key=lambda file: (not is_looked_for(file.name), file.name))
        found += [_Doomed(store, file.name, file) for file in files]
        manifest = each.base + MANIFEST
        if manifest in seen.manifests[place.store] and not _shares_name(seen, each):
            found.append(_Doomed(store, manifest, None))
    return tuple(dict.fromkeys(found))


def _shares_name(seen: Look, each: SetView) -> bool:
    """Whether another set of this name stays, in the other format, which the manifest may be about."""
    return sum(key[0] == each.base for key in seen.sets) > 1


def _removal(scene: Pruning, seen: Look, number: int, decision: Decision) -> Act:
    each = seen.sets[decision.key]
    files = _doomed(scene, seen, each)

    async def run(hands: Hands) -> str:
        await _remove(files)
        record = _record_of(scene, each)
        _write(scene, record.model_copy(update={"removed_at": scene.access.clock.now()}))
        known = {store.name for store in scene.stores}
        others = sorted({copy.store for copy in record.copies} - known)
        stays = f"; its copy in {', '.join(map(safe, others))} stays, which is not configured" if others else ""
        return f"{len(files)} files, {bytes_text(_bytes(each))}: {decision.why}{stays}"

    async def holds() -> bool | None:
        # Without files there is still the record to be closed.
        return bool(files) and await _are_gone(files)

    return Act(
        id=f"remove-{number}", title=f"remove {each.shown}", target=scene.name,
        commands=tuple(file.store.remove_text(file.name) for file in files), run=run, holds=holds,
        left_to_do=f"{each.shown} is still there, or half of it: run it again when the store answers",
    )  # fmt: skip


def _tidying(scene: Pruning, due: Sequence[Leftover]) -> Act:
    files = tuple(_Doomed(scene.store(each.store), each.file.name, each.file) for each in due)

    async def run(hands: Hands) -> str:
        await _remove(files)
        return f"{len(files)} files, {bytes_text(sum(each.file.size_bytes for each in due))}"

    async def holds() -> bool | None:
        return await _are_gone(files)

    return Act(
        id="leftovers", title="remove what saves and copies left that did not end", target=scene.name,
        commands=tuple(file.store.remove_text(file.name) for file in files), run=run, holds=holds,
        left_to_do="files of saves that did not end are still there: run it again when the store answers",
    )  # fmt: skip


async def _remove(files: Sequence[_Doomed]) -> None:
    """Remove files one after the other.

    Raises:
        Refused: One of them was written anew since it was looked at; nothing was removed.
        StoreFailed: Not all of them went; it says how many did.
        OutcomeUnknown: Nobody knows of one of them.
    """
    await _require_unchanged(files)
    for gone, file in enumerate(files):
        try:
            await file.store.remove(file.name)
        except OutcomeUnknown:
            raise
        except DflyError as error:
            raise StoreFailed(f"{gone} of {len(files)} files are removed, then: {error.detail}", error.hint) from error


async def _require_unchanged(files: Sequence[_Doomed]) -> None:
    for store in {file.store.name: file.store for file in files}.values():
        now = {file.name: file for file in await store.files()}
        for file in files:
            if file.store is store and file.seen is not None and now.get(file.name, file.seen) != file.seen:
                raise Refused(f"{safe(file.name, limit=120)} was written anew: nothing was removed", "look again")


async def _are_gone(files: Sequence[_Doomed]) -> bool:
    for store in {file.store.name: file.store for file in files}.values():
        there = {file.name for file in await store.files()}
        if any(file.store is store and file.name in there for file in files):
            return False
    return True
