"""Backups that fail: what is said, and that nothing half is ever taken for one."""

import asyncio
import os
from typing import Any

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.models.operation import Outcome, Verdict
from dfly_tui.operations.backup import now, saving
from dfly_tui.operations.backup.now import backup
from tests.support.backed import backed, finding, while_saving
from tests.support.group import Yes, outcome, told


@pytest.fixture(params=["1.22", "1.40"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_full_disk(flavour: str) -> None:
    async with backed({"copy_to": ["nas"]}, flavour=flavour) as at:
        at.servers.servers["alpha"].faults.disk_full = True
        _, events = await at.back_up()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert "No space left on device" in told(events)
        assert "prune" in finding(events, "hopeless").advice
        assert (at.records, list(at.copies.iterdir())) == ((), [])


async def test_the_folder_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed() as at:
        elsewhere = at.folder.with_name("moved")
        at.folder.rename(elsewhere)
        _, events = await at.back_up()
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "is not there" in told(events)
        assert at.servers.proxies["alpha"].sent("BGSAVE") == []


async def test_a_folder_that_the_server_may_not_write_to() -> None:
    async with backed() as at:
        for path in (at.folder / "dump-0.rdb", at.folder):
            path.touch(exist_ok=True)
            os.chown(path, 12345, 12345)
        at.folder.chmod(0o555)
        _, events = await at.back_up()
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert finding(events, "writable").value == "no"


async def test_a_save_that_runs_already(flavour: str) -> None:
    async with backed(flavour=flavour) as at:
        at.servers.servers["alpha"].faults.save_seconds = 5.0
        assert await at.ask("BGSAVE") == "OK"
        _, events = await at.back_up()
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert finding(events, "busy").value == "saving"


async def test_a_server_that_is_loading() -> None:
    async with backed() as at:
        at.servers.servers["alpha"].faults.loading = True
        async with at.scene() as scene:
            events = await at.servers.run(await backup(scene), scene.access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert finding(events, "busy").value == "loading"


async def test_the_server_is_restarted_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed(keys=2000) as at:
        server = at.servers.servers["alpha"]
        server.faults.save_seconds = 30.0
        server.started -= 500  # it has been up for long

        async def killed(words: tuple[str, ...]) -> None:
            await at.servers.kill("alpha")
            await at.servers.lab.start("alpha")

        async with at.scene() as scene:
            plan = await backup(scene)
            events = []
            async for event in at.servers.stream(plan, scene.access, Yes()):
                events.append(event)
                if event.step == "saved" and len([e for e in events if e.step == "saved"]) == 2:
                    await killed(())
        assert outcome(events) is Outcome.FAILED, told(events)
        assert "restarted" in told(events)
        assert at.records == ()
        assert not [each for each in await at.sets() if each.is_complete]


async def test_a_save_nobody_hears_of_again_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "QUIET_SECONDS", 0.5)
    async with backed() as at:
        saver = at.servers.servers["alpha"].saver
        saver.save = _nothing  # type: ignore[method-assign]
        _, events = await at.back_up()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert "neither saves nor says" in told(events)


async def _nothing(**_: object) -> None:
    """Says OK, and that is all."""


async def test_given_up_while_it_saves_the_server_goes_on() -> None:
    async with backed(keys=2000) as at:
        at.servers.servers["alpha"].faults.save_seconds = 5.0
        async with at.scene() as scene:
            plan = await backup(scene)
            stop, events = asyncio.Event(), []
            async for event in at.servers.stream(plan, scene.access, Yes(), stop=stop):
                events.append(event)
                if "keys" in event.text and event.step == "saved":
                    stop.set()
        assert outcome(events) is Outcome.DECLINED, told(events)
        assert "to its end all the same" in told(events)


async def test_progress_is_told() -> None:
    async with backed(keys=2000) as at:
        at.servers.servers["alpha"].faults.save_seconds = 3.0
        _, events = await at.back_up()
        words = [event.text for event in events if event.step == "saved"]
        assert outcome(events) is Outcome.DONE, told(events)
        assert any("%" in text and "of 2k keys" in text for text in words), words


@pytest.mark.parametrize(
    ("lost", "said"), [("*-summary.dfs", "the summary is missing"), ("*-0000.dfs", "shard 0000 is missing")]
)
async def test_half_a_set_is_no_backup(monkeypatch: pytest.MonkeyPatch, lost: str, said: str) -> None:
    monkeypatch.setattr(now, "LIST_SECONDS", 0.1)
    async with backed() as at:

        async def lose() -> None:
            for path in at.folder.glob(lost):
                path.unlink()

        while_saving(monkeypatch, at, lose)
        _, events = await at.back_up()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert said in told(events)
        assert at.records == ()


async def test_a_file_that_is_changed_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async with backed() as at:
        read = FolderStore.read

        def more(store: FolderStore, name: str) -> Any:
            with (store.path / name).open("ab") as file:
                file.write(b"more")
            return read(store, name)

        monkeypatch.setattr(FolderStore, "read", more)
        _, events = await at.back_up()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert "changed while it was read" in told(events)
        assert at.records == ()


async def test_a_catalogue_that_cannot_be_written() -> None:
    async with backed({"copy_to": ["nas"]}) as at:
        (at.servers.state / "backups").write_text("a file")
        _, events = await at.back_up()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert "the catalogue could not be written" in told(events)


async def test_no_way_to_the_files() -> None:
    async with backed({"copy_to": ["nas"]}, seeing=False) as at:
        _, events = await at.back_up()
        assert outcome(events) is Outcome.DONE, told(events)
        assert finding(events, "files").verdict is Verdict.WARN
        assert at.records == ()
        assert list(at.folder.glob("*-summary.dfs"))
