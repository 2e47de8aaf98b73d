"""Lines of styled text, and widgets that repaint only the lines that changed.

A line is a plain value: runs of text, each with the name of a style. Pure functions make lines, tests compare them,
and a widget turns them into strips. The style names are CSS classes (`.line--critical`), coloured by the themes, so
there is no colour in Python. Text never passes a markup parser on this way.
"""

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.events import Resize
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

STYLES = frozenset(
    {
        "text", "strong", "muted", "dim", "title", "key", "cursor", "cursor-idle",
        "ok", "warning", "critical", "unknown",
        "fresh", "stale", "lost",
        "production", "staging", "lab", "simulation", "read-only", "unlocked",
        "series-1", "series-2", "series-3",
    }
)  # fmt: skip
"""Every style name; `themes/base.tcss` says what each looks like."""


def line_classes(*styles: str) -> set[str]:
    """The CSS classes of plain text and of some styles, by default of all."""
    return {f"line--{style}" for style in {"text", *(styles or STYLES)}}


class Run(NamedTuple):
    """A piece of text and the name of its style."""

    text: str
    style: str = "text"


Line = tuple[Run, ...]


def fit_line(runs: Iterable[Run], width: int, fill: str = "text") -> Line:
    """Cut or pad to exactly `width` cells; "…" marks a cut, neighbours of one style become one run.

    Few runs matter: over SSH each costs some 40 bytes of colour codes every time the line is written.
    """
    if width <= 0:
        return ()
    pieces = [run for run in runs if run.text]
    total = sum(cell_len(text) for text, _ in pieces)
    if total > width:
        pieces = [*_cut(pieces, width - 1)]
        pieces.append(Run("…", pieces[-1].style if pieces else fill))
    elif total < width:
        pieces.append(Run(" " * (width - total), fill))
    return _merged(pieces)


def _cut(runs: Iterable[Run], room: int) -> Iterable[Run]:
    for text, style in runs:
        if room <= 0:
            return
        size = cell_len(text)
        yield Run(text if size <= room else set_cell_size(text, room), style)
        room -= size


def _merged(runs: Iterable[Run]) -> Line:
    merged: list[Run] = []
    for text, style in runs:
        if merged and merged[-1].style == style:
            merged[-1] = Run(merged[-1].text + text, style)
        else:
            merged.append(Run(text, style))
    return tuple(merged)


def line_text(line: Line) -> str:
    """The text alone."""
    return "".join(run.text for run in line)


def changed_until(old: Line, new: Line) -> int:
    """The cell behind the last one that differs; 0 when the lines are equal.

    Textual writes from a widget's left edge to the right edge of what is marked, so only this end saves bytes.
    """
    if old == new:
        return 0
    end = sum(cell_len(run.text) for run in new)
    if (width := sum(cell_len(run.text) for run in old)) != end:
        return max(end, width)
    before, after = ([(char, run.style) for run in line for char in run.text] for line in (old, new))
    while before and after and before[-1] == after[-1]:
        before.pop()
        end -= cell_len(after.pop()[0])
    # A combining character in front of all has no cell of its own.
    return max(1, end) if before or after else 0


class LinePainter(Widget):
    """Turns lines into strips with the theme's styles.

    A subclass names its styles in `COMPONENT_CLASSES`, by `line_classes()`. Textual keeps a style sheet's answer for
    each of them and each widget: a screen of twenty charts with all styles takes 6 MiB more than with their own.
    """

    ALLOW_SELECT = False

    @property
    def palette(self) -> Widget:
        """Whose styles the lines have."""
        return self

    def strip(self, line: Line, width: int, over: str = "") -> Strip:
        """A strip of the line, which is `width` cells long; `over` names a style laid over every run (the cursor)."""
        return Strip([Segment(text, self._rich_style(style, over)) for text, style in line], width)

    def _rich_style(self, style: str, over: str) -> Style:
        palette = self.palette
        found = palette.get_component_rich_style(f"line--{style}")
        return found + palette.get_component_rich_style(f"line--{over}", partial=True) if over else found


class LinesWidget(LinePainter):
    """A widget of lines: subclasses implement `lines()` and call `repaint()` when their data changed."""

    DEFAULT_CSS = "LinesWidget { height: 1; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._painted: list[Line] = []

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """All lines to show, each exactly `width` cells."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Lay out again and mark what differs from what is on the screen."""
        width, height = self.size
        if not width or not height:
            return
        painted, self._painted = self._painted, list(self.lines(width, height))[:height]
        for y, (old, new) in enumerate(zip_longest(painted, self._painted, fillvalue=())):
            if end := changed_until(old, new):
                self.refresh(Region(0, y, end, 1))

    def on_resize(self, event: Resize) -> None:
        """Lay out for the new size."""
        self._painted = []
        self.repaint()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.size.width
        line = self._painted[y] if y < len(self._painted) else fit_line((), width)
        return self.strip(line, width).adjust_cell_length(width, self.rich_style)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """For `height: auto`: as many lines as there are."""
        return max(1, len(self.lines(width, viewport.height)))
