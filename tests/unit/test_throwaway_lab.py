"""Throw-away servers that are processes of this machine."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dfly_tui.clients.owners import is_gone, this_process
from dfly_tui.clients.throwaway import Trial
from dfly_tui.clients.throwaway_lab import LabThrowaway
from dfly_tui.clock import SystemClock
from dfly_tui.errors import ServerError, Unreachable
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.drill import drill
from tests.support.eventually import eventually
from tests.support.group import Yes, outcome, told
from tests.support.restores import BEFORE, Stage, damaged, stage
from tests.support.restoring import PATIENT_SECONDS

TRIAL = Trial(run="one", shards=2, memory_bytes=512 << 20, databases=16, seconds=60)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def without_docker(at: Stage) -> None:
    at.servers.timeout_seconds = PATIENT_SECONDS
    at.servers.configs = (at.servers.configs[0].model_copy(update={"docker": None}),)


def left(folder: Path) -> list[Path]:
    return list(folder.glob("dfly-tui-drill-*"))


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_a_set_that_is_good_and_one_that_is_not(flavour: str, folder: Path) -> None:
    async with stage(flavour=flavour) as at:
        without_docker(at)
        async with at.servers.access() as access:
            kept = at.kept(access)
            events = await at.servers.run(await drill(kept, await at.chosen(kept)), access)
            assert outcome(events) is Outcome.DONE, told(events)
            (proof,) = kept.proofs["dump-1"]
            assert proof.ok
            assert BEFORE - 12 <= proof.keys[0] <= BEFORE, "twelve of them expire some day"
            assert left(folder) == []
            damaged(at)
            kept = at.kept(access)
            events = await at.servers.run(await drill(kept, await at.chosen(kept)), access)
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert "Rdb load failed: drill-0001.dfs is cut off" in kept.proofs["dump-1"][0].text
        assert left(folder) == []


async def test_one_that_is_killed_says_nothing_of_the_set(folder: Path) -> None:
    async with stage() as at:
        without_docker(at)
        async with at.servers.access() as access:
            kept = at.kept(access)
            plan = await drill(kept, await at.chosen(kept))
            events = []
            async for event in at.servers.stream(plan, access, Yes()):
                events.append(event)
                if f"{event.step} {event.state}" == "try done":
                    kill_what_loads(folder)
        assert outcome(events) is Outcome.UNDONE, told(events)
        assert "was ended from outside" in told(events)
        assert kept.proofs == {}
        assert left(folder) == []


def kill_what_loads(folder: Path) -> None:
    """The process that has this folder on its command line."""
    [drill_folder] = left(folder)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"--dir={drill_folder}".encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue


async def test_before_it_listens_nobody_is_there(folder: Path) -> None:
    one = LabThrowaway(TRIAL, version="1.22.2", clock=SystemClock())
    await one.create()
    try:
        with pytest.raises(Unreachable):
            await one.open()
        await one.start()

        async def loaded() -> bool:
            return (await one.look()).log.is_empty and one._port > 0

        await eventually(loaded)
        with pytest.raises(ServerError, match="no room for a drill"):
            await LabThrowaway(TRIAL, version="1.22.2", clock=SystemClock()).create()
        _, password = await one.open()
        secret = await password.get()
        assert secret is not None
        assert secret not in " ".join(one.commands)
        assert str(folder) in one.remove_text
    finally:
        await one.remove()
    assert left(folder) == []
    await one.remove()


async def test_what_others_left_behind_is_removed(folder: Path) -> None:
    gone, kept, odd = (folder / f"dfly-tui-drill-{name}" for name in ("gone", "kept", "odd"))
    for each in (gone, kept, odd):
        each.mkdir()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from dfly_tui.clients.owners import this_process; print(this_process())",
        stdout=subprocess.PIPE,
    )  # fmt: skip
    owner, _ = await child.communicate()
    assert is_gone(owner.decode().strip())
    (gone / ".owner").write_bytes(owner.strip())
    (kept / ".owner").write_text(this_process())
    one = LabThrowaway(TRIAL, version="1.40.1", clock=SystemClock())
    await one.create()
    assert {path.name for path in left(folder)} == {"dfly-tui-drill-kept", "dfly-tui-drill-odd", "dfly-tui-drill-one"}
    await one.remove()


def test_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, number, ticks = this_process().rsplit("/", 2)
    assert not is_gone(this_process())
    assert is_gone(f"{machine}/{number}/{ticks}1"), "another process had its number"
    for odd in ("", "x", f"elsewhere/{number}/1", f"{machine}/x/1"):
        assert not is_gone(odd), "nobody can tell"
    monkeypatch.setattr("dfly_tui.clients.owners._started", lambda process: "-")
    assert not is_gone(f"{machine}/{number}/-")
    assert is_gone(f"{machine}/{2**22 + 7}/-"), "there is no such process"

    def forbidden(process: int, sign: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    assert not is_gone(f"{machine}/{number}/-"), "it is somebody else's"
