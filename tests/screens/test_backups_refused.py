"""What the backups screen does not begin, and why."""

import pytest

from dfly_tui.errors import DockerFailed
from dfly_tui.settings import Defaults
from screens.backups import BackupsScreen
from tests.screens.backups_stage import (
    LAST,
    NARROW,
    Shelf,
    files_of,
    name_at,
    open_backups,
    press,
    saved,
    told,
)
from tests.screens.stage import Stage, seconds


@pytest.mark.parametrize("key", ["b", "v", "d", "R", "e", "x", "y", "z"])
async def test_what_is_old_authorises_nothing(shelf: Shelf, key: str) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        shelf.errors["workhorse"] = DockerFailed("the engine does not answer", "is it running?")
        await seconds(shelf.stage, pilot, 40)
        await press(shelf, pilot, key)
        assert isinstance(app.screen, BackupsScreen)
        assert "r reads again" in told(pilot)
        assert shelf.asked == []


@pytest.mark.parametrize("key", ["b", "d", "R", "x"])
async def test_a_replica_is_left_to_its_primary(shelf: Shelf, key: str) -> None:
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "n")
        await press(shelf, pilot, key)
        assert "its primary workhorse is backed up instead" in told(pilot)
        assert isinstance(app.screen, BackupsScreen)


async def test_redis_is_left_alone(redis_pair: Stage) -> None:
    shelf = Shelf(redis_pair)
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "b")
        assert "only Dragonfly is backed up from here" in told(pilot)
        assert isinstance(app.screen, BackupsScreen)


async def test_read_only_runs_dry_and_pins_nothing(shelf: Shelf) -> None:
    shelf.stage.defaults = Defaults(read_only=True)
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot, "down")
        await press(shelf, pilot, "y")
        assert "read-only" in told(pilot)
        text = await press(shelf, pilot, "b", "enter", "enter", wait=3)
        assert "Dry run: nothing blocks it" in text
        assert shelf.done == []


async def test_production_is_unlocked_first(stage: Stage) -> None:
    shelf = Shelf(stage)
    saved(stage.add("workhorse", environment="production"))
    shelf.put("workhorse", files_of(name_at(LAST), LAST))
    app = shelf.app()
    async with app.run_test(size=NARROW) as pilot:
        await open_backups(shelf, pilot)
        text = await press(shelf, pilot, "b", "enter", "enter")
        assert "Unlock workhorse" in text
        await press(shelf, pilot, "escape")
        assert shelf.done == []
