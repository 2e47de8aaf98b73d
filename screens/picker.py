"""Choosing one of many by typing a part of it: series, instances, commands."""

from collections.abc import Iterable, Sequence

from textual import on
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import Button, Input

from widgets.dialog import Dialog
from widgets.keylist import LongList


class PickerDialog(Dialog[str | None]):
    """An input over a list; Enter takes the row under the cursor, Esc none.

    Args:
        title: What is being chosen.
        choices: What there is, already `safe()`; the result is one of them.
    """

    AUTO_FOCUS = "#answer"
    BOX_CLASSES = "dialog--box dialog--wide"
    BINDINGS = [
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    def __init__(self, title: str, choices: Sequence[str]) -> None:
        super().__init__(title, cancelled=None)
        self._choices = choices
        self._found: Sequence[str] = choices

    def body(self) -> Iterable[Widget]:
        """What is typed, and what it matches."""
        box = Input(placeholder="type a part of it", id="answer", compact=True)
        box.cursor_blink = False
        yield box
        yield LongList()

    def buttons(self) -> Iterable[Button]:
        """Only a way out: Enter chooses."""
        yield Button("Cancel", id="cancel")

    def on_mount(self) -> None:
        self.query_one(LongList).say_when_empty("nothing matches")
        self._show()

    def _show(self) -> None:
        self.query_one(LongList).set_rows(len(self._found), lambda at: self._found[at])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        starts = [choice for choice in self._choices if choice.lower().startswith(event.value.lower())]
        has = [choice for choice in self._choices if all(word in choice.lower() for word in words)]
        self._found = [*starts, *(choice for choice in has if choice not in set(starts))]
        self._show()

    @on(Input.Submitted)
    def accept(self) -> None:
        """Take the row under the cursor, if there is one."""
        cursor = self.query_one(LongList).cursor
        self.dismiss(self._found[cursor] if self._found else None)

    def action_move(self, rows: int) -> None:
        """Move the cursor of the list while the input keeps the focus."""
        self.query_one(LongList).action_move(rows)
