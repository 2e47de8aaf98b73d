"""What the dialogs look like by which keys are changed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from dfly_tui.app import DflyApp
from dfly_tui.models.keys import KeyFilter
from screens.key_bulk import change_many
from screens.key_edits import create_key
from screens.key_menu import change_key
from screens.key_undo import undo_changes
from screens.key_work import KeyTarget
from tests.screens.conftest import SnapCompare
from tests.screens.value_stage import KeyStage, opened, shown, typed
from tests.support.values import PLAIN_TYPES, fill

MANY = tuple(("SET", f"job:{at:04}", "x" * 100) for at in range(40))
TARGET = KeyTarget("workhorse", 0, b"session:0")
Story = Callable[[KeyStage, Pilot[int]], Awaitable[None]]


def begin(pilot: Pilot[int], work: Callable[[DflyApp], Awaitable[object]]) -> None:
    """Run it as a screen does, in a worker."""
    app = pilot.app
    assert isinstance(app, DflyApp)

    async def run() -> None:
        await work(app)

    app.run_worker(run(), exit_on_error=False)


async def choose(pilot: Pilot[int], title: str, words: str) -> None:
    await shown(pilot, title)
    await typed(pilot, words)
    await pilot.press("enter")


async def menu(stage: KeyStage, pilot: Pilot[int]) -> None:
    await opened(pilot, "session:0", "agent")
    await pilot.press("e")
    await shown(pilot, "Change session:0")


async def editor(stage: KeyStage, pilot: Pilot[int]) -> None:
    await opened(pilot, "document", "tags")
    await pilot.press("e")
    await choose(pilot, "Change document", "edit the value")
    await shown(pilot, "Edit document")
    pilot.app.screen.query_one(TextArea).cursor_blink = False


async def question(stage: KeyStage, pilot: Pilot[int]) -> None:
    begin(pilot, lambda app: change_key(app, app.services, TARGET))
    await choose(pilot, "Change session:0", "delete")
    await shown(pilot, "UNLINK session:0")


async def expiry(stage: KeyStage, pilot: Pilot[int]) -> None:
    begin(pilot, lambda app: change_key(app, app.services, TARGET))
    await choose(pilot, "Change session:0", "expiry")
    await shown(pilot, "Expiry of session:0")


async def changed_under_you(stage: KeyStage, pilot: Pilot[int]) -> None:
    await editor(stage, pilot)
    await fill(stage.url, [("SET", "document", '{"id": 7}')])
    pilot.app.screen.query_one(TextArea).text = '{"id": 8}'
    await pilot.press("ctrl+s")
    await shown(pilot, "It changed under you")


async def kinds(stage: KeyStage, pilot: Pilot[int]) -> None:
    begin(pilot, lambda app: create_key(app, app.services, "workhorse", 0))
    await shown(pilot, "Type of the new key")


async def damage(stage: KeyStage, pilot: Pilot[int]) -> None:
    wanted = KeyFilter(pattern=b"job:*")
    begin(pilot, lambda app: change_many(app, app.services, "workhorse", 0, wanted))
    await choose(pilot, "what is to happen?", "delete them")
    await shown(pilot, "40 keys", "Do it")


async def damage_of_all(stage: KeyStage, pilot: Pilot[int]) -> None:
    begin(pilot, lambda app: change_many(app, app.services, "workhorse", 0, KeyFilter()))
    await choose(pilot, "what is to happen?", "delete them")
    await shown(pilot, "Type “workhorse” to confirm")


async def result(stage: KeyStage, pilot: Pilot[int]) -> None:
    await damage(stage, pilot)
    await pilot.press("right", "enter")
    await shown(pilot, "done: delete job:*")


async def trash(stage: KeyStage, pilot: Pilot[int]) -> None:
    await question(stage, pilot)
    await pilot.press("right", "enter")
    await asyncio.wait_for(pilot.app.workers.wait_for_complete(), 10)
    begin(pilot, lambda app: undo_changes(app, app.services, "workhorse", 0))
    await shown(pilot, "Restore to workhorse db0", "session:0")


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (menu, editor, question, expiry, changed_under_you, kinds, damage, damage_of_all, result, trash)
}


@pytest.mark.parametrize("name", STORIES)
def test_looks(tmp_path: Path, snap_compare: SnapCompare, name: str) -> None:
    stage = KeyStage(tmp_path)

    async def run(pilot: Pilot[int]) -> None:
        async with stage.server(*PLAIN_TYPES, *MANY):
            await pilot.pause()
            await STORIES[name](stage, pilot)
            await pilot.pause()

    assert snap_compare(stage.app(), terminal_size=(80, 24), run_before=run)
