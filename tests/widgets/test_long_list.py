"""A list of a million rows."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import on
from textual.widget import Widget

from dfly_tui.text import safe
from tests.widgets.support import HOSTILE, WidgetApp, assert_lines_fill, assert_printable, hostile_text, rows
from widgets.keylist import LongList
from widgets.lines import Run, fit_line

MILLION = 1_000_000


class ListApp(WidgetApp):
    """Notes what the list says."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__(*widgets)
        self.highlighted: list[int] = []
        self.selected: list[int] = []

    @on(LongList.Highlighted)
    def _highlighted(self, event: LongList.Highlighted) -> None:
        self.highlighted.append(event.index)

    @on(LongList.Selected)
    def _selected(self, event: LongList.Selected) -> None:
        self.selected.append(event.index)


def key(index: int) -> str:
    return f"user:{index}"


async def test_a_million_rows_cost_only_those_on_the_screen() -> None:
    asked: list[int] = []

    def row(index: int) -> str:
        asked.append(index)
        return key(index)

    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(80, 24)) as pilot:
        begun = time.process_time()
        rows_list.set_rows(MILLION, row)
        await pilot.pause()
        assert "user:0" in rows(app)[0]
        assert len(asked) <= 30
        rows_list.focus()
        await pilot.press("end")
        assert "▸ user:999999" in rows(app)[23]
        assert len(asked) <= 80
        assert time.process_time() - begun < 2


async def test_keys_move_the_cursor_and_keep_it_in_view() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(40, 10)) as pilot:
        rows_list.set_rows(100, key, heading=fit_line([Run("key")], 30))
        rows_list.focus()
        for press, index in (
            ("j", 1),
            ("down", 2),
            ("k", 1),
            ("pagedown", 9),
            ("end", 99),
            ("pageup", 91),
            ("home", 0),
        ):
            await pilot.press(press)
            assert rows_list.cursor == index, press
            assert f"▸ {key(index)} " in "\n".join(rows(app)), press
            assert rows(app)[0].startswith("  key"), "the heading stays"
        await pilot.press("up")
        assert rows_list.cursor == 0


async def test_messages_tell_the_row() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(40, 10)) as pilot:
        rows_list.set_rows(100, key)
        rows_list.focus()
        await pilot.press("down", "enter")
        assert app.highlighted == [1]
        assert app.selected == [1]


async def test_a_click_moves_and_two_clicks_open() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(40, 10)) as pilot:
        rows_list.set_rows(3, key)
        await pilot.click(offset=(5, 2))
        assert rows_list.cursor == 2
        assert app.selected == []
        await pilot.click(offset=(5, 1), times=2)
        assert app.selected == [1]
        await pilot.click(offset=(5, 7))
        assert rows_list.cursor == 1


async def test_an_empty_list_takes_any_key() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(40, 10)) as pilot:
        rows_list.focus()
        await pilot.press("down", "end", "pageup", "enter", "home")
        await pilot.click(offset=(3, 3))
        assert app.selected == app.highlighted == []


async def test_a_shorter_list_takes_the_cursor_back() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(40, 10)) as pilot:
        rows_list.set_rows(1000, key)
        rows_list.focus()
        await pilot.press("end")
        rows_list.set_rows(3, key)
        await pilot.pause()
        assert rows(app)[2].startswith("▸ user:2 ")
        assert rows(app)[0].startswith("  user:0 ")


async def test_moving_writes_two_rows() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(80, 24)) as pilot:
        rows_list.set_rows(1000, key)
        rows_list.focus()
        await pilot.press("down")
        app.written = 0
        await pilot.press("down")
        assert 0 < app.written <= 400


async def test_lines_are_written_only_where_they_differ() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    lines = [fit_line([Run(f"row {number}")], 70) for number in range(20)]
    async with app.run_test(size=(80, 24)) as pilot:
        rows_list.set_lines(lines)
        await pilot.pause()
        app.written = 0
        rows_list.set_lines(list(lines))
        await pilot.pause()
        assert app.written == 0
        rows_list.set_lines([*lines[:7], fit_line([Run("row seven")], 70), *lines[8:]])
        await pilot.pause()
        assert "row seven" in rows(app)[7]
        assert 0 < app.written <= 100


async def test_another_theme_repaints_the_rows() -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(80, 24)) as pilot:
        rows_list.set_rows(3, key)
        await pilot.pause()
        before = rows_list.render_line(2)
        app.theme = "dfly-light"
        await pilot.pause()
        assert rows_list.render_line(2) != before


@pytest.mark.parametrize("width", [1, 2, 3, 10, 77])
async def test_hostile_rows_are_shown_as_they_are(width: int) -> None:
    rows_list = LongList()
    app = ListApp(rows_list)
    async with app.run_test(size=(width, len(HOSTILE) + 2)) as pilot:
        rows_list.set_rows(len(HOSTILE), lambda index: safe(HOSTILE[index]), heading=(Run(safe(HOSTILE[1])),))
        await pilot.pause()
        assert_printable(rows(app), width)
        for line in range(0, len(HOSTILE), 4):
            await pilot.click(offset=(min(width - 1, 4), line))
        assert not app.quit_by_markup


@given(st.lists(hostile_text, min_size=1, max_size=5), st.integers(1, 120))
@settings(deadline=None)
def test_any_row_fits_any_width(texts: list[str], width: int) -> None:
    rows_list = LongList()
    rows_list.set_rows(len(texts), texts.__getitem__)
    assert_lines_fill([rows_list._whole_row(index, width, True) for index in range(len(texts))], width)
