"""How far a save is, is told to a person on a terminal, and to nobody else."""

import asyncio
import os
import pty
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.backups import Desk, backed_up
from tests.cli.support import PROGRAM, Cli, process_environ

SAVE_SECONDS = 2.5


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> AsyncIterator[Desk]:
    async with backed_up(cli, tmp_path, keys=3000) as made:
        made.servers.servers["alpha"].faults.save_seconds = SAVE_SECONDS
        yield made


async def talk(desk: Desk, stderr: int) -> bytes:
    """What a backup says, and where it ends up when it is sent there."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "backup", "now", "alpha", "--yes",
        env=process_environ(desk.home) | {"SECRET": desk.servers.password or "", "TERM": "xterm"},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=stderr,
    )  # fmt: skip
    _, err = await process.communicate()
    assert process.returncode == 0, err
    return err or b""


def whole(terminal: int) -> bytes:
    """All that is written to a terminal, until nobody has it open."""
    said = b""
    with suppress(OSError):  # how Linux says that the other end is closed
        while piece := os.read(terminal, 1 << 16):
            said += piece
    return said


async def test_on_a_terminal_one_line_is_written_anew(desk: Desk) -> None:
    ours, theirs = pty.openpty()
    reading = asyncio.ensure_future(asyncio.to_thread(whole, ours))
    try:
        await talk(desk, theirs)
    finally:
        os.close(theirs)
        said = await reading
        os.close(ours)
    before, _, after = said.partition(b"left\x1b[K")
    assert b"keys, " in before.rpartition(b"\r")[2]
    assert after.startswith(b"\r")
    assert said.endswith(b"\r\n")


async def test_in_a_pipe_only_what_ended_is_told(desk: Desk) -> None:
    said = await talk(desk, asyncio.subprocess.PIPE)
    assert b"\x1b" not in said
    assert b"\r" not in said
    assert said.count(b"is on disk \xe2\x80\xa6") == 1
