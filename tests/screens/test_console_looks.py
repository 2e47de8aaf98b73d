"""What the console looks like."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import SnapCompare
from tests.screens.console_stage import open_console, type_line
from tests.screens.stage import seconds
from tests.screens.value_stage import KeyStage, shown

sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
DATA = ((b"SET", "user:größe", b"\x1b[2J\xff"), (b"HSET", "h", "field", "value"), (b"RPUSH", "l", *range(12)))
LINES = ("get user:größe", "hgetall h", "lrange l 0 -1", "get h", "monitor", "xinfo stream nosuch")


def story(stage: KeyStage, *lines: str, half: str = "") -> Callable[[Pilot[int]], Awaitable[None]]:
    """Type lines, and one that is not sent."""

    async def run(pilot: Pilot[int]) -> None:
        async with stage.server(*DATA):
            await seconds(stage, pilot, 2)
            await open_console(pilot)
            for line in lines:
                await type_line(pilot, line)
                await pilot.press("enter")
                sent = [worker for worker in pilot.app.workers if worker.group == "line"]
                await pilot.app.workers.wait_for_complete(sent)
                await pilot.pause()
            if half:
                await type_line(pilot, half)
            await seconds(stage, pilot, 1)

    return run


@sizes
def test_answers(snap_compare: SnapCompare, tmp_path: Path, size: tuple[int, int]) -> None:
    stage = KeyStage(tmp_path)
    assert snap_compare(stage.app(), terminal_size=size, run_before=story(stage, *LINES, half="zadd board 1 a"))


@pytest.mark.parametrize(
    "half", ["get a", "flushall", "blpop q 0", "zra"], ids=["read", "dangerous", "refused", "begun"]
)
def test_what_is_typed(snap_compare: SnapCompare, tmp_path: Path, half: str) -> None:
    stage = KeyStage(tmp_path)
    assert snap_compare(stage.app(), terminal_size=(80, 24), run_before=story(stage, half=half))


def production(folder: Path) -> KeyStage:
    stage = KeyStage(folder)
    stage.actors.clear()
    stage.add("workhorse", url=stage.url, environment="production")
    return stage


def test_read_only(snap_compare: SnapCompare, tmp_path: Path) -> None:
    stage = production(tmp_path)
    lines = ("set a b", "flushall", "ping")
    assert snap_compare(stage.app(), terminal_size=(80, 24), run_before=story(stage, *lines, half="del a"))


@sizes
def test_the_question_before_keys(snap_compare: SnapCompare, tmp_path: Path, size: tuple[int, int]) -> None:
    stage = KeyStage(tmp_path)

    async def run(pilot: Pilot[int]) -> None:
        async with stage.server(*DATA):
            await seconds(stage, pilot, 2)
            await open_console(pilot)
            await type_line(pilot, "keys *")
            await pilot.press("enter")
            await shown(pilot, "Scan instead")

    assert snap_compare(stage.app(), terminal_size=size, run_before=run)


def test_production_types_the_name(snap_compare: SnapCompare, tmp_path: Path) -> None:
    stage = production(tmp_path)

    async def run(pilot: Pilot[int]) -> None:
        async with stage.server(*DATA):
            await seconds(stage, pilot, 2)
            screen = await open_console(pilot)
            screen.services.guard.unlock("workhorse", 10)
            await type_line(pilot, "replicaof no one")
            await pilot.press("enter")
            await shown(pilot, "Type workhorse")

    assert snap_compare(stage.app(), terminal_size=(80, 24), run_before=run)
