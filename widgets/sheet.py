"""A sheet of entries: a short label, and behind it words in several colours, wrapped under themselves."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, chop_cells

from dfly_tui.text import fit
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes

LABEL_CELLS = 9
FIXED_BLANK = "\u00a0"
"""Between words that stay on one line."""


class Entry(NamedTuple):
    """What is shown behind a label; an empty label belongs to the entry above."""

    label: str
    runs: tuple[Run, ...]


def entry_lines(entries: Iterable[Entry], width: int) -> Iterator[Line]:
    """The lines of a sheet, each of `width` cells."""
    room = max(1, width - LABEL_CELLS - 1)
    for label, runs in entries:
        for number, part in enumerate(_flowed(runs, room)):
            yield fit_line([Run(f" {fit(label if number == 0 else '', LABEL_CELLS)}", "muted"), *part], width)


def _flowed(runs: Sequence[Run], room: int) -> list[list[Run]]:
    """The runs in lines of at most `room` cells, broken at blanks where there are any, but not at fixed ones."""
    lines: list[list[Run]] = [[]]
    used = 0
    for text, style in runs:
        for word in re.findall(r" +|[^ ]+ *", text):
            if used and used + cell_len(word.rstrip(" ")) > room:
                lines.append([])
                used = 0
            if used + cell_len(word) > room:
                word = word.rstrip(" ")
            word = word.replace(FIXED_BLANK, " ")
            *full, word = chop_cells(word, room) or [word]
            for piece in full:
                lines[-1].append(Run(piece, style))
                lines.append([])
            lines[-1].append(Run(word, style))
            used += cell_len(word)
    return lines


class Sheet(LinesWidget):
    """Shows entries; what holds it scrolls where they do not fit."""

    DEFAULT_CSS = "Sheet { height: auto; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes(
        "title", "muted", "strong", "ok", "warning", "critical", "unknown"
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._entries: tuple[Entry, ...] = ()

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these."""
        before = len(self.lines(self.size.width, 0))
        self._entries = tuple(entries)
        if len(self.lines(self.size.width, 0)) != before:
            self.refresh(layout=True)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """All of them."""
        return list(entry_lines(self._entries, width))
