"""The rows of a tree of namespaces and keys."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple


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

    @property
    def is_key(self) -> bool:
        return not self.is_space and not self.is_more

    @property
    def what(self) -> tuple[bytes, bool, bool]:
        """What tells it from the others: a key may be called like the namespace it is in."""
        return self.name, self.is_space, self.is_more


class KeyRows(NamedTuple):
    """The keys of one namespace: as many rows, made when they are looked at.

    Attributes:
        depth: As of a row.
        cut: Bytes of each name that are not shown.
        names: In order.
    """

    depth: int
    cut: int
    names: Sequence[bytes]


class TreeRows:
    """All rows, of which there may be 100,000."""

    def __init__(self, parts: Iterable[TreeRow | KeyRows] = ()) -> None:
        self._parts: list[TreeRow | KeyRows] = []
        self._starts: list[int] = []
        self._count = 0
        for part in parts:
            self.add(part)

    def add(self, part: TreeRow | KeyRows) -> None:
        """Put one behind the others."""
        self._parts.append(part)
        self._starts.append(self._count)
        self._count += len(part.names) if isinstance(part, KeyRows) else 1

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> TreeRow:
        if not 0 <= index < self._count:
            raise IndexError(index)
        at = bisect_right(self._starts, index) - 1
        part = self._parts[at]
        if isinstance(part, TreeRow):
            return part
        name = part.names[index - self._starts[at]]
        return TreeRow(part.depth, name, name[part.cut :])

    def names(self) -> Iterator[bytes]:
        """All keys' names."""
        return chain.from_iterable(part.names for part in self._parts if isinstance(part, KeyRows))

    def find(self, row: TreeRow) -> int | None:
        """Where the row of the same thing is, if it is listed."""
        for start, part in zip(self._starts, self._parts, strict=True):
            if isinstance(part, TreeRow):
                if part.what == row.what:
                    return start
            elif row.is_key and row.name in part.names:
                return start + part.names.index(row.name)
        return None
