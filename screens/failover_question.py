"""The question before anything is changed: what follows from a yes, what speaks against it, every command."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from dfly_tui.models.operation import Confirmation, Level
from widgets.dialog import ConfirmDialog
from widgets.findings import finding_text


class QuestionDialog(ConfirmDialog):
    """Asks it; the longer it is, the more the keys that scroll are needed, so they work wherever the focus is."""

    BOX_CLASSES = "dialog--box dialog--wide"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll(-1)", "Scroll up", show=False, priority=True),
        Binding("pagedown", "scroll(1)", "Scroll down", show=False, priority=True),
    ]

    def __init__(self, question: Confirmation) -> None:
        token = question.token if question.level is Level.NAME else None
        super().__init__(question.title, question.consequence, name=token, confirm="Do it")
        self._question = question

    def body(self) -> Iterable[Widget]:
        """What scrolls, and the field for the name."""
        asked = self._question
        with VerticalScroll(classes="dialog--body", id="question", can_focus=False):
            yield _text(asked.consequence)
            yield _text(_count(len(asked.warnings)), "question--heading")
            for finding in asked.warnings:
                yield _text(finding_text(finding), "question--warning")
            yield _text("These commands will be run, in this order:", "question--heading")
            for command in asked.commands:
                yield _text(f"$ {command}", "question--command")
        if asked.level is Level.NAME:
            yield _text(f"Type “{asked.token}” to confirm (Page Up/Down read what is above):", "dialog--prompt")
            entry = Input(id="name", select_on_focus=False)
            entry.cursor_blink = False
            yield entry

    def action_scroll(self, pages: int) -> None:
        """Read what is above or below."""
        box = self.query_one("#question", VerticalScroll)
        box.scroll_relative(y=pages * max(1, box.size.height - 1), animate=False)


def _count(warnings: int) -> str:
    if not warnings:
        return "✔ No check warned."
    return f"▲ {warnings} {'warning' if warnings == 1 else 'warnings'} of the checks:"


def _text(text: str, classes: str = "") -> Static:
    return Static(Content(text), markup=False, classes=classes)
