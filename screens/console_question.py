"""The question before a command is sent from the console."""

from collections.abc import Iterable

from textual.app import App
from textual.widgets import Button

from dfly_tui.models.operation import Confirmation, Level
from widgets.dialog import ConfirmDialog


class SendDialog(ConfirmDialog):
    """Asks; KEYS has another way out, which does no harm.

    Args:
        offers_scan: Whether SCAN would do as well.

    Attributes:
        scan_wanted: Whether that was chosen.
    """

    def __init__(self, question: Confirmation, *, offers_scan: bool) -> None:
        super().__init__(
            question.title,
            question.consequence,
            command="\n".join(f"> {command}" for command in question.commands),
            name=question.token if question.level is Level.NAME else None,
            confirm="Send it",
        )
        self.scan_wanted = False
        self._offers_scan = offers_scan

    def buttons(self) -> Iterable[Button]:
        """Cancel, SCAN where it is offered, and the act."""
        cancel, act = super().buttons()
        yield cancel
        if self._offers_scan:
            yield Button("Scan instead", id="scan")
        yield act

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """SCAN is a no to what was asked."""
        if event.button.id == "scan":
            event.stop()
            event.prevent_default()
            self.scan_wanted = True
            self.dismiss(False)


class Asker:
    """Asks in a dialog.

    Attributes:
        scan_wanted: Whether the last answer was to SCAN instead.
    """

    def __init__(self, app: App[int], *, offers_scan: bool) -> None:
        self.scan_wanted = False
        self._app = app
        self._offers_scan = offers_scan

    async def confirm(self, question: Confirmation) -> bool:
        """Whether the command is to be sent."""
        dialog = SendDialog(question, offers_scan=self._offers_scan)
        answer = await self._app.push_screen_wait(dialog)
        self.scan_wanted = dialog.scan_wanted
        return answer
