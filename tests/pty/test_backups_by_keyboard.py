"""Backups from the keyboard alone, on a terminal of 80×24, with a server that really saves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from dfly_tui.lab.server import LabServer
from dfly_tui.models.backup import BackupRecord, ProofLevel
from dfly_tui.operations.backup.catalogue import Catalogue
from tests.pty.dashboard import started
from tests.support.lab import lab
from tests.support.pty_app import PtyApp


@asynccontextmanager
async def looking(folder: Path) -> AsyncIterator[tuple[PtyApp, LabServer]]:
    """The backups screen before a server of the lab."""
    data, nas = folder / "data", folder / "nas"
    data.mkdir()
    nas.mkdir()
    async with lab(port=0, keys=50, data_dir=data, snapshot_cron="0 2 * * *") as server:
        path = folder / "dfly.toml"
        path.write_text(
            f'[[instances]]\nname = "workhorse"\nurl = "redis://127.0.0.1:{server.port}"\nenvironment = "lab"\n'
            f'[[stores]]\nname = "nas"\nurl = "{nas}"\n[backup]\nfolder = "{data}"\ncopy_to = ["nas"]\n'
        )
        with started("--config", str(path), columns=80, rows=24, home=folder) as app:
            await asyncio.to_thread(app.wait_for, "● fresh")
            app.press("5")
            await asyncio.to_thread(app.wait_for, "at 02:00")
            yield app, server


async def go(app: PtyApp, *steps: str) -> None:
    """Press what comes first of each pair, and wait for the other."""
    for keys, words in zip(steps[::2], steps[1::2], strict=True):
        app.press(keys)
        await asyncio.to_thread(app.wait_for, words)


def records(folder: Path) -> Sequence[BackupRecord]:
    return Catalogue(folder / "state" / "dfly-tui" / "backups", "workhorse").records()


BACK_UP = ("b", "may be empty", "why not\r", "Nothing is changed yet", "\r", "goes on to the question",
           "\r", "Do it", "\t\r", "Done: back up")  # fmt: skip


async def test_saved_verified_tried_pinned_and_scheduled(tmp_path: Path) -> None:
    async with looking(tmp_path) as (app, server):
        await go(app, *BACK_UP)
        (record,) = records(tmp_path)
        assert (record.why, record.keys, [copy.store for copy in record.copies]) == ("why not", {0: 50}, ["nas"])
        await go(app, "\x1b", "✔ sums")
        await go(app, "v", "which copy?", "\r", "Verified")
        await go(app, "d", "which copy?", "\r", "Nothing is changed yet", "\r", "goes on to the question",
                 "\r", "Do it", "\t\r", "Done: try to restore")  # fmt: skip
        await go(app, "\x1b", "✔ restored")
        await go(app, "y", "Why is it kept?", "the upgrade\r", "pinned: …")
        await go(app, "e", "minute hour day")
        for key in ("\x15", *"0 3 * * *"):  # as fast as a person types
            app.press(key)
            await asyncio.to_thread(app.pump, 0.2)
        await go(app, "", "At 03:00", "\r", "Nothing is changed yet",
                 "\r", "goes on to the question", "\r", "Do it", "\t\r", "Done: schedule")  # fmt: skip
        assert server.config["snapshot_cron"] == "0 3 * * *"
        await go(app, "\x1b", "at 03:00")
        (record,) = records(tmp_path)
        assert (record.pinned, record.proven_at is not None) == ("the upgrade", True)
        assert record.last_proof(ProofLevel.CHECKSUMS)


async def test_a_save_that_fails_says_what_to_do(tmp_path: Path) -> None:
    async with looking(tmp_path) as (app, server):
        server.faults.disk_full = True
        await go(app, *BACK_UP[:-1], "No space left on device")
        await asyncio.to_thread(app.wait_for, "make room on that disk")
        assert records(tmp_path) == ()


async def test_a_no_changes_nothing(tmp_path: Path) -> None:
    async with looking(tmp_path) as (app, _):
        await go(app, *BACK_UP[:-2], "\r", "nothing more was done")  # Cancel is the button that Enter presses
        assert (records(tmp_path), list((tmp_path / "data").iterdir())) == ((), [])
