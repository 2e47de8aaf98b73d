"""A searchable list of fields under section headings: INFO, a configuration, facts of a container."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from textual.events import Resize

from dfly_tui.text import fit
from widgets.keylist import MARKER, LongList
from widgets.lines import Line, Run, fit_line

NOTES_FROM = 70
"""Cells below which there is no room for notes."""


class FieldRow(NamedTuple):
    """One field. All texts are already `safe()`.

    Attributes:
        note: An explanation; without one the value takes its room.
        marked: Worth a look: differs from the default, or is an error.
    """

    section: str
    name: str
    value: str
    note: str = ""
    marked: bool = False


Entry = FieldRow | str
"""A field, or the heading of a section."""


def entries(rows: Sequence[FieldRow], wanted: str) -> Iterator[Entry]:
    """The rows that contain every word wanted, anywhere, each section under its heading."""
    words = wanted.lower().split()
    section: str | None = None
    for row in rows:
        text = f"{row.section} {row.name} {row.value} {row.note}".lower() if words else ""
        if all(word in text for word in words):
            if row.section != section:
                section = row.section
                yield section
            yield row


@lru_cache(4096)
def entry_line(entry: Entry, name_width: int, width: int) -> Line:
    """A heading, or name, value and note side by side; what is marked also has a `*`."""
    if isinstance(entry, str):
        return fit_line([Run(entry, "title")], width)
    style = "warning" if entry.marked else "text"
    runs = [Run("* " if entry.marked else "  ", style), Run(f"{fit(entry.name, name_width)} ", "muted")]
    if not entry.note or width < NOTES_FROM:
        return fit_line([*runs, Run(entry.value, style)], width)
    room = (width - name_width - 3) // 3
    return fit_line([*runs, Run(f"{fit(entry.value, room)} ", style), Run(entry.note, "muted")], width)


class FieldList(LongList):
    """Fields, filtered by words; only rows that changed are written."""

    class Selected(LongList.Selected):
        """Enter on a field.

        Attributes:
            row: Which.
        """

        def __init__(self, source: LongList, index: int, row: FieldRow) -> None:
            super().__init__(source, index)
            self.row = row

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._rows: tuple[FieldRow, ...] = ()
        self._wanted = ""
        self._entries: list[Entry] = []

    def show(self, rows: Sequence[FieldRow]) -> None:
        """Show these, in the order given; rows of one section stand together."""
        began = bool(self._entries)
        self._rows = tuple(rows)
        self._lay_out()
        if not began:
            self.go_to_first()

    def filter(self, text: str) -> None:
        """Show only rows that contain every word of `text`; an empty text shows all."""
        self._wanted = text
        self._lay_out()
        self.go_to_first()

    def go_to_first(self) -> None:
        """Put the cursor on the first field; above it is only a heading, which says nothing."""
        self.cursor = self.validate_cursor(1)
        self.scroll_to(y=0, animate=False, immediate=True, force=True)

    @property
    def highlighted(self) -> FieldRow | None:
        """The field under the cursor; None on a heading."""
        entry = self._entries[self.cursor] if self._entries else None
        return entry if isinstance(entry, FieldRow) else None

    def _lay_out(self) -> None:
        self._entries = list(entries(self._rows, self._wanted))
        width = max(0, self.room - len(MARKER))
        longest = max((cell_len(row.name) for row in self._rows), default=0)
        name_width = min(longest, max(4, width * 3 // 10))
        self.set_lines([entry_line(entry, name_width, width) for entry in self._entries])

    def on_resize(self, event: Resize) -> None:
        """Columns depend on the width."""
        super().on_resize(event)
        self._lay_out()

    def tell_selected(self, index: int) -> None:
        """With the field; a heading cannot be opened."""
        entry = self._entries[index]
        if isinstance(entry, FieldRow):
            self.post_message(self.Selected(self, index, entry))
