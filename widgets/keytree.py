"""The namespaces and keys of a database as lines."""

from collections.abc import Callable
from typing import NamedTuple

from rich.cells import cell_len

from dfly_tui.models.keys import GONE, NO_TTL, KeyFacts, kind_name
from dfly_tui.text import fit, safe
from dfly_tui.units import MISSING, bytes_text, duration_text, percent_text
from widgets.bar import bar
from widgets.keylist import LongList
from widgets.lines import Line, Run

LABEL_LIMIT = 300
"""Characters of a name that are looked at for a row; a name may have a megabyte."""
COUNT_CELLS = 13
SHARE_CELLS = 7
BAR_CELLS = 10
KIND_CELLS = 12
TTL_CELLS = 10
SIZE_CELLS = 9
_WIDE = 60


class TreeRow(NamedTuple):
    """One row.

    Attributes:
        depth: How far in, 0 for what lies in the database itself.
        name: A namespace's prefix, or a key's name; of a row that tells of more, the namespace's prefix.
        label: What is shown of it.
        is_space: Whether it is a namespace.
        is_open: Whether what is in it follows.
        keys: In the namespace; of a row that tells of more, how many more.
        share: Of all keys, 0 to 1.
        is_more: Whether it tells of more than is listed.
    """

    depth: int
    name: bytes
    label: bytes
    is_space: bool = False
    is_open: bool = False
    keys: int = 0
    share: float = 0.0
    is_more: bool = False


def row_line(row: TreeRow, facts: KeyFacts | None, width: int) -> Line:
    """The line of a row: what it is on the left, in columns on the right what is known of it."""
    indent = "  " * row.depth
    if row.is_more:
        return (Run(f"{indent}  … {row.keys:,} more keys: Enter counts them by themselves", "muted"),)
    columns = _space_columns(row, width) if row.is_space else _key_columns(facts, width)
    room = max(8, width - sum(cell_len(run.text) for run in columns))
    sign = ("▾ " if row.is_open else "▸ ") if row.is_space else "  "
    label = safe(row.label, limit=LABEL_LIMIT) or "(empty)"
    gone = facts is not None and facts.is_gone
    style = "muted" if gone else "strong" if row.is_space else "text"
    return (Run(fit(f"{indent}{sign}{label}", room - 1) + " ", style), *columns)


def _space_columns(row: TreeRow, width: int) -> list[Run]:
    columns = [
        Run(f"{row.keys:,}".rjust(COUNT_CELLS)),
        Run(percent_text(row.share).rjust(SHARE_CELLS), "muted"),
    ]
    if width >= _WIDE:
        columns.append(Run(" " + bar(row.share, BAR_CELLS), "muted"))
    return columns


def _key_columns(facts: KeyFacts | None, width: int) -> list[Run]:
    if facts is None:
        return [Run("…".rjust(TTL_CELLS + SIZE_CELLS), "muted")]
    if facts.is_gone:
        return [Run("gone".rjust(TTL_CELLS + SIZE_CELLS), "muted")]
    columns = [Run(ttl_text(facts.ttl_ms).rjust(TTL_CELLS)), Run(size_text(facts.size_bytes).rjust(SIZE_CELLS))]
    if width >= _WIDE:
        kind = fit(safe(kind_name(facts.kind), limit=20) if facts.kind else MISSING, KIND_CELLS)
        columns.insert(0, Run(kind, "muted"))
    return columns


def ttl_text(ttl_ms: int | None) -> str:
    """A time to live as PTTL tells it: `∞` when it does not expire."""
    match ttl_ms:
        case None:
            return MISSING
        case _ if ttl_ms == NO_TTL:
            return "∞"
        case _ if ttl_ms == GONE:
            return "gone"
        case _:
            return duration_text(ttl_ms / 1000)


def size_text(size_bytes: int | None) -> str:
    """A size by MEMORY USAGE; Dragonfly says 0 of small values that lie in the table itself (facts §7)."""
    return "inline" if size_bytes == 0 else bytes_text(size_bytes)


class KeyTree(LongList):
    """Rows of a tree; writes only those that changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows: list[TreeRow] = []
        self._facts: Callable[[bytes], KeyFacts | None] = lambda name: None

    def show(self, rows: list[TreeRow], facts: Callable[[bytes], KeyFacts | None], keep: bytes | None = None) -> None:
        """Show these.

        Args:
            facts: What is known of a key now; asked for rows on the screen only.
            keep: The name the cursor stays on, wherever its row is now.
        """
        self._rows, self._facts = rows, facts
        self.update_rows(len(rows), self._row_line)
        if keep is not None and (self.chosen is None or self.chosen.name != keep):
            self.go_to(keep)

    def go_to(self, name: bytes) -> None:
        """Put the cursor on a namespace or key, if it is listed."""
        at = next((at for at, row in enumerate(self._rows) if row.name == name and not row.is_more), None)
        if at is not None:
            self.cursor = at

    @property
    def chosen(self) -> TreeRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def on_screen(self) -> list[TreeRow]:
        """The rows on the screen."""
        first = self.scroll_offset.y
        return self._rows[first : first + self.size.height]

    def _row_line(self, index: int) -> Line:
        row = self._rows[index]
        facts = None if row.is_space or row.is_more else self._facts(row.name)
        return row_line(row, facts, self.room - 2)
