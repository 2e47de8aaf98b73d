"""Passwords that a person types into the dashboard."""

import asyncio

from tests.screens.stage import Stage, screen_text, seconds


async def test_it_is_asked_for_by_name_and_not_shown(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 1)
        asking = asyncio.create_task(app.ask_password("nas"))
        await pilot.pause()
        assert "Password of nas:" in screen_text(app)
        await pilot.press(*"hunter2")
        assert "hunter2" not in screen_text(app)
        assert "hunter2" not in app.export_screenshot()
        await pilot.press("enter")
        assert await asking == "hunter2"


async def test_two_instances_are_asked_for_one_after_the_other(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 1)
        first = asyncio.create_task(app.ask_password("workhorse"))
        second = asyncio.create_task(app.ask_password("nas"))
        await pilot.pause()
        assert "Password of workhorse:" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert await first is None
        assert "Password of nas:" in screen_text(app)
        await pilot.press("x", "enter")
        assert await second == "x"
