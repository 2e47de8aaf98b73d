"""Units for systemd, and a line for cron."""

import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis.strategies import from_regex

from dfly_tui.errors import BadInput, Refused
from dfly_tui.models.cron import BadCron, Cron
from dfly_tui.operations.backup.timer import MARK, Timer, calendar_of, differences

PROGRAM = Path("/opt/dfly tui/bin/dfly-tui")
NIGHTLY = "*-*-* 2:30:00"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BASE = "--base-time=2026-11-23 12:00:00 UTC"
_PART = r"(\*|\*/[1-9]|[0-9]{1,2}|[0-9]-[1-5][0-9]|[0-9],[0-9],1[0-9]|[0-9]/[1-9])"
_DAY = r"(\*|[1-9]|[1-9]-2[0-9]|\*/[1-9])"
_MONTH = r"(\*|[1-9]|\*/[1-9]|[1-9]/[1-9])"
CRON = rf"{_PART} {_PART} {_DAY} {_MONTH} (\*|[0-6]|[0-3]-[3-6]|[0-6],[0-6])"


def timer(**more: object) -> Timer:
    given: dict[str, object] = {"program": PROGRAM, "instances": ("alpha", "beta"), "calendar": NIGHTLY} | more
    return Timer(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("30 2 * * *", "*-*-* 2:30:00"),
        ("*/5 * * * *", "*-*-* *:0..55/5:00"),
        ("0 0,12 * * 1-5", "Mon..Fri *-*-* 0,12:0:00"),
        ("15 3 1 */3 ?", "*-1..10/3-1 3:15:00"),
        ("0 0 */7 * 5", "Fri *-*-1..29/7 0:0:00"),
        ("0 4 * * SUN", "Sun *-*-* 4:0:00"),
        ("10-20/5 1 * * 0,6", "Sun,Sat *-*-* 1:10..20/5:00"),
        ("0 0 * * 0-6", "*-*-* 0:0:00"),
        ("0 0 * * 0-4", "Sun,Mon,Tue,Wed,Thu *-*-* 0:0:00"),
        ("0 0 * * 3,3", "Wed *-*-* 0:0:00"),
        ("0 0 1 9/5 *", "*-9-1 0:0:00"),
        ("*/90 5/70 1,2,5 */12 *", "*-1-1,2,5 5:0:00"),
        ("0 0 * JAN 1-5/2", "Mon,Wed,Fri *-1-* 0:0:00"),
        ("0 2 1-7 * 1", "Mon *-*-1..7 2:0:00"),
    ],
)
def test_a_cron_expression_as_systemd_takes_it(cron: str, calendar: str) -> None:
    assert calendar_of(cron) == calendar
    if shutil.which("systemd-analyze") is not None:
        subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@given(cron=from_regex(CRON, fullmatch=True))
@settings(max_examples=60, deadline=None)
def test_systemd_runs_when_it_is_due(cron: str) -> None:
    """As the expression says it: not as croncpp, which leaves out some days, searches for it."""
    try:
        wanted = Cron(cron)
    except BadCron:
        reject()
    assume(not wanted.remarks and not wanted.is_impossible)
    minute, hour, *date = cron.split(" ")
    clock, day, today = Cron(f"{minute} {hour} * * *"), Cron(" ".join(["0", "0", *date])), NOW.replace(hour=0)
    times = [timedelta(minutes=at) for at in range(1440) if clock.is_due(today + timedelta(minutes=at))]
    days = (today + timedelta(days=at) for at in range(40 * 366) if day.is_due(today + timedelta(days=at)))
    runs = (each + time for each in days for time in times if each + time > NOW)
    due = [f"{at:%Y-%m-%d %H:%M}" for at in islice(runs, 4)]
    said = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=4", BASE, calendar_of(cron)],
        check=True, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C"},
    ).stdout  # fmt: skip
    assert len(due) == 4
    assert re.findall(r"(?:elapse|#\d+): \w+ ([-0-9]+ [0-9]+:[0-9]+):", said) == due


@pytest.mark.parametrize("cron", ["", "0 0 31 2 *", "bad", "300 * * * *", "0 0 * MONDAY *", "0 0 * * 1-9"])
def test_what_is_no_time(cron: str) -> None:
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
    "wrong",
    [
        {"instances": ()},
        {"instances": ("a\nExecStart=rm",)},
        {"instances": ("a%n",)},
        {"calendar": "x\ny"},
        {"config": Path("/x\nExecStartPre=/bin/false")},
        {"program": Path("/x\nExecStartPre=/bin/false")},
    ],
)
def test_what_would_be_another_unit_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        timer(**wrong)


def test_units_of_others_are_called_otherwise() -> None:
    sets = [("a", "b"), ("a-b",), ("a b",), ("a", "b-c"), ("a-b", "c"), ("n" * 60,) * 4, (*(("n" * 60,) * 4), "more")]
    names = [timer(instances=instances).name for instances in sets]
    assert len(set(names)) == len(names)
    assert names[0] == "dfly-tui-backup-a-b"
    assert all(len(name) < 220 for name in names)


def test_a_name_does_not_swallow_the_next_line() -> None:
    found = timer(instances=("a\\",))
    assert not any(line.endswith("\\") for line in (found.timer + found.service).splitlines())


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


@pytest.mark.parametrize(
    ("cron", "fields"),
    [("0 3 ? * MON", "0 3 * * 1"), ("*/90 5/70 * * 0-6", "0 5 * * *"), ("*/15 * 1 */12 *", "*/15 * 1 1 *")],
)
def test_cron_gets_what_it_takes(cron: str, fields: str) -> None:
    assert timer().crontab(cron).startswith(f"{fields} ")


def test_where_cron_would_run_more_often_there_is_no_line() -> None:
    """A crontab takes either of the two days, Dragonfly and systemd only both at once."""
    assert timer().crontab("0 2 1-7 * 1") == ""


def test_the_line_for_cron() -> None:
    line = timer(program=Path("/opt/100%/dfly-tui")).crontab("30 2 * * *")
    assert line.startswith("30 2 * * * /opt/100\\%/dfly-tui backup run alpha beta --yes")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_them(tmp_path: Path) -> None:
    found = timer(program=Path(shutil.which("true") or "/bin/true"))
    paths = found.write(tmp_path)
    subprocess.run(["systemd-analyze", "verify", *map(str, paths)], check=True, capture_output=True)
