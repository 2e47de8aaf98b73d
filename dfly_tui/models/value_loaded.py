"""What was read of a value so far: elements page by page, or a stretch of a string, in bounded memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dfly_tui.errors import DflyError
from dfly_tui.models.value import JSON_ROOT, Cursor, Element, Page, Shape, ValueFacts

MOST_ELEMENTS = 100_000
MOST_BYTES = 32 << 20
"""Of elements, with a hundred for each besides its own."""
MOST_DATA = 4 << 20
"""Of a string. When more is read, what was before is let go."""
_OVERHEAD = 100


@dataclass(eq=False)
class Loaded:
    """One value while it is read.

    Attributes:
        path: For JSON: what is looked into.
        elements: In the order read, none twice where something tells them apart.
        data: A stretch of a string, or a JSON document; None for what has elements.
        start: Where in the string the stretch begins.
        next: Where to go on; None at the end, or before the first page.
        begun: Whether a page was taken.
        looked_at: Elements read, kept or not.
        trouble: Why the rest cannot be read.
        wanted: What elements are looked for by, in lower case; empty for all.
    """

    facts: ValueFacts
    path: bytes = JSON_ROOT
    elements: list[Element] = field(default_factory=list)
    data: bytes | None = None
    start: int = 0
    next: Cursor | None = None
    begun: bool = False
    looked_at: int = 0
    trouble: DflyError | None = None
    wanted: bytes = b""
    _size: int = 0
    _known: set[bytes] = field(default_factory=set)
    _found: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether all of the value is here."""
        return self.begun and self.next is None and self.start == 0 and self.trouble is None

    @property
    def may_go_on(self) -> bool:
        """Whether there is more, and room for it. With something to look for the rest is read, and only what matches is
        kept, up to as much again."""
        return self.next is not None and not self._has(2 if self.wanted else 1)

    @property
    def is_full(self) -> bool:
        """Whether no more are kept but those that are looked for."""
        return self._has(1)

    def _has(self, times: int) -> bool:
        return len(self.elements) >= times * MOST_ELEMENTS or self._size >= times * MOST_BYTES

    @property
    def shown(self) -> Sequence[int]:
        """Indexes of the elements that are looked for."""
        return self._found if self.wanted else range(len(self.elements))

    def take(self, page: Page) -> None:
        """Add what was read next."""
        self.begun = True
        self.next = page.next
        self.trouble = page.trouble
        if page.data is not None:
            self._take_data(page.data)
        for element in page.elements:
            self._take_element(element)

    def _take_data(self, piece: bytes) -> None:
        if self.data is None:
            self.data = piece
        elif len(self.data) + len(piece) > MOST_DATA:
            self.start += len(self.data)
            self.data = piece
        else:
            self.data += piece

    def _take_element(self, element: Element) -> None:
        if self.facts.shape is not Shape.LIST and (element.label or element.value is not None):
            if element.identity in self._known:
                return
            if len(self._known) < 2 * MOST_ELEMENTS:
                self._known.add(element.identity)
        self.looked_at += 1
        is_found = bool(self.wanted) and _matches(element, self.wanted)
        if self.is_full and not is_found:
            return
        self._size += _OVERHEAD + element.size
        self.elements.append(element)
        if is_found:
            self._found.append(len(self.elements) - 1)

    def look_for(self, text: str) -> None:
        """Show only elements that have this text, in any case, in their label, value, note or fields."""
        self.wanted = text.lower().encode("utf-8", "surrogateescape")
        self._found = [at for at, element in enumerate(self.elements) if _matches(element, self.wanted)]

    def locate(self, places: Mapping[bytes, str]) -> None:
        """Put positions beside members."""
        for at, element in enumerate(self.elements):
            if place := places.get(element.value or b""):
                self.elements[at] = element._replace(place=place)


def _matches(element: Element, wanted: bytes) -> bool:
    if not wanted:
        return True
    parts = [
        element.label,
        element.value or b"",
        element.note.encode(),
        *(part for pair in element.fields for part in pair),
    ]
    return any(wanted in part.lower() for part in parts)
