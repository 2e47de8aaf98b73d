"""What keys do with the set under the cursor."""

from dfly_tui.models.backup import ProofLevel
from screens.backups import BackupsScreen
from tests.screens.backups_stage import (
    LAST,
    NARROW,
    Shelf,
    name_at,
    open_backups,
    press,
    proven,
    told,
    typed,
)
from tests.screens.stage import down, screen_text, seconds


async def test_a_restore_names_the_set_and_where_from(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        assert "Restore workhorse" in await press(shelf, pilot, "R")
        text = await press(shelf, pilot, "down", "space")
        assert "[ ] NOT tried before" in text
        await press(shelf, pilot, "enter")
        assert shelf.asked == [("workhorse", "restore", name_at(LAST), "nas", "no drill")]


async def test_the_set_under_the_cursor_is_the_one_to_restore(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        await press(shelf, pilot, "R", "enter")
        assert shelf.asked == [("workhorse", "restore", name_at(LAST + 6), "instance", "drill first")]


async def test_a_set_that_is_not_whole_is_not_offered(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        assert name_at(LAST + 24) in await press(shelf, pilot, "R")
        assert name_at(30) not in screen_text(app)


async def test_a_server_that_is_gone_can_still_be_restored(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        shelf.stage.actors["workhorse"].error = down()
        await seconds(shelf.stage, pilot, 20)
        assert "○ lost" in screen_text(app)
        assert "Restore workhorse" in await press(shelf, pilot, "R")


async def test_a_copy_is_chosen_where_there_are_several(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        assert "which copy?" in await press(shelf, pilot, "d")
        await press(shelf, pilot, "down", "enter")
        assert shelf.asked == [("workhorse", "drill", name_at(LAST), "nas")]


async def test_a_set_is_verified_in_sight(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        assert "1 MiB of 2 MiB read" in await press(shelf, pilot, "v")
        looks = shelf.looks["workhorse"]
        shelf.gate.set()
        await press(shelf, pilot)
        assert isinstance(app.screen, BackupsScreen)
        assert "Verified: 3 files as recorded" in told(pilot)
        assert shelf.looks["workhorse"] == looks + 1


async def test_damage_is_told(shelf: Shelf) -> None:
    app = shelf.app()
    shelf.proof = proven(0, ok=False, level=ProofLevel.CHECKSUMS, text="shard 0000 is damaged")
    shelf.gate.set()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        await press(shelf, pilot, "v")
        assert "It is damaged: shard 0000 is damaged" in told(pilot)


async def test_verifying_can_be_stopped(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        await press(shelf, pilot, "v", "escape")
        assert isinstance(app.screen, BackupsScreen)
        assert "Verified" not in told(pilot)


async def test_a_pin_has_a_reason(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        await press(shelf, pilot, "y", "enter")
        assert shelf.asked == [], "no reason, no pin"
        await press(shelf, pilot, "y")
        await typed(pilot, "the state of the audit")
        await press(shelf, pilot, "enter")
        assert shelf.asked == [("workhorse", "pin", name_at(LAST), "the state of the audit")]


async def test_a_pin_is_taken_off_on_purpose_only(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        assert "before the upgrade" in await press(shelf, pilot, "y")
        await press(shelf, pilot, "enter")
        assert shelf.asked == []
        await press(shelf, pilot, "y", "right", "enter")
        assert shelf.asked == [("workhorse", "pin", name_at(LAST + 6), "")]
