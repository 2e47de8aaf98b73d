"""The vital signs of one instance: a label, the number now, and a sparkline, a line each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from dfly_tui.text import fit
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes
from widgets.sparkline import sparkline

LABEL_WIDTH = 11
VALUE_WIDTH = 12


@dataclass(frozen=True)
class Vital:
    """One line.

    Attributes:
        text: The newest value as text.
        values: History, oldest first; NaN is a gap.
        top: The value at full height, None for the highest there is.
    """

    label: str
    text: str
    values: tuple[float, ...]
    top: float | None = None


def vital_line(vital: Vital, width: int) -> Line:
    """Label, number and as much history as fits."""
    room = max(0, width - LABEL_WIDTH - VALUE_WIDTH - 3)
    history = sparkline(vital.values, room, top=vital.top) if room else ""
    runs = [
        Run(" " + fit(vital.label, LABEL_WIDTH), "muted"),
        Run(fit(vital.text, VALUE_WIDTH, right=True) + "  "),
        Run(history, "series-1"),
    ]
    return fit_line(runs, width)


class Vitals(LinesWidget):
    """Some vital signs, a line each."""

    DEFAULT_CSS = "Vitals { height: 6; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("muted", "series-1")

    def __init__(self) -> None:
        super().__init__()
        self._vitals: tuple[Vital, ...] = ()

    def show(self, vitals: Sequence[Vital]) -> None:
        """Show these."""
        self._vitals = tuple(vitals)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """One line per vital sign."""
        return [vital_line(vital, width) for vital in self._vitals]
