"""`dfly-tui backup restore|resume` on a lab server in a container that is none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.backups import Desk, backed_up
from tests.cli.support import PROGRAM, Cli, process_environ
from tests.support.eventually import eventually

ANSWERS = ("--yes", "--confirm", "alpha")


@pytest.fixture
async def desk(cli: Cli, tmp_path: Path) -> AsyncIterator[Desk]:
    async with backed_up(cli, tmp_path, docker=True) as made:
        yield made


async def changed(desk: Desk) -> str:
    """A backup of fifty keys, of which only one other is there by now; returns the set's name."""
    base = await desk.saved()
    await desk.ask("FLUSHALL")
    await desk.ask("SET", "later", "1")
    return base


async def test_a_restore(desk: Desk) -> None:
    base = await changed(desk)
    planned = await desk.cli.beside("--dry-run", "backup", "restore", "alpha", base, "--skip-drill")
    assert planned.code == 0, planned.err
    assert " stop " in planned.out
    assert "docker -H unix://" in planned.out
    assert await desk.ask("DBSIZE") == 1
    declined = await desk("restore", "alpha", base, "--skip-drill", "--yes")
    assert declined.code == 4
    result = await desk("restore", "alpha", base, "--skip-drill", *ANSWERS)
    assert result.code == 0, result.err
    await desk.serves(50)


async def test_a_restore_from_a_copy(desk: Desk) -> None:
    base = await changed(desk)
    for path in desk.folder.glob(f"{base}-*"):
        path.unlink()
    result = await desk("restore", "alpha", base, "--store", "nas", "--skip-drill", *ANSWERS)
    assert result.code == 0, result.err
    await desk.serves(50)


async def test_half_a_set_is_not_restored(desk: Desk) -> None:
    base = await changed(desk)
    (desk.folder / f"{base}-0001.dfs").unlink()
    result = await desk("restore", "alpha", base, "--store", "instance", "--skip-drill", *ANSWERS)
    assert result.code == 3, result.err
    assert "files are gone" in result.err
    assert await desk.ask("DBSIZE") == 1


async def test_without_a_container_it_is_said_how_it_is_done_by_hand(cli: Cli, tmp_path: Path) -> None:
    async with backed_up(cli, tmp_path) as desk:
        result = await desk("restore", "alpha", await desk.saved(), *ANSWERS)
        assert result.code == 3, result.err
        assert "by hand: stop its clients" in result.err


async def test_there_is_nothing_to_resume(desk: Desk) -> None:
    result = await desk("resume", "alpha", *ANSWERS)
    assert result.code == 3
    assert "no restore of alpha was cut off" in result.err


async def test_a_restore_that_was_cut_off_is_taken_back(desk: Desk) -> None:
    base = await changed(desk)
    assert desk.servers.engine is not None
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "backup", "restore", "alpha", base, "--skip-drill", *ANSWERS,
        env=process_environ(desk.home) | {"SECRET": desk.servers.password or ""},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip

    def kill(words: tuple[str, ...]) -> None:
        if words[0] == "start":
            process.kill()

    desk.servers.engine.arrived = kill
    await process.communicate()
    assert process.returncode == -9
    desk.servers.engine.arrived = lambda words: None
    result = await desk("resume", "alpha", *ANSWERS)
    assert result.code == 0, result.err
    assert "it was not proven" in result.err or "had before" in result.err
    await desk.serves(1)
    assert await desk.ask("GET", "later") == "1"
    assert (await desk("resume", "alpha", *ANSWERS)).code == 3

    async def is_served() -> bool:
        return bool((await desk.listed())["sets"])

    await eventually(is_served)
