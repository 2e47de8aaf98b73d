"""What tries of a set say of it: a copy that is damaged is no reason to give up the others."""

from datetime import UTC, datetime, timedelta

import pytest

from dfly_tui.models.backup import BackupRecord, Proof, ProofLevel
from dfly_tui.models.snapshots import SnapshotFormat

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
WHOLE, SUMS, RESTORED = ProofLevel


def record(*tries: str) -> BackupRecord:
    """Each `store level +` or `-`, one an hour."""
    proofs = []
    for hours, line in enumerate(tries):
        store, level, sign = line.split()
        at = BEGAN + timedelta(hours=hours)
        proofs.append(Proof(level=ProofLevel(level), at=at, ok=sign == "+", store=store, text=line))
    return BackupRecord(
        instance="nas", base="dump-1", format=SnapshotFormat.DF, began_at=BEGAN, files=(), proofs=tuple(proofs)
    )


@pytest.mark.parametrize(
    ("tries", "failure", "broken"),
    [
        ((), None, False),
        (("own checksums +", "s3 checksums +"), None, False),
        (("own checksums -",), "own checksums -", True),
        (("own checksums +", "s3 checksums -"), "s3 checksums -", False),
        (("s3 checksums -", "own checksums +"), "s3 checksums -", False),
        (("own checksums -", "s3 checksums -"), "s3 checksums -", True),
        (("own complete -", "own checksums +"), None, False),
        (("own restored +", "own checksums -"), "own checksums -", True),
        (("own checksums +", "s3 restored -"), "s3 restored -", True),
        (("own restored -", "own checksums +"), "own restored -", True),
        (("s3 restored -", "own restored +"), "s3 restored -", False),
        (("own restored -", "own restored +"), None, False),
    ],
)
def test_what_still_counts(tries: tuple[str, ...], failure: str | None, broken: bool) -> None:
    found = record(*tries)
    assert (found.failure.text if found.failure else None, found.is_broken) == (failure, broken)
