"""The lab loads RDB files that a real redis-server wrote, and refuses what a real one refuses."""

import sys
from pathlib import Path

import pytest

from dfly_tui.lab.snapshot import Damaged
from tests.support.hurry import LoopClock
from tests.support.lab import Client, lab
from tests.support.real_rdb import KEYS, real_rdb
from tests.support.restores import WallClock

pytestmark = pytest.mark.redis_server


async def test_what_is_in_it_is_served(tmp_path: Path) -> None:
    await real_rdb(tmp_path / "dump.rdb", ("SET", "gone", "1", "PX", "1"))
    server = lab(WallClock(), dbfilename="dump", data_dir=tmp_path)
    await server.start()
    try:
        async with Client(server.port) as ask:
            assert await ask("DBSIZE") == KEYS[0]
            assert await ask("GET", "number") == "42"
            assert await ask("STRLEN", "big") == 5000
            assert await ask("PTTL", "soon") > 0
            assert await ask("LRANGE", "list", 0, -1) == ["a", "b", "3"]
            assert sorted(await ask("SMEMBERS", "set")) == ["a", "b"]
            assert await ask("HGETALL", "hash") == ["f", "v"]
            assert await ask("ZRANGE", "scores", 0, -1, "WITHSCORES") == ["a", "1.5", "b", "inf"]
            assert await ask("SELECT", 3) == "OK"
            assert await ask("GET", "other") == "1"
    finally:
        await server.stop()


async def refused(folder: Path) -> str:
    server = lab(LoopClock(), dbfilename="dump", data_dir=folder)
    try:
        with pytest.raises(Damaged) as caught:
            await server.start()
    finally:
        await server.stop()
    return str(caught.value)


async def test_one_that_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await real_rdb(tmp_path / "dump.rdb")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "dump.rdb: " in await refused(tmp_path)
    at = whole.index(b"key:")
    path.write_bytes(whole[:at] + b"kex:" + whole[at + 4 :])
    assert "RDB CRC error" in await refused(tmp_path)
    path.write_bytes(whole)
    monkeypatch.setitem(sys.modules, "rdb", None)
    assert "rdb-py is not installed" in await refused(tmp_path)


async def test_a_stream_is_unknown_to_it(tmp_path: Path) -> None:
    await real_rdb(tmp_path / "dump.rdb", ("XADD", "stream", "*", "f", "v"))
    assert "Unsupported rdb type" in await refused(tmp_path)
