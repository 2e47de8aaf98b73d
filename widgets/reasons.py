"""What is wrong with the highlighted instance, and what to do about it."""

from collections.abc import Iterator
from typing import ClassVar

from rich.cells import cell_len, chop_cells

from dfly_tui.models.health import InstanceStatus
from widgets.fleet_columns import STATE_GLYPHS
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes


def wrapped(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` cells, broken at blanks where there are any."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, max(1, width)) or [""]
        lines += full
    return [*lines, line] if line or not lines else lines


def reason_lines(status: InstanceStatus | None, width: int) -> list[Line]:
    """One paragraph per reason, the worst first: the text in the colour of its state, the advice below it."""
    if status is None or width <= 0:
        return []
    if not status.reasons:
        words = "nothing is wrong" if status.snapshot else "nothing was read yet"
        return [fit_line([Run(f"  {status.name}: {words}", "muted")], width)]
    return [line for reason in status.reasons for line in _paragraph(reason.state, reason.text, reason.advice, width)]


def _paragraph(state: str, text: str, advice: str, width: int) -> Iterator[Line]:
    room = max(1, width - 2)
    glyph = next(glyph for known, glyph in STATE_GLYPHS.items() if known == state)
    for number, part in enumerate(wrapped(text, room)):
        yield fit_line([Run(f"{glyph if number == 0 else ' '} {part}", state)], width)
    for part in wrapped(advice, room) if advice else ():
        yield fit_line([Run(f"  {part}", "muted")], width)


class Reasons(LinesWidget):
    """The problems of one instance; what does not fit is counted in the last line."""

    DEFAULT_CSS = "Reasons { height: auto; max-height: 8; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("muted", "ok", "warning", "critical", "unknown")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._status: InstanceStatus | None = None

    def show(self, status: InstanceStatus | None) -> None:
        """Show this instance's reasons; None clears."""
        before, self._status = self._status, status
        width = self.size.width
        if len(reason_lines(before, width)) != len(reason_lines(status, width)):
            self.refresh(layout=True)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The reasons, cut to the height."""
        lines = reason_lines(self._status, width)
        if len(lines) <= height:
            return lines
        hidden = len(lines) - height + 1
        return [
            *lines[: height - 1],
            fit_line([Run(f"  … {hidden} more lines; enter opens the instance", "muted")], width),
        ]
