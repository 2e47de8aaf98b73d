"""A bordered box whose title is plain text."""

from textual.containers import Vertical
from textual.content import Content


class Panel(Vertical):
    """A bordered box with a plain title, which may hold a server's words.

    `border_title = "text"` would parse markup; `Content` does not.
    """

    DEFAULT_CSS = "Panel { height: auto; }"

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=f"panel {classes or ''}".strip())
        self.show_title(title)

    def show_title(self, title: str) -> None:
        """Change the title."""
        self.border_title = Content(title)
