"""The console while a command runs, and while the server is away."""

import json
from pathlib import Path

from screens.console import ConsoleScreen
from tests.screens.console_stage import console, type_line
from tests.screens.value_stage import shown
from tests.support.proxy import Harm


async def test_a_command_can_be_given_up(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        scene.proxy.harm, scene.proxy.chosen = Harm.SILENT, lambda words: words[0] == "get"
        await scene.send("get a", "waiting for the answer, 0 s. Esc gives it up")
        await scene.type("get b")
        await scene.pilot.press("enter")
        await shown(scene.pilot, "one command at a time")
        await scene.pilot.press("escape")
        await shown(scene.pilot, "given up")
        assert isinstance(scene.pilot.app.screen, ConsoleScreen)
        await scene.pilot.press("enter")
        await shown(scene.pilot, "(nil)")
        assert scene.screen.held() == ""


async def test_giving_up_a_write_says_that_nobody_knows(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        scene.proxy.harm, scene.proxy.chosen = Harm.SILENT, lambda words: words[0] == "set"
        await scene.send("set a b", "SET: sent, not answered")
        assert "SET was sent to workhorse" in scene.screen.held()
        await scene.pilot.press("ctrl+c")
        await shown(scene.pilot, "Outcome unknown: SET may have been sent")
        audit = (tmp_path / "state" / "audit.jsonl").read_text().splitlines()
        assert [json.loads(line)["outcome"] for line in audit] == ["intended", "unknown"]
        assert len(scene.proxy.sent("SET")) == 1


async def test_leaving_while_something_runs(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        scene.proxy.harm, scene.proxy.chosen = Harm.SILENT, lambda words: words[0] == "get"
        await scene.send("get a", "waiting for the answer")
        await scene.pilot.app.pop_screen()
        await scene.pilot.pause()
        assert not isinstance(scene.pilot.app.screen, ConsoleScreen)
        assert scene.pilot.app.is_running


async def test_a_server_that_is_away(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        scene.proxy.cut()
        await scene.send("get a", "Unreachable")
        await scene.send("set a b", "Unreachable")
        scene.proxy.mend()
        await scene.send("get a", "(nil)")
        scene.proxy.cut()
        await type_line(scene.pilot, "get a")
        scene.screen.read_again()
        await shown(scene.pilot, "Until the server tells its commands, everything counts as a write.")


async def test_long_answers_are_wrapped_scrolled_and_copied(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        await scene.send(f"rpush list {' '.join(map(str, range(100)))} {'x' * 150}END", "(integer) 101")
        await scene.send("lrange list 0 -1", "END")
        assert "xxx" in scene.text
        assert '  1) "0"' not in scene.text
        await scene.pilot.press(*["pageup"] * 5)
        assert '  1) "0"' in scene.text
        await scene.pilot.press(*["pagedown"] * 5)
        assert "END" in scene.text
        await scene.pilot.press("ctrl+y")
        await shown(scene.pilot, "the last answer")
