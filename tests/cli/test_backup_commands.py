"""`dfly-tui backup list|now|copy|verify|drill|prune|pin|unpin`, as a script uses them."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dfly_tui.cli.backup_report import json_schema
from tests.cli.backups import SCHEMA, Desk, backed_up
from tests.cli.support import Cli
from tests.support.eventually import eventually

DAY = 86_400


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> AsyncIterator[Desk]:
    async with backed_up(cli, tmp_path) as made:
        yield made


def damage(folder: Path, base: str) -> str:
    """Change a byte in the middle of a file, whose size and time stay; returns its name."""
    path = folder / f"{base}-0001.dfs"
    data, times = path.read_bytes(), path.stat()
    path.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
    os.utime(path, (times.st_atime, times.st_mtime))
    return path.name


def aged(folder: Path, base: str, days: float) -> None:
    """As if it had been saved so long ago."""
    for path in folder.glob(f"{base}-*"):
        at = path.stat().st_mtime - days * DAY
        os.utime(path, (at, at))


def test_the_published_schema_is_that_of_the_code() -> None:
    remedy = (
        'python -c "from dfly_tui.cli.backup_report import json_schema as s; print(s())" > docs/backups.schema.json'
    )
    assert json.loads(json_schema()) == SCHEMA, remedy


async def test_a_backup_from_nothing_to_proven(desk: Desk) -> None:
    instance = await desk.listed()
    assert (instance["standing"], instance["sets"], instance["proven_at"]) == ("open", [], None)
    result = await desk("now", "alpha", "--yes", "--why", "before the upgrade")
    assert (result.code, result.out) == (0, "done: back up alpha\n"), result.err
    instance = await desk.listed()
    (each,) = instance["sets"]
    assert (each["complete"], each["keys"], each["why"]) == (True, {"0": 50}, "before the upgrade")
    assert [place["store"] for place in each["places"]] == ["instance", "nas"]
    assert each["verified"] is not None
    assert each["restored"] is None
    assert instance["age_seconds"] < 60
    result = await desk("drill", "alpha", "--yes")
    assert result.code == 0, result.err
    instance = await desk.listed("alpha")
    assert instance["sets"][0]["restored"] == instance["proven_at"] is not None
    shown = (await desk("list")).out
    assert f"{each['name']} (df)" in shown
    assert "a restore was proven" in shown


async def test_the_other_format_and_no_copy(desk: Desk) -> None:
    base = await desk.saved("--format", "rdb", "--no-copy")
    assert (desk.folder / f"{base}.rdb").is_file()
    assert list(desk.nas.iterdir()) == []
    result = await desk("copy", "alpha", base, "--to", "nas", "--yes")
    assert result.code == 0, result.err
    assert (desk.nas / f"{base}.rdb").read_bytes() == (desk.folder / f"{base}.rdb").read_bytes()
    again = await desk("copy", "alpha", base, "--to", "nas", "--yes")
    assert again.code == 3, again.err


async def test_json_lines_end_with_the_outcome(desk: Desk) -> None:
    result = await desk("now", "alpha", "--yes", "--json")
    first, *events, last = map(json.loads, result.out.splitlines())
    assert first["plan"]["kind"] == "backup"
    assert {event["event"]["step"] for event in events} >= {"save", "saved", "whole", "record", "copy-nas"}
    assert (last["outcome"], last["left_to_do"]) == ("done", [])


@pytest.mark.parametrize(
    "words",
    [
        ("now",),
        ("copy", "--to", "nas"),
        ("verify",),
        ("verify", "--all"),
        ("drill",),
        ("prune",),
        ("pin", "BASE", "--why", "because"),
        ("unpin", "BASE"),
        ("schedule", "set", "0 2 * * *"),
        ("schedule", "pause", "2h"),
        ("run", "--drill"),
    ],
    ids=" ".join,
)
async def test_a_dry_run_sends_and_writes_nothing(desk: Desk, words: tuple[str, ...]) -> None:
    await desk.ask("CONFIG", "SET", "snapshot_cron", "0 5 * * *")
    base = await desk.saved("--no-copy")
    sent, files = desk.sent, desk.files()
    command, *rest = (base if word == "BASE" else word for word in words)
    result = await desk.cli.beside("--dry-run", "backup", command, "alpha", *rest)
    assert result.code == 0, result.err
    assert (desk.sent, desk.files()) == (sent, files)
    assert await desk.cron() == "0 5 * * *"


@pytest.mark.parametrize("words", [("now",), ("drill",), ("copy", "--to", "nas")], ids=" ".join)
async def test_nothing_is_done_without_an_answer(desk: Desk, words: tuple[str, ...]) -> None:
    await desk.saved("--no-copy")
    sent, files = desk.sent, desk.files()
    result = await desk(words[0], "alpha", *words[1:])
    assert result.code == 4, result.err
    assert "--yes says it beforehand" in result.err
    assert (desk.sent, desk.files()) == (sent, files)


async def test_production_is_unlocked_by_its_name_and_not_by_yes(cli: Cli, tmp_path: Path) -> None:
    async with backed_up(cli, tmp_path, environment="production") as desk:
        assert (await desk("now", "alpha", "--yes")).code == 4
        assert desk.sent == []
        result = await desk("now", "alpha", "--yes", "--confirm", "alpha")
        assert result.code == 0, result.err


async def test_read_only_looks_and_changes_nothing(desk: Desk) -> None:
    base = await desk.saved()
    sent, files = desk.sent, desk.files()
    for line in ("now alpha --yes", "drill alpha --yes", f"pin alpha {base} --why x", "run alpha --yes"):
        result = await desk.cli.beside("--read-only", "backup", *line.split())
        assert result.code == 3, result.err
    assert (desk.sent, desk.files()) == (sent, files)
    for line in ("list", "verify alpha"):
        assert (await desk.cli.beside("--read-only", "backup", *line.split())).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("now", "alfa"), "did you mean alpha?"),
        (("verify", "alpha", "nothing"), "there is no set nothing of alpha"),
        (("verify", "alpha"), "there is no whole set of alpha"),
        (("drill", "alpha", "--store", "attic", "--yes"), "not copied to 'attic'"),
        (("prune", "alpha", "alfa", "--yes"), "did you mean alpha?"),
        (("pin", "alpha", "nothing", "--why", " "), "nobody would know why"),
        (("schedule", "alpha", "set", "61 * * * *", "--yes"), "minute"),
        (("schedule", "alpha", "set"), "needs a value"),
        (("schedule", "alpha", "pause", "soon"), "is no time"),
        (("verify", "alpha", "--newest", "--all"), "not allowed with"),
        (("install-timer", "alpha", "--user", "--system"), "not allowed with"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else None,
)
async def test_what_makes_no_sense_ends_with_2_and_nothing_is_sent(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    result = await desk(*words)
    assert result.code == 2, result.err
    assert said in result.err
    assert desk.sent == []


async def test_a_server_that_is_saving_blocks(desk: Desk) -> None:
    await desk.saved()
    desk.servers.servers["alpha"].faults.save_seconds = 60
    await desk.ask("BGSAVE")
    result = await desk("now", "alpha", "--yes")
    assert result.code == 3, result.err
    assert "saving" in result.err
    instance = await desk.listed()
    assert instance["saving"] is not None
    result = await desk("verify", "alpha", "--all")  # what is being written is not called damaged
    assert result.code == 0, result.out


async def test_a_full_disk_fails_with_the_servers_own_words(desk: Desk) -> None:
    desk.servers.servers["alpha"].faults.disk_full = True
    result = await desk("now", "alpha", "--yes")
    assert result.code == 1, result.err
    assert "No space left on device" in result.err
    instance = await desk.listed()
    assert "snapshot-failed" in {alert["code"] for alert in instance["alerts"]}


async def test_a_server_that_is_gone_fails(desk: Desk) -> None:
    base = await desk.saved()
    await desk.servers.kill("alpha")
    assert (await desk("now", "alpha", "--yes")).code == 1
    instance = await desk.listed(code=1)
    assert [each["name"] for each in instance["sets"]] == [base]
    assert (await desk("verify", "alpha")).code == 0


async def test_a_copy_that_fails_is_left_to_do(desk: Desk) -> None:
    shutil.rmtree(desk.nas)
    desk.nas.write_text("a file")
    result = await desk("now", "alpha", "--yes")
    assert result.code == 6, result.err
    assert "left to do: it is not copied to nas: dfly-tui backup copy alpha" in result.out
    instance = await desk.listed(code=1)
    assert (instance["sets"][0]["complete"], instance["stores"][1]["problem"] is None) == (True, False)


async def test_verify_says_what_is_damaged(desk: Desk) -> None:
    base = await desk.saved()
    file = damage(desk.nas, base)
    result = await desk("verify", "alpha", base)
    assert result.code == 1
    assert f"ok   {base} from instance" in result.out
    assert f"BAD  {base} from nas: {file} does not have the content it was recorded with" in result.out
    document = await desk.document("verify", "alpha", "--store", "nas", code=1)
    (proof,) = document["proofs"]
    assert (proof["ok"], file in proof["text"]) == (False, True)
    checked = await desk.cli.beside("check")
    assert checked.code == 1
    assert f"the newest backup {base} is no good in nas" in checked.out
    assert f"WARN  {base} (df)" in (await desk("list")).out
    damage(desk.folder, base)
    assert (await desk("verify", "alpha")).code == 1
    (each,) = (await desk.listed())["sets"]
    assert each["broken"]
    assert f"BAD  {base} (df)" in (await desk("list")).out
    assert (await desk.cli.beside("check")).code == 2


async def test_verify_of_half_a_set_and_of_one_that_is_gone(desk: Desk) -> None:
    base, lost = await desk.saved("--no-copy"), await desk.saved("--no-copy")
    (desk.folder / f"{base}-0001.dfs").unlink()
    for path in desk.folder.glob(f"{lost}-*"):
        path.unlink()
    result = await desk("verify", "alpha", "--all")
    assert result.code == 1
    assert f"BAD  {base} from instance" in result.out
    assert f"BAD  {lost}: it is recorded, and its files are gone" in result.out


async def test_a_store_that_cannot_be_read_is_told_and_the_others_are_read(desk: Desk) -> None:
    base = await desk.saved()
    shutil.rmtree(desk.nas)
    result = await desk("verify", "alpha")
    assert result.code == 1
    assert f"ok   {base} from instance" in result.out
    assert "BAD  nas: " in result.out


async def test_the_newest_is_the_one_that_was_saved_last(desk: Desk) -> None:
    old = "old"
    assert await desk.ask("SAVE", "DF", old) == "OK"
    aged(desk.folder, old, 1)
    new = await desk.saved("--no-copy")
    assert (await desk("copy", "alpha", old, "--to", "nas", "--yes")).code == 0
    document = await desk.document("verify", "alpha", "--newest")
    assert [(proof["set"], proof["store"]) for proof in document["proofs"]] == [(new, "instance")]
    assert (await desk("drill", "alpha", "--yes")).code == 0
    proven = {each["name"]: each["restored"] for each in (await desk.listed())["sets"]}
    assert (proven[old], proven[new] is not None) == (None, True)


async def test_the_servers_own_sets_are_listed_verified_and_pruned(cli: Cli, tmp_path: Path) -> None:
    keep = "keep_last = 1\nkeep_daily = 0\nkeep_weekly = 0\nkeep_monthly = 0\nkeep_at_least = 1\ndelay_days = 0"
    async with backed_up(cli, tmp_path, backup=keep) as desk:
        for days, base in ((3, "old"), (2, "pinned"), (1, "later")):
            assert await desk.ask("SAVE", "DF", base) == "OK"
            aged(desk.folder, base, days)
        (desk.folder / "dump-1.dfs.tmp").write_bytes(b"x")
        os.utime(desk.folder / "dump-1.dfs.tmp", (1, 1))
        assert (await desk("verify", "alpha", "--all")).code == 0
        result = await desk("pin", "alpha", "pinned", "--why", "the auditors want it")
        assert result.code == 0, result.err
        new = await desk.saved()
        instance = await desk.listed()
        retention = {each["name"]: each["retention"] for each in instance["sets"]}
        assert "the auditors want it" in retention["pinned"]
        assert {each["name"]: each["who"] for each in instance["sets"]}["old"] == "cron"
        planned = await desk.cli.beside("--dry-run", "backup", "prune", "alpha")
        assert planned.code == 0, planned.err
        assert "old goes now: not among last 1" in planned.out
        assert f"{new} stays: last 1 of 1" in planned.out
        assert (await desk("prune", "alpha", "--yes")).code == 4
        assert len(list(desk.folder.glob("old-*"))) == 3
        result = await desk("prune", "alpha", "--yes", "--confirm", "alpha")
        assert result.code == 0, result.err
        assert {each["name"] for each in (await desk.listed())["sets"]} == {"pinned", new}
        again = await desk("prune", "alpha", "--yes", "--confirm", "alpha")
        assert (again.code, "there is nothing to do" in again.out) == (0, True), again.err
        assert (await desk("unpin", "alpha", "pinned")).code == 0
        assert (await desk("prune", "alpha", "--yes", "--confirm", "alpha")).code == 0
        assert {each["name"] for each in (await desk.listed())["sets"]} == {new}


async def test_a_program_in_the_middle_keeps_others_out(desk: Desk) -> None:
    desk.servers.servers["alpha"].faults.save_seconds = 1.0
    first = asyncio.ensure_future(asyncio.to_thread(desk.cli, "backup", "now", "alpha", "--yes"))

    async def saves() -> bool:
        return bool(desk.servers.proxies["alpha"].sent("BGSAVE"))

    await eventually(saves)
    code = await asyncio.to_thread(_code, desk.cli, "backup", "prune", "alpha", "--yes")
    assert code == 3
    assert (await first).code == 0


def _code(cli: Cli, *words: str) -> int:
    """What it ends with; what it prints goes to the other's."""
    from dfly_tui.cli.main import main

    return main(words, cli.environ)


