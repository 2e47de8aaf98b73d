"""Exports and imports from the dashboard."""

import asyncio
import gzip
import json
from collections.abc import Awaitable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from dfly_tui.app import DflyApp
from dfly_tui.models.keys import KeyFilter
from dfly_tui.operations.keys.export import Wanted
from screens.key_export import export_some, import_some
from tests.screens.value_stage import KeyStage, shown, text_of, typed
from tests.support.keyspaces import contents, empty
from tests.support.values import PLAIN_TYPES, fill


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


def begin(pilot: Pilot[int], work: Awaitable[bool]) -> "asyncio.Future[bool]":
    """Run it as a screen does, in a worker."""
    done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        done.set_result(await work)

    pilot.app.run_worker(run(), exit_on_error=False)
    return done


def exporting(pilot: Pilot[int], wanted: Wanted | None = None) -> "asyncio.Future[bool]":
    app = pilot.app
    assert isinstance(app, DflyApp)
    return begin(pilot, export_some(app, app.services, "workhorse", 0, KeyFilter() if wanted is None else wanted))


def importing(pilot: Pilot[int]) -> "asyncio.Future[bool]":
    app = pilot.app
    assert isinstance(app, DflyApp)
    return begin(pilot, import_some(app, app.services, "workhorse", 0))


def names(path: Path) -> set[object]:
    lines = gzip.decompress(path.read_bytes()).splitlines()
    return {json.loads(line)["key"] for line in lines[1:-1]}


async def test_an_export_and_its_report(stage: KeyStage, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "keys.jsonl.gz"
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        done = exporting(pilot, KeyFilter(pattern=b"t*"))
        await shown(pilot, "Export keys", "t* of workhorse db0", "nothing is overwritten")
        await typed(pilot, str(path))
        await pilot.press("enter")
        await shown(pilot, "Exported", "2 keys")
        assert await done
        assert names(path) == {"text", "tags:0"}
        await pilot.press("escape")
        done = exporting(pilot, [b"text"])
        await shown(pilot, "1 key of workhorse")
        await typed(pilot, str(path))
        await pilot.press("enter")
        await shown(pilot, "is there already")
        assert not await done
        assert names(path) == {"text", "tags:0"}


async def test_an_export_that_was_not_wanted_after_all(stage: KeyStage) -> None:
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        done = exporting(pilot)
        await shown(pilot, "all keys of workhorse")
        await pilot.press("escape")
        assert not await done


async def test_a_folder_that_cannot_be_made(stage: KeyStage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        done = exporting(pilot)
        await shown(pilot, "Export keys")
        await typed(pilot, str(tmp_path / "file" / "keys.jsonl"))
        await pilot.press("enter")
        await shown(pilot, "Not exported")
        assert not await done


async def test_stopping_an_export_leaves_nothing(stage: KeyStage, tmp_path: Path) -> None:
    async with stage.server(*PLAIN_TYPES) as server, stage.running() as pilot:
        server.faults.hang = True
        done = exporting(pilot)
        await shown(pilot, "Export keys")
        await typed(pilot, str(tmp_path / "keys.jsonl"))
        await pilot.press("enter")
        await shown(pilot, "Export to keys.jsonl", "Stop")
        await pilot.press("enter")
        await shown(pilot, "stopping after what is under way")
        server.faults.hang = False
        await stage.clock.advance(0.1)
        await shown(pilot, "no file was kept")
        assert not await done
        assert not list(tmp_path.glob("*keys.jsonl*"))


async def choose(pilot: Pilot[int], path: Path, policy: str = "") -> None:
    await shown(pilot, "Import keys")
    await typed(pilot, str(path))
    await pilot.press("enter")
    await shown(pilot, "A key that is there already")
    for letter in policy:
        await pilot.press(letter)
    await pilot.press("enter")


async def test_an_import_asks_first_and_the_default_is_cancel(stage: KeyStage, tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl.gz"
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        done = exporting(pilot)
        await shown(pilot, "Export keys")
        await typed(pilot, str(path))
        await pilot.press("enter")
        await shown(pilot, "11 keys")
        assert await done
        await pilot.press("escape")
        before = await contents(stage.url)
        await empty(stage.url)
        done = importing(pilot)
        await choose(pilot, path)
        await shown(pilot, "import 11 keys into workhorse db0", "RENAMENX")
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.id == "cancel"
        await pilot.press("enter")
        assert not await done
        assert not await contents(stage.url)
        done = importing(pilot)
        await choose(pilot, path)
        await shown(pilot, "Do it")
        await pilot.press("right", "enter")
        await shown(pilot, "11 of 11 keys, 11 written")
        assert await done
        assert await contents(stage.url) == before


async def test_replacing_needs_the_name(stage: KeyStage, tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl.gz"
    async with stage.server(("SET", "text", "old")), stage.running() as pilot:
        exporting(pilot)
        await shown(pilot, "Export keys")
        await typed(pilot, str(path))
        await pilot.press("enter")
        await shown(pilot, "1 key, ")
        await pilot.press("escape")
        await fill(stage.url, [("SET", "text", "new")])
        done = importing(pilot)
        await choose(pilot, path, "trash")
        await shown(pilot, "Type “workhorse” to confirm")
        pilot.app.screen.query_one(Input).value = "workhorse"
        await pilot.pause()
        pilot.app.screen.query_one("#confirm", Button).press()
        await shown(pilot, "1 replaced")
        assert await done
        assert await contents(stage.url) == {b"text": (b"string", -1, b"old")}


async def test_a_damaged_file_is_told(stage: KeyStage, tmp_path: Path) -> None:
    (tmp_path / "keys.jsonl").write_text("garbage\n")
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        done = importing(pilot)
        await choose(pilot, tmp_path / "keys.jsonl")
        await shown(pilot, "Damaged file", "Nothing was changed.")
        assert not await done
        assert "Stop" not in text_of(pilot)


async def test_an_import_that_was_not_wanted_after_all(stage: KeyStage, tmp_path: Path) -> None:
    async with stage.server(), stage.running() as pilot:
        done = importing(pilot)
        await shown(pilot, "Import keys")
        await pilot.press("escape")
        assert not await done
        done = importing(pilot)
        await shown(pilot, "Import keys")
        await pilot.press("enter")
        await shown(pilot, "A key that is there already")
        await pilot.press("escape")
        assert not await done
