"""The lab's snapshots are files that are really there, and are really loaded."""

import asyncio
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dfly_tui.errors import ConfigError
from dfly_tui.lab.options import bytes_of
from dfly_tui.lab.server import LabServer
from dfly_tui.lab.snapshot import MAGIC, BadName, Damaged, base_name, newest
from tests.support.clock import FakeClock, settle
from tests.support.eventually import eventually
from tests.support.lab import Client, lab, pair

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def saved(client: Client) -> bool:
    return (await client.info("PERSISTENCE"))["saving"] == "0"


@pytest.mark.parametrize("words", [("SAVE",), ("SAVE", "RDB"), ("BGSAVE",), ("SAVE", "DF", "mine")])
async def test_what_was_saved_is_there_after_a_restart(tmp_path: Path, words: tuple[str, ...]) -> None:
    name = "mine" if "mine" in words else "dump-{timestamp}"
    async with lab(data_dir=tmp_path, keys=200) as server, Client(server.port) as client:
        await client("SET", "a", "1", "PXAT", 4_000_000_000_000)
        keys = await client("DBSIZE")
        assert await client(*words) == "OK"
        await eventually(lambda: saved(client))
    async with lab(data_dir=tmp_path, dbfilename=name, keys=5) as server, Client(server.port) as client:
        assert await client("DBSIZE") == keys, "and nothing was invented on top"
        assert await client("PEXPIRETIME", "a") == 4_000_000_000_000
        assert (await client.info("PERSISTENCE"))["last_saved_file"] == "", "it has not saved anything itself"


async def test_info_tells_how_it_went(tmp_path: Path) -> None:
    clock = FakeClock()
    async with lab(clock, data_dir=tmp_path) as server, Client(server.port) as client:
        await client("SET", "a", "1")
        before = await client.info("PERSISTENCE")
        assert (before["rdb_changes_since_last_success_save"], before["last_saved_file"]) == ("1", "")
        server.faults.save_seconds = 10
        for number in range(999):
            await client("SET", f"k{number}", "1")
        await client("BGSAVE")
        await settle()
        during = await client.info("PERSISTENCE")
        assert (during["saving"], during["current_save_keys_total"]) == ("1", "1000")
        assert 0 < float(during["current_snapshot_perc"]) < 100
        assert "SAVING - can not save database" in str(await client("SAVE"))
        await clock.advance(11)
        after = await client.info("PERSISTENCE")
        assert (after["saving"], after["rdb_string"]) == ("0", "1000")
        assert after["rdb_changes_since_last_success_save"] == "0"
        assert re.fullmatch(rf"{tmp_path}/dump-2026-.*-summary\.dfs", after["last_saved_file"])
        assert int(after["last_success_save_duration_sec"]) >= 5
        assert await client("LASTSAVE") == int(after["last_success_save"])
    assert not [name for name in files(tmp_path) if name.endswith(".tmp")]


async def test_a_full_disk(tmp_path: Path) -> None:
    async with lab(data_dir=tmp_path, keys=10) as server, Client(server.port) as client:
        await client("DEBUG", "LAB", "disk-full", "on")
        assert str(await client("SAVE")) == "ERR No space left on device"
        about = await client.info("PERSISTENCE")
        assert (about["last_error"], about["rdb_last_bgsave_status"]) == ("No space left on device", "err")
        assert int(about["last_failed_save"]) > 0
        assert not files(tmp_path), "no half snapshot is left"
        await client("DEBUG", "LAB", "disk-full", "off")
        assert await client("SAVE") == "OK"
        assert (await client.info("PERSISTENCE"))["last_error"] == ""


async def test_a_replica_saves_too(tmp_path: Path) -> None:
    async with pair(data_dir=tmp_path, keys=20) as (_, replica), Client(replica.port) as client:
        assert await client("SAVE") == "OK"
    assert len(files(tmp_path)) == 3


async def test_the_cron_saves(tmp_path: Path) -> None:
    clock = FakeClock()
    async with lab(clock, data_dir=tmp_path, snapshot_cron="*/2 * * * *", keys=5) as server:
        await clock.advance(180)
        await settle(40)
        assert server.stats.backups in {1, 2}
        assert server.saver.saves == server.stats.backups


