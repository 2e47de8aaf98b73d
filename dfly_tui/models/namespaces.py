"""How many keys each namespace of a database has, counted while names stream by, in bounded memory.

`user:17:name` is in the namespace `user:17:`, which is in `user:`. The first names are kept, of the others only how
many there are. Where a namespace has very many below it (`user:1:`, `user:2:`, …) those are folded into one number:
they are ids, and their keys are listed instead. What was left out is found by counting again from there on.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

MOST_NAMES = 100_000
"""Names kept; each takes some 100 bytes."""
MOST_NAME_BYTES = 32 << 20
"""Of the names kept: one may have a megabyte."""
LONGEST_PREFIX = 400
"""Bytes of a name in which namespaces are looked for."""
MOST_NAMESPACES = 50_000
"""Namespaces told apart; each takes some 400 bytes."""
MOST_BELOW = 10_000
"""Namespaces directly in one; with more, they are folded."""
DELIMITER = b":"


class Namespace:
    """One namespace, or a whole database.

    Attributes:
        prefix: What its keys' names begin with, with the delimiter; empty for the database.
        keys: Keys in it and below it.
        own_keys: Keys in it but not below it.
        below: Namespaces directly in it, by their prefix.
        folded: Whether what is below it is no longer told apart.
        names: Those of its own keys that are kept; of all keys in it when it is folded.
    """

    __slots__ = ("below", "folded", "keys", "names", "own_keys", "parent", "prefix")

    def __init__(self, prefix: bytes, parent: "Namespace | None") -> None:
        self.prefix = prefix
        self.parent = parent
        self.keys = 0
        self.own_keys = 0
        self.below: dict[bytes, Namespace] = {}
        self.folded = False
        self.names: list[bytes] = []

    @property
    def label(self) -> bytes:
        """Its prefix without its parent's."""
        return self.prefix[len(self.parent.prefix) :] if self.parent is not None else self.prefix


