"""`dfly-tui backup run|install-timer`: what a timer runs, and the timer."""

import json
import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dfly_tui.operations.backup.pauses import Pause, Pauses
from tests.cli.backups import Desk, backed_up
from tests.cli.support import Cli

NIGHTLY = "0 2 * * *"
KEEP_ONE = "keep_last = 1\nkeep_daily = 0\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_at_least = 1\ndelay_days = 0"


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> AsyncIterator[Desk]:
    async with backed_up(cli, tmp_path, backup=KEEP_ONE, snapshot_cron=NIGHTLY) as made:
        yield made


async def old_set(desk: Desk) -> str:
    """One that the server saved by itself two days ago."""
    assert await desk.ask("SAVE", "DF", "old") == "OK"
    for path in desk.folder.glob("old-*"):
        at = path.stat().st_mtime - 2 * 86_400
        os.utime(path, (at, at))
    return "old"


def pauses(desk: Desk) -> Pauses:
    return Pauses(desk.home / ".local" / "state" / "dfly-tui" / "backups")


# --- run


async def test_a_run_backs_up_verifies_and_removes_what_is_due(desk: Desk) -> None:
    await old_set(desk)
    result = await desk("run", "alpha", "--yes", "--confirm", "alpha")
    assert result.code == 0, result.err
    (each,) = (await desk.listed())["sets"]
    assert (each["why"], [place["store"] for place in each["places"]]) == ("timer", ["instance", "nas"])
    assert f"ok   {each['name']} from instance" in result.err
    assert f"ok   {each['name']} from nas" in result.err


async def test_a_drill_when_it_is_due_and_not_again(desk: Desk) -> None:
    first = await desk("run", "alpha", "--yes", "--drill", "--no-prune")
    again = await desk("run", "alpha", "--yes", "--drill", "--no-prune")
    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert ("try to restore" in first.out, "try to restore" in again.out) == (True, False)
    assert (await desk.listed())["proven_at"] is not None


async def test_nothing_is_removed_when_the_backup_failed(desk: Desk) -> None:
    old = await old_set(desk)
    desk.servers.servers["alpha"].faults.disk_full = True
    result = await desk("run", "alpha", "--yes", "--confirm", "alpha")
    assert result.code == 1
    assert "nothing is removed" in result.err
    assert len(list(desk.folder.glob(f"{old}-*"))) == 3


async def test_nothing_is_removed_when_the_copy_failed(desk: Desk) -> None:
    old = await old_set(desk)
    shutil.rmtree(desk.nas)
    desk.nas.write_text("a file")
    result = await desk("run", "alpha", "--yes", "--confirm", "alpha")
    assert result.code == 6, result.err
    assert len(list(desk.folder.glob(f"{old}-*"))) == 3


async def test_a_pause_that_is_over_ends(desk: Desk) -> None:
    now = datetime.now(UTC)
    await desk.ask("CONFIG", "SET", "snapshot_cron", "")
    pauses(desk).keep("alpha", Pause(cron=NIGHTLY, until=now - timedelta(minutes=1), since=now - timedelta(hours=1)))
    result = await desk("run", "alpha", "--yes", "--confirm", "alpha")
    assert result.code == 0, result.err
    assert (await desk.cron(), pauses(desk).of("alpha")) == (NIGHTLY, None)


async def test_a_pause_that_is_not_over_stays(desk: Desk) -> None:
    assert (await desk("schedule", "alpha", "pause", "2h", "--yes")).code == 0
    assert (await desk("run", "alpha", "--yes", "--confirm", "alpha")).code == 0
    assert await desk.cron() == ""


async def test_one_that_is_gone_keeps_no_other_and_the_worst_decides(cli: Cli, tmp_path: Path) -> None:
    async with backed_up(cli, tmp_path) as desk:
        cli.file.write_text(cli.file.read_text() + "[[instances]]\nname = 'gone'\nurl = 'redis://127.0.0.1:1'\n")
        result = await desk("run", "gone", "alpha", "--yes", "--json")
        assert result.code == 1
        assert json.loads(result.out.splitlines()[-1]) == {
            "schema": 1, "code": 1, "instances": [{"instance": "gone", "code": 1}, {"instance": "alpha", "code": 0}],
        }  # fmt: skip
        assert len((await desk.listed("alpha"))["sets"]) == 1


