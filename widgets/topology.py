"""Who follows whom as a picture: a group's primary, an arrow to each replica, what is meant against what is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from dfly_tui.text import fit
from widgets.keylist import MARKER
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes

GLYPHS = {"ok": "●", "warning": "▲", "critical": "✖", "unknown": "?", "muted": "◇"}
NAME_CELLS = 20
"""The arrow, the glyph and a short name; a longer one takes the room of what follows."""
MOST_NAME_CELLS = 40
SENTENCE_CELLS = 30
"""Where there is no room, what is as long is cut short, and what is shorter left out: half a number is a wrong one."""


@dataclass(frozen=True)
class Node:
    """One line of the picture.

    Attributes:
        name: Of the instance; empty for what nobody can choose: a group's heading, an address nobody configured.
        arm: How it hangs on its primary: `├▶ ` and the like; empty for a primary.
        style: `ok`, `warning`, `critical`, `unknown` or `muted`; a glyph says the same. `title` is a heading's.
        words: What there is to say, the most important first.
        label: What is shown instead of a name.
    """

    name: str
    arm: str
    style: str
    words: tuple[Run, ...]
    label: str = ""


class Topology(LinesWidget):
    """The picture; one of its instances is chosen."""

    DEFAULT_CSS = "Topology { height: auto; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes(
        "title", "muted", "strong", "ok", "warning", "critical", "unknown", "cursor"
    )

    class Chosen(Message):
        """A click on an instance.

        Attributes:
            name: Which.
        """

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Node, ...] = ()
        self._chosen: str | None = None
        self._first = 0
        self._cursor: int | None = None

    def show(self, nodes: Sequence[Node], chosen: str | None) -> None:
        """Show these lines, and which instance the keys act upon."""
        taller = len(nodes) != len(self._shown)
        self._shown, self._chosen = tuple(nodes), chosen
        if taller:
            self.refresh(layout=True)
        self.repaint()

    def repaint(self) -> None:
        """The lines that changed, and those that the cursor left or reached."""
        before = self._cursor
        self._scroll()
        super().repaint()
        if before != self._cursor:
            for y in (before, self._cursor):
                if y is not None:
                    self.refresh(Region(0, y, self.size.width, 1))

    def _scroll(self) -> None:
        """Keep the chosen one in view, with what is above it, where not all have room."""
        at = next((at for at, node in enumerate(self._shown) if node.name and node.name == self._chosen), None)
        height = self._room(self.size.height) if self.size.height else len(self._shown)
        lowest, row = max(0, len(self._shown) - height), at or 0
        self._first = min(max(self._first, row - height + 1), max(0, row - 1), lowest)
        self._cursor = None if at is None else at - self._first

    def lines(self, width: int, height: int) -> list[Line]:
        """All nodes; where there are more than lines, those in view, and how many are not."""
        room = self._room(height)
        shown = self._shown[self._first : self._first + room]
        lines = [_line(node, width, chosen=node.name == self._chosen) for node in shown]
        if len(self._shown) > height:
            below = max(0, len(self._shown) - self._first - room)
            lines.append(fit_line([Run(f"  … {self._first} more above, {below} below", "muted")], width))
        return lines

    def _room(self, height: int) -> int:
        """Lines for nodes; the last one tells of those that have no room."""
        return height if len(self._shown) <= height else max(1, height - 1)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """For `height: auto`: all of them."""
        return max(1, len(self._shown))

    def render_line(self, y: int) -> Strip:
        """A line; the chosen instance's looks like a row under the cursor."""
        if y == self._cursor and y < len(self._painted):
            return self.strip(self._painted[y], self.size.width, "cursor")
        return super().render_line(y)

    def on_click(self, event: Click) -> None:
        """Choose what was clicked."""
        at = self._first + event.y
        if event.y < self._room(self.size.height) and at < len(self._shown) and self._shown[at].name:
            self.post_message(self.Chosen(self._shown[at].name))


def _line(node: Node, width: int, *, chosen: bool) -> Line:
    if node.style == "title":
        return fit_line([Run(" "), *_fitting(node.words, width - 1)], width)
    label = node.name or node.label
    room = max(4, NAME_CELLS - cell_len(node.arm))
    head = [
        Run(MARKER if chosen and node.name else " " * len(MARKER)),
        Run(node.arm, "muted"),
        Run(f"{GLYPHS[node.style]} ", node.style),
        Run(f"{fit(label, min(MOST_NAME_CELLS, max(room, cell_len(label))))}  ", "strong"),
    ]
    return fit_line([*head, *_fitting(node.words, width - sum(cell_len(run.text) for run in head))], width)


def _fitting(words: Sequence[Run], room: int) -> Iterator[Run]:
    """Two blanks between one and the next, in the colour of the first: fewer colour codes go to the terminal."""
    for at, (text, style) in enumerate(words):
        cells = cell_len(text)
        if at and cells > room and (cells < SENTENCE_CELLS or room < SENTENCE_CELLS // 2):
            yield Run("…", "muted")
            return
        yield Run(f"{text}  " if cells + 2 <= room else text, style)
        room -= cells + 2
