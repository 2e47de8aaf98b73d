"""One instance's backups as they are shown: files of every store and the records of them merged, and what follows.

Pure functions of what was read; the screen, the command line and the tests say the same of a set.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, ConfigDict

from dfly_tui.models.backup import BackupRecord, FileSum, Proof, ProofLevel
from dfly_tui.models.base import Frozen
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.replication import Role
from dfly_tui.models.snapshots import Encryption, SnapshotFile, SnapshotFormat, SnapshotSet, listing
from dfly_tui.models.verdict import Reason
from dfly_tui.text import safe

INSTANCE = "instance"
"""The store that is the server's own `dir`."""
LEVELS = (ProofLevel.RESTORED, ProofLevel.CHECKSUMS, ProofLevel.COMPLETE)


class StoreSeen(Frozen):
    """What lies in one store.

    Attributes:
        files: None when it could not be read.
        problem, advice: Why not, and what to do.
    """

    name: str
    address: str = ""
    files: tuple[SnapshotFile, ...] | None = None
    free_bytes: int | None = None
    total_bytes: int | None = None
    problem: str = ""
    advice: str = ""


class BackupsSeen(Frozen):
    """One look at an instance's backups.

    Attributes:
        stores: The server's own first.
        cron: `snapshot_cron`; empty when it does not save by itself, None when it was not told.
        dbfilename, folder: As the server is configured; None when it was not told.
        paused_until: When a paused schedule goes on; None when it is not paused.
        paused_cron: What it goes on with.
        unreadable: Records that could not be read, in words.
    """

    at: AwareDatetime
    stores: tuple[StoreSeen, ...] = ()
    records: tuple[BackupRecord, ...] = ()
    cron: str | None = None
    dbfilename: str | None = None
    folder: str | None = None
    paused_until: AwareDatetime | None = None
    paused_cron: str = ""
    unreadable: tuple[str, ...] = ()


class Expiry(NamedTuple):
    """What retention says of a set.

    Attributes:
        at: When it goes; None when it stays.
        why: In a few words: `last 7`, `pinned`, `no rule keeps it`.
    """

    at: datetime | None
    why: str


class Place(NamedTuple):
    """A set as it lies in one store."""

    store: str
    found: SnapshotSet
    problems: tuple[str, ...]


class SetView(Frozen):
    """A set wherever it lies, with what is recorded of it.

    Attributes:
        base: What its files are called, as it is; `safe()` before it is shown.
        places: Where it lies; empty when it is recorded and gone.
        written_at: When the save began where that is recorded, else when its last file was written.
        expiry: None where nobody knows, such as for a set whose server was not read.
    """

    base: str
    format: SnapshotFormat
    places: tuple[Place, ...]
    record: BackupRecord | None
    written_at: AwareDatetime
    expiry: Expiry | None = None

    @property
    def key(self) -> tuple[str, SnapshotFormat]:
        """Tells it from the others."""
        return self.base, self.format

    @property
    def shown(self) -> str:
        """For a line."""
        return safe(self.base, limit=120)

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it is of no use, where it is of none anywhere; empty when it lies whole in one place at least."""
        if any(not place.problems for place in self.places):
            return ()
        return next((place.problems for place in self.places), ("its files are gone",))

    @property
    def is_complete(self) -> bool:
        return not self.problems

    @property
    def size_bytes(self) -> int:
        """Of one copy of it that is not encrypted, where there is one."""
        plain = sorted(self.places, key=lambda place: place.found.encryption is not None)
        return plain[0].found.size_bytes if plain else self.record.size_bytes if self.record else 0

    @property
    def stores(self) -> tuple[str, ...]:
        """Where it lies."""
        return tuple(dict.fromkeys(place.store for place in self.places))

    @property
    def encryption(self) -> Encryption | None:
        """How the copies are encrypted, if one is."""
        return next((place.found.encryption for place in self.places if place.found.encryption), None)

    @property
    def proof(self) -> Proof | None:
        """The last try of the highest level; one that failed and still counts comes first."""
        if self.record is None:
            return None
        tried = [proof for level in LEVELS if (proof := self.record.last_proof(level)) is not None and proof.ok]
        return self.record.failure or next(iter(tried), None)

    @property
    def pinned(self) -> str | None:
        return self.record.pinned if self.record else None


class Standing(StrEnum):
    """What an instance is to backups."""

    OPEN = "open"
    """Its backups are its own."""
    PENDING = "pending"
    """Nothing was read yet."""
    REPLICA = "replica"
    """Its primary is backed up instead."""
    FOREIGN = "foreign"
    """No Dragonfly: shown, and left alone."""
    CLOSED = "closed"
    """Nobody can see its files."""


class Saving(NamedTuple):
    """A save that is running.

    Attributes:
        fraction: 0 to 1.
        seconds: Since it began.
        left_seconds: What it will still take at this pace.
        slowed: How much of the commands a second are missing since it began, 0 to 1; negative when there are more.
    """

    fraction: float | None
    keys: int | None
    total: int | None
    seconds: float | None
    left_seconds: float | None
    slowed: float | None


class InstanceBackups(Frozen):
    """All that a screen shows of an instance's backups.

    Attributes:
        why: Why it is not `open`, in words; or why a store could not be read.
        advice: What to do about that.
        cron: As it is set; None when it was not told.
        schedule: The same in words; empty when it is not known.
        paused_until: When a paused schedule goes on.
        next_runs: As the server's clock has them.
        zone: Of that clock, as far as it is known.
        last_at: When the last save that went well began.
        last_seconds: What it took.
        objective_seconds: The oldest the last snapshot may be.
        loss_seconds: Age of what a crash now would fall back to.
        restore_seconds: What the last restore that was proven took.
        sizes: Of whole sets, the oldest first.
        full_in_days: Until the disk is full at this pace; None when it is not filling, or nobody knows.
        is_odd: The last set is much smaller or larger than those before it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str
    standing: Standing = Standing.PENDING
    why: str = ""
    advice: str = ""
    cron: str | None = None
    schedule: str = ""
    paused_until: AwareDatetime | None = None
    next_runs: tuple[AwareDatetime, ...] = ()
    zone: tzinfo = UTC
    last_at: AwareDatetime | None = None
    last_seconds: float | None = None
    objective_seconds: float | None = None
    loss_seconds: float | None = None
    restore_seconds: float | None = None
    proven_at: AwareDatetime | None = None
    saving: Saving | None = None
    sets: tuple[SetView, ...] = ()
    leftovers: tuple[tuple[str, SnapshotFile], ...] = ()
    stores: tuple[StoreSeen, ...] = ()
    sizes: tuple[int, ...] = ()
    full_in_days: float | None = None
    free_bytes: int | None = None
    alerts: tuple[Reason, ...] = ()

    @property
    def objective_used(self) -> float | None:
        """Age of the last snapshot as a part of what is allowed."""
        if self.loss_seconds is None or not self.objective_seconds:
            return None
        return self.loss_seconds / self.objective_seconds


