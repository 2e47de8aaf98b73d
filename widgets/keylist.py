"""A list of any length: a million rows show in a tenth of a second, because only those on the screen are asked for."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from widgets.lines import Line, LinePainter, Run, changed_until, fit_line, line_classes

Row = str | Line
"""Plain text, or runs with styles; neither is parsed for markup."""

MARKER = "▸ "
"""Stands before the row under the cursor, which colour alone must not tell."""


class LongList(ScrollView, LinePainter, can_focus=True):
    """Rows from a callback, with a cursor.

    Filtering is the screen's job: it gives another count and another callback.
    """

    DEFAULT_CSS = "LongList { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("enter", "select", "Open", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes()

    cursor: var[int] = var(0)
    """Index of the row under the cursor; 0 while there is none."""

    class _OfRow(Message):
        def __init__(self, source: "LongList", index: int) -> None:
            super().__init__()
            self.source = source
            self.index = index

        @property
        def control(self) -> "LongList":
            """The list."""
            return self.source

    class Highlighted(_OfRow):
        """The cursor is on another row: `index`."""

    class Selected(_OfRow):
        """Enter was pressed on row `index`, or it was clicked twice."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self._count = 0
        self._row: Callable[[int], Row] = lambda index: ""
        self._heading: Line | None = None
        self._when_empty = ""
        self._lines: list[Line] = []
        self._strips: LRUCache[tuple[int, int, str], Strip] = LRUCache(512)
        self._written: LRUCache[int, Line] = LRUCache(512)
        """Rows as they were last written."""

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def set_rows(self, count: int, row: Callable[[int], Row], *, heading: Line | None = None) -> None:
        """Show other rows; the cursor stays at its index as far as there is such a row.

        Args:
            row: Gives the text of a row, 0 to count - 1; called only for rows on the screen.
            heading: A line above the rows that does not scroll.
        """
        self._count, self._row, self._heading = count, row, heading
        self._strips.clear()
        self._written.clear()
        self._resize_virtual()
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()

    def update_rows(self, count: int, row: Callable[[int], Row], *, heading: Line | None = None) -> None:
        """The same for rows that change while they are looked at: writes only those on the screen that differ."""
        if not self._count or not count or heading != self._heading:
            self.set_rows(count, row, heading=heading)
            return
        self._row = row
        self._strips.clear()
        first, before = self.scroll_offset.y, self._written
        if count != self._count:
            self._count = count
            self._resize_virtual()
            self.cursor = self.validate_cursor(self.cursor)
        for index in range(first, first + max(0, self.size.height - self._top)):
            old, new = before.get(index, ()), self._row_runs(index)
            if end := changed_until(old, new):
                self.refresh_row(index, end)

    def set_lines(self, lines: Sequence[Line], *, heading: Line | None = None) -> None:
        """For short lists that change often: show these rows, writing only those that differ from the last ones."""
        before, self._lines = self._lines, list(lines)
        if len(before) != len(lines) or heading != self._heading or self._row != self._line_at:
            self.set_rows(len(lines), self._line_at, heading=heading)
            return
        for index, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if end := changed_until(old, new):
                self.refresh_row(index, end)

    def say_when_empty(self, text: str) -> None:
        """What stands in the place of the first row while there is none; a blank list looks like a broken one."""
        if text != self._when_empty:
            self._when_empty = text
            self.refresh()

    @property
    def room(self) -> int:
        """Cells of a row; the scrollbar has a column of its own, whether it shows or not."""
        return self.scrollable_content_region.width

    def _line_at(self, index: int) -> Line:
        return self._lines[index]

    def refresh_row(self, index: int, until: int | None = None) -> None:
        """Write one row again, up to cell `until` (behind the marker) when only what is left of it changed."""
        width = self.room
        for over in ("", "cursor", "cursor-idle"):
            self._strips.discard((index, width, over))
        y = index - self.scroll_offset.y + self._top
        if self._top <= y < self.size.height:
            self.refresh(Region(0, y, width if until is None else min(width, until + len(MARKER)), 1))

    @property
    def _top(self) -> int:
        """Lines taken by the heading."""
        return 0 if self._heading is None else 1

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self.room, max(1, self._count) + self._top)

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self._count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two rows and tell."""
        self.refresh_row(old)
        self.refresh_row(new)
        self.scroll_to_cursor()
        if self._count:
            self.tell_highlighted(new)

    def tell_highlighted(self, index: int) -> None:
        """Post the message; lists of something more than rows say it in their own terms."""
        self.post_message(self.Highlighted(self, index))

    def tell_selected(self, index: int) -> None:
        """Post the message."""
        self.post_message(self.Selected(self, index))

    def scroll_to_cursor(self) -> None:
        """Bring the row under the cursor into view."""
        room = self.size.height - self._top
        if room <= 0:
            return
        first = self.scroll_offset.y
        target = min(self.cursor, max(first, self.cursor - room + 1))
        if target != first:
            self.scroll_to(y=target, animate=False, immediate=True, force=True)

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        self.cursor = self.validate_cursor(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screens."""
        self.action_move(pages * max(1, self.size.height - self._top - 1))

    def action_jump(self, index: int) -> None:
        """Go to a row; -1 is the last."""
        self.cursor = self._count - 1 if index < 0 else index

    def action_select(self) -> None:
        """Open the row under the cursor."""
        if self._count:
            self.tell_selected(self.cursor)

    def on_click(self, event: Click) -> None:
        """One click moves the cursor, two open the row. What the row says is never acted upon."""
        index = event.y - self._top + self.scroll_offset.y
        if event.y < self._top or index >= self._count:
            return
        self.cursor = index
        if event.chain == 2:
            self.action_select()

    def on_resize(self, event: Resize) -> None:
        """Rows are as wide as the widget."""
        self._strips.clear()
        self._resize_virtual()
        self.scroll_to_cursor()

    def on_focus(self) -> None:
        """The cursor looks different."""
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The cursor looks different."""
        self.refresh_row(self.cursor)

    def notify_style_update(self) -> None:
        """Another theme: strips hold its colours."""
        super().notify_style_update()
        self._strips.clear()

    def render_line(self, y: int) -> Strip:
        """The heading or a row."""
        width = self.room
        if y < self._top and self._heading is not None:
            return self.strip(fit_line([Run(" " * len(MARKER)), *self._heading], width), width)
        index = y - self._top + self.scroll_offset.y
        if index >= self._count:
            self._written.discard(index)
            words = self._when_empty if index == self._count == 0 else ""
            return self.strip(fit_line([Run(" " * len(MARKER) + words, "muted")], width, "muted"), width)
        over = ("cursor" if self.has_focus else "cursor-idle") if index == self.cursor else ""
        key = (index, width, over)
        if (strip := self._strips.get(key)) is None:
            self._strips[key] = strip = self.strip(self._whole_row(index, width, bool(over)), width, over)
        return strip

    def _whole_row(self, index: int, width: int, marked: bool) -> Line:
        runs = self._written[index] = self._row_runs(index)
        return fit_line([Run(MARKER if marked else " " * len(MARKER)), *runs], width)

    def _row_runs(self, index: int) -> Line:
        """What a row says, as wide as there is room; nothing behind the last."""
        if index >= self._count:
            return ()
        row = self._row(index)
        return fit_line((Run(row),) if isinstance(row, str) else row, max(0, self.room - len(MARKER)))
