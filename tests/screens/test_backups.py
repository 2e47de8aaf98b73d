"""What is begun on the backups screen: nothing before somebody says yes, then once."""

from screens.backup_plan import BackupPlanScreen
from screens.backups import BackupsScreen
from tests.screens.backups_stage import (
    NARROW,
    Shelf,
    cut_off,
    open_backups,
    press,
    typed,
)
from tests.screens.stage import screen_text


async def test_nothing_is_done_before_somebody_says_yes(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        await press(shelf, pilot, "b")
        await typed(pilot, "before the upgrade")
        assert "backup workhorse" in await press(shelf, pilot, "enter")
        assert isinstance(app.screen, BackupPlanScreen)
        assert shelf.asked == [("workhorse", "backup", "before the upgrade")]
        assert "▲ 1 to know before you say yes" in await press(shelf, pilot, "enter", wait=3)
        assert "Do it" in await press(shelf, pilot, "enter")
        assert shelf.done == []
        await press(shelf, pilot, "escape")
        assert shelf.done == []
        await press(shelf, pilot, "escape")
        assert isinstance(app.screen, BackupsScreen)


async def test_a_yes_is_carried_out_once_and_the_list_is_read_again(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        await press(shelf, pilot, "b", "enter", "enter", wait=3)
        looks = shelf.looks["workhorse"]
        text = await press(shelf, pilot, "enter", "right", "enter", wait=5)
        assert "✔ Done: backup workhorse" in text
        assert shelf.done == ["backup"]
        assert shelf.looks["workhorse"] == looks + 1
        journals = shelf.stage.paths.backup_journal_dir
        assert [path.name for path in journals.glob("*.jsonl")] == ["20260102-030405-0007.jsonl"]
        assert not list(shelf.stage.paths.journal_dir.glob("*.jsonl")), "the failover wizard would meet it"


async def test_whoever_looks_again_gets_a_plan_made_anew(shelf: Shelf) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        await press(shelf, pilot, "b", "enter")
        made = shelf.made
        await press(shelf, pilot, "r")
        assert shelf.made == made + 1


async def test_a_restore_that_was_cut_off_is_told_and_taken_back(shelf: Shelf) -> None:
    cut_off(shelf)
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        assert "cut off in the middle" in screen_text(app)
        await press(shelf, pilot, "u", "enter", wait=3)
        await press(shelf, pilot, "enter", "right", "enter", wait=3)
        assert shelf.done == ["give-up"]
        await press(shelf, pilot, "escape")
        assert "cut off" not in screen_text(app)
