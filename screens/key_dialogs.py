"""The dialogs of changes of keys: an editor of exact bytes, a change under you, the progress of a change of many."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, ProgressBar, Static, TextArea

from dfly_tui.operations.keys.bulk import Progress
from widgets.dialog import Dialog


def _text(text: str, classes: str = "", name: str | None = None) -> Static:
    return Static(Content(text), markup=False, classes=classes, id=name)


class EditDialog(Dialog[str | None]):
    """Edits a text of many lines; returns it, or None when cancelled. Enter is a new line, Ctrl-S goes on.

    Args:
        note: What is to be known of it: the type, what stays, how bytes are written.
    """

    AUTO_FOCUS = "#text"
    BOX_CLASSES = "dialog--box dialog--wide"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "accept", "Go on", show=False, priority=True)]

    def __init__(self, title: str, text: str, note: str) -> None:
        super().__init__(title, cancelled=None)
        self._text = text
        self._note = note

    def body(self) -> Iterable[Widget]:
        """The note above the text."""
        yield _text(self._note, "dialog--prompt")
        area = TextArea(self._text, id="text", theme="css", highlight_cursor_line=False)
        area.cursor_blink = False
        yield area

    def buttons(self) -> Iterable[Button]:
        """Cancel, and on to the question."""
        yield Button("Cancel", id="cancel")
        yield Button(Content("Go on (Ctrl-S)"), id="confirm")

    def action_accept(self) -> None:
        """As the button does."""
        self.accept()

    def accept(self) -> None:
        """Hand over the text."""
        self.dismiss(self.query_one(TextArea).text)


class ChangedDialog(Dialog[bool]):
    """Shows what somebody else did meanwhile; True for doing it all the same, to the key as it is now.

    Args:
        lines: The difference, what was shown against what is there.
        may_go_on: Whether it can be done to the key as it is now.
    """

    BOX_CLASSES = "dialog--box dialog--wide"

    def __init__(self, detail: str, lines: Iterable[str], *, may_go_on: bool) -> None:
        super().__init__("It changed under you: nothing was written", cancelled=False)
        self._detail = detail
        self._lines = lines
        self._may_go_on = may_go_on

    def body(self) -> Iterable[Widget]:
        """What was shown, and what is there."""
        with VerticalScroll(classes="dialog--body", can_focus=False):
            yield _text(self._detail)
            yield _text("What was shown (-), and what is there now (+):", "question--heading")
            for line in self._lines:
                yield _text(line, {"-": "key--was", "+": "key--is"}.get(line[:1], ""))

    def buttons(self) -> Iterable[Button]:
        """Cancel, and on with the key as it is."""
        yield Button("Cancel", id="cancel")
        if self._may_go_on:
            yield Button(Content("Ask again, for the key as it is now"), id="confirm")

    def accept(self) -> None:
        """The person has seen it."""
        self.dismiss(True)


class ProgressDialog(Dialog[None]):
    """Shows how far something is, and stops it.

    Args:
        stop: Called when the person wants it to end.
    """

    def __init__(self, title: str, stop: Callable[[], None]) -> None:
        super().__init__(title, cancelled=None)
        self._stop = stop
        self._ended = False

    def body(self) -> Iterable[Widget]:
        """A bar, and the numbers."""
        yield ProgressBar(show_eta=False, show_percentage=False, id="bar")
        yield _text("looking …", "dialog--prompt", "says")

    def buttons(self) -> Iterable[Button]:
        """Only Stop."""
        yield Button("Stop", id="cancel")

    def show(self, progress: Progress) -> None:
        """Say how far it is."""
        self.query_one("#bar", ProgressBar).update(total=progress.total, progress=progress.seen)
        slow = f"\nthe server took {progress.latency_seconds * 1000:.0f} ms for the last {progress.window:,}"
        self.say(progress.text + slow)

    def say(self, text: str) -> None:
        """Another line below the bar."""
        self.query_one("#says", Static).update(Content(text))

    def action_cancel(self) -> None:
        """Ask for the end; whoever does the work closes the dialog then."""
        self._stop()
        self.say("stopping after what is under way …")
