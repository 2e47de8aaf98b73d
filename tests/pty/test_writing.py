"""What really goes to the terminal: how much, and never a server's own escape sequences."""

import asyncio

import pytest

from tests.pty.dashboard import INFO, PRIMARY, started, watching
from tests.support.respd import Respd, bulk

TITLE = "\x1b]0;pwned\x07"
CLIPBOARD = "\x1b]52;c;cHduZWQ=\x1b\\"
C1 = "\x9b31mpwned"
HOSTILE = f"{TITLE}{CLIPBOARD}{C1}[@click=app.quit]x[/]"
CAUSED_BY_HOSTILE = (b"\x1b]0;pwned", b"\x1b]52", b"\xc2\x9b", b"\x9b31m")


def hostile_info() -> bytes:
    """A real INFO whose texts try to take the terminal over."""
    lines = []
    for line in INFO.decode().split("\r\n"):
        name, colon, value = line.partition(":")
        number = value.replace(".", "").isdigit()
        lines.append(line if number or not colon or name == "role" else f"{name}:{value}{HOSTILE}")
    return "\r\n".join(lines).encode()


def assert_clean(raw: bytes | bytearray) -> None:
    for sequence in CAUSED_BY_HOSTILE:
        assert sequence not in raw


async def test_escapes_in_info_stay_text() -> None:
    async with watching({"INFO": bulk(hostile_info()), "ROLE": PRIMARY}) as app:
        app.press("\r")
        await asyncio.to_thread(app.wait_for, "pwned")
        assert_clean(app.raw)


async def test_escapes_in_an_error_stay_text() -> None:
    refusal = f"-NOPERM {HOSTILE}\r\n".encode()
    async with Respd({"INFO": refusal, "ROLE": PRIMARY}) as server:
        with started("--url", server.url) as app:
            await asyncio.to_thread(app.wait_for, "pwned")
            assert_clean(app.raw)


async def test_a_paused_dashboard_writes_nothing() -> None:
    async with watching() as app:
        app.press("p")
        await asyncio.to_thread(app.wait_for, "paused")
        await asyncio.to_thread(app.pump, 3.0)  # until the last reading has aged, too
        assert (await asyncio.to_thread(app.pump, 2.2)).written_bytes == 0


@pytest.mark.parametrize(("key", "shown"), [("?", "Everywhere"), (":", "Go to")], ids=["help", "jump"])
async def test_a_dialog_costs_next_to_nothing(key: str, shown: str) -> None:
    async with watching() as app:
        app.press(key)
        await asyncio.to_thread(app.wait_for, shown)
        await asyncio.to_thread(app.pump, 0.5)
        assert (await asyncio.to_thread(app.pump, 2.2)).bytes_per_second <= 300


async def test_an_update_is_small() -> None:
    async with watching() as app:
        await asyncio.to_thread(app.pump, 0.5)
        assert (await asyncio.to_thread(app.pump, 2.2)).bytes_per_second <= 5000
        app.press("2")
        await asyncio.to_thread(app.wait_for, "Commands")
        await asyncio.to_thread(app.pump, 0.5)
        assert (await asyncio.to_thread(app.pump, 2.2)).bytes_per_second <= 5000


async def test_low_bandwidth_is_lower() -> None:
    async with watching({"INFO": bulk(INFO), "ROLE": PRIMARY}, "--low-bandwidth") as app:
        await asyncio.to_thread(app.pump, 1.5)
        assert (await asyncio.to_thread(app.pump, 3.0)).bytes_per_second <= 1000
