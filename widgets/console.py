"""The console's looks: what was answered, what the line being typed would be, and the line itself."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, chop_cells
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.widgets import Input

from widgets.keylist import MARKER, LongList
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes

MOST_ROWS = 20_000
"""Rows kept; older answers are forgotten."""
MOST_CHARACTERS = 64 << 10
"""Of a line."""


class Said(NamedTuple):
    """A line of the console, already `safe()`, and the name of its style."""

    text: str
    style: str = "text"


def wrapped(said: Said, width: int) -> list[Line]:
    """The rows a line takes, broken at a blank where there is one near; a console hides nothing behind its edge."""
    return [(Run(piece, said.style),) for piece in _pieces(said.text, width)]


def _pieces(text: str, width: int) -> Iterator[str]:
    at = 0
    while width > 0 and at < len(text):
        piece = text[at : at + width]
        if cell_len(piece) > width:
            piece = chop_cells(piece, width)[0] or piece[0]
        blank = piece.rfind(" ") + 1
        if at + len(piece) < len(text) and blank * 2 > len(piece):
            piece = piece[:blank]
        yield piece
        at += len(piece)
    if not at:
        yield text


class ConsoleOutput(LongList, can_focus=False):
    """What was typed and answered, the newest at the bottom. It has no cursor; the screen scrolls it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("strong", "muted", "critical", "warning", "title")

    def __init__(self) -> None:
        super().__init__()
        self._said: list[Said] = []
        self._rows: list[Line] = []

    def say(self, lines: Iterable[Said]) -> None:
        """Add lines and show them."""
        new = list(lines)
        self._said += new
        self._rows += [row for said in new for row in wrapped(said, self._width)]
        if len(self._rows) > MOST_ROWS:
            self._forget()
        self._show()

    def clear(self) -> None:
        """Forget everything."""
        self._said, self._rows = [], []
        self._show()

    def page(self, pages: int) -> None:
        """Scroll by screens."""
        step = max(1, self.size.height - 1)
        self.scroll_to(y=self.scroll_offset.y + pages * step, animate=False, immediate=True, force=True)

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(said.text for said in self._said)

    @property
    def _width(self) -> int:
        return self.room - len(MARKER)

    def _forget(self) -> None:
        """The oldest quarter goes, so that it does not happen with every line."""
        kept: list[Said] = []
        rows = 0
        for said in reversed(self._said):
            rows += len(wrapped(said, self._width))
            if rows > MOST_ROWS * 3 // 4 and kept:
                break
            kept.append(said)
        self._said = [Said("… older answers were forgotten", "muted"), *reversed(kept)]
        self._wrap()

    def _wrap(self) -> None:
        self._rows = [row for said in self._said for row in wrapped(said, self._width)]

    def _show(self) -> None:
        self.set_rows(len(self._rows), self._rows.__getitem__)
        self.scroll_to(y=max(0, len(self._rows) - self.size.height), animate=False, immediate=True, force=True)

    def on_resize(self, event: Resize) -> None:
        """Lines are wrapped anew."""
        super().on_resize(event)
        self._wrap()
        self._show()

    def validate_cursor(self, cursor: int) -> int:
        """Nowhere."""
        return -1

    def scroll_to_cursor(self) -> None:
        """There is none."""

    def action_select(self) -> None:
        """There is nothing to open."""


class LineJudged(LinesWidget):
    """What the line being typed is, in a word, and what it takes; two lines."""

    DEFAULT_CSS = "LineJudged { height: 2; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("strong", "muted", "ok", "warning", "critical", "unknown")

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Line, Line] = ((), ())

    def show(self, first: Line, second: Line) -> None:
        """Show these."""
        self._shown = (first, second)
        self.repaint()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The two lines."""
        return [fit_line((Run("  "), *line), width) for line in self._shown]


class CommandLine(Input):
    """The line that is typed. Keys that a shell's line has and Textual's has not are the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "screen.stop", "Stop", show=False)]

    def __init__(self) -> None:
        super().__init__(id="line", compact=True, select_on_focus=False, max_length=MOST_CHARACTERS)
        self.cursor_blink = False

    def put(self, value: str, cursor: int | None = None) -> None:
        """Another line, with the cursor at its end or where it is said."""
        self.value = value
        self.cursor_position = len(value) if cursor is None else cursor
