"""What stands in the lower half: the decoded bytes of one element, of a string, or of every field of an entry."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from itertools import islice

from dfly_tui.decode import Decoded, decode, guess, is_text, plain
from dfly_tui.models.value import Element, Shape
from dfly_tui.models.value_diff import ADDED, CHANGED, contents, element_changes, line_changes
from dfly_tui.models.value_loaded import Loaded
from dfly_tui.text import SafeText, safe
from widgets.lines import Line
from widgets.value_rows import change_lines, diff_lines

INLINE_BYTES = 16 << 10
"""More is decoded in a thread: it may take a second."""
_PACKED = re.compile(rb"[A-Za-z0-9+/=_\s-]{40,}")


def _is_quick(raw: bytes) -> bool:
    """Whether decoding takes no time to speak of: few bytes, in which nothing large can be packed."""
    return len(raw) <= INLINE_BYTES and is_text(raw) and not _PACKED.fullmatch(raw)


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
        if _is_quick(data):
            return self.decoded(data, truncated=more, offset=loaded.start)
        return await asyncio.to_thread(self.decoded, data, truncated=more, offset=loaded.start)

    async def of_element(self, element: Element) -> Decoded:
        """What one element means."""
        if element.fields:
            return await asyncio.to_thread(self._of_fields, element.fields)
        if element.value is None:
            note = f"{element.note}: Enter looks into it" if element.inner else element.note
            return Decoded(("–",), [safe(note)], (), b"")
        if _is_quick(element.value):
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
        old, new = (self._decoded_stretch(each, *_common(before, after)) for each in (before, after))
        return diff_lines(line_changes(list(old.lines[:50_000]), list(new.lines[:50_000])))

    def _decoded_stretch(self, loaded: Loaded, start: int, end: int) -> Decoded:
        data = (loaded.data or b"")[start - loaded.start : end - loaded.start]
        return self.decoded(data, truncated=loaded.next is not None, offset=start)


def _common(before: Loaded, after: Loaded) -> tuple[int, int]:
    """The stretch of a string that was read both times: where it begins and ends; all that was read when it was all."""
    ends = [each.start + len(each.data or b"") for each in (before, after)]
    if before.is_complete and after.is_complete:
        return 0, max(ends)
    return max(before.start, after.start), min(ends)


class Signs:
    """Which elements are new or changed since the reading before; positions of lists tell nothing.

    Args:
        before: The reading before, if there was one.
        after: The last one, to which more is added while it is read on.
    """

    def __init__(self, before: Loaded | None, after: Loaded) -> None:
        self.of = before, after
        self._found: dict[bytes, str] = {}
        self._looked_at = 0
        self._old: dict[bytes, bytes] | None = None
        if before is not None and after.facts.shape is not Shape.LIST and before.facts.shape is after.facts.shape:
            self._old = contents(before.elements)
            self._tells_new = before.is_complete

    def by_identity(self) -> Mapping[bytes, str]:
        """The sign of each element that has one; looks only at what was added since the last call."""
        _, after = self.of
        if self._old is not None:
            for key, value in contents(islice(after.elements, self._looked_at, None)).items():
                if key not in self._old:
                    self._found |= {key: ADDED} if self._tells_new else {}
                elif self._old[key] != value:
                    self._found[key] = CHANGED
        self._looked_at = len(after.elements)
        return self._found
