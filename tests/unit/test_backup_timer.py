"""Units for systemd, and a line for cron."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from dfly_tui.errors import BadInput, Refused
from dfly_tui.operations.backup.timer import MARK, Timer, calendar_of, differences

PROGRAM = Path("/opt/dfly tui/bin/dfly-tui")
NIGHTLY = "*-*-* 2:30:00"


def timer(**more: object) -> Timer:
    given: dict[str, object] = {"program": PROGRAM, "instances": ("alpha", "beta"), "calendar": NIGHTLY} | more
    return Timer(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("30 2 * * *", "*-*-* 2:30:00"),
        ("*/5 * * * *", "*-*-* *:0/5:00"),
        ("0 0,12 * * 1-5", "Mon..Fri *-*-* 0,12:0:00"),
        ("15 3 1 */3 ?", "*-1/3-1 3:15:00"),
        ("0 4 * * SUN", "Sun *-*-* 4:0:00"),
        ("10-20/5 1 * * 0,6", "Sun,Sat *-*-* 1:10..20/5:00"),
    ],
)
def test_a_cron_expression_as_systemd_takes_it(cron: str, calendar: str) -> None:
    assert calendar_of(cron) == calendar
    if shutil.which("systemd-analyze") is not None:
        subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


@pytest.mark.parametrize("cron", ["", "0 0 31 2 *", "bad", "0 0 * JAN *", "0 0 * * 1-9", "0 0 * * */2"])
def test_what_systemd_cannot_say(cron: str) -> None:
    with pytest.raises(BadInput):
        calendar_of(cron)


def test_what_is_run_holds_no_secret_and_stands_whatever_the_names_are() -> None:
    found = timer(config=Path("/etc/dfly-tui/config.toml"))
    line = next(line for line in found.service.splitlines() if line.startswith("ExecStart="))
    assert shlex.split(line.removeprefix("ExecStart=")) == [
        str(PROGRAM), "backup", "run", "alpha", "beta", "--config", "/etc/dfly-tui/config.toml", "--yes",
        "--confirm", "alpha", "--confirm", "beta",
    ]  # fmt: skip
    assert "assword" not in found.service


def test_what_means_something_in_a_unit_is_escaped() -> None:
    found = timer(program=Path('/opt/100%/$HOME/"x"'))
    assert 'ExecStart="/opt/100%%/$$HOME/\\"x\\"" backup' in found.service


@pytest.mark.parametrize(
    "wrong", [{"instances": ()}, {"instances": ("a\nExecStart=rm",)}, {"instances": ("a%n",)}, {"calendar": "x\ny"}]
)
def test_what_would_be_another_unit_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        timer(**wrong)


def test_written_once_and_compared(tmp_path: Path) -> None:
    folder = timer().folder(tmp_path)
    assert folder == tmp_path / ".config" / "systemd" / "user"
    assert timer(system=True).folder(tmp_path) == Path("/etc/systemd/system")
    assert [file.state for file in timer().files(folder)] == ["new", "new"]
    assert [path.name for path in timer().write(folder)] == [
        "dfly-tui-backup-alpha-beta.service", "dfly-tui-backup-alpha-beta.timer",
    ]  # fmt: skip
    assert timer().write(folder) == ()
    other = timer(calendar="*-*-* 3:00:00")
    assert [file.state for file in other.files(folder)] == ["same", "changed"]
    assert f"-OnCalendar={NIGHTLY}" in differences(other.files(folder)[1])
    assert [path.suffix for path in other.write(folder)] == [".timer"]
    assert differences(other.files(folder)[1]) == []
    assert not list(folder.glob(".*"))


def test_what_is_new_is_shown_whole(tmp_path: Path) -> None:
    assert f"+{MARK}" in differences(timer().files(tmp_path)[0])


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "dfly-tui-backup-alpha-beta.timer").write_text("[Timer]\n")
    with pytest.raises(Refused, match="not written by dfly-tui"):
        timer().write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["dfly-tui-backup-alpha-beta.timer"]


@pytest.mark.parametrize("system", [True, False])
def test_what_a_person_runs_then(system: bool) -> None:
    found = timer(system=system)
    assert any("enable --now dfly-tui-backup-alpha-beta.timer" in line for line in found.commands)
    assert ("--user" in found.commands[0]) is not system
    assert any("enable-linger" in line for line in found.commands) is not system
    assert ("network-online" in found.service) is system


def test_the_line_for_cron() -> None:
    line = timer(program=Path("/opt/100%/dfly-tui")).crontab("30 2 * * *")
    assert line.startswith("30 2 * * * /opt/100\\%/dfly-tui backup run alpha beta --yes")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_them(tmp_path: Path) -> None:
    found = timer(program=Path(shutil.which("true") or "/bin/true"))
    paths = found.write(tmp_path)
    subprocess.run(["systemd-analyze", "verify", *map(str, paths)], check=True, capture_output=True)
