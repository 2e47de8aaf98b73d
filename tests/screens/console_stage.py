"""The console on a stage: one instance, which is a lab server behind a proxy that writes down what passes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from dfly_tui.app import DflyApp
from screens.console import ConsoleScreen
from tests.screens.stage import Stage, screen_text
from tests.screens.value_stage import shown
from tests.support.lab import lab
from tests.support.proxy import Proxy
from widgets.console import CommandLine, ConsoleOutput


@dataclass
class Scene:
    """The console while a test types at it."""

    pilot: Pilot[int]
    proxy: Proxy
    screen: ConsoleScreen

    @property
    def passed(self) -> list[tuple[str, ...]]:
        """What reached the server, but for greetings and the question for its commands."""
        greetings = {"HELLO", "CLIENT", "COMMAND"}
        return [words for words in self.proxy.commands if words[0].upper() not in greetings]

    @property
    def said(self) -> str:
        """All that was answered."""
        return self.screen.query_one(ConsoleOutput).text

    @property
    def line(self) -> str:
        """What stands in the line."""
        return self.screen.query_one(CommandLine).value

    @property
    def text(self) -> str:
        """What stands on the screen."""
        app = self.pilot.app
        assert isinstance(app, DflyApp)
        return screen_text(app)

    async def type(self, line: str) -> None:
        """Type a line, without Enter."""
        await type_line(self.pilot, line)

    async def send(self, line: str, *words: str) -> None:
        """Type a line, Enter, and wait for words on the screen."""
        await self.type(line)
        await self.pilot.press("enter")
        await shown(self.pilot, *words)


async def type_line(pilot: Pilot[int], line: str) -> None:
    """Put a line where it is typed, the last letter by its key."""
    box = pilot.app.screen.query_one(CommandLine)
    box.put(line[:-1])
    await pilot.press("space" if line.endswith(" ") else line[-1])
    await pilot.pause()


async def open_console(pilot: Pilot[int], database: int | None = None) -> ConsoleScreen:
    """Open it and wait until the server told its commands."""
    app = pilot.app
    assert isinstance(app, DflyApp)
    await pilot.pause()
    screen = ConsoleScreen(app.services, "workhorse", database)
    await app.push_screen(screen)
    await shown(pilot, "The server knows")
    return screen


@asynccontextmanager
async def console(
    folder: Path, *, environment: str = "lab", flavour: str = "1.40", size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Scene]:
    """The console of an instance, opened."""
    async with lab(flavour=flavour) as server, Proxy(server.port, lambda: None) as proxy:
        stage = Stage(folder)
        stage.add("workhorse", url=f"redis://127.0.0.1:{proxy.port}", environment=environment)
        app = stage.app()
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Scene(pilot, proxy, await open_console(pilot))
