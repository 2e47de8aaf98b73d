"""Header and footer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import Role
from dfly_tui.settings import Environment
from tests.widgets.support import WidgetApp, assert_lines_fill, hostile_text, rows, widths
from widgets.footer import Hint, KeyHints, hints_line
from widgets.header import HeaderData, StatusHeader, freshness_run, header_line
from widgets.lines import line_text

FULL = HeaderData(
    simulation=True,
    instance="workhorse",
    environment=Environment.PRODUCTION,
    role=Role.PRIMARY,
    freshness=Freshness.STALE,
    age=12.4,
    unlocked_seconds=581,
    interval=1.0,
)


@pytest.mark.parametrize(
    ("freshness", "age", "words"),
    [
        (Freshness.FRESH, 0.4, "● fresh"),
        (Freshness.STALE, 12.9, "◐ stale 12 s"),
        (Freshness.LOST, 185, "○ lost 3 m"),
        (Freshness.LOST, None, "○ lost"),
        (Freshness.PENDING, None, "… pending"),
    ],
    ids=["fresh", "stale", "lost", "never", "pending"],
)
def test_freshness_is_told_by_glyph_and_words(freshness: Freshness, age: float | None, words: str) -> None:
    assert freshness_run(freshness, age).text == words


def test_a_pause_is_told_instead_of_a_freshness() -> None:
    assert "‖ paused" in line_text(header_line(replace(FULL, paused=True), 120))


def test_a_pause_does_not_hide_that_the_instance_was_lost() -> None:
    shown = line_text(header_line(replace(FULL, paused=True, freshness=Freshness.LOST, age=185), 120))
    assert "○ lost 3 m" in shown
    assert "paused" not in shown


def test_everything_shows_where_there_is_room() -> None:
    shown = line_text(header_line(FULL, 120))
    for words in ("dfly-tui", "SIMULATION", "PRODUCTION", "workhorse", "primary", "stale 12 s", "UNLOCKED 9:41", "1 s"):
        assert words in shown


def test_80_columns_keep_what_decides() -> None:
    shown = line_text(header_line(FULL, 80))
    for words in ("SIMULATION", "PRODUCTION", "workhorse", "primary", "stale 12 s", "UNLOCKED 9:41"):
        assert words in shown


def test_where_it_is_narrow_the_environment_and_freshness_stay() -> None:
    shown = line_text(header_line(replace(FULL, simulation=False), 30))
    assert "PRODUCTION" in shown
    assert "stale 12 s" in shown
    assert "dfly-tui" not in shown


def test_read_only_is_said() -> None:
    assert "READ-ONLY" in line_text(header_line(replace(FULL, read_only=True, unlocked_seconds=None), 80))


@given(hostile_text, widths)
def test_any_name_fits_any_width(name: str, width: int) -> None:
    assert_lines_fill([header_line(replace(FULL, instance=name), width)], width)


async def test_what_did_not_change_is_not_written() -> None:
    header = StatusHeader()
    app = WidgetApp(header)
    async with app.run_test(size=(120, 5)) as pilot:
        await pilot.pause()
        header.show(FULL)
        await pilot.pause()
        app.written = 0
        header.show(replace(FULL))
        await pilot.pause()
        assert app.written == 0
        header.show(replace(FULL, unlocked_seconds=580))
        await pilot.pause()
        assert "UNLOCKED 9:40" in rows(app)[0]
        assert app.written > 0


HINTS = [Hint("q", "Quit"), Hint("?", "Help"), Hint("enter", "Open"), Hint("/", "Filter")]


def test_hints_stand_in_the_order_of_their_importance() -> None:
    assert line_text(hints_line(HINTS, 80)).rstrip() == " q Quit   ? Help   enter Open   / Filter"


def test_a_hint_that_does_not_fit_whole_is_left_out() -> None:
    exact = len(" q Quit   ? Help   enter Open")
    assert line_text(hints_line(HINTS, exact)) == " q Quit   ? Help   enter Open"
    assert line_text(hints_line(HINTS, exact - 1)).rstrip() == " q Quit   ? Help"


@given(st.lists(st.builds(Hint, hostile_text, hostile_text), max_size=6), widths)
def test_hints_never_leave_the_line(hints: list[Hint], width: int) -> None:
    assert_lines_fill([hints_line(hints, width)], width)


async def test_the_footer_shows_other_hints_for_another_screen() -> None:
    footer = KeyHints(HINTS)
    app = WidgetApp(footer)
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        footer.show([Hint("b", "Backup")])
        await pilot.pause()
        assert rows(app)[-1].strip() == "b Backup"