class Namespaces:
    """The namespaces of one database, or of what is below one prefix.

    Attributes:
        root: The database, or the namespace at which counting began.
        has_all_names: Whether every name is kept. When not, one that SCAN gave twice is counted twice.
        kept_names: How many names are kept.
    """

    def __init__(
        self,
        delimiter: bytes = DELIMITER,
        *,
        prefix: bytes = b"",
        most_names: int = MOST_NAMES,
        most_namespaces: int = MOST_NAMESPACES,
    ) -> None:
        self.delimiter = delimiter
        self.root = Namespace(prefix, None)
        self.has_all_names = True
        self.kept_names = 0
        self._most_names = most_names
        self._most_namespaces = most_namespaces
        self._known = {prefix: self.root}
        self._seen: set[bytes] = set()
        self._kept_bytes = 0

    def __len__(self) -> int:
        """Namespaces told apart, the root included."""
        return len(self._known)

    def __getitem__(self, prefix: bytes) -> Namespace:
        """One of them; raises KeyError."""
        return self._known[prefix]

    def __contains__(self, prefix: bytes) -> bool:
        return prefix in self._known

    def add(self, names: Sequence[bytes]) -> None:
        """Count these names. All must begin with the root's prefix."""
        if self.has_all_names:
            names = self._keep(names)
        known = self._known
        for prefix, count in Counter(self._prefixes(names)).items():
            space = known.get(prefix) or self._space(prefix)
            if not space.folded or space.prefix == prefix:
                space.own_keys += count
            _climb(space, count)

    def _prefixes(self, names: Sequence[bytes]) -> Iterable[bytes]:
        """`_prefix()` of each; quickly for the usual delimiter, of which there are very many."""
        delimiter = self.delimiter
        if len(delimiter) > 1:
            return map(self._prefix, names)
        return [name[: name.rfind(delimiter, 0, LONGEST_PREFIX) + 1] for name in names]  # not there is -1

    def _prefix(self, name: bytes) -> bytes:
        """Up to the last delimiter, which belongs to it. They are told from the left: `a:::b` is `:b` in `a::`."""
        head = name[:LONGEST_PREFIX]
        return head[: len(head) - len(head.split(self.delimiter)[-1])]

    def _keep(self, names: Sequence[bytes]) -> list[bytes]:
        """Keep names that were not seen yet, as far as there is room; returns those to count."""
        new = [name for name in dict.fromkeys(names) if name not in self._seen]
        self._kept_bytes += sum(map(len, new))
        room = self._most_names - len(self._seen) if self._kept_bytes <= MOST_NAME_BYTES else 0
        for name in new[:room]:
            self._space(self._prefix(name)).names.append(name)
        self.kept_names += min(room, len(new))
        self._seen.update(new)
        if len(new) > room:
            self.has_all_names = False
            self._seen = set()
        return new

    def remove(self, name: bytes) -> None:
        """This key is gone."""
        prefix = self._prefix(name)
        space = self._deepest(prefix)
        if name in space.names:
            space.names.remove(name)
        elif self.has_all_names:
            return
        self._seen.discard(name)
        if space.prefix == prefix or not space.folded:
            space.own_keys = max(0, space.own_keys - 1)
        _climb(space, -1)

    def _space(self, prefix: bytes) -> Namespace:
        """The namespace of a prefix, made where it is not known; the folded one it lies in, where that is so."""
        found = self._known.get(prefix)
        if found is not None:
            return found
        if len(self._known) >= self._most_namespaces:
            self._fold()
        space = self._deepest(prefix)
        while not space.folded and len(space.prefix) < len(prefix):
            if len(space.below) >= MOST_BELOW:
                self._drop_below(space)
                break
            end = prefix.find(self.delimiter, len(space.prefix)) + len(self.delimiter)
            below = Namespace(prefix[:end], space)
            space.below[below.prefix] = self._known[below.prefix] = below
            space = below
        return space

    def _deepest(self, prefix: bytes) -> Namespace:
        """The deepest known namespace that a prefix lies in."""
        space, end = self.root, len(self.root.prefix)
        while (at := prefix.find(self.delimiter, end)) >= 0:
            end = at + len(self.delimiter)
            below = space.below.get(prefix[:end])
            if below is None:
                break
            space = below
        return space

    def _fold(self) -> None:
        """Fold those with most directly below them, until half of what is allowed is left."""
        by_breadth = sorted(self._known.values(), key=lambda space: len(space.below), reverse=True)
        for space in by_breadth:
            if len(self._known) <= self._most_namespaces // 2:
                return
            if space.prefix in self._known and space.below:
                self._drop_below(space)

    def _drop_below(self, space: Namespace) -> None:
        space.folded = True
        waiting = list(space.below.values())
        space.below = {}
        while waiting:
            gone = waiting.pop()
            waiting.extend(gone.below.values())
            space.names += gone.names
            del self._known[gone.prefix]

    def names(self, start: Namespace | None = None) -> Iterator[bytes]:
        """All names that are kept, or those in one namespace, in no order."""
        waiting = [start or self.root]
        while waiting:
            space = waiting.pop()
            yield from space.names
            waiting.extend(space.below.values())

    def walk(self, start: Namespace | None = None) -> Iterator[Namespace]:
        """All of them, or those in one: each before what is below it, the largest first."""
        waiting = [start or self.root]
        while waiting:
            space = waiting.pop()
            yield space
            waiting.extend(sorted(space.below.values(), key=_size))


def _climb(space: Namespace | None, count: int) -> None:
    while space is not None:
        space.keys = max(0, space.keys + count)
        space = space.parent


def _size(space: Namespace) -> tuple[int, bytes]:
    return (space.keys, space.prefix)


def largest_first(spaces: Iterable[Namespace]) -> list[Namespace]:
    """Namespaces as they are listed."""
    return sorted(spaces, key=lambda space: (-space.keys, space.prefix))
