"""The namespaces and keys of a database as lines."""

from collections.abc import Callable

from rich.cells import cell_len

from dfly_tui.models.keys import GONE, NO_TTL, KeyFacts, kind_name
from dfly_tui.text import fit, safe
from dfly_tui.units import MISSING, bytes_text, duration_text, percent_text
from widgets.bar import bar
from widgets.keylist import LongList
from widgets.lines import Line, Run
from widgets.tree_rows import TreeRow, TreeRows

LABEL_LIMIT = 300
"""Characters of a name that are looked at for a row; a name may have a megabyte."""
COUNT_CELLS = 13
SHARE_CELLS = 7
BAR_CELLS = 10
KIND_CELLS = 12
TTL_CELLS = 10
SIZE_CELLS = 9
_WIDE = 60
_CENTURY_MS = 36525 * 86_400_000


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
    ttl, size = (fit(text, cells, right=True) for text, cells in (
        (ttl_text(facts.ttl_ms), TTL_CELLS), (size_text(facts.size_bytes), SIZE_CELLS)))  # fmt: skip
    columns = [Run(ttl), Run(size)]
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
            return duration_text(ttl_ms / 1000) if ttl_ms < _CENTURY_MS else "> 100 y"


def size_text(size_bytes: int | None) -> str:
    """A size by MEMORY USAGE; Dragonfly says 0 of small values that lie in the table itself (facts §7)."""
    return "inline" if size_bytes == 0 else bytes_text(size_bytes)


class KeyTree(LongList):
    """Rows of a tree; writes only those that changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._rows = TreeRows()
        self._facts: Callable[[bytes], KeyFacts | None] = lambda name: None

    def show(self, rows: TreeRows, facts: Callable[[bytes], KeyFacts | None], keep: TreeRow | None = None) -> None:
        """Show these.

        Args:
            facts: What is known of a key now; asked for rows on the screen only.
            keep: What the cursor stays on, wherever its row is now.
        """
        self._rows, self._facts = rows, facts
        self.update_rows(len(rows), self._row_line)
        if keep is not None and (self.chosen is None or self.chosen.what != keep.what):
            self.go_to(keep)

    def show_from_top(self, rows: TreeRows, facts: Callable[[bytes], KeyFacts | None]) -> None:
        """Show others, the cursor on the first."""
        self.show(rows, facts)
        self.cursor = 0

    def go_to(self, row: TreeRow) -> None:
        """Put the cursor on what this row is about, if it is listed."""
        at = self._rows.find(row)
        if at is not None:
            self.cursor = at

    @property
    def chosen(self) -> TreeRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if len(self._rows) else None

    def on_screen(self) -> list[TreeRow]:
        """The rows on the screen."""
        first = self.scroll_offset.y
        return [self._rows[at] for at in range(first, min(first + self.size.height, len(self._rows)))]

    def _row_line(self, index: int) -> Line:
        row = self._rows[index]
        facts = self._facts(row.name) if row.is_key else None
        return row_line(row, facts, self.room - 2)
