"""The program ends with its terminal, and leaves the terminal as it was."""

import asyncio

import psutil
import pytest

from tests.pty.dashboard import HEALTHY, started, watching
from tests.support.pty_app import PtyApp
from tests.support.respd import HANG, Respd, Script

LEAVE_SECONDS = 1.5
"""A second is promised; a machine busy with other tests gets half a second more."""

servers = pytest.mark.parametrize(
    ("script", "shown"),
    [pytest.param(HEALTHY, "● fresh", id="healthy"), pytest.param({"INFO": HANG}, "pending|lost", id="silent")],
)
hangups = pytest.mark.parametrize(
    "ignore_sighup", [pytest.param(False, id="sighup"), pytest.param(True, id="sighup-ignored")]
)


@servers
@hangups
async def test_it_ends_with_its_terminal(script: Script, shown: str, ignore_sighup: bool) -> None:
    async with Respd(script) as server:
        with started("--url", server.url, ignore_sighup=ignore_sighup) as app:
            await asyncio.to_thread(app.wait_for, shown)
            app.vanish()
            await asyncio.to_thread(app.wait_exit, LEAVE_SECONDS)


@hangups
def test_the_connect_screen_ends_with_its_terminal(ignore_sighup: bool) -> None:
    with started(ignore_sighup=ignore_sighup) as app:
        app.wait_for("(?i)address")
        app.vanish()
        app.wait_exit(LEAVE_SECONDS)


@hangups
def test_the_demo_takes_its_servers_along(ignore_sighup: bool) -> None:
    with started("demo", ignore_sighup=ignore_sighup) as app:
        app.wait_for("demo-replica +● fresh")
        servers = app.descendants()
        assert servers
        app.vanish()
        app.wait_exit(LEAVE_SECONDS)
        _, alive = psutil.wait_procs(servers, timeout=3)
        assert not alive


async def test_quitting_gives_the_terminal_back() -> None:
    async with watching() as app:
        app.press("q")
        await asyncio.to_thread(app.wait_exit, 3.0)
        assert app.process.returncode == 0
        assert_terminal_restored(app)


def assert_terminal_restored(app: PtyApp) -> None:
    """The normal screen, a visible cursor, no mouse reports."""
    for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"), (b"\x1b[?1003h", b"\x1b[?1003l")):
        assert app.raw.rfind(off) > app.raw.rfind(on) >= 0
