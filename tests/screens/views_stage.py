"""The screen of a view on a stage: the dashboard's instances are scripted, what is in them is in a lab server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from textual.pilot import Pilot

from dfly_tui.app import DflyApp
from dfly_tui.clients.view_rows import ViewReader
from dfly_tui.lab.server import LabServer
from dfly_tui.settings import InstanceConfig
from screens.views import ViewScreen
from tests.screens.stage import Stage, repaint, screen_text, seconds
from tests.support.clock import START
from tests.support.lab import Client, lab
from tests.support.secrets import Password

ODD = "tef:state:odd\x00\udcff[/]:\x1b]0;x\x07:and \u202eover"
"""A name with every kind of trouble, as the lab's client writes bytes that are no text."""
HOSTILE = "[red]\x1b[31m\u202e\x00"


def ago(seconds: float) -> str:
    """As the agents write it: in UTC, without a zone."""
    return (START - timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


async def fill(port: int) -> None:
    """What agents, sessions and queues leave in a server."""
    async with Client(port) as client:
        for issue, phase, agent, status, age in (
            ("LAW-123", "planning", "planning-agent", "completed", 7200),
            ("LAW-123", "planning", "review-agent", "in_progress", 95),
            ("LAW-123", "action", "action-agent", "failed", 30),
            ("LAW-9", "planning", "planning-agent", "in_progress", 400_000),
        ):
            key = f"tef:state:{issue}:{phase}:{agent}"
            await client("HSET", key, "status", status, "timestamp", ago(age), "issue_id", issue)
            await client("EXPIRE", key, 7 * 24 * 3600)
        await client("HSET", "tef:state:LAW-123:planning:planning-agent", "completed_at", ago(60))
        await client("EXPIRE", "tef:state:LAW-9:planning:planning-agent", 40)
        await client("RPUSH", "tef:state:LAW-9:action:a-list", "x")
        await client("SET", "tef:state:LAW-9:action:a-string", "hello")
        await client("SET", "tef:state:LAW-9:action:json", f'{{"status": "blocked", "timestamp": "{ago(10)}"}}')
        await client("HSET", "tef:state:LAW-9:action:long", "status", "x" * 100_000, "timestamp", "yesterday")
        await client("HSET", ODD, "status", HOSTILE, "timestamp", "2026-01-02T03:00:00+00:00")
        for number in range(3):
            await client("HSET", f"session:{number:03}", "user", number, "ip", "10.0.0.1")
            await client("EXPIRE", f"session:{number:03}", 50 + 1000 * number)
        for number in range(5):
            await client("HSET", f"agent:agent-{number % 2}:state:LAW-{number}", "status", "idle", "updated_at", ago(5))
        await client("RPUSH", "queue:jobs", *range(20))
        await client("RPUSH", "queue:mail", *range(3))


@asynccontextmanager
async def views_of(
    stage: Stage, app: DflyApp, flavour: str = "1.40", *, filled: bool = True, port: int = 0
) -> AsyncIterator[LabServer]:
    """A filled server that views look into, whichever instance is chosen."""
    async with lab(port=port, clock=stage.clock, flavour=flavour) as server:
        if filled:
            await fill(server.port)

        def view_reader(name: str, database: int) -> ViewReader:
            config = InstanceConfig(name=name, url=f"redis://127.0.0.1:{server.port}")
            return ViewReader(config, Password(), clock=stage.clock, timeout_seconds=5.0, database=database)

        app.services.view_reader = view_reader  # type: ignore[method-assign]
        yield server


async def until(stage: Stage, pilot: Pilot[int], *words: str, check: Callable[[], bool] = lambda: True) -> str:
    """Let sockets work, until all of this stands on the screen; time stands still."""
    app = pilot.app
    assert isinstance(app, DflyApp)
    text = ""
    for _ in range(400):
        await stage.clock.advance(0)
        await pilot.pause(0.002)
        so_far = check()
        repaint(pilot)
        await pilot.pause()
        text = screen_text(app)
        if so_far and all(word in text for word in words):
            return text
    raise AssertionError(f"not all of {words} in\n{text}")


async def opened(stage: Stage, pilot: Pilot[int], view: str = "Workflows", *words: str) -> ViewScreen:
    """Open a view and wait for its first look."""
    app = pilot.app
    assert isinstance(app, DflyApp)
    await seconds(stage, pilot, 2)
    screen = ViewScreen(app.services, "workhorse", 0, view)
    await app.push_screen(screen)
    await until(stage, pilot, *words, check=lambda: screen.feed is not None and screen.feed.look.found_at is not None)
    return screen


async def looked(stage: Stage, pilot: Pilot[int], screen: ViewScreen, after_seconds: float) -> str:
    """Let time pass until there was another look."""
    assert screen.feed is not None
    before = screen.feed.reading.seq
    await stage.clock.advance(after_seconds)
    return await until(stage, pilot, check=lambda: screen.feed is not None and screen.feed.reading.seq > before)


def story(stage: Stage, view: str, *keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """For `snap_compare(run_before=…)`."""

    async def run(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, DflyApp)
        async with views_of(stage, app):
            await opened(stage, pilot, view)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            repaint(pilot)
            await pilot.pause()

    return run