def merged(
    stores: Iterable[StoreSeen], records: Iterable[BackupRecord], expiries: Mapping[str, Expiry] | None = None
) -> tuple[SetView, ...]:
    """Every set that lies somewhere, and every record of one that was not removed on purpose; the newest first."""
    places: dict[tuple[str, SnapshotFormat], list[Place]] = {}
    kept = {(record.base, record.format): record for record in records if record.removed_at is None}
    for store in stores:
        for found in listing(store.files or ()).sets:
            key = found.base, found.format
            problems = (*found.problems, *_missing(found, kept.get(key), store.name))
            places.setdefault(key, []).append(Place(store.name, found, problems))
    sets = [
        SetView(
            base=key[0],
            format=key[1],
            places=tuple(lying := places.get(key, [])),
            record=(record := kept.get(key)),
            written_at=record.began_at if record else min(place.found.written_at for place in lying),
            expiry=(expiries or {}).get(key[0]),
        )
        for key in {**dict.fromkeys(places), **dict.fromkeys(kept)}
    ]
    return tuple(sorted(sets, key=lambda each: (each.written_at, each.base), reverse=True))


def _missing(found: SnapshotSet, record: BackupRecord | None, store: str) -> Iterable[str]:
    """Files that were recorded of a set in a store and are not as they were recorded."""
    gone = files_gone(found, record, store)
    if gone:
        yield gone
    files, sizes = _recorded(record, store), {file.name: file.size_bytes for file in found.files}
    changed = [file for file in files if sizes.get(file.name, file.size_bytes) != file.size_bytes]
    if changed:
        yield f"{safe(changed[0].name, limit=80)} has another size than was recorded"


def files_gone(found: SnapshotSet, record: BackupRecord | None, store: str) -> str:
    """Which files were recorded of a set in a store and are not there, in words; empty when none.

    By their names alone, a set that lost its last shard looks whole.
    """
    files, there = _recorded(record, store), {file.name for file in found.files}
    gone = [file for file in files if file.name not in there]
    return f"{len(gone)} of {len(files)} files are gone: {safe(gone[0].name, limit=80)}" if gone else ""


def _recorded(record: BackupRecord | None, store: str) -> tuple[FileSum, ...]:
    """What is known of its files there; without a record nothing is."""
    if record is None or store == INSTANCE:
        return record.files if record is not None else ()
    return next((copy.files for copy in record.copies if copy.store == store), ())


def leftovers_of(stores: Iterable[StoreSeen]) -> tuple[tuple[str, SnapshotFile], ...]:
    """Files of saves and copies that did not end, each with its store."""
    return tuple((store.name, file) for store in stores for file in listing(store.files or ()).leftovers)


def standing_of(seen: InstanceSnapshot | None) -> Standing:
    """What an instance is to backups, by what it says of itself."""
    if seen is None:
        return Standing.PENDING
    if seen.flavour is not Flavour.DRAGONFLY:
        return Standing.FOREIGN
    return Standing.REPLICA if seen.role is Role.REPLICA else Standing.OPEN


def saving_of(seen: InstanceSnapshot, slowed: float | None) -> Saving | None:
    """The save that is running, if one is; `slowed` as in `Saving`."""
    kept = seen.persistence
    if not kept.saving:
        return None
    fraction, seconds = kept.snapshot_fraction, kept.save_seconds
    left = seconds * (1 - fraction) / fraction if seconds and fraction else None
    return Saving(fraction, kept.save_keys_processed, kept.save_keys_total, seconds, left, slowed)


def proven_restore(sets: Sequence[SetView]) -> Proof | None:
    """The newest restore that went well."""
    tried = [proof for each in sets if each.record for proof in each.record.proofs]
    good = [proof for proof in tried if proof.ok and proof.level is ProofLevel.RESTORED]
    return max(good, key=lambda proof: proof.at, default=None)


def sizes_of(sets: Sequence[SetView], store: str = INSTANCE) -> tuple[int, ...]:
    """Sizes of the whole sets in a store, the oldest first."""
    return tuple(
        place.found.size_bytes
        for each in reversed(sets)
        for place in each.places
        if place.store == store and not place.problems
    )
