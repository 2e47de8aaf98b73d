"""Somebody without any configuration: the connect screen, and what it keeps."""

from dfly_tui.errors import AuthFailed
from tests.screens.conftest import SnapCompare, story
from tests.screens.stage import Stage, screen_text, seconds


def test_first_start(snap_compare: SnapCompare, stage: Stage) -> None:
    assert snap_compare(stage.app(), terminal_size=(80, 24), run_before=story(stage, wait=0))


async def test_address_and_password_lead_to_the_fleet(stage: Stage) -> None:
    app = stage.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"10.0.0.9:6380", "tab", "tab", *"hunter2", "tab", *"nas", "enter")
        await seconds(stage, pilot, 2)
        assert stage.attempts == [("redis://10.0.0.9:6380", "hunter2")]
        assert "nas" in screen_text(app)
        assert "UNKNOWN" in screen_text(app), "nobody said that it is only a lab"
        assert "READ-ONLY" in screen_text(app)
    saved = stage.paths.config_file.read_text()
    assert 'environment = "unknown"' in saved
    assert 'url = "redis://10.0.0.9:6380"' in saved
    assert "hunter2" not in saved


async def test_a_refused_password_is_told_in_place(stage: Stage) -> None:
    stage.refusal = AuthFailed("10.0.0.9:6380 refused the password", "try another")
    app = stage.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"10.0.0.9:6380", "enter")
        await pilot.pause()
        assert "10.0.0.9:6380 refused the password" in screen_text(app)
        await pilot.press(*"hunter2")
        assert stage.attempts == [("redis://10.0.0.9:6380", "")]
        await pilot.press("enter")
        await pilot.pause()
        assert stage.attempts[1:] == [("redis://10.0.0.9:6380", "hunter2")]


async def test_an_address_that_is_none_is_told_in_place(stage: Stage) -> None:
    app = stage.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*"http://x", "enter")
        await pilot.pause()
        assert "redis://host:port" in screen_text(app)


async def test_escape_leaves(stage: Stage) -> None:
    app = stage.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
    assert app.return_code == 0
