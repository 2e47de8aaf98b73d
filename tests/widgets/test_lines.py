"""Lines keep their width whatever is put into them, and tell what changed."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.widgets.support import assert_lines_fill, hostile_text, widths
from widgets.lines import Line, Run, changed_until, fit_line, line_text

runs = st.lists(st.builds(Run, hostile_text, st.sampled_from(["text", "ok", "muted"])), max_size=5)


@given(runs, widths)
def test_a_line_fills_its_width_exactly(pieces: list[Run], width: int) -> None:
    assert_lines_fill([fit_line(pieces, width)], width)


@given(runs, widths)
def test_neighbours_of_one_style_become_one_run(pieces: list[Run], width: int) -> None:
    styles = [run.style for run in fit_line(pieces, width)]
    assert all(one != next_one for one, next_one in pairwise(styles))


def test_a_cut_is_marked() -> None:
    assert line_text(fit_line([Run("abc"), Run("defgh", "ok")], 6)) == "abcde…"


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert line_text(fit_line([Run("日本語")], 4)) == "日 …"


def test_the_end_of_a_change_is_behind_the_last_cell_that_differs() -> None:
    old = fit_line([Run("● ok", "ok"), Run(" keys 日本 12")], 30)
    new = fit_line([Run("● ok", "ok"), Run(" keys 日本 13")], 30)
    assert changed_until(old, new) == cell_len("● ok keys 日本 13")


def test_equal_text_in_another_style_is_a_change() -> None:
    old: Line = (Run("abc"), Run("def"))
    assert changed_until(old, (Run("abc", "ok"), Run("def"))) == 3


def test_the_same_cells_in_other_runs_are_no_change() -> None:
    assert changed_until((Run("abc"), Run("def")), (Run("abcdef"),)) == 0


@given(runs, runs, st.integers(1, 60))
def test_behind_the_end_of_a_change_both_lines_are_equal(old: list[Run], new: list[Run], width: int) -> None:
    before, after = fit_line(old, width), fit_line(new, width)
    end = changed_until(before, after)
    assert (end == 0) == (cells(before) == cells(after))
    assert cells(before)[end:] == cells(after)[end:]


def cells(line: Line) -> list[list[tuple[str, str]]]:
    """Per cell what stands in it; a wide character takes one entry and an empty one."""
    found: list[list[tuple[str, str]]] = []
    leading: list[tuple[str, str]] = []
    for text, style in line:
        for char in text:
            size = cell_len(char)
            if size == 0:
                (found[-1] if found else leading).append((char, style))
                continue
            found.append([*leading, (char, style)])
            found += [[] for _ in range(size - 1)]
            leading = []
    return found
