"""Who follows whom as a picture: a group's primary, an arrow to each replica, what is meant against what is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.strip import Strip

from dfly_tui.text import fit
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes

GLYPHS = {"ok": "●", "warning": "◐", "critical": "✗", "unknown": "…"}
NAME_CELLS = 16


@dataclass(frozen=True)
class Node:
    """One line of the picture.

    Attributes:
        name: Of the instance; empty for a group's heading, which nobody can choose.
        arm: How it hangs on its primary: `├▶ ` and the like; empty for a primary.
        style: `ok`, `warning`, `critical` or `unknown`; the glyph says the same.
        words: Its role and what there is to say, the most important first.
    """

    name: str
    arm: str
    style: str
    words: tuple[str, ...]


class Topology(LinesWidget):
    """The picture; one of its instances is chosen."""

    DEFAULT_CSS = "Topology { height: auto; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes(
        "title", "muted", "strong", "ok", "warning", "critical", "unknown", "cursor"
    )

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Node, ...] = ()
        self._chosen: str | None = None

    def show(self, nodes: Sequence[Node], chosen: str | None) -> None:
        """Show these lines, and which instance the keys act upon."""
        taller = len(nodes) != len(self._rows)
        self._rows, self._chosen = tuple(nodes), chosen
        if taller:
            self.refresh(layout=True)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """All nodes; where there are more than lines, those around the chosen one."""
        first = 0
        if len(self._rows) > height > 0:
            at = next((at for at, node in enumerate(self._rows) if node.name == self._chosen), 0)
            first = min(max(0, at - height // 2), len(self._rows) - height)
        return [fit_line(_runs(node), width) for node in self._rows[first:]]

    def render_line(self, y: int) -> Strip:
        """A line; the chosen instance's looks like a row under the cursor."""
        if y < len(self._painted) and self._is_chosen(self._painted[y]):
            return self.strip(self._painted[y], self.size.width, "cursor")
        return super().render_line(y)

    def _is_chosen(self, line: Line) -> bool:
        node = next((node for node in self._rows if node.name == self._chosen and node.name), None)
        return node is not None and fit_line(_runs(node), self.size.width) == line


def _runs(node: Node) -> list[Run]:
    if not node.name:
        return [Run(f" {' '.join(node.words)}", "title")]
    room = max(4, NAME_CELLS - cell_len(node.arm))
    name = node.name if cell_len(node.name) > room else fit(node.name, room)
    first, *rest = node.words
    return [
        Run(f"  {node.arm}", "muted"),
        Run(f"{GLYPHS[node.style]} ", node.style),
        Run(f"{name} ", "strong"),
        Run(f"{first}  ", node.style if node.style != "ok" else "text"),
        Run("  ".join(rest)),
    ]
