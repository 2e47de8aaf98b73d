"""Dialogs do no harm by accident."""

import pytest
from textual.widgets import Button, Input

from dfly_tui.text import safe
from tests.widgets.support import HOSTILE, WidgetApp, assert_printable, rows, text
from widgets.dialog import AskDialog, ConfirmDialog, TextDialog


class Answer:
    """Catches what a dialog returned."""

    def __init__(self) -> None:
        self.given: list[object] = []

    def __call__(self, value: object) -> None:
        self.given.append(value)


def flush(name: str | None = None) -> ConfirmDialog:
    return ConfirmDialog(
        "Empty workhorse", "All 12 keys are gone.\nThere is no undo.", command="FLUSHALL", name=name, confirm="Empty it"
    )


@pytest.mark.parametrize("name", [None, "workhorse"], ids=["plain", "typed"])
async def test_enter_on_open_cancels(name: str | None) -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush(name), answer)
        await pilot.pause()
        await pilot.press("enter")
        assert answer.given == [False]


async def test_escape_cancels_from_the_field() -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush("workhorse"), answer)
        await pilot.pause()
        await pilot.press(*"work", "escape")
        assert answer.given == [False]


async def test_consequence_and_exact_command_are_shown() -> None:
    app = WidgetApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush())
        await pilot.pause()
        shown = text(app)
        for words in ("Empty workhorse", "All 12 keys are gone.", "There is no undo.", "FLUSHALL", "Empty it"):
            assert words in shown


async def test_moving_to_the_button_and_pressing_it_confirms() -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush(), answer)
        await pilot.pause()
        await pilot.press("right", "enter")
        assert answer.given == [True]


@pytest.mark.parametrize("typed", ["workhors", "Workhorse", "workhorse2", "nas"])
async def test_another_name_never_confirms(typed: str) -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush("workhorse"), answer)
        await pilot.pause()
        await pilot.press(*typed)
        assert app.screen.query_one("#confirm", Button).disabled
        await pilot.click("#confirm")
        assert answer.given == []
        await pilot.press("enter", "enter")
        assert answer.given == [False]


async def test_the_exact_name_then_the_button_confirms() -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush("workhorse"), answer)
        await pilot.pause()
        await pilot.press(*"workhorse")
        assert answer.given == []
        await pilot.press("enter")
        assert answer.given == [], "Enter in the field only moves to the button"
        await pilot.press("enter")
        assert answer.given == [True]


async def test_taking_back_a_letter_disables_the_button_again() -> None:
    app = WidgetApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush("nas"))
        await pilot.pause()
        await pilot.press(*"nas")
        assert not app.screen.query_one("#confirm", Button).disabled
        await pilot.press("backspace")
        assert app.screen.query_one("#confirm", Button).disabled


async def test_a_password_is_masked_and_handed_over() -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(AskDialog("Password", "Password of nas:", password=True), answer)
        await pilot.pause()
        await pilot.press(*"s3cret")
        assert "s3cret" not in text(app)
        assert "••••••" in text(app)
        await pilot.press("enter")
        assert answer.given == ["s3cret"]


async def test_a_question_can_be_left() -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(AskDialog("Name", "Save as:", value="nas"), answer)
        await pilot.pause()
        await pilot.press("x", "escape")
        assert answer.given == [None]


async def test_a_long_text_scrolls_and_closes() -> None:
    app, answer = WidgetApp(), Answer()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(TextDialog("Report", "\n".join(f"line {number}" for number in range(200))), answer)
        await pilot.pause()
        assert "line 0 " in text(app)
        assert "line 199" not in text(app)
        await pilot.press("end")
        assert "line 199" in text(app)
        await pilot.press("enter")
        assert answer.given == [None]


async def test_what_happens_behind_a_dialog_writes_nothing() -> None:
    from widgets.footer import Hint, KeyHints

    behind = KeyHints()
    app = WidgetApp(behind)
    async with app.run_test(size=(80, 24)) as pilot:
        behind.show([Hint("a", "One")])
        app.push_screen(flush())
        await pilot.pause()
        app.written = 0
        behind.show([Hint("b", "Other")])
        await pilot.pause()
        assert app.written == 0
        await pilot.press("escape")
        await pilot.pause()
        assert "Other" in text(app)


async def test_a_dialog_with_a_field_is_silent_while_nobody_types() -> None:
    app = WidgetApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(flush("nas"))
        await pilot.pause()
        await pilot.press("n")
        assert not app.screen.query_one(Input).cursor_blink


async def test_hostile_text_is_shown_as_it_is() -> None:
    app = WidgetApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for sample in map(safe, HOSTILE):
            for dialog in (
                ConfirmDialog(sample, sample, command=sample, name=sample, confirm=sample),
                AskDialog(sample, sample, value=sample, confirm=sample),
                TextDialog(sample, sample),
            ):
                app.push_screen(dialog)
                await pilot.pause()
                assert_printable(rows(app), 80)
                assert sample.strip()[:20] in text(app)
                app.pop_screen()
        assert not app.quit_by_markup


async def test_clicking_on_markup_does_nothing() -> None:
    app = WidgetApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(TextDialog("Value", "[@click=app.pwned]x[/]"))
        await pilot.pause()
        line = next(y for y, row in enumerate(rows(app)) if "[@click" in row)
        for column in range(0, 40, 3):
            await pilot.click(offset=(column, line))
        assert not app.quit_by_markup


@pytest.mark.parametrize("size", [(30, 8), (10, 5), (1, 1)], ids=["30x8", "10x5", "1x1"])
async def test_a_tiny_screen_does_not_break_a_dialog(size: tuple[int, int]) -> None:
    app = WidgetApp()
    async with app.run_test(size=size) as pilot:
        for sample in HOSTILE[:6]:
            app.push_screen(ConfirmDialog(safe(sample), safe(sample), name=safe(sample)))
            await pilot.pause()
            assert_printable(rows(app), size[0])
            app.pop_screen()


async def test_a_text_longer_than_its_field_is_seen() -> None:
    app = WidgetApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(AskDialog("Export", "File:", value="/home/ada/" + "exports/" * 20))
        await pilot.pause()
        assert "exports/exports/" in text(app)
