"""What the backups screen costs on the way to a terminal: while nothing happens, while a save runs, under a dialog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.pty.dashboard import INFO, PRIMARY, started
from tests.support.pty_app import PtyApp
from tests.support.respd import Respd, array, bulk

HOSTILE = "\x1b]0;pwned\x07\x1b[2J-"


def saving(percent: int) -> bytes:
    """INFO of a server that is so far with a save."""
    told = {
        b"saving": 1, b"current_snapshot_perc": percent, b"current_save_keys_processed": percent * 10_000,
        b"current_save_keys_total": 1_000_000, b"current_save_duration_sec": percent,
    }  # fmt: skip
    lines = [line.partition(b":") for line in INFO.splitlines()]
    return b"\r\n".join(
        b"%b:%d" % (key, told[key]) if key in told else key + colon + rest for key, colon, rest in lines
    )


@asynccontextmanager
async def looking(folder: Path, *infos: bytes) -> AsyncIterator[PtyApp]:
    """The backups screen, 80×24, as soon as it lists a set."""
    data = folder / "data"
    data.mkdir()
    for base in ("dump-1", "dump-2", HOSTILE):
        for part in ("0000", "0001", "summary"):
            (data / f"{base}-{part}.dfs").write_bytes(b"x" * 100)
    config = array(*(bulk(word) for word in ("dir", "/data", "dbfilename", "dump-{timestamp}", "snapshot_cron", "")))
    async with Respd({"INFO": [bulk(info) for info in infos], "ROLE": PRIMARY, "CONFIG": config}) as server:
        path = folder / "dfly.toml"
        path.write_text(
            f'[[instances]]\nname = "workhorse"\nurl = "{server.url}"\n[instances.backup]\nfolder = "{data}"\n'
        )
        with started("--config", str(path), columns=80, rows=24, home=folder) as app:
            await asyncio.to_thread(app.wait_for, "● fresh")
            app.press("5")
            await asyncio.to_thread(app.wait_for, "dump-2")
            yield app


async def test_nothing_is_written_while_nothing_happens(tmp_path: Path) -> None:
    async with looking(tmp_path, INFO) as app:
        assert b"\x1b]0;pwned" not in app.raw
        assert b"\x1b[2J-" not in app.raw
        await asyncio.to_thread(app.pump, 2.0)
        assert (await asyncio.to_thread(app.pump, 3.2)).bytes_per_second <= 300
        app.press("?")
        await asyncio.to_thread(app.wait_for, "Back up   Save")
        await asyncio.to_thread(app.pump, 0.5)
        assert (await asyncio.to_thread(app.pump, 2.2)).bytes_per_second <= 300


async def test_the_progress_of_a_save_is_cheap(tmp_path: Path) -> None:
    async with looking(tmp_path, *map(saving, range(1, 90))) as app:
        await asyncio.to_thread(app.wait_for, "Saving")
        await asyncio.to_thread(app.pump, 1.0)
        traffic = await asyncio.to_thread(app.pump, 4.2)
        assert 0 < traffic.bytes_per_second <= 800
