"""What a run leaves on disk: found again after a crash, whatever the disk did to it."""

import asyncio
import os
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dfly_tui.errors import Busy
from dfly_tui.models.operation import Outcome, PlanView
from dfly_tui.operations.journal import Journal, close_record, cooling_down, group_lock, is_free, records
from tests.support.clock import START, FakeClock


def view(identity: str = "run-1", group: str = "main", kind: str = "switchover") -> PlanView:
    return PlanView(id=identity, kind=kind, title="t", group=group, facts={"old": "alpha", "new": "beta"}, steps=())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_run_is_found_again_as_far_as_it_came(tmp_path: Path, clock: FakeClock) -> None:
    journal = Journal(tmp_path / "journal", view(), clock=clock)
    journal.note("fence", "intended")
    journal.note("fence", "done", "policy always → no")
    journal.note("takeover", "intended")
    (record,) = records(tmp_path / "journal")
    assert record.is_unfinished
    assert (record.plan, record.begun_at) == (view(), START)
    assert record.steps == {"fence": "done", "takeover": "intended"}
    assert (record.outcome, record.ended_at) == (None, None)
    close_record(record, Outcome.DONE, clock=clock)
    (record,) = records(tmp_path / "journal")
    assert (record.is_unfinished, record.outcome, record.ended_at) == (False, Outcome.DONE, START)


def test_an_end_that_nobody_knows_is_no_end(tmp_path: Path, clock: FakeClock) -> None:
    journal = Journal(tmp_path, view(), clock=clock)
    journal.note("takeover", "unknown")
    journal.end(Outcome.UNKNOWN, ("look",))
    assert [record.is_unfinished for record in records(tmp_path)] == [True]


def test_a_run_that_changed_nothing_leaves_nothing(tmp_path: Path, clock: FakeClock) -> None:
    Journal(tmp_path / "journal", view(), clock=clock).end(Outcome.DECLINED, ())
    assert not (tmp_path / "journal").exists()
    assert list(records(tmp_path / "journal")) == []


def test_the_newest_run_comes_first(tmp_path: Path, clock: FakeClock) -> None:
    for name in ("b", "a", "c"):
        Journal(tmp_path, view(name), clock=clock).note("x", "done")
        clock.jump(60)
    assert [record.plan.id for record in records(tmp_path)] == ["c", "a", "b"]


def test_file_and_folder_are_the_user_s_alone(tmp_path: Path, clock: FakeClock) -> None:
    before = os.umask(0)
    try:
        Journal(tmp_path / "journal", view(), clock=clock).note("x", "intended")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "journal" / "run-1.jsonl").stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", [b'{"at": "2026-01-02T0', b"\xff\xfe\n", b"[]\n", b'{"step": 1}\n', b"\n\n"])
def test_a_damaged_line_does_not_hide_the_run(tmp_path: Path, clock: FakeClock, damage: bytes) -> None:
    journal = Journal(tmp_path, view(), clock=clock)
    journal.note("fence", "done")
    with journal.path.open("ab") as file:
        file.write(damage)
    (record,) = records(tmp_path)
    assert record.steps == {"fence": "done"}
    close_record(record, Outcome.DONE, clock=clock)
    assert [record.outcome for record in records(tmp_path)] == [Outcome.DONE]


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\x00" * 512, b'{"at": "2026-01-02", "plan": {}}\n', b"[1]\n"])
def test_a_file_that_is_no_journal_is_left_out(tmp_path: Path, clock: FakeClock, content: bytes) -> None:
    (tmp_path / "damaged.jsonl").write_bytes(content)
    (tmp_path / "folder.jsonl").mkdir()
    Journal(tmp_path, view(), clock=clock).note("x", "done")
    assert [record.plan.id for record in records(tmp_path)] == ["run-1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_raises(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "run-1.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space"):
        Journal(tmp_path, view(), clock=clock).note("x", "intended")


def test_half_a_line_raises(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfly_tui.operations.journal.os.write", lambda _, data: len(data) - 1)
    with pytest.raises(OSError, match="not written whole"):
        Journal(tmp_path, view(), clock=clock).note("x", "intended")


@pytest.mark.parametrize(
    ("kind", "outcome", "left"),
    [
        ("switchover", Outcome.DONE, 40.0),
        ("emergency", Outcome.INCOMPLETE, 40.0),
        ("switchover", None, 40.0),
        ("switchover", Outcome.UNDONE, 0.0),
        ("switchover", Outcome.FAILED, 0.0),
        ("rejoin", Outcome.DONE, 0.0),
    ],
)
def test_roles_rest_after_they_changed(
    tmp_path: Path, clock: FakeClock, kind: str, outcome: Outcome | None, left: float
) -> None:
    journal = Journal(tmp_path, view(kind=kind), clock=clock)
    journal.note("takeover", "done")
    if outcome is not None:
        journal.end(outcome, ())

    def rest(group: str, seconds: float) -> float:
        return cooling_down(tmp_path, group, now=START + timedelta(seconds=seconds), seconds=60.0)

    assert rest("main", 20) == left
    assert rest("main", 61) == 0.0
    assert rest("other", 20) == 0.0


def test_one_run_in_a_group_at_a_time(tmp_path: Path) -> None:
    with group_lock(tmp_path / "locks", "main", "ada"), group_lock(tmp_path / "locks", "other", "ada"):
        lock = group_lock(tmp_path / "locks", "main", "bob")
        with pytest.raises(Busy, match="ada is changing group main now"):
            lock.__enter__()
    with group_lock(tmp_path / "locks", "main", "bob"):
        pass


HOLD = """
import sys
from pathlib import Path
from dfly_tui.operations.journal import group_lock
with group_lock(Path(sys.argv[1]), "main", "eve"):
    print("held", flush=True)
    sys.stdin.read()
"""


async def test_a_lock_holds_between_programs_and_ends_with_them(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(tmp_path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"held\n"
    with pytest.raises(Busy, match="eve"), group_lock(tmp_path, "main", "ada"):
        raise AssertionError("two at once")
    other.kill()
    await other.wait()
    with group_lock(tmp_path, "main", "ada"):
        pass


def test_whether_somebody_is_at_it(tmp_path: Path) -> None:
    assert is_free(tmp_path, "main", "me")
    with group_lock(tmp_path, "main", "somebody"):
        assert not is_free(tmp_path, "main", "me")
        assert is_free(tmp_path, "other", "me")
    (tmp_path / "file").write_text("")
    assert is_free(tmp_path / "file", "main", "me"), "nobody can hold a lock there"
