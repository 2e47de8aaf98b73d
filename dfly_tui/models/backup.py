"""What is known of a backup: the record that is kept of it, and what was proven."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime

from dfly_tui.models.base import Frozen
from dfly_tui.models.snapshots import Encryption, SnapshotFormat


class FileSum(Frozen):
    """One file of a set and what its content adds up to.

    Attributes:
        sha256: Of the bytes as they lie there, in hex; None when they were not read.
    """

    name: str
    size_bytes: int
    sha256: str | None = None


class ProofLevel(StrEnum):
    """How far a set was tried, each level more than the one before."""

    COMPLETE = "complete"
    """All its files are there, none empty."""
    CHECKSUMS = "checksums"
    """Each file has the bytes it was recorded with."""
    RESTORED = "restored"
    """A throw-away server loaded it, and its keys were counted and sampled."""


class Proof(Frozen):
    """That a set was tried.

    Attributes:
        store: Where the files lay that were tried.
        text: What was found, in a sentence.
        seconds: What loading took, for `restored`; else what the reading took.
        keys: Per database, as they were counted; empty where they were not.
    """

    level: ProofLevel
    at: AwareDatetime
    ok: bool
    store: str
    text: str
    seconds: float | None = None
    keys: dict[int, int] = {}


class Copy(Frozen):
    """A set that lies in a store."""

    store: str
    at: AwareDatetime
    encryption: Encryption | None = None
    files: tuple[FileSum, ...]


class Sample(Frozen):
    """A key whose value a restored server must have too.

    Attributes:
        name_hex: The name's bytes.
        kind: As TYPE says it.
        digest: Of what it holds (`key_parts.Digest`), the same on every version that holds the same.
    """

    database: int
    name_hex: str
    kind: str
    digest: str


class BackupRecord(Frozen):
    """What is kept of one set: one JSON file in the catalogue, and the manifest beside each copy.

    Attributes:
        base: What its files are called.
        version: Of the server that wrote it.
        began_at: When the save began (`last_success_save`).
        seconds: What the save took.
        files: As they lie with the instance; without sums until they were read.
        keys: Per database, when the save began.
        changes: Writes since the snapshot before it.
        samples: Keys that were read when it was made, none that expires.
        who, why, run: Who asked for it; `cron` for the server itself.
        pinned: Why it is never removed; None when it may be.
        expired_at: When retention first wanted it gone; it goes when the delay is over.
        removed_at: When it was removed from everywhere.
    """

    instance: str
    base: str
    format: SnapshotFormat
    version: str | None = None
    began_at: AwareDatetime
    seconds: float | None = None
    files: tuple[FileSum, ...]
    keys: dict[int, int] = {}
    changes: int | None = None
    samples: tuple[Sample, ...] = ()
    who: str = ""
    why: str = ""
    run: str = ""
    copies: tuple[Copy, ...] = ()
    proofs: tuple[Proof, ...] = ()
    pinned: str | None = None
    expired_at: AwareDatetime | None = None
    removed_at: AwareDatetime | None = None

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def last_proof(self, level: ProofLevel) -> Proof | None:
        """The newest try at this level, whether it went well or not."""
        tried = [proof for proof in self.proofs if proof.level is level]
        return max(tried, key=lambda proof: proof.at, default=None)

    @property
    def proven_at(self) -> datetime | None:
        """When it was last restored, if the last try went well."""
        proof = self.last_proof(ProofLevel.RESTORED)
        return proof.at if proof is not None and proof.ok else None

    @property
    def failure(self) -> Proof | None:
        """The newest try that failed and still counts: the last one in its store, or the last load anywhere."""
        loaded = self.last_proof(ProofLevel.RESTORED)
        failed = [proof for proof in (*self._last_by_store.values(), loaded) if proof is not None and not proof.ok]
        return max(failed, key=lambda proof: proof.at, default=None)

    @property
    def is_broken(self) -> bool:
        """Whether it is of no use: the last load of it failed, or the last try in every store it was tried in.

        A copy that is damaged says nothing of the others: those are as good as they were.
        """
        loaded, tried = self.last_proof(ProofLevel.RESTORED), self._last_by_store.values()
        return (loaded is not None and not loaded.ok) or (bool(tried) and not any(proof.ok for proof in tried))

    @property
    def _last_by_store(self) -> dict[str, Proof]:
        return {proof.store: proof for proof in sorted(self.proofs, key=lambda proof: proof.at)}
