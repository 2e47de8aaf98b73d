"""The dashboard in a terminal, watching a server whose every byte the test wrote."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.pty_app import DFLY_TUI, PtyApp
from tests.support.respd import Respd, Script, bulk

ROOT = Path(__file__).parents[2]
INFO = (ROOT / "tests" / "data" / "info" / "v1.40.1-primary.txt").read_bytes()
PRIMARY = b"*2\r\n$6\r\nmaster\r\n*0\r\n"
HEALTHY: Script = {"INFO": bulk(INFO), "ROLE": PRIMARY}


def started(
    *arguments: str, columns: int = 120, rows: int = 40, ignore_sighup: bool = False, home: Path | None = None
) -> PtyApp:
    """`dfly-tui` with these arguments, in a terminal of this size; the caller leaves its block.

    Args:
        home: Where it keeps what it writes.
    """
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    if home is not None:
        environ |= {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "XDG_CONFIG_HOME": str(home / "config")}
    return PtyApp([*DFLY_TUI, *arguments], columns=columns, rows=rows, environ=environ, ignore_sighup=ignore_sighup)


@asynccontextmanager
async def watching(
    script: Script = HEALTHY, *arguments: str, columns: int = 120, rows: int = 40
) -> AsyncIterator[PtyApp]:
    """The dashboard on one scripted server, as soon as it shows a live number."""
    async with Respd(script) as server:
        with started("--url", server.url, *arguments, columns=columns, rows=rows) as app:
            await asyncio.to_thread(app.wait_for, "● fresh")
            yield app
