"""Drawing with braille dots: 2 × 4 of them in every cell."""

from collections.abc import Iterable

_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of a dot in U+2800, by column and row within the cell."""


class Canvas:
    """A field of dots, `width` × `height` cells; the origin is at the bottom left."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(width) for _ in range(height)]

    def vertical(self, x: int, low: int, high: int) -> None:
        """Set the dots of column x from low to high; what is outside is left out."""
        if not 0 <= x < self.width * 2:
            return
        cell, bits = x >> 1, _BITS[x & 1]
        last = self.height * 4 - 1
        for y in range(max(0, low), min(last, high) + 1):
            row = last - y
            self._rows[row >> 2][cell] |= bits[row & 3]

    def line(self, x1: int, y1: int, x2: int, y2: int, step: int = 1) -> None:
        """Join two dots without a hole; with `step` > 1 only every so many columns are drawn (a dotted line)."""
        width = x2 - x1
        previous = y1
        for x in range(x1 + 1, x2 + 1):
            y = round(y1 + (y2 - y1) * (x - x1) / width)
            if x % step == 0:
                low, high = min(previous, y), max(previous, y)
                self.vertical(x, low + (y > previous), high - (y < previous))
            previous = y

    def cells(self, row: int) -> bytearray:
        """The dots of one row of cells, 0 where there are none."""
        return self._rows[row]


def braille(cells: Iterable[int]) -> str:
    """The text of some cells; empty ones are blanks, which take one byte instead of three."""
    return "".join(chr(0x2800 + dots) if dots else " " for dots in cells)
