import json
import os
import stat
from pathlib import Path

import pytest

from dfly_tui.operations.audit import Audit, AuditEvent, mask_command
from tests.support.clock import FakeClock

UNLOCK = AuditEvent(instance="workhorse", action="unlock", outcome="done")


def audit_of(path: Path) -> Audit:
    return Audit(path, clock=FakeClock(), who="ada", host="console")


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_says_who_when_where_what_and_how_it_went(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    event = AuditEvent(
        instance="workhorse", action="config set", outcome="intended", command=("CONFIG", "SET", "maxmemory", "8gb"),
        detail="was 4gb",
    )  # fmt: skip
    audit_of(path).record(event)
    assert lines(path) == [
        {
            "at": "2026-01-02T03:04:05+00:00",
            "who": "ada",
            "host": "console",
            "pid": os.getpid(),
            "instance": "workhorse",
            "action": "config set",
            "outcome": "intended",
            "command": ["CONFIG", "SET", "maxmemory", "8gb"],
            "detail": "was 4gb",
        }
    ]


def test_events_are_appended_by_whoever_writes(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    first, second = audit_of(path), audit_of(path)
    for number in range(5):
        (first, second)[number % 2].record(UNLOCK.model_copy(update={"detail": str(number)}))
    assert [line["detail"] for line in lines(path)] == ["0", "1", "2", "3", "4"]


def test_file_and_folder_are_the_user_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    before = os.umask(0)
    try:
        audit_of(path).record(UNLOCK)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_being_told_it_asks_the_system_who_and_where(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    Audit(path, clock=FakeClock()).record(UNLOCK)
    (line,) = lines(path)
    assert line["who"]
    assert line["host"] == os.uname().nodename


def test_a_user_without_an_account_is_known_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfly_tui.operations.audit.os.getuid", lambda: 4_242_424)
    Audit(tmp_path / "audit.jsonl", clock=FakeClock()).record(UNLOCK)
    assert lines(tmp_path / "audit.jsonl")[0]["who"] == "uid 4242424"
    assert Audit(tmp_path / "audit.jsonl", clock=FakeClock(), host="console").author == "uid 4242424@console"


@pytest.mark.parametrize("text", ["two\nlines", '{"who": "mallory"}\n', "\x1b[2J\u202e", "caf\udce9", "日本"])
def test_hostile_text_stays_on_its_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "audit.jsonl"
    audit_of(path).record(UNLOCK.model_copy(update={"detail": text}))
    audit_of(path).record(UNLOCK)
    assert [line["detail"] for line in lines(path)] == [text, ""]
    assert path.read_bytes().isascii()
    assert b"\x1b" not in path.read_bytes()


def test_no_record_no_act(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="state"):
        audit_of(tmp_path / "state" / "audit.jsonl").record(UNLOCK)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_raises() -> None:
    with pytest.raises(OSError, match="No space"):
        audit_of(Path("/dev/full")).record(UNLOCK)


def test_half_a_line_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dfly_tui.operations.audit.os.write", lambda _, data: len(data) - 1)
    with pytest.raises(OSError, match="not written whole"):
        audit_of(tmp_path / "audit.jsonl").record(UNLOCK)


def test_an_event_is_on_disk_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    synced: list[bytes] = []
    monkeypatch.setattr("dfly_tui.operations.audit.os.fsync", lambda _: synced.append(path.read_bytes()))
    audit_of(path).record(UNLOCK)
    assert synced == [path.read_bytes()]
    assert synced[0].endswith(b"\n")


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        (["AUTH", SECRET], ["AUTH"]),
        (["auth", "ada", SECRET], ["auth"]),
        (["CONFIG", "SET", "requirepass", SECRET], ["CONFIG", "SET", "requirepass"]),
        (["config", "set", "MasterAuth", SECRET], ["config", "set", "MasterAuth"]),
        (
            ["ACL", "SETUSER", "ada", "on", f">{SECRET}", "~*", "+@read"],
            ["ACL", "SETUSER", "ada", "on", "~*", "+@read"],
        ),
        (["ACL", "SETUSER", "ada", f"<{SECRET}"], ["ACL", "SETUSER", "ada"]),
        (["HELLO", "3", "AUTH", "ada", SECRET, "SETNAME", "x"], ["HELLO", "3", "AUTH", "SETNAME", "x"]),
        (["docker", "run", "dragonfly", f"--requirepass={SECRET}"], ["docker", "run", "dragonfly"]),
        (["dragonfly", "--requirepass", SECRET, "--dir", "/data"], ["dragonfly", "--requirepass", "--dir", "/data"]),
        (["redis-cli", "-a", SECRET, "ping"], ["redis-cli", "-a", "ping"]),
    ],
)
def test_secrets_are_masked_and_the_rest_is_kept(tmp_path: Path, command: list[str], kept: list[str]) -> None:
    masked = mask_command(command)
    assert SECRET not in " ".join(masked)
    assert [word for word in masked if word in command] == kept
    assert len(masked) == len(command)
    audit_of(tmp_path / "a").record(UNLOCK.model_copy(update={"command": tuple(command)}))
    assert SECRET not in (tmp_path / "a").read_text()


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["CONFIG", "SET", "maxmemory", "8gb"],
        ["CONFIG", "GET", "requirepass"],
        ["REPLICAOF", "10.0.0.1", "6379"],
        ["docker", "update", "--restart=no", "dragonfly"],
    ],
)
def test_what_holds_no_secret_is_recorded_as_it_is(command: list[str]) -> None:
    assert list(mask_command(command)) == command
