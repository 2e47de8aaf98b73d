"""The documents of `backup list --json` and `backup verify --json`, and the schema of both (docs/backups.schema.json).

Names are binding; null: unknown.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field, TypeAdapter

from dfly_tui.models.backup import Proof, ProofLevel
from dfly_tui.models.backup_view import InstanceBackups, SetView, Standing, StoreSeen
from dfly_tui.models.base import Frozen
from dfly_tui.models.snapshots import Encryption, SnapshotFormat
from dfly_tui.models.verdict import State
from dfly_tui.text import safe


class _Told(Frozen):
    # The schema allows more keys than there are now: one that is added later must not make old readers fail.
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class PlaceReport(_Told):
    """A set as it lies in one store; `problems` is empty for a whole one."""

    store: str
    bytes: int
    encryption: Encryption | None
    problems: list[str]


class SetReport(_Told):
    """A set of snapshot files. `verified` and `restored`: when it was last read, or loaded, and was good."""

    name: str
    format: SnapshotFormat
    written_at: datetime
    bytes: int
    complete: bool
    broken: bool
    places: list[PlaceReport]
    version: str | None
    keys: dict[int, int] | None
    who: str | None
    why: str | None
    pinned: str | None
    verified: datetime | None
    restored: datetime | None
    expires_at: datetime | None
    retention: str | None


class LeftoverReport(_Told):
    """A file of a save or a copy that did not end, or is under way."""

    store: str
    name: str
    bytes: int
    modified_at: datetime


class AlertReport(_Told):
    """Something that is wrong with the backups; `code` is for scripts."""

    code: str
    state: State
    text: str
    advice: str


class StoreReport(_Told):
    """A place where sets lie."""

    name: str
    address: str
    problem: str | None
    free_bytes: int | None
    total_bytes: int | None


class InstanceReport(_Told):
    """One instance. `standing`: `open`, or why there is nothing: `replica`, `foreign`, `closed`, `pending`."""

    name: str
    standing: Standing
    problem: str | None
    cron: str | None
    schedule: str
    paused_until: datetime | None
    next_runs: list[datetime]
    last_at: datetime | None
    last_seconds: float | None
    age_seconds: float | None
    objective_seconds: float | None
    restore_seconds: float | None
    proven_at: datetime | None
    saving: float | None
    full_in_days: float | None
    sets: list[SetReport]
    leftovers: list[LeftoverReport]
    stores: list[StoreReport]
    alerts: list[AlertReport]
    unreadable: list[str] = Field(description="Records of the catalogue that cannot be read.")


class BackupReport(_Told):
    """All of `dfly-tui backup list --json`. `schema` grows when a name changes its meaning or goes away."""

    schema_version: Literal[1] = Field(1, alias="schema")
    taken_at: datetime
    instances: list[InstanceReport]


class ProofReport(_Told):
    """A set that was read, in one store."""

    set: str
    format: SnapshotFormat
    store: str
    ok: bool
    level: ProofLevel
    at: datetime
    text: str = Field(description="What was found; of a set that is no good, what is damaged.")


class VerifyReport(_Told):
    """All of `dfly-tui backup verify --json`."""

    schema_version: Literal[1] = Field(1, alias="schema")
    instance: str
    proofs: list[ProofReport]
    lost: list[str] = Field(description="What could not be read, which says nothing of it but that nobody can.")


def json_schema() -> str:
    """The schema of the documents, the text of docs/backups.schema.json."""
    schema = TypeAdapter[BackupReport | VerifyReport](BackupReport | VerifyReport).json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2)


def report_of(backups: Iterable[tuple[InstanceBackups, Sequence[str]]], now: datetime) -> str:
    """The document of `list`.

    Args:
        backups: Each with what of its catalogue cannot be read.
    """
    report = BackupReport(taken_at=now, instances=[_instance(view, unreadable) for view, unreadable in backups])
    return report.model_dump_json(by_alias=True, indent=2)


def verify_report(instance: str, proofs: Iterable[tuple[SetView, Proof]], lost: Iterable[str]) -> str:
    """The document of `verify`."""
    told = [
        ProofReport(
            set=safe(each.base, limit=300), format=each.format, store=safe(proof.store), ok=proof.ok,
            level=proof.level, at=proof.at, text=proof.text,
        )
        for each, proof in proofs
    ]  # fmt: skip
    report = VerifyReport(instance=instance, proofs=told, lost=list(lost))
    return report.model_dump_json(by_alias=True, indent=2)


def _instance(view: InstanceBackups, unreadable: Sequence[str]) -> InstanceReport:
    fields = {
        name: getattr(view, name)
        for name in ("name", "standing", "cron", "schedule", "paused_until", "last_at", "last_seconds",
                     "objective_seconds", "restore_seconds", "proven_at", "full_in_days")
    }  # fmt: skip
    return InstanceReport(
        **fields,
        unreadable=list(unreadable),
        problem=view.why or None,
        next_runs=list(view.next_runs),
        age_seconds=view.loss_seconds,
        saving=view.saving.fraction if view.saving is not None else None,
        sets=[_set(each) for each in view.sets],
        leftovers=[
            LeftoverReport(
                store=safe(store), name=safe(file.name, limit=300), bytes=file.size_bytes, modified_at=file.modified_at
            )
            for store, file in view.leftovers
        ],
        stores=[_store(store) for store in view.stores],
        alerts=[
            AlertReport(code=each.code, state=each.state, text=each.text, advice=each.advice) for each in view.alerts
        ],
    )


def _set(each: SetView) -> SetReport:
    record = each.record
    return SetReport(
        name=safe(each.base, limit=300),
        format=each.format,
        written_at=each.written_at,
        bytes=each.size_bytes,
        complete=each.is_complete,
        broken=record is not None and record.is_broken,
        places=[
            PlaceReport(store=place.store, bytes=place.found.size_bytes, encryption=place.found.encryption,
                        problems=list(place.problems))
            for place in each.places
        ],
        version=record.version if record else None,
        keys=record.keys or None if record else None,
        who=record.who if record else None,
        why=record.why if record else None,
        pinned=each.pinned,
        verified=_good(each, ProofLevel.CHECKSUMS),
        restored=_good(each, ProofLevel.RESTORED),
        expires_at=each.expiry.at if each.expiry else None,
        retention=each.expiry.why if each.expiry else None,
    )  # fmt: skip


def _good(each: SetView, level: ProofLevel) -> datetime | None:
    proof = each.record.last_proof(level) if each.record is not None else None
    return proof.at if proof is not None and proof.ok else None


def _store(store: StoreSeen) -> StoreReport:
    return StoreReport(
        name=store.name, address=store.address, problem=store.problem or None, free_bytes=store.free_bytes,
        total_bytes=store.total_bytes,
    )  # fmt: skip
