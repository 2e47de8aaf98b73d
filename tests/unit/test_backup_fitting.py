"""Whether a set can be loaded by a server, and under which name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dfly_tui.errors import Refused
from dfly_tui.models.backup import BackupRecord, Proof, ProofLevel
from dfly_tui.models.instance import Flavour
from dfly_tui.models.operation import Verdict
from dfly_tui.models.snapshots import SnapshotFile, SnapshotFormat, SnapshotSet, is_looked_for, renamed
from dfly_tui.operations.backup.fitting import (
    Server,
    base_of,
    found_at_start,
    load_findings,
    memory_finding,
    name_findings,
    set_findings,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = "20260102-030405-1a2b"


def server(**more: Any) -> Server:
    known: dict[str, Any] = {
        "name": "alpha", "flavour": Flavour.DRAGONFLY, "version": "1.40.1", "dbfilename": "dump-{timestamp}",
        "folder": "/data", "databases": 16, "max_memory_bytes": None,
    }  # fmt: skip
    return Server(**known | more)


def a_set(kind: SnapshotFormat = SnapshotFormat.DF, **more: Any) -> SnapshotSet:
    names = ["dump-0000.dfs", "dump-summary.dfs"] if kind is SnapshotFormat.DF else ["dump.rdb"]
    files = tuple(SnapshotFile(name=name, size_bytes=1000, modified_at=NOW) for name in names)
    return SnapshotSet(base="dump", format=kind, files=files, **more)


def record(**more: Any) -> BackupRecord:
    known: dict[str, Any] = {"instance": "alpha", "base": "dump", "format": SnapshotFormat.DF, "files": ()}
    return BackupRecord(began_at=NOW, **known | more)


@pytest.mark.parametrize(
    ("dbfilename", "base"),
    [
        ("dump-{timestamp}", "dump-20260102T030405-restored-1a2b"),
        ("dump-{timestamp}.rdb", "dump-20260102T030405-restored-1a2b"),
        ("dump", f"dump-restored-{RUN}"),
        ("dump.rdb", f"dump-restored-{RUN}"),
        ("{Y}-{m}-{d}", f"2026-01-02-restored-{RUN}"),
    ],
)
def test_names_that_are_found(dbfilename: str, base: str) -> None:
    assert base_of(dbfilename, NOW, "restored", RUN) == base
    old = SnapshotFile(name="dump-2025-summary.dfs", size_bytes=1, modified_at=NOW)
    later, only_rdb = NOW + timedelta(seconds=1), dbfilename.endswith(".rdb")
    if dbfilename != "dump.rdb":
        assert found_at_start(dbfilename, [old], base + ".rdb", later)
        assert found_at_start(dbfilename, [old], base + "-summary.dfs", later) != only_rdb


@pytest.mark.parametrize("dbfilename", ["", "a.b", "dump-%Y", "dump*", "a/b", "dump-{timestamp", "dümp"])
def test_names_nobody_can_tell(dbfilename: str) -> None:
    with pytest.raises(Refused):
        base_of(dbfilename, NOW, "restored", RUN)


def found(findings: Any) -> dict[str, tuple[Verdict, str]]:
    return {each.code: (each.verdict, each.value) for each in findings}


def test_a_set_by_itself() -> None:
    assert found(set_findings(a_set(), record(keys={0: 1})))["complete"] == (Verdict.PASS, "2 files, 1.95 KiB")
    bad = found(set_findings(a_set(problems=("the summary is missing",)), None))
    assert bad["complete"] == (Verdict.BLOCK, "the summary is missing")
    assert bad["recorded"][0] is Verdict.WARN
    proof = Proof(level=ProofLevel.CHECKSUMS, at=NOW, ok=False, store="x", text="")
    assert found(set_findings(a_set(), record(proofs=(proof,))))["tried"][0] is Verdict.WARN


@pytest.mark.parametrize(
    ("written", "version", "verdict"),
    [
        ("1.22.2", "1.40.1", Verdict.PASS),
        ("1.40.9", "1.40.1", Verdict.PASS),
        ("1.40.1", "1.22.2", Verdict.WARN),
        (None, "1.40.1", Verdict.WARN),
    ],
)
def test_versions(written: str | None, version: str, verdict: Verdict) -> None:
    told = load_findings(a_set(), record(version=written), b"", server(version=version))
    assert found(told)["format"][0] is verdict
    assert found(load_findings(a_set(), None, b"", server()))["format"][0] is Verdict.WARN


@pytest.mark.parametrize(
    ("head", "version", "verdict"),
    [
        (b"REDIS0009", "1.22.2", Verdict.PASS),
        (b"REDIS0012", "1.22.2", Verdict.BLOCK),
        (b"REDIS0012", "1.40.1", Verdict.PASS),
        (b"REDIS0013", "1.40.1", Verdict.BLOCK),
        (b"REDIS0004", "1.40.1", Verdict.BLOCK),
        (b"\x1b[31mnone", "1.40.1", Verdict.BLOCK),
    ],
)
def test_rdb_files(head: bytes, version: str, verdict: Verdict) -> None:
    told = found(load_findings(a_set(SnapshotFormat.RDB), None, head, server(version=version)))
    assert told["format"][0] is verdict
    assert "\x1b" not in told["format"][1]


def test_servers_and_databases() -> None:
    told = found(load_findings(a_set(), record(keys={0: 1, 20: 1}), b"", server(flavour=Flavour.REDIS)))
    assert told["format"][0] is Verdict.BLOCK
    assert told["databases"] == (Verdict.BLOCK, "database 20")
    assert found(load_findings(a_set(), record(keys={3: 1}), b"", server()))["databases"][0] is Verdict.PASS


def test_memory() -> None:
    assert memory_finding(a_set(), None, "alpha", "").verdict is Verdict.PASS
    assert memory_finding(a_set(), 1910, "alpha", "").verdict is Verdict.PASS
    assert memory_finding(a_set(), 1000, "alpha", "").verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    ("dbfilename", "kind", "names", "code"),
    [
        ("dump-{timestamp}", SnapshotFormat.DF, ["dump-1-summary.dfs"], ""),
        ("dump", SnapshotFormat.DF, ["dump"], "name"),
        ("dump-{timestamp}.rdb", SnapshotFormat.DF, [], "name"),
        ("dump.rdb", SnapshotFormat.DF, [], "name"),
        ("dump.rdb", SnapshotFormat.RDB, ["dump.rdb"], ""),
        ("dump", SnapshotFormat.RDB, ["late-summary.dfs"], "times"),
        ("dump", SnapshotFormat.DF, ["base-0003.dfs"], "unused"),
    ],
)
def test_what_a_start_would_load(dbfilename: str, kind: SnapshotFormat, names: list[str], code: str) -> None:
    files = [SnapshotFile(name=name, size_bytes=1, modified_at=NOW + timedelta(days="late" in name)) for name in names]
    base = "base" if code == "unused" else base_of(dbfilename, NOW, "restored", RUN)
    told = found(name_findings(a_set(kind), server(dbfilename=dbfilename), files, base, NOW))
    blocked = [each for each, (verdict, _) in told.items() if verdict is Verdict.BLOCK]
    assert blocked == ([] if not code else ["name", "unused"] if code == "unused" else [code])


def test_what_versions_can() -> None:
    assert server().ends_pauses
    assert not server().may_start_empty
    old = server(version="1.22.2")
    assert not old.ends_pauses
    assert old.may_start_empty


def test_other_names_of_files() -> None:
    assert renamed("dump-0001.dfs.age", "dump", "new") == "new-0001.dfs"
    assert renamed("dump.rdb", "dump", "new") == "new.rdb"
    assert is_looked_for("dump-summary.dfs.gpg")
    assert not is_looked_for("dump-0001.dfs")
