"""The schedule on the backups screen, and how one moves about there."""

from tests.screens.backups_stage import (
    LAST,
    NARROW,
    Shelf,
    files_of,
    name_at,
    open_backups,
    press,
    told,
    typed,
)
from tests.screens.stage import screen_text, seconds


async def test_a_schedule_is_explained_while_it_is_typed(shelf: Shelf) -> None:
    shelf.put("nas", cron="0 3 * * *")
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        text = await press(shelf, pilot, "e")
        assert "Every 6 hours" in text
        assert "Sat 03 Jan 06:00 UTC" in text
        await typed(pilot, "0 3 * *")
        assert "five fields are needed" in await press(shelf, pilot, "enter")
        assert shelf.asked == [], "what is no schedule goes no further"
        await typed(pilot, "0 3 * * *")
        text = await press(shelf, pilot)
        assert "At 03:00" in text
        assert "▲ nas saves the same data in the same minute" in text
        await press(shelf, pilot, "enter")
        assert shelf.asked == [("workhorse", "schedule", "0 3 * * *")]


async def test_a_pause_has_an_end(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        await press(shelf, pilot, "z")
        await typed(pilot, "for ever")
        await press(shelf, pilot, "enter")
        assert "is no time" in told(pilot)
        await press(shelf, pilot, "z")
        await typed(pilot, "12h")
        await press(shelf, pilot, "enter")
        ((name, kind, until),) = shelf.asked
        assert (name, kind, until[:13]) == ("workhorse", "pause", "2026-01-02T15")


async def test_the_cursor_stays_on_its_set(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        before = shelf.seen["workhorse"].stores[0].files or ()
        shelf.put("workhorse", before, files_of("dump-new", 0), records=shelf.seen["workhorse"].records)
        text = await press(shelf, pilot, "r")
        assert "dump-new" in text
        assert f"▸ {name_at(LAST + 6)}" in text


async def test_stores_are_not_listed_while_nobody_looks(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await seconds(shelf.stage, pilot, 60)
        assert shelf.looks == {}
        await open_backups(shelf, pilot, "1")
        looks = shelf.looks["workhorse"]
        await seconds(shelf.stage, pilot, 200)
        assert shelf.looks["workhorse"] == looks
        await press(shelf, pilot, "5", "p")
        looks = shelf.looks["workhorse"]
        await seconds(shelf.stage, pilot, 200)
        assert shelf.looks["workhorse"] == looks
        assert "paused" in screen_text(app)


async def test_both_tables_are_reached_by_keys(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        assert "▸ nas" in await press(shelf, pilot, "tab", "down")
        assert "▸ workhorse" in await press(shelf, pilot, "up", "enter", "down")
        assert f"▸ {name_at(LAST + 6)}" in screen_text(app)
