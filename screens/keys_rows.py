"""From what a scan counted to the rows of the tree, and of the flat list."""

from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum

from dfly_tui.models.keys import KeyFacts
from dfly_tui.models.namespaces import Namespace, Namespaces, largest_first
from widgets.keytree import TreeRow

FactsOf = Callable[[bytes], KeyFacts | None]


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


def tree_rows(spaces: Namespaces, opened: Collection[bytes], order: Order, facts: FactsOf) -> list[TreeRow]:
    """The tree, with what is in the namespaces that are open."""
    return list(_inside(spaces.root, 0, max(1, spaces.root.keys), opened, order, facts))


def flat_rows(spaces: Namespaces, order: Order, facts: FactsOf) -> list[TreeRow]:
    """All names that are kept, in one list."""
    names = [name for space in spaces.walk() for name in space.names]
    rows = [TreeRow(0, name, name) for name in sorted_names(names, order, facts)]
    if left := spaces.root.keys - len(names):
        rows.append(TreeRow(0, spaces.root.prefix, b"", keys=left, is_more=True))
    return rows


def sorted_names(names: Sequence[bytes], order: Order, facts: FactsOf) -> list[bytes]:
    """Names in an order; those of which nothing is known last: the largest first, the soonest to expire first."""

    def sizes(name: bytes) -> tuple[int, bytes]:
        known = facts(name)
        return (-known.size_bytes if known and known.size_bytes is not None else 1, name)

    def ttls(name: bytes) -> tuple[bool, int, bytes]:
        known = facts(name)
        ttl = known.ttl_ms if known and known.ttl_ms is not None else -1
        return (ttl < 0, ttl, name)

    def kinds(name: bytes) -> tuple[str, bytes]:
        known = facts(name)
        return (known.kind if known and known.kind else "~", name)

    match order:
        case Order.SIZE:
            return sorted(names, key=sizes)
        case Order.TTL:
            return sorted(names, key=ttls)
        case Order.TYPE:
            return sorted(names, key=kinds)
        case _:
            return sorted(names)


def _inside(
    space: Namespace, depth: int, total: int, opened: Collection[bytes], order: Order, facts: FactsOf
) -> Iterator[TreeRow]:
    single = {each.prefix: name for each in space.below.values() if (name := _only_name(each)) is not None}
    below = [each for each in space.below.values() if each.prefix not in single]
    for each in largest_first(below) if order is Order.COUNT else sorted(below, key=_prefix):
        deepest = _joined(each)
        is_open = deepest.prefix in opened
        label = deepest.prefix[len(space.prefix) :]
        yield TreeRow(depth, deepest.prefix, label, True, is_open, deepest.keys, deepest.keys / total)
        if is_open:
            yield from _inside(deepest, depth + 1, total, opened, order, facts)
    for name in sorted_names([*space.names, *single.values()], order, facts):
        yield TreeRow(depth, name, name[len(space.prefix) :])
    told = sum(each.keys for each in space.below.values()) + len(space.names)
    if left := space.keys - told:
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
