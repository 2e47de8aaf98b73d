"""From what a scan counted to the rows of the tree, and of the flat list.

There may be 100,000: they are put together step by step, each of which takes some hundredths of a second at most.
"""

from collections.abc import Callable, Collection, Generator
from enum import Enum
from typing import TypeAlias

from dfly_tui.models.keys import KeyFacts
from dfly_tui.models.namespaces import Namespace, Namespaces, largest_first
from widgets.tree_rows import KeyRows, TreeRow

FactsOf = Callable[[bytes], KeyFacts | None]
Parts: TypeAlias = Generator[TreeRow | KeyRows | None, None, None]
"""Rows in order, and None where others may go on."""
_AT_A_TIME = 4000
_LAST = float("inf")


class Order(Enum):
    """What rows are sorted by."""

    COUNT = "count"
    """Namespaces by their keys, keys by name."""
    NAME = "name"
    TTL = "TTL"
    SIZE = "size"
    TYPE = "type"

    @property
    def needs_facts(self) -> bool:
        return self in {Order.TTL, Order.SIZE, Order.TYPE}


def tree_rows(spaces: Namespaces, opened: Collection[bytes], order: Order, facts: FactsOf) -> Parts:
    """The tree, with what is in the namespaces that are open."""
    return _inside(spaces.root, 0, max(1, spaces.root.keys), opened, order, facts)


def flat_rows(spaces: Namespaces, order: Order, facts: FactsOf) -> Parts:
    """All names that are kept, in one list."""
    names = list(spaces.names())
    yield None
    yield KeyRows(0, 0, (yield from _sorted(names, order, facts)))
    if (left := spaces.root.keys - len(names)) > 0:
        yield TreeRow(0, spaces.root.prefix, b"", keys=left, is_more=True)


def _sorted(names: list[bytes], order: Order, facts: FactsOf) -> Generator[None, None, list[bytes]]:
    """Names in an order; those of which nothing is known last: the largest first, the soonest to expire first."""
    names.sort()
    yield None
    if not order.needs_facts:
        return names
    place: dict[bytes, float | str] = {}
    for at in range(0, len(names), _AT_A_TIME):
        place.update((name, _place(order, facts(name))) for name in names[at : at + _AT_A_TIME])
        yield None
    names.sort(key=place.__getitem__)
    yield None
    return names


def _place(order: Order, known: KeyFacts | None) -> float | str:
    match order:
        case Order.SIZE:
            return -float(known.size_bytes) if known and known.size_bytes is not None else _LAST
        case Order.TTL:
            return float(known.ttl_ms) if known and known.ttl_ms is not None and known.ttl_ms >= 0 else _LAST
        case _:
            return known.kind if known and known.kind else "~"


def _inside(space: Namespace, depth: int, total: int, opened: Collection[bytes], order: Order, facts: FactsOf) -> Parts:
    inside, names = list(space.below.values()), list(space.names)
    left = space.keys - len(names) - sum(each.keys for each in inside)
    single = {each.prefix: name for each in inside if (name := _only_name(each)) is not None}
    below = [each for each in inside if each.prefix not in single]
    for each in largest_first(below) if order is Order.COUNT else sorted(below, key=_prefix):
        deepest = _joined(each)
        is_open = deepest.prefix in opened
        label = deepest.prefix[len(space.prefix) :]
        yield TreeRow(depth, deepest.prefix, label, True, is_open, deepest.keys, deepest.keys / total)
        if is_open:
            yield from _inside(deepest, depth + 1, total, opened, order, facts)
    yield KeyRows(depth, len(space.prefix), (yield from _sorted([*names, *single.values()], order, facts)))
    if left > 0:
        yield TreeRow(depth, space.prefix, b"", keys=left, is_more=True)


def _only_name(space: Namespace) -> bytes | None:
    """The name of the one key in a namespace that has no other: there is nothing to open in it."""
    if space.keys != 1:
        return None
    while space.below:
        space = next(iter(space.below.values()))
    return space.names[0] if space.names else None


def _joined(space: Namespace) -> Namespace:
    """A namespace that holds nothing but one other is shown together with it."""
    while len(space.below) == 1 and not space.own_keys and not space.folded:
        space = next(iter(space.below.values()))
    return space


def _prefix(space: Namespace) -> bytes:
    return space.prefix