async def test_an_unknown_name_is_told_before_anything_is_done(desk: Desk) -> None:
    result = await desk("run", "alpha", "alfa", "--yes")
    assert (result.code, desk.sent) == (2, [])


async def test_a_replica_is_left_to_its_primary(cli: Cli, tmp_path: Path) -> None:
    async with backed_up(cli, tmp_path, replicas=1) as desk:
        result = await desk("run", "beta", "alpha", "--yes", "--no-prune")
        assert result.code == 0, result.err
        assert "beta is a replica: alpha is backed up instead" in result.err
        assert desk.servers.proxies["beta"].sent("BGSAVE") == []
        instance = await desk.listed()
        assert (instance["name"], len(instance["sets"])) == ("alpha", 1)
        alone = await desk("run", "beta", "--yes", "--no-prune")
        assert alone.code == 0, alone.err
        assert len(desk.servers.proxies["beta"].sent("BGSAVE")) == 1


async def test_nobody_is_there_to_answer(desk: Desk) -> None:
    result = await desk("run", "alpha")
    assert (result.code, desk.sent) == (4, []), result.err


# --- the timer


@pytest.fixture
def program(cli: Cli, tmp_path: Path) -> Path:
    """Something called dfly-tui in the PATH."""
    path = tmp_path / "bin" / "dfly-tui"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    cli.environ["PATH"] += f":{path.parent}"
    return path


TIMED = "[[instances]]\nname = 'alpha'\nurl = 'redis://127.0.0.1:1'\n"


def test_a_timer_is_shown_and_written_only_when_that_is_wanted(cli: Cli, tmp_path: Path, program: Path) -> None:
    cli.config(TIMED)
    units = tmp_path / ".config" / "systemd" / "user"
    for words in ((), ("--write", "--dry-run")):
        shown = cli("backup", "install-timer", "alpha", *words)
        assert shown.code == 0, shown.err
        assert "dfly-tui backup run alpha --yes --confirm alpha" in shown.out
        assert "nothing was written" in shown.out
        assert not units.exists()
    written = cli("backup", "install-timer", "alpha", "--cron", "15 */6 * * *", "--write")
    assert written.code == 0, written.err
    assert {path.name for path in units.iterdir()} == {"dfly-tui-backup-alpha.service", "dfly-tui-backup-alpha.timer"}
    assert "systemctl --user enable --now dfly-tui-backup-alpha.timer" in written.out
    again = cli("backup", "install-timer", "alpha", "--cron", "15 */6 * * *", "--write")
    assert "both are as they should be" in again.out
    other = cli("backup", "install-timer", "alpha", "--on-calendar", "Sun *-*-* 04:00:00")
    assert "+OnCalendar=Sun *-*-* 04:00:00" in other.out


def test_a_timer_as_json(cli: Cli, program: Path) -> None:
    cli.config(TIMED)
    document = json.loads(cli("backup", "install-timer", "alpha", "--system", "--json").out)
    assert (document["schema"], document["written"]) == (1, [])
    service, timer = document["files"]
    assert (service["state"], timer["path"]) == ("new", "/etc/systemd/system/dfly-tui-backup-alpha.timer")
    assert f"--config {cli.file}" in service["text"]  # root has another home
    assert document["crontab"].startswith("30 2 * * * ")


def test_a_unit_that_is_not_ours_is_left_alone(cli: Cli, tmp_path: Path, program: Path) -> None:
    cli.config(TIMED)
    unit = tmp_path / ".config" / "systemd" / "user" / "dfly-tui-backup-alpha.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    result = cli("backup", "install-timer", "alpha", "--write")
    assert (result.code, unit.read_text()) == (3, "[Service]\n"), result.err
    assert cli("--read-only", "backup", "install-timer", "alpha", "--write").code == 3


def test_what_no_timer_can_be_made_of(cli: Cli, program: Path) -> None:
    cli.config(TIMED)
    for words in (("--on-calendar", "now; rm -rf /"), ("--cron", "0 0 31 2 *"), ("--cron", "61 * * * *")):
        assert cli("backup", "install-timer", "alpha", *words).code == 2
    assert cli("--url", "redis://127.0.0.1:1", "backup", "install-timer", "127.0.0.1:1").code == 2
