"""Text from a server is hostile: on every screen it is shown as it is, and does nothing."""

import pytest

from dfly_tui.errors import ServerError
from dfly_tui.models.container import ContainerInfo
from dfly_tui.text import safe
from tests.screens.stage import Stage, pages, screen_text, seconds

ATTACKS = {
    "escape": "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "markup": "[@click=app.quit]x[/] [/] [bold]b[/bold] [lost]",
    "bidi": "abc\u202egnp.exe\u2066",
    "wide": "漢字かな😀👩‍👩‍👧e\u0301",
    "long": "a" * 100_000,
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
async def test_every_screen_survives(stage: Stage, attack: str) -> None:
    actor = stage.add("workhorse", group="main", docker={"container": "x"})
    shown = safe(attack)
    hostile = attack.replace("\n", "").replace("\r", "")
    actor.text = (
        actor.text.replace("redis_mode:standalone", f"redis_mode:{hostile}")
        .replace("dragonfly_version:df-v1.40.1", f"dragonfly_version:df-v1.40.1{hostile}")
        .replace("role:master", f"role:slave\r\nmaster_host:{hostile}\r\nmaster_port:1\r\nmaster_link_status:down")
        .replace("last_error:", f"last_error:{hostile}")
    )
    actor.settings = {"dir": shown, shown: "x"}
    actor.page_text = pages((shown, 1.0))
    actor.container_info = ContainerInfo(
        name=shown, id="1", image=shown, state="exited", restart_policy="no", restarts=0, exit_code=1, log=(shown,)
    )
    app = stage.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        for keys in ((), ("enter",), ("tab",), ("tab",), ("escape", "2"), ("a",), ("enter",), ("colon",), ("escape",)):
            await pilot.press(*keys)
            await seconds(stage, pilot, 3)
            text = screen_text(app)
            assert not any(char < " " and char != "\n" for char in text)
            assert not set(text) & set("\x7f\x9b\u202e\u2066")
            await pilot.click(offset=(40, 3))
        actor.error = ServerError(safe(attack), safe(attack))
        await pilot.press("1")
        await seconds(stage, pilot, 30)
        assert app.is_running
