"""Copying through the terminal (OSC 52), so that it works over SSH, and through tmux on the way.

tmux swallows the sequence of a program in it unless `set-clipboard` is on. It passes on what is wrapped for it where
`allow-passthrough` is on, and it copies by itself when its own client is asked: `tmux load-buffer -w -`, with the text
on stdin. All three ways are taken; each ends in the same clipboard.
"""

import asyncio
import base64
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping

from textual.app import App

from dfly_tui.errors import Refused
from dfly_tui.units import bytes_text

MOST_BYTES = 1 << 20
"""tmux takes no more in one sequence; most terminals take much less."""
TYPICAL_BYTES = 74_994
"""What xterm takes: 100 000 letters of base64."""


def in_tmux(environ: Mapping[str, str]) -> bool:
    """Whether there is a tmux between us and the terminal."""
    return bool(environ.get("TMUX"))


def sequences(data: bytes, environ: Mapping[str, str]) -> str:
    """What to write to the terminal."""
    plain = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\x07"
    if not in_tmux(environ):
        return plain
    return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"


async def copy(app: App[int], data: bytes, environ: Mapping[str, str]) -> None:
    """Put bytes into the clipboard, as far as terminals allow.

    Raises:
        Refused: They are more than any terminal takes.
    """
    if len(data) > MOST_BYTES:
        raise Refused(f"{bytes_text(len(data))} are more than a terminal takes", "save it to a file instead")
    driver = app._driver  # App.copy_to_clipboard() takes no bytes and knows no tmux
    if driver is not None:
        driver.write(sequences(data, environ))
        driver.flush()
    if in_tmux(environ) and (program := shutil.which("tmux", path=environ.get("PATH"))):
        await _through_tmux(program, data, environ)


async def _through_tmux(program: str, data: bytes, environ: Mapping[str, str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            program, "load-buffer", "-w", "-", env=dict(environ), stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
        )
        await process.communicate(data)
    except OSError:
        return  # an older tmux knows no -w, or there is none: the sequences were written all the same
