"""Names, fields and values of any bytes on the value screen: shown as they are, and doing nothing."""

from pathlib import Path

import pytest

from dfly_tui.clients.connection import Command
from tests.screens.value_stage import KeyStage, opened, text_of
from tests.support.hostile import harmless
from tests.widgets.support import HOSTILE


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


async def test_hostile_names_fields_and_values_are_shown_and_do_nothing(stage: KeyStage) -> None:
    attacks = [text.encode("utf-8", "surrogatepass") for text in HOSTILE] + [bytes(range(256)), b"\xed\xa0\x80\x9b31m"]
    name = b"[@click=app.quit]\x1b]0;x\x07[/]"
    pairs = [word for attack in attacks for word in (attack, attack)]
    commands: list[Command] = [
        ("HSET", name, *pairs),
        ("XADD", b"x" + name, "*", *pairs),
        ("SET", b"s" + name, b"\n".join(attacks)),
    ]
    app = stage.app()
    async with stage.server(*commands), app.run_test(size=(80, 24)) as pilot:
        for key in (name, b"x" + name, b"s" + name):
            screen = await opened(pilot, key, "[@click=app.quit]\\x1b]0;x\\x07[/]")
            live = screen.live
            for at in range(len(attacks) if key == name else 0):
                live.elements.cursor = at
                await pilot.pause()
                assert all(harmless(line) for line in text_of(pilot).splitlines())
            for keys in ("v", "i", "i", "c", "c", "z", "y", "escape", "d", "escape", "slash", "["):
                await pilot.press(keys)
                assert all(harmless(line) for line in text_of(pilot).splitlines())
            await pilot.click(offset=(5, 4), times=2)
            await pilot.press(*["escape"] * 4)
        assert app.is_running
