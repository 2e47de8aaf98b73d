"""A value on the screen: what is to be told of it, its elements in a list, and below what one of them decodes to."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static

from dfly_tui.decode import Decoded
from dfly_tui.decode.values import Dump
from dfly_tui.models.value import ValueFacts
from dfly_tui.models.value_loaded import Loaded
from widgets.keylist import MARKER, LongList
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes
from widgets.value_rows import element_line, head_lines, label_width, note_width, text_line, wrapped

NEAR_END = 10
"""Rows before the last from where on more is asked for."""
WRAPPED_INLINE = 20_000
"""Letters, or lines; to wrap more takes longer than a key press may wait."""
KEYED = frozenset({"json", "msgpack", "protobuf"})


class ValueHead(LinesWidget):
    """The name, the type, how much, how long."""

    DEFAULT_CSS = "ValueHead { height: auto; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("strong", "muted", "title", "warning")

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[ValueFacts | None, bytes, str, datetime] | None = None
        self._failed = False
        self._height = 0

    def show(self, facts: ValueFacts | None, name: bytes, place: str, now: datetime, *, failed: bool = False) -> None:
        """Show these, as of now."""
        self._shown, self._failed = (facts, name, place, now), failed
        if (height := len(self.lines(self.size.width, 0))) != self._height:
            self._height = height
            self.refresh(layout=True)
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """Two lines, or three where there is something to be told about the type."""
        return head_lines(*self._shown, width=width, failed=self._failed) if self._shown else []


class Heading(LinesWidget):
    """A line between two lists."""

    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes("title", "muted", "warning")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._runs: tuple[Run, ...] = ()

    def show(self, *runs: Run) -> None:
        """Show this."""
        self._runs = runs
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The line."""
        return [fit_line([Run(" "), *self._runs], width)]


class EndlessList(LongList):
    """A list whose end tells when it comes near."""

    class NearEnd(Message):
        """Rows close to the last are on the screen."""

        def __init__(self, source: "EndlessList") -> None:
            super().__init__()
            self.source = source

        @property
        def control(self) -> "EndlessList":
            """The list."""
            return self.source

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._told_at = -1

    def row_asked(self, index: int) -> None:
        """To be called for each row that is painted."""
        if index >= self.count - NEAR_END and self._told_at != self.count:
            self._told_at = self.count
            self.post_message(self.NearEnd(self))

    def tell_again(self) -> None:
        """Forget that it was told: other rows are in the list, or the last question failed."""
        self._told_at = -1


