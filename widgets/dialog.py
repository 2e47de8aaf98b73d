"""Modal dialogs: opaque, harmless by default, without markup.

Enter pressed by muscle memory never confirms anything: focus starts on Cancel, and a confirmation that needs a typed
name stays disabled until it matches exactly.
"""

from collections.abc import Iterable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Key
from textual.geometry import Region
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static

T = TypeVar("T")


class Dialog(ModalScreen[T], Generic[T]):
    """A box in the middle of an opaque screen. Subclasses give `body()` and `buttons()`.

    Args:
        title: Plain text in the border.
        cancelled: What is returned when the dialog is left by Escape or the Cancel button.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left,up", "app.focus_previous", "Previous", show=False),
        Binding("right,down", "app.focus_next", "Next", show=False),
    ]
    BOX_CLASSES = "dialog--box"

    def __init__(self, title: str, cancelled: T) -> None:
        super().__init__()
        self._heading = title
        self._cancelled = cancelled

    def compose(self) -> ComposeResult:
        """A titled box with the body above a row of buttons."""
        with Vertical(classes=self.BOX_CLASSES) as box:
            box.border_title = Content(self._heading)
            yield from self.body()
            with Horizontal(classes="dialog--buttons"):
                for button in self.buttons():
                    button.active_effect_duration = 0
                    yield button

    def body(self) -> Iterable[Widget]:
        """What stands above the buttons."""
        raise NotImplementedError

    def buttons(self) -> Iterable[Button]:
        """The buttons, Cancel (`id="cancel"`) first."""
        raise NotImplementedError

    def action_cancel(self) -> None:
        """Leave without doing anything."""
        self.dismiss(self._cancelled)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Cancel leaves, any other button is the dialog's purpose."""
        event.stop()
        if event.button.id == "cancel":
            self.action_cancel()
        else:
            self.accept()

    def accept(self) -> None:
        """The purpose of the dialog."""
        raise NotImplementedError

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> "Dialog[T]":
        """Textual passes on what became dirty on the screen behind; behind an opaque dialog nobody sees it."""
        if not regions or layout or recompose:
            super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self


def _plain(text: str, classes: str = "") -> Static:
    return Static(Content(text), markup=False, classes=classes)


class ConfirmDialog(Dialog[bool]):
    """Asks before an act; returns True only when the confirm button was pressed on purpose.

    Args:
        title: The act in a few words.
        consequence: What will happen, in plain words; may have several lines.
        command: The exact command, shown as it will be sent; empty when there is none.
        name: The name that must be typed to enable the button; None when a press suffices.
        confirm: The button's label, a verb.
        danger: Paint it as dangerous.
    """

    def __init__(
        self,
        title: str,
        consequence: str,
        *,
        command: str = "",
        name: str | None = None,
        confirm: str = "Confirm",
        danger: bool = True,
    ) -> None:
        super().__init__(title, cancelled=False)
        self._consequence = consequence
        self._command = command
        self._name = name
        self._label = confirm
        self._danger = danger
        self.set_class(danger, "-danger")

    def body(self) -> Iterable[Widget]:
        """The consequence, the command and, where needed, the field for the name."""
        with VerticalScroll(classes="dialog--body", can_focus=False):
            yield _plain(self._consequence)
            if self._command:
                yield _plain(self._command, "dialog--command")
        if self._name is not None:
            yield _plain(f"Type {self._name} to confirm:", "dialog--prompt")
            entry = Input(id="name", select_on_focus=False)
            entry.cursor_blink = False
            yield entry

    def buttons(self) -> Iterable[Button]:
        """Cancel, and the act, disabled while a name has to be typed."""
        yield Button("Cancel", id="cancel")
        yield Button(
            Content(self._label),
            id="confirm",
            variant="error" if self._danger else "default",
            disabled=self._name is not None,
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """Only the exact name opens the way."""
        self.query_one("#confirm", Button).disabled = event.value != self._name

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field moves on to the button; it takes another key press to press it."""
        confirm = self.query_one("#confirm", Button)
        (self.query_one("#cancel", Button) if confirm.disabled else confirm).focus()

    def on_key(self, event: Key) -> None:
        """Whoever starts to type the name means the field, although the focus is on Cancel."""
        if self._name is None or not event.is_printable or event.character is None or event.character.isspace():
            return
        entry = self.query_one("#name", Input)
        if not entry.has_focus:
            event.stop()
            entry.focus()
            entry.insert_text_at_cursor(event.character)

    def accept(self) -> None:
        """Confirmed; checked once more, although a disabled button cannot be pressed."""
        if self._name is None or self.query_one("#name", Input).value == self._name:
            self.dismiss(True)


class AskDialog(Dialog[str | None]):
    """Asks for one line of text; returns it, or None when cancelled.

    Args:
        password: Mask what is typed; it is handed over and kept nowhere.
    """

    AUTO_FOCUS = "#answer"

    def __init__(
        self, title: str, prompt: str, *, value: str = "", password: bool = False, confirm: str = "OK"
    ) -> None:
        super().__init__(title, cancelled=None)
        self._prompt = prompt
        self._value = value
        self._password = password
        self._label = confirm

    def body(self) -> Iterable[Widget]:
        """The question and the field."""
        yield _plain(self._prompt, "dialog--prompt")
        entry = Input(self._value, password=self._password, id="answer", select_on_focus=False)
        entry.cursor_blink = False
        yield entry

    def buttons(self) -> Iterable[Button]:
        """Cancel and OK."""
        yield Button("Cancel", id="cancel")
        yield Button(Content(self._label), id="confirm")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter answers."""
        self.accept()

    def accept(self) -> None:
        """Hand over what was typed."""
        self.dismiss(self.query_one("#answer", Input).value)


class TextDialog(Dialog[None]):
    """Shows text to read and scroll: a report, an error, a whole value.

    Args:
        text: Lines already `safe()`; those too long for the screen are wrapped.
    """

    AUTO_FOCUS = "#text"
    BOX_CLASSES = "dialog--box dialog--wide"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,enter", "cancel", "Close", show=False)]

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, cancelled=None)
        self._text = text

    def body(self) -> Iterable[Widget]:
        """The text, in a box that takes the arrow keys."""
        with VerticalScroll(classes="dialog--body", id="text", can_focus=True):
            yield _plain(self._text)

    def buttons(self) -> Iterable[Button]:
        """Nothing but Close."""
        yield Button("Close", id="cancel")
