"""The metrics screen: charts that tell the truth, and the keys that turn them."""

import csv
import io

import pytest

from dfly_tui.errors import AuthFailed
from tests.screens.conftest import SnapCompare, story
from tests.screens.stage import Stage, down, pages, repaint, screen_text, seconds
from tests.screens.test_status import SIZES


@pytest.mark.parametrize("size", SIZES)
def test_fresh(snap_compare: SnapCompare, pair: Stage, size: tuple[int, int]) -> None:
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "2", wait=90))


def test_compared_and_zoomed_with_a_cursor(snap_compare: SnapCompare, pair: Stage) -> None:
    keys = ("2", "c", "z", "left", "left", "left")
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, *keys, wait=90))


def test_a_gap_where_nothing_was_read(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].fails_between = (30, 45)
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "2", "w", "w", "w", "w", wait=90))


def test_lost_from_the_beginning(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].error = down()
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "2", wait=5))


async def test_rates_are_those_of_the_load(pair: Stage) -> None:
    pair.actors["workhorse"].steady = True
    app = pair.app()
    async with app.run_test(size=(200, 50)) as pilot:
        await seconds(pair, pilot, 20)
        await pilot.press("2")
        await seconds(pair, pilot, 2)
        text = screen_text(app)
        assert "Commands 1.20k/s  min 1.20k/s  max 1.20k/s" in text
        assert "Hit rate 90.0%" in text


async def test_n_goes_to_the_next_instance_and_w_to_the_next_window(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("2")
        await seconds(pair, pilot, 1)
        assert "workhorse · last 5 m" in screen_text(app)
        await pilot.press("n", "w")
        await seconds(pair, pilot, 1)
        assert "nas · last 15 m" in screen_text(app)
        await pilot.press("N")
        await seconds(pair, pilot, 1)
        assert "workhorse · last 15 m" in screen_text(app)


async def test_the_chosen_panel_is_marked_and_zoomed(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("2")
        await seconds(pair, pilot, 1)
        assert "▸ Commands" in screen_text(app)
        await pilot.press("tab", "down", "down")
        await seconds(pair, pilot, 1)
        assert "▸ Network" in screen_text(app)
        assert "▸ Commands" not in screen_text(app)
        await pilot.press("z")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
        assert "Network" in text
        assert "Clients" not in text
        await pilot.press("shift+tab")
        await seconds(pair, pilot, 1)
        assert "Clients" in screen_text(app)
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert "▸ Clients" in screen_text(app)


async def test_the_first_that_a_filter_leaves_is_chosen(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("2", "slash", *"queue", "enter", "down", "z")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
        assert "Dispatch queue" in text
        assert "pipeline" not in text


async def test_a_filter_that_matches_no_panel_says_so(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("2", "slash", *"zzz", "enter", "down", "tab", "z")
        await seconds(pair, pilot, 1)
        assert "no panel has “zzz”" in screen_text(app)


async def test_the_cursor_tells_the_time_of_day_and_escape_takes_it_away(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 59)
        await pilot.press("2", "left", "left")
        await seconds(pair, pilot, 1)
        assert "cursor at -10 s, 03:04:55 UTC" in screen_text(app)
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert "cursor" not in screen_text(app)


async def test_a_paused_picture_stands_still(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 59)
        await pilot.press("2", "z", "p", "left")
        await seconds(pair, pilot, 3)
        before = screen_text(app)
        assert "cursor at -5 s, 03:04:59 UTC" in before
        await seconds(pair, pilot, 30)
        assert screen_text(app) == before
        await pilot.press("r")
        await seconds(pair, pilot, 3)
        assert "cursor at -5 s, 03:05:32 UTC" in screen_text(app)


async def test_of_two_instances_one_line_is_drawn_and_named(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(200, 50)) as pilot:
        await seconds(pair, pilot, 5)
        await pilot.press("2", "c")
        await seconds(pair, pilot, 1)
        assert "━ workhorse against ╍ nas" in screen_text(app)
        assert "Network in  ━ workhorse" in screen_text(app)


async def test_a_page_that_cannot_be_read_is_told(pair: Stage) -> None:
    pair.actors["workhorse"].error = AuthFailed("10.0.0.1:6379 refused the password")
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await seconds(pair, pilot, 4)
        assert "/metrics of workhorse: Password refused: 10.0.0.1:6379 refused" in screen_text(app)


async def test_any_series_of_the_page_can_be_pinned(pair: Stage) -> None:
    pair.actors["workhorse"].page_text = pages(("dragonfly_fibers_count", 14), ("dragonfly_blocked_tasks", 7))
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("2")
        await seconds(pair, pilot, 4)
        await pilot.press("a", *"blocked", "enter")
        await seconds(pair, pilot, 4)
        assert "▸ dragonfly_blocked_tasks 7" in screen_text(app)
        await pilot.press("x")
        await seconds(pair, pilot, 1)
        assert "dragonfly_blocked_tasks" not in screen_text(app)


async def test_the_page_is_read_only_while_somebody_looks(pair: Stage) -> None:
    actor = pair.actors["workhorse"]
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 5)
        assert actor.scrapes == 0
        await pilot.press("2")
        await seconds(pair, pilot, 6)
        assert actor.scrapes >= 3
        await pilot.press("1")
        await seconds(pair, pilot, 11)
        before = actor.scrapes
        await seconds(pair, pilot, 20)
        assert actor.scrapes == before


async def test_export_writes_what_is_shown(pair: Stage) -> None:
    pair.actors["workhorse"].steady = True
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 10)
        await pilot.press("2", "slash", *"commands", "enter")
        await seconds(pair, pilot, 1)
        await pilot.press("e")
        await seconds(pair, pilot, 1)
    (file,) = pair.paths.exports_dir.iterdir()
    rows = list(csv.reader(io.StringIO(file.read_text())))
    assert rows[0] == ["time", "workhorse commands"]
    assert rows[-1] == ["2026-01-02T03:04:16.000+00:00", "1200.0"]
    assert len(rows) >= 10
    assert file.stat().st_mode & 0o077 == 0


async def test_export_that_cannot_be_written_says_so(pair: Stage) -> None:
    pair.paths.state_dir.write_text("a file where the folder should be")
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("2")
        await seconds(pair, pilot, 1)
        await pilot.press("e")
        await pilot.pause()
        repaint(pilot)
        assert "Not exported" in screen_text(app)
