"""Choosing one of many by typing a part of it: series, instances, commands."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from dfly_tui.text import fit
from widgets.keylist import LongList


class PickerDialog(ModalScreen[str | None]):
    """An input over a list; Enter takes the row under the cursor, Esc none.

    Args:
        title: What is being chosen.
        choices: What there is, already `safe()`; the result is one of them.
    """

    BINDINGS = [
        Binding("escape", "cancel", show=False),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
    ]

    def __init__(self, title: str, choices: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._found: Sequence[str] = choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            box = Input(placeholder="type a part of it", compact=True)
            box.cursor_blink = False
            yield box
            yield LongList()

    def on_mount(self) -> None:
        self._show()
        self.query_one(Input).focus()

    def _show(self) -> None:
        rows = self.query_one(LongList)
        rows.set_rows(len(self._found), lambda at: self._found[at])

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        starts = [choice for choice in self._choices if choice.lower().startswith(event.value.lower())]
        has = [choice for choice in self._choices if all(word in choice.lower() for word in words)]
        self._found = [*starts, *(choice for choice in has if choice not in set(starts))]
        self._show()

    @on(Input.Submitted)
    def _chosen(self) -> None:
        cursor = self.query_one(LongList).cursor
        self.dismiss(self._found[cursor] if self._found else None)

    def action_move(self, rows: int) -> None:
        self.query_one(LongList).action_move(rows)

    def action_cancel(self) -> None:
        self.dismiss(None)


def aligned(title: str, remark: str, width: int = 26) -> str:
    """A choice with a remark behind it, in two columns."""
    return f"{fit(title, width)} {remark}"