async def test_the_list_for_a_person(cli: Cli, tmp_path: Path) -> None:
    async with backed_up(cli, tmp_path, replicas=1, snapshot_cron="0 2 * * *") as desk:
        first, second = await desk.saved("--no-copy"), await desk.saved("--no-copy")
        (desk.folder / "dump-9-0000.dfs.tmp").write_bytes(b"x" * 2048)
        for path in desk.folder.glob(f"{first}-*"):
            path.unlink()
        (desk.home / ".local/state/dfly-tui/backups/alpha/x.df.backup.json").write_text("{")
        listed = await desk("list")
        assert listed.code == 1  # a record cannot be read
        lines = listed.out.splitlines()
        assert lines[0] == "alpha: at 02:00"
        assert lines[1].count(" 02:00") == 5
        assert any(line.startswith(f"  BAD  {first} (df)") and "its files are gone" in line for line in lines)
        assert any(line.startswith(f"  ok   {second} (df)") and "last 1 of 7" in line for line in lines)
        assert any("left over in instance: dump-9-0000.dfs.tmp, 2 KiB" in line for line in lines)
        assert any("x.df.backup.json: it is damaged" in line for line in lines)
        assert not any("beta" in line for line in lines)
        assert (await desk("list", "beta")).out.startswith(
            "beta: at 02:00\n  a replica: its primary alpha is backed up"
        )
