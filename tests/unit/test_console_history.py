"""The console's history: what was typed before, and never a password."""

import json
from pathlib import Path

import pytest

from dfly_tui.models.console import split_line
from dfly_tui.models.console_commands import CommandTable
from dfly_tui.operations.console_history import MOST_LINES, ConsoleHistory
from tests.unit.test_console_commands import recorded

SECRET = "hush-hush-57"


def add(history: ConsoleHistory, line: str, table: CommandTable | None = None) -> None:
    history.add(line, split_line(line), table if table is not None else recorded("1.40"))


def test_lines_come_back_in_their_order(tmp_path: Path) -> None:
    history = ConsoleHistory(tmp_path / "console", "one")
    for line in ("get a", "set größe 'a b'", "get a", "get a"):
        add(history, line)
    assert history.lines == ["get a", "set größe 'a b'", "get a"]
    assert ConsoleHistory(tmp_path / "console", "one").lines == history.lines
    assert ConsoleHistory(tmp_path / "console", "two").lines == []


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    history = ConsoleHistory(tmp_path / "console", "../../etc/pass wd")
    add(history, "get a")
    assert history.path.parent == tmp_path / "console"
    assert history.path.stat().st_mode & 0o777 == 0o600
    assert history.path.parent.stat().st_mode & 0o777 == 0o700
    history.path.chmod(0o644)
    add(history, "get b")
    assert history.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "line",
    [
        f"auth {SECRET}",
        f"AUTH bob {SECRET}",
        f"hello 3 auth bob {SECRET}",
        f"config set requirepass {SECRET}",
        f"CONFIG SET maxmemory 1gb masterauth {SECRET}",
        f"acl setuser bob on >{SECRET} ~*",
        f"acl setuser bob <{SECRET}",
        f"migrate host 1 key 0 100 auth {SECRET}",
        f"migrate host 1 key 0 100 AUTH2 bob {SECRET}",
    ],
)
def test_a_password_is_kept_nowhere(tmp_path: Path, line: str) -> None:
    history = ConsoleHistory(tmp_path, "one")
    add(history, "get a")
    add(history, line)
    assert history.lines == ["get a"]
    assert SECRET not in history.path.read_text()


@pytest.mark.parametrize(
    "line",
    [
        f"auht {SECRET}",
        f"redis-cli -a {SECRET}",
        f"eval \"redis.call('config', 'set', 'requirepass', ARGV[1])\" 0 {SECRET}",
        f"eval \"redis.call('auth', '{SECRET}')\" 0",
        f"hset user:1 password {SECRET}",
        f"set api_key {SECRET}",
        f"sentinel set main auth-pass {SECRET}",
        f"aclsetuser bob >{SECRET}",
    ],
)
def test_what_may_hold_a_password_is_not_written_but_can_be_called_back(tmp_path: Path, line: str) -> None:
    history = ConsoleHistory(tmp_path, "one")
    add(history, "get a")
    add(history, line)
    assert history.lines == ["get a", line]
    assert SECRET not in history.path.read_text()


def test_reading_what_is_called_like_a_secret_is_no_secret(tmp_path: Path) -> None:
    history = ConsoleHistory(tmp_path, "one")
    for line in ("get session:token:1", "config get requirepass", "hget user:1 password"):
        add(history, line)
    assert len(history.path.read_text().splitlines()) == 3


def test_it_is_bounded(tmp_path: Path) -> None:
    history = ConsoleHistory(tmp_path, "one")
    history.path.write_text("".join(json.dumps(f"get {number}") + "\n" for number in range(3 * MOST_LINES)))
    again = ConsoleHistory(tmp_path, "one")
    assert again.lines[0] == f"get {2 * MOST_LINES}"
    assert len(history.path.read_text().splitlines()) == MOST_LINES
    add(again, "get x")
    assert len(again.lines) == MOST_LINES
    add(again, "get " + "x" * 10_000)
    assert again.lines[-1] == "get x"


def test_a_file_that_was_tampered_with_does_nothing(tmp_path: Path) -> None:
    history = ConsoleHistory(tmp_path, "one")
    odd = ['"get a"', "not json", "[1, 2]", '"\\u001b[2J"', '""', '"' + "x" * 9000 + '"', '"a\\nb"', '"get b"']
    history.path.write_bytes("\n".join(odd).encode() + b'\n"\xff\n')
    assert ConsoleHistory(tmp_path, "one").lines == ["get a", "get b"]


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "console").write_text("a file where the folder should be")
    history = ConsoleHistory(tmp_path / "console", "one")
    add(history, "get a")
    assert history.lines == ["get a"]
    assert "not written" in history.unwritten


def test_a_folder_that_takes_nothing_keeps_the_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = ConsoleHistory(tmp_path, "one")
    history.path.write_text('"get a"\n' * (2 * MOST_LINES + 1))

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dfly_tui.operations.console_history.write_private", full)
    again = ConsoleHistory(tmp_path, "one")
    assert len(again.lines) == MOST_LINES
    assert "No space left" in again.unwritten
