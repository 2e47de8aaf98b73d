"""Entries wrapped under their labels."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dfly_tui.text import safe
from tests.widgets.support import (
    HOSTILE,
    WidgetApp,
    assert_lines_fill,
    assert_printable,
    hostile_text,
    rows,
    text,
    widths,
)
from widgets.lines import Run, line_text
from widgets.sheet import FIXED_BLANK, LABEL_CELLS, Entry, Sheet, entry_lines

hostile_runs = st.lists(st.builds(Run, hostile_text, st.sampled_from(["text", "ok", "critical"])), max_size=5)
hostile_entries = st.lists(st.builds(Entry, hostile_text, hostile_runs.map(tuple)), max_size=4)


def shown(width: int, *entries: Entry) -> list[str]:
    return [line_text(line).rstrip() for line in entry_lines(entries, width)]


def entry(words: str, label: str = "lag") -> Entry:
    return Entry(label, (Run(words),))


def test_what_does_not_fit_goes_on_under_itself() -> None:
    assert shown(30, entry("one two three four five six")) == [
        " lag      one two three four",
        "          five six",
    ]


def test_runs_keep_their_styles_across_lines() -> None:
    lines = list(entry_lines([Entry("", (Run("good, "), Run("very bad indeed", "critical")))], 24))
    assert [run for line in lines for run in line if run.style == "critical"] == [
        Run("very bad", "critical"),
        Run("indeed", "critical"),
    ]


def test_a_word_that_just_fits_is_not_cut_for_the_blank_behind_it() -> None:
    assert shown(LABEL_CELLS + 1 + 5, entry("12345 67")) == [" lag      12345", "          67"]


def test_a_fixed_blank_is_shown_as_a_blank_and_does_not_break() -> None:
    assert shown(22, entry(f"now [full{FIXED_BLANK}sync]")) == [" lag      now", "          [full sync]"]


def test_a_word_longer_than_a_line_loses_nothing() -> None:
    lines = shown(20, entry("x" * 57))
    assert "".join(line[LABEL_CELLS + 1 :] for line in lines) == "x" * 57


@given(hostile_entries, widths)
def test_any_text_fills_its_lines(entries: list[Entry], width: int) -> None:
    assert_lines_fill(list(entry_lines(entries, width)), width)


@given(hostile_text, st.integers(14, 120))
def test_wrapping_loses_no_character(words: str, width: int) -> None:
    lines = [line_text(line)[LABEL_CELLS + 1 :] for line in entry_lines([Entry("", (Run(words),))], width)]
    assert "".join(lines).replace(" ", "") == words.replace(" ", "").replace(FIXED_BLANK, "")


async def test_a_sheet_is_as_high_as_its_entries() -> None:
    sheet = Sheet()
    app = WidgetApp(sheet)
    async with app.run_test(size=(40, 10)) as pilot:
        sheet.show([entry("short")])
        await pilot.pause()
        assert sheet.size.height == 1
        sheet.show([entry("long " * 20), entry("last", "offset")])
        await pilot.pause()
        await pilot.pause()
        assert sheet.size.height == 5
        assert "offset" in rows(app)[4]
        await pilot.resize_terminal(120, 10)
        await pilot.pause()
        assert sheet.size.height == 2


async def test_only_what_changed_is_written() -> None:
    sheet = Sheet()
    app = WidgetApp(sheet)
    async with app.run_test(size=(100, 20)) as pilot:
        sheet.show([entry("3 records"), entry("the rest of it " * 4, "follows")])
        await pilot.pause()
        await pilot.pause()
        app.written = 0
        sheet.show([entry("4 records"), entry("the rest of it " * 4, "follows")])
        await pilot.pause()
        assert 0 < app.written < 120


async def test_hostile_entries_do_nothing() -> None:
    sheet = Sheet()
    app = WidgetApp(sheet)
    async with app.run_test(size=(60, 40)) as pilot:
        for attack in HOSTILE:
            sheet.show([Entry(safe(attack), (Run(safe(attack)), Run(safe(attack), "critical")))])
            await pilot.pause()
            await pilot.pause()  # a scrollbar comes, and takes a column
            assert_printable(rows(app), 60)
        sheet.show([Entry("[b]", (Run("[@click=app.pwned]x[/]"),))])
        await pilot.pause()
        assert "[@click=app.pwned]x[/]" in text(app)
        for column in range(0, 30, 5):
            await pilot.click(offset=(column, 0))
        assert not app.quit_by_markup


def test_labels_are_cut_and_not_wrapped() -> None:
    assert cell_len(shown(40, entry("x", "l" * 1000))[0]) == LABEL_CELLS + 2
