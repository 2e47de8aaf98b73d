"""What the fleet table has no room for, about the instance under the cursor."""

from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len

from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes

Facts = tuple[tuple[str, str], ...]
"""(heading, text) pairs."""


def facts_lines(facts: Facts, width: int, style: str = "text") -> Iterator[Line]:
    """The pairs one after the other, wrapped between them; a wider one than the line is cut."""
    runs: list[Run] = []
    used = 0
    for title, text in facts:
        size = 2 + cell_len(title) + 1 + cell_len(text)
        if runs and used + size > width:
            yield fit_line(runs, width)
            runs, used = [], 0
        runs += [Run(f"  {title} ", "muted"), Run(text, style)]
        used += size
    if runs:
        yield fit_line(runs, width)


class LeftOut(LinesWidget):
    """As many lines as it takes, none where the table shows everything."""

    DEFAULT_CSS = "LeftOut { height: auto; max-height: 3; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("muted", "dim")

    def __init__(self) -> None:
        super().__init__()
        self._facts: Facts = ()
        self._style = "text"

    def show(self, facts: Facts, *, dimmed: bool = False) -> None:
        """Show these, `dimmed` where they are old."""
        self._style = "dim" if dimmed else "text"
        self.display = bool(facts)
        before, self._facts = self._facts, facts
        width = self.size.width
        if len(list(facts_lines(before, width))) != len(list(facts_lines(facts, width))):
            self.refresh(layout=True)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The facts, cut to the height."""
        return list(facts_lines(self._facts, width, self._style))
