"""The console's widgets: nothing is lost behind the edge, nothing of a server does anything, and it is bounded."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dfly_tui.text import safe
from tests.widgets.support import HOSTILE, WidgetApp, assert_lines_fill, assert_printable, hostile_text, rows, text
from widgets.console import MOST_ROWS, CommandLine, ConsoleOutput, LineJudged, Said, wrapped
from widgets.lines import Run, line_text


@given(hostile_text, st.integers(1, 40))
def test_a_line_is_wrapped_and_nothing_of_it_is_lost(line: str, width: int) -> None:
    pieces = [line_text(row) for row in wrapped(Said(line), width)]
    assert "".join(pieces) == line
    assert all(cell_len(piece) <= max(width, 2) for piece in pieces)


def test_words_are_kept_together_where_they_can() -> None:
    assert [line_text(row) for row in wrapped(Said("one two three four"), 12)] == ["one two ", "three four"]
    assert [line_text(row) for row in wrapped(Said("a bbbbbbbbbbbbbbbbbb"), 10)] == ["a bbbbbbbb", "bbbbbbbbbb"]


async def test_the_newest_is_shown_and_the_oldest_can_be_scrolled_to() -> None:
    output = ConsoleOutput()
    app = WidgetApp(output)
    async with app.run_test(size=(40, 10)) as pilot:
        output.say(Said(f"line {number}") for number in range(30))
        await pilot.pause()
        assert "line 29" in rows(app)[-1]
        assert "▸" not in text(app)
        output.page(-9)
        await pilot.pause()
        assert "line 0" in rows(app)[0]
        await pilot.click(output, offset=(5, 2), times=2)
        assert "▸" not in text(app)
        await pilot.resize_terminal(20, 10)
        await pilot.pause()
        assert "line 29" in text(app)
        output.clear()
        await pilot.pause()
        assert text(app).strip() == ""


async def test_old_answers_are_forgotten_and_that_is_said() -> None:
    output = ConsoleOutput()
    app = WidgetApp(output)
    async with app.run_test(size=(40, 10)) as pilot:
        for _ in range(3):
            output.say([Said("x" * 36 * 50)] * (MOST_ROWS // 100))
        await pilot.pause()
        assert output.count <= MOST_ROWS
        assert output.text.startswith("… older answers were forgotten")
        output.say([Said("y" * 36 * (MOST_ROWS + 1))])
        await pilot.pause()
        assert "y" in rows(app)[-1]


async def test_hostile_text_does_nothing() -> None:
    output, judged = ConsoleOutput(), LineJudged()
    app = WidgetApp(output, judged)
    async with app.run_test(size=(60, 30)) as pilot:
        output.say(Said(safe(each)) for each in HOSTILE)
        judged.show((Run(safe(HOSTILE[0])),), (Run(safe(HOSTILE[-1])),))
        await pilot.pause()
        assert_printable(rows(app), 60)
        assert not app.quit_by_markup


@given(hostile_text, hostile_text, st.integers(1, 120))
def test_the_judgement_fills_its_lines(first: str, second: str, width: int) -> None:
    judged = LineJudged()
    judged._shown = ((Run(first),), (Run(second),))
    assert_lines_fill(judged.lines(width, 2), width)


async def test_the_line_has_no_blinking_cursor() -> None:
    line = CommandLine()
    async with WidgetApp(line).run_test() as pilot:
        line.put("get a", 3)
        await pilot.pause()
        assert not line.cursor_blink
        assert (line.value, line.cursor_position) == ("get a", 3)
        line.put("get b")
        assert line.cursor_position == 5
