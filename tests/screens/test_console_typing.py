"""The console's line: completion, lines from before, help; and names that are made to do harm."""

from pathlib import Path

from dfly_tui.operations.console_history import ConsoleHistory
from screens.console import ConsoleScreen
from screens.console_question import SendDialog
from tests.screens.console_stage import console
from tests.screens.value_stage import shown
from tests.support.eventually import eventually
from tests.support.lab import Client
from tests.support.proxy import Harm
from widgets.console import CommandLine

SECRET = "hush-hush-57"


async def test_completion_of_commands_and_keys(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        for name in ("user:1", "user:2", "us er", "other"):
            await scene.send(f"set '{name}' x", "OK")
        await scene.type("hgeta")
        await scene.pilot.press("tab")
        assert scene.line == "hgetall "
        await scene.type("config re")
        await scene.pilot.press("tab")
        assert scene.line == "config re"
        assert "resetstat  rewrite" in scene.text
        await scene.pilot.press("tab", "tab")
        assert scene.line == "config rewrite"
        before = len(scene.proxy.sent("SCAN"))
        await scene.type("get user:")
        assert len(scene.proxy.sent("SCAN")) == before
        await scene.pilot.press("tab")
        await shown(scene.pilot, "user:1  user:2")
        await scene.pilot.press("tab")
        assert scene.line == "get user:1"
        await scene.pilot.press("tab")
        assert scene.line == "get user:2"
        await scene.type("get oth")
        await scene.pilot.press("tab")
        await eventually(lambda: stands(scene.screen, "get other "))
        await scene.type("get 'us e")
        await scene.pilot.press("tab")
        await eventually(lambda: stands(scene.screen, 'get "us er" '))
        await scene.type("get nosuchkey")
        await scene.pilot.press("tab")
        await scene.pilot.pause()
        assert scene.line == "get nosuchkey"


async def stands(screen: ConsoleScreen, line: str) -> bool:
    return screen.query_one(CommandLine).value == line


async def test_completion_in_the_middle_of_a_line(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        await scene.type("hgetal key")
        await scene.pilot.press("home", *["right"] * 6, "tab")
        assert scene.line == "hgetall key"


async def test_a_scan_that_fails_is_told(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        scene.proxy.harm, scene.proxy.chosen = Harm.REFUSED, lambda words: words[0] == "SCAN"
        await scene.type("get us")
        await scene.pilot.press("tab")
        await shown(scene.pilot, "The server refused")


async def test_lines_from_before(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        for line in ("get a", "get b", f"auth {SECRET}", f"config set requirepass {SECRET}"):
            await scene.type(line)
            await scene.pilot.press("enter")
            await scene.pilot.pause()
            if isinstance(scene.pilot.app.screen, SendDialog):
                await scene.pilot.press("escape")
        await shown(scene.pilot, "not sent")
        assert SECRET not in scene.text
        await scene.type("half")
        await scene.pilot.press("up")
        assert scene.line == "get b"
        await scene.pilot.press("up", "up", "up")
        assert scene.line == "get a"
        await scene.pilot.press("down", "down", "down")
        assert scene.line == "half"
        await scene.pilot.press("ctrl+r", "a")
        await shown(scene.pilot, "get a")
        await scene.pilot.press("enter")
        assert scene.line == "get a"
        await scene.pilot.press("ctrl+c")
        assert scene.line == ""
    folder = tmp_path / "state" / "console"
    assert ConsoleHistory(folder, "workhorse").lines == ["get a", "get b"]
    assert all(SECRET not in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


async def test_help_clear_and_exit_are_the_consoles_own(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        await scene.send("help", "help <command>")
        await scene.send("help getex", "GETEX key [EX seconds", "(from redis-7.0)")
        await scene.send("help nosuch", "nothing is known of nosuch")
        await scene.send("clear")
        assert scene.said == ""
        await scene.type("exit")
        await scene.pilot.press("enter")
        await scene.pilot.pause()
        await scene.pilot.pause()
        assert not isinstance(scene.pilot.app.screen, ConsoleScreen)
        assert scene.passed == []


async def test_escape_leaves_and_the_connection_with_it(tmp_path: Path) -> None:
    async with console(tmp_path) as scene:
        await scene.send("ping", "PONG")
        await scene.pilot.press("escape")
        await scene.pilot.pause()
        assert not isinstance(scene.pilot.app.screen, ConsoleScreen)


async def test_nothing_a_server_holds_does_anything(tmp_path: Path) -> None:
    odd = "\x1b]0;owned\x07\x1b[2J\x9b31m[@click=app.quit]x[/][/] \u202eabc\udcff"
    async with console(tmp_path) as scene:
        async with Client(scene.proxy.port) as client:
            await client("SET", f"user:{odd}", odd)
        await scene.send("scan 0", '"user:\\x1b]0;owned\\a')
        await scene.type("get user:")
        await scene.pilot.press("tab")
        await eventually(lambda: stands_quoted(scene.screen))
        await scene.pilot.press("enter")
        await shown(scene.pilot, '"\\x1b]0;owned\\a\\x1b[2J')
        assert not set(scene.text) & set("\x1b\x07\x9b\u202e")
        assert scene.pilot.app.is_running
        async with Client(scene.proxy.port) as client:
            assert await client("GET", f"user:{odd}") == odd


async def stands_quoted(screen: ConsoleScreen) -> bool:
    return screen.query_one(CommandLine).value.startswith('get "user:\\x1b')
