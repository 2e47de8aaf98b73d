"""The key browser on a stage: the dashboard's instances are scripted, what is in them is in a lab server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from dfly_tui.app import DflyApp
from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.values import ValueReader
from dfly_tui.lab.server import LabServer
from dfly_tui.pollers.keyspace import ScanState
from dfly_tui.settings import InstanceConfig
from screens.keys import KeysScreen
from screens.value_pane import LiveValue
from tests.screens.stage import Stage, repaint, seconds
from tests.support.lab import Client, lab
from tests.support.secrets import Password
from widgets.keytree import KeyTree

ODD = "odd\x00\udcff[/]\x1b]0;x\x07 and \u202eover"
"""A name with every kind of trouble, as the lab's client writes bytes that are no text."""


async def fill(port: int) -> None:
    """A little of everything."""
    async with Client(port) as client:
        for number in range(40):
            await client("SET", f"user:{number:03}:name", "name", "EX", 3600 + number)
        for number in range(12):
            await client("HSET", f"session:{number:02}", "user", number, "agent", "x" * 40)
            await client("EXPIRE", f"session:{number:02}", 900)
        for phase in ("planning", "action", "qa"):
            await client("HSET", f"tef:state:LAW-123:{phase}:{phase}-agent", "status", "in_progress")
        await client("RPUSH", "queue:jobs", *(f"job-{number}" for number in range(200)))
        await client("ZADD", "leaderboard", *(word for n in range(20) for word in (n, f"player{n}")))
        await client("XADD", "events", "1-1", "kind", "click")
        await client("SET", "big", "x" * 300_000)
        await client("SET", ODD, "value")
        await client("SET", ":::", "only delimiters")
        await client("SELECT", 3)
        await client("SET", "elsewhere", "1")


@asynccontextmanager
async def shelf(stage: Stage, app: DflyApp, flavour: str = "1.40") -> AsyncIterator[LabServer]:
    """A filled server that the key browser looks into, whichever instance is chosen."""
    async with lab(port=0, clock=stage.clock, flavour=flavour) as server:
        await fill(server.port)

        def key_reader(name: str) -> KeyReader:
            config = InstanceConfig(name=name, url=f"redis://127.0.0.1:{server.port}")
            return KeyReader(config, Password(), clock=stage.clock, timeout_seconds=5.0)

        def value_reader(name: str, database: int, key: bytes) -> ValueReader:
            config = InstanceConfig(name=name, url=f"redis://127.0.0.1:{server.port}")
            return ValueReader(config, Password(), database=database, name=key, clock=stage.clock, timeout_seconds=5.0)

        app.services.key_reader = key_reader  # type: ignore[method-assign]
        app.services.value_reader = value_reader  # type: ignore[method-assign]
        yield server


async def until(
    stage: Stage, pilot: Pilot[int], check: Callable[[KeysScreen], bool], *, step_seconds: float = 0.05
) -> None:
    """Let time pass on the stage, and sockets work, until the key browser is so far.

    Args:
        step_seconds: 0 where it must show the same after however many rounds.
    """
    for _ in range(400):
        await stage.clock.advance(step_seconds)
        await pilot.pause(0.002)
        screen = pilot.app.screen
        if isinstance(screen, KeysScreen) and check(screen):
            repaint(pilot)
            await pilot.pause()
            return
    raise AssertionError("not so far after 400 rounds")


def complete(screen: KeysScreen) -> bool:
    """Whether the scan is over and all that shows is told of."""
    session = screen.session
    return (
        session is not None
        and session.scan.state in {ScanState.COMPLETE, ScanState.FAILED}
        and not session.facts.waiting()
        and _value_is_read(screen)
    )


def _value_is_read(screen: KeysScreen) -> bool:
    """Whether the value that belongs beside the row under the cursor is there."""
    live = screen.query_one(LiveValue)
    row = screen.query_one(KeyTree).chosen
    if not screen.query_one("#pane").display or row is None or row.is_space or row.is_more:
        return True
    return live.loaded is not None and live.loaded.facts.name == row.name and live.decoded.count > 0


async def browse(stage: Stage, pilot: Pilot[int], *keys: str) -> None:
    """Open the key browser, let it scan, press keys."""
    await seconds(stage, pilot, 2)
    await pilot.press("4")
    await until(stage, pilot, complete, step_seconds=0)
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
        repaint(pilot)
        await until(stage, pilot, complete, step_seconds=0)


def story(stage: Stage, *keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """For `snap_compare(run_before=…)`."""

    async def run(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, DflyApp)
        async with shelf(stage, app):
            await browse(stage, pilot, *keys)

    return run
