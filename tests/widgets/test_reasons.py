"""The problem list under the table."""

from hypothesis import given
from rich.cells import cell_len

from dfly_tui.models.health import InstanceStatus, Reason, State
from tests.support.fleet import GIB, info_text, judged, observed
from tests.widgets.support import WidgetApp, assert_lines_fill, hostile_text, rows, text, widths
from widgets.lines import line_text
from widgets.reasons import Reasons, reason_lines, wrapped


def with_reason(text: str, advice: str) -> InstanceStatus:
    reason = Reason(code="x", text=text, advice=advice, state=State.CRITICAL)
    return judged(observed("a"))[0].model_copy(update={"reasons": (reason,)})


def test_each_reason_tells_what_is_wrong_and_what_to_do() -> None:
    status = judged(observed("a", info_text(used=15 * GIB)))[0]
    shown = "\n".join(map(line_text, reason_lines(status, 100)))
    assert "✖ memory at 93.8%: 15 GiB of 16 GiB" in shown
    assert "raise maxmemory or delete keys" in shown


def test_nothing_wrong_is_said_too() -> None:
    assert "a: nothing is wrong" in line_text(reason_lines(judged(observed("a"))[0], 60)[0])


def test_a_long_reason_is_wrapped_at_blanks_and_loses_nothing() -> None:
    words = "no snapshot for 3 days and a crash now would lose everything since then"
    lines = [line_text(line).strip() for line in reason_lines(with_reason(words, ""), 24)]
    assert " ".join(lines).removeprefix("✖ ") == words
    assert len(lines) > 2


@given(hostile_text, hostile_text, widths)
def test_any_text_fits_any_width(text: str, advice: str, width: int) -> None:
    assert_lines_fill(reason_lines(with_reason(text, advice), width), width)


@given(hostile_text, widths)
def test_wrapping_loses_no_character(text: str, width: int) -> None:
    lines = wrapped(text, max(2, width))
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= max(2, width) for line in lines)


async def test_what_does_not_fit_is_counted() -> None:
    widget = Reasons()
    widget.styles.max_height = 3
    app = WidgetApp(widget)
    async with app.run_test(size=(40, 10)) as pilot:
        widget.show(with_reason("one two three four five six seven eight nine ten " * 4, "do something"))
        await pilot.pause()
        await pilot.pause()
        assert "more lines" in rows(app)[2]


async def test_clicking_on_markup_does_nothing() -> None:
    widget = Reasons()
    app = WidgetApp(widget)
    async with app.run_test(size=(60, 10)) as pilot:
        widget.show(with_reason("[@click=app.pwned]x[/]", "[/]"))
        await pilot.pause()
        await pilot.pause()
        assert "[@click=app.pwned]x[/]" in text(app)
        for column in range(0, 30, 2):
            await pilot.click(offset=(column, 0))
        assert not app.quit_by_markup
