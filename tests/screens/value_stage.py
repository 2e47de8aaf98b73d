"""The value screen on a stage: one instance, which is a lab server of the stage's own time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from textual.pilot import Pilot
from textual.widgets import Input

from dfly_tui.app import DflyApp
from dfly_tui.clients.connection import Command
from dfly_tui.lab.server import LabServer
from screens.value import ValueScreen
from tests.screens.stage import Stage, screen_text
from tests.support.eventually import eventually
from tests.support.lab import lab
from tests.support.servers import free_port
from tests.support.values import fill


class KeyStage(Stage):
    """A stage whose one instance is a lab server on a port known beforehand."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.add("workhorse", url=self.url, environment="lab")

    def running(self, app: DflyApp | None = None) -> "AbstractAsyncContextManager[Pilot[int]]":
        """The dashboard in a terminal of its own."""
        return (app or self.app()).run_test(size=(100, 30), notifications=True)

    @asynccontextmanager
    async def server(self, *commands: Command, flavour: str = "1.40") -> AsyncIterator[LabServer]:
        """The server, with the keys that these commands make."""
        async with lab(clock=self.clock, flavour=flavour, port=self.port) as server:
            await fill(self.url, commands)
            yield server


async def shown(pilot: Pilot[int], *words: str) -> None:
    """Wait until all of this stands on the screen."""

    async def check() -> bool:
        await pilot.pause()
        text = screen_text(pilot.app)  # type: ignore[arg-type]
        return all(word in text for word in words)

    try:
        await eventually(check, within=5)
    except AssertionError:
        raise AssertionError(f"not all of {words} in\n{screen_text(pilot.app)}") from None  # type: ignore[arg-type]


async def opened(pilot: Pilot[int], name: bytes | str, *words: str) -> ValueScreen:
    """Open the screen of a key and wait for words on it."""
    app = pilot.app
    assert isinstance(app, DflyApp)
    await pilot.pause()
    raw = name.encode() if isinstance(name, str) else name
    screen = ValueScreen(app.services, "workhorse", 0, raw)
    await app.push_screen(screen)
    await shown(pilot, *(words or ("read",)))
    return screen


def text_of(pilot: Pilot[int]) -> str:
    return screen_text(pilot.app)  # type: ignore[arg-type]


async def typed(pilot: Pilot[int], text: str) -> None:
    """What is in the input that has the focus is replaced."""
    box = pilot.app.focused
    assert isinstance(box, Input)
    box.value = text
    await pilot.pause()


async def at_rest(screen: ValueScreen) -> None:
    """Wait until what was asked for is decoded and painted."""
    await screen.app.workers.wait_for_complete([worker for worker in screen.app.workers if worker.node is screen.live])


Picture: TypeAlias = tuple[Sequence[Command], str, tuple[str, ...], str]
"""Commands that make the keys, the key, what is pressed (or the decoder `bits`), words to wait for."""


def telling(stage: KeyStage, picture: Picture) -> Callable[[Pilot[int]], Awaitable[None]]:
    """What leads to a picture, for `snap_compare(run_before=…)`."""
    commands, name, keys, words = picture

    async def story(pilot: Pilot[int]) -> None:
        async with stage.server(*(command for command in commands if name in command)):
            screen = await opened(pilot, name, "gone" if name == "nosuch" else " · ")
            if keys == ("bits",):
                screen.live.decode_by(keys)
            else:
                await pilot.press(*keys)
            await shown(pilot, words)
            await at_rest(screen)
            await pilot.pause()

    return story
