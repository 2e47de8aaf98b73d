"""What stands in the lower half: the decoded bytes of one element, of a string, or of every field of an entry."""

import asyncio
from collections.abc import Sequence

from dfly_tui.decode import Decoded, decode, guess, plain
from dfly_tui.models.value import Element, Shape
from dfly_tui.models.value_diff import element_changes, line_changes
from dfly_tui.models.value_loaded import Loaded
from dfly_tui.text import SafeText, safe
from widgets.lines import Line
from widgets.value_rows import change_lines, diff_lines

INLINE_BYTES = 16 << 10
"""More is decoded in a thread: it may take a second."""


class Way:
    """How values are decoded: by a stack of the user's choice or by guessing, laid out or plain."""

    def __init__(self) -> None:
        self.stack: tuple[str, ...] = ()
        self.plain = False

    def decoded(self, raw: bytes, *, truncated: bool = False, offset: int = 0) -> Decoded:
        """Decode now."""
        if self.plain:
            return plain(raw, offset=offset)
        if self.stack and not offset:
            return decode(raw, self.stack, truncated=truncated)
        if self.stack[-1:] in {("hex",), ("bits",)}:
            return decode(raw, self.stack[-1:], offset=offset)
        return guess(raw, truncated=truncated, offset=offset)

    async def of_data(self, loaded: Loaded) -> Decoded:
        """What a string, or a stretch of one, means."""
        data, more = loaded.data or b"", loaded.next is not None
        if len(data) <= INLINE_BYTES:
            return self.decoded(data, truncated=more, offset=loaded.start)
        return await asyncio.to_thread(self.decoded, data, truncated=more, offset=loaded.start)

    async def of_element(self, element: Element) -> Decoded:
        """What one element means."""
        if element.fields:
            return await asyncio.to_thread(self._of_fields, element.fields)
        if element.value is None:
            note = f"{element.note}: Enter looks into it" if element.inner else element.note
            return Decoded(("–",), [safe(note)], (), b"")
        if len(element.value) <= INLINE_BYTES:
            return self.decoded(element.value)
        return await asyncio.to_thread(self.decoded, element.value)

    def _of_fields(self, fields: Sequence[tuple[bytes, bytes]]) -> Decoded:
        lines: list[SafeText] = []
        stacks: list[str] = []
        notes: list[SafeText] = []
        for name, value in fields:
            found = self.decoded(value)
            stacks.append(found.name)
            notes += found.notes
            label = safe(name, limit=200)
            if len(found.lines) == 1:
                lines.append(SafeText(f"{label} = {found.lines[0]}"))
            else:
                lines += [SafeText(f"{label} ="), *(SafeText(f"  {line}") for line in found.lines[:2000])]
        return Decoded(tuple(dict.fromkeys(stacks)), lines, tuple(notes), b"")

    def changes(self, before: Loaded, after: Loaded) -> list[Line]:
        """What is different since the reading before; slow for large values."""
        if after.data is None:
            return change_lines(element_changes(before, after))
        old, new = (self.decoded(each.data or b"", truncated=each.next is not None) for each in (before, after))
        return diff_lines(line_changes(list(old.lines[:50_000]), list(new.lines[:50_000])))


def signs(before: Loaded | None, after: Loaded) -> dict[bytes, str]:
    """For each element that is new or changed since the reading before, its sign; positions of lists tell nothing."""
    if before is None or after.facts.shape is Shape.LIST or before.facts.shape is not after.facts.shape:
        return {}
    return {change.label: change.sign for change in element_changes(before, after) if change.sign != "-"}
