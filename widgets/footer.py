"""The line at the bottom: which keys do something here."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len

from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes


class Hint(NamedTuple):
    """A key as it is printed on the keyboard, and what it does."""

    key: str
    label: str


def hints_line(hints: Sequence[Hint], width: int) -> Line:
    """As many hints as fit whole, in the order given, the most important first; nothing is wrapped or cut."""
    runs: list[Run] = []
    used = 0
    for key, label in hints:
        size = cell_len(key) + cell_len(label) + 4
        if used + size - 2 > width:
            break
        runs += [Run(f" {key}", "key"), Run(f" {label}  ")]
        used += size
    return fit_line(_trimmed(runs), width)


def _trimmed(runs: list[Run]) -> list[Run]:
    """Without the blanks behind the last hint, which may just not fit."""
    return [*runs[:-1], Run(runs[-1].text.rstrip(), runs[-1].style)] if runs else runs


class KeyHints(LinesWidget):
    """One line of key hints."""

    DEFAULT_CSS = "KeyHints { dock: bottom; height: 1; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("key")

    def __init__(self, hints: Sequence[Hint] = (), *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._hints = tuple(hints)

    def show(self, hints: Sequence[Hint]) -> None:
        """Show these, the most important first."""
        self._hints = tuple(hints)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The one line."""
        return [hints_line(self._hints, width)]