async def test_shutdown_saves_unless_told_not_to(tmp_path: Path) -> None:
    for words, count in ((("SHUTDOWN", "NOSAVE"), 0), (("SHUTDOWN",), 3)):
        codes: list[int] = []
        async with lab(data_dir=tmp_path, keys=5, on_exit=codes.append) as server, Client(server.port) as client:
            client.send(*words)

            async def ended(codes: list[int] = codes) -> bool:
                return bool(codes)

            await eventually(ended)
        assert codes == [0]
        assert len(files(tmp_path)) == count


async def test_loading_at_run_time(tmp_path: Path) -> None:
    async with lab(data_dir=tmp_path, flavour="1.40") as server, Client(server.port) as client:
        await client("SET", "a", "1")
        await client("SAVE", "DF", "mine")
        await client("SET", "b", "1")
        assert await client("DFLY", "LOAD", str(tmp_path / "mine-summary.dfs")) == "OK"
        assert await client("KEYS", "*") == ["a"]
        assert str(await client("DFLY", "LOAD", str(tmp_path / "mine.txt"))) == "ERR Bad filename extension"
        assert str(await client("DFLY", "LOAD", str(tmp_path / "other.rdb"))) == "ERR File not found"


@pytest.mark.parametrize("content", [b"REDIS0011\xfa", MAGIC + b"*4\r\n$1\r\n0", MAGIC + b"*1\r\n$1\r\nx\r\n"])
async def test_a_foreign_or_broken_file_stops_the_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dump-x.rdb").write_bytes(content)
    server = lab(data_dir=tmp_path)
    with pytest.raises(Damaged):
        await server.start()
    await server.stop()


def test_the_newest_of_what_fits_is_loaded(tmp_path: Path) -> None:
    for age, name in enumerate(("dump-b.rdb", "dump-a-summary.dfs", "dump-a-0000.dfs", "other.rdb", "dump.rdb")):
        path = tmp_path / name
        path.touch()
        os.utime(path, (1000 + age, 1000 + age))
    assert newest(tmp_path, "dump-{timestamp}") == tmp_path / "dump-a-summary.dfs"
    assert newest(tmp_path, "dump") == tmp_path / "dump.rdb"
    assert newest(tmp_path, "other.rdb") == tmp_path / "other.rdb"
    assert newest(tmp_path, "nothing") is None
    assert newest(tmp_path / "absent", "dump") is None


@pytest.mark.parametrize(
    ("name", "rdb", "base"),
    [
        ("dump-{timestamp}", False, "dump-2026-01-02T03:04:05"),
        ("{Y}-{m}-{d}", True, "2026-01-02"),
        ("named.rdb", True, "named"),
    ],
)
def test_names(name: str, rdb: bool, base: str) -> None:
    assert base_name(name, rdb=rdb, now=NOW) == base


@pytest.mark.parametrize(
    ("name", "rdb", "why"),
    [
        ("", False, "filename is not specified"),
        ("../escape", False, "directory separators"),
        ("x.rdb", False, "DF snapshot format is used"),
        ("x.txt", False, "Bad filename extension"),
        ("x.dfs", True, "Bad filename extension"),
    ],
)
def test_names_that_are_refused(name: str, rdb: bool, why: str) -> None:
    with pytest.raises(BadName, match=why):
        base_name(name, rdb=rdb, now=NOW)


def test_sizes() -> None:
    assert [bytes_of(text) for text in ("1024", "1k", "1.5gb", "2GiB")] == [1024, 1024, 3 << 29, 2 << 30]
    with pytest.raises(ValueError, match="not a size"):
        bytes_of("much")


def test_a_name_the_real_ones_do_not_start_with_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\.rdb"):
        lab(dbfilename="dump-{timestamp}.rdb")


async def test_while_a_pause_holds_somebody_it_does_not_save_at_its_end(tmp_path: Path) -> None:
    """dragonfly#8270."""
    clock = FakeClock()
    async with lab(clock, data_dir=tmp_path) as server, Client(server.port) as client, Client(server.port) as writer:
        assert await client("CLIENT", "PAUSE", 60_000, "WRITE") == "OK"
        held = asyncio.ensure_future(writer("SET", "a", "1"))
        await eventually(lambda: is_held(server))
        ending = asyncio.ensure_future(server.save_at_end())
        await clock.advance(30)
        assert files(tmp_path) == []
        assert await client("CLIENT", "UNPAUSE") == "OK"
        await clock.advance(1)
        await ending
        assert await held == "OK"
        assert files(tmp_path)[-1].endswith("-summary.dfs")


async def is_held(server: LabServer) -> bool:
    return server.pause.held > 0