class ElementList(EndlessList):
    """Elements, one a row."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._loaded: Loaded | None = None
        self._signs: Mapping[bytes, str] = {}
        self._widths = (0, 0)

    def show(self, loaded: Loaded, signs: Mapping[bytes, str]) -> None:
        """Show what was read, elements of `signs` with theirs in front."""
        is_other = self._loaded is not loaded
        self._loaded, self._signs = loaded, signs
        if is_other:
            self.tell_again()
        self._lay_out()

    def _lay_out(self) -> None:
        if self._loaded is not None:
            self._widths = label_width(self._loaded.elements, self.room), note_width(self._loaded.elements)
            self.update_rows(len(self._loaded.shown), self._row_of)

    def on_resize(self, event: Resize) -> None:
        """Columns depend on the width."""
        super().on_resize(event)
        self._lay_out()

    def _row_of(self, index: int) -> Line:
        loaded = self._loaded
        if loaded is None or index >= len(loaded.shown):
            return ()
        self.row_asked(index)
        element = loaded.elements[loaded.shown[index]]
        sign = self._signs.get(element.identity, " ") if self._signs else ""
        return element_line(element, loaded.facts.shape, *self._widths, sign)


class DecodedView(EndlessList):
    """Lines of a decoded value, long ones wrapped."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._decoded: Decoded | None = None
        self._wanted = ""
        self._pieces: list[tuple[int, str]] = []
        self._width = 0
        self._plain: Sequence[Line] = ()

    async def show(self, decoded: Decoded, wanted: str = "") -> None:
        """Show these lines, what is looked for marked. Very many are wrapped in a thread."""
        width, pieces = self.room - len(MARKER), self._pieces
        if isinstance(decoded.lines, Dump):
            pieces = []
        elif decoded is not self._decoded or width != self._width:
            is_long = len(decoded.lines) > WRAPPED_INLINE or sum(map(len, decoded.lines)) > WRAPPED_INLINE
            pieces = (
                await asyncio.to_thread(wrapped, decoded.lines, width) if is_long else wrapped(decoded.lines, width)
            )
        if decoded is not self._decoded:
            self.tell_again()
        self._decoded, self._wanted, self._plain, self._pieces, self._width = decoded, wanted, (), pieces, width
        self.update_rows(len(decoded.lines) if isinstance(decoded.lines, Dump) else len(pieces), self._row_of)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show lines that are laid out already."""
        self._decoded, self._plain = None, lines
        self.update_rows(len(lines), lambda index: lines[index] if index < len(lines) else ())

    def _row_of(self, index: int) -> Line:
        decoded = self._decoded
        if decoded is None or index >= self.count:
            return ()
        self.row_asked(index)
        text = self._pieces[index][1] if self._pieces else decoded.lines[index]
        return text_line(text, self._wanted, keyed=decoded.stack[-1] in KEYED)

    def find(self, wanted: str, after: int) -> int | None:
        """The first row behind `after` in whose line there is this text, in any case."""
        decoded = self._decoded
        if decoded is None or not wanted:
            return None
        if isinstance(decoded.lines, Dump):
            per_line = max(1, -(-len(decoded.data) // max(1, len(decoded.lines))))
            found = decoded.data.lower().find(wanted.lower().encode("utf-8", "replace"), (after + 1) * per_line)
            return None if found < 0 else found // per_line
        lowered = wanted.lower()
        for index in range(after + 1, len(self._pieces)):
            if lowered in self._with_what_follows(index, len(wanted) - 1).lower():
                return index
        return None

    def _with_what_follows(self, index: int, letters: int) -> str:
        """A piece of a line with so many letters of those behind it."""
        line, text = self._pieces[index]
        most = len(text) + letters
        while len(text) < most and index + 1 < len(self._pieces) and self._pieces[index + 1][0] == line:
            index += 1
            text += self._pieces[index][1]
        return text[:most]

    def on_resize(self, event: Resize) -> None:
        """Wrap anew."""
        super().on_resize(event)
        if self._decoded is not None:
            self.run_worker(self.show(self._decoded, self._wanted), group="wrap", exclusive=True, exit_on_error=False)


class ValuePane(Vertical):
    """All of one value. What is read and when is for whoever holds it."""

    def compose(self) -> ComposeResult:
        yield ValueHead()
        yield ElementList(id="elements")
        yield Heading(id="decoded-by")
        yield DecodedView(id="decoded")
        yield Static(id="value-says", markup=False)

    @property
    def head(self) -> ValueHead:
        return self.query_one(ValueHead)

    @property
    def elements(self) -> ElementList:
        return self.query_one("#elements", ElementList)

    @property
    def decoded(self) -> DecodedView:
        return self.query_one("#decoded", DecodedView)

    def show_parts(self, *, elements: bool, decoded: bool) -> None:
        """Which of the two parts are there."""
        self.elements.display = elements
        self.decoded.display = decoded
        self.query_one("#decoded-by").display = decoded
        self.set_class(not elements, "-text")
        focused = self.screen.focused
        if (elements or decoded) and focused in {self.elements, self.decoded} and not focused.display:
            self.focus_body()

    def focus_body(self) -> None:
        """Put the keyboard's focus into what is there."""
        (self.elements if self.elements.display else self.decoded).focus()

    def head_by(self, title: str, notes: Sequence[str] = ()) -> None:
        """What stands above the decoded lines."""
        runs = [Run(title, "title")]
        runs += [Run(f" · {note}", "warning") for note in notes]
        self.query_one("#decoded-by", Heading).show(*runs)

    def say(self, text: str) -> None:
        """The line at the bottom."""
        self.query_one("#value-says", Static).update(text)
