"""What changed between two readings of a value."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeVar

from dfly_tui.models.value import Element, Shape
from dfly_tui.models.value_loaded import Loaded

MOST_COMPARED = 1000
"""Lines or items compared pair by pair; of more that differ all of the old and all of the new are told."""
MOST_CHANGES = 2000
AROUND = 2
T = TypeVar("T", bound=Hashable)
ADDED, REMOVED, CHANGED, SAME = "+", "-", "~", " "


class Change(NamedTuple):
    """One difference: its sign and the bytes it is about."""

    sign: str
    label: bytes
    value: bytes = b""
    before: bytes = b""


def element_changes(before: Loaded, after: Loaded) -> list[Change]:
    """Elements added, removed and changed. Removed are only named where both readings were whole: an element that was
    not read may still be there."""
    if after.facts.shape is Shape.LIST:
        return _list_changes([_content(item) for item in before.elements], [_content(item) for item in after.elements])
    old, new = contents(before.elements), contents(after.elements)
    changes = [Change(CHANGED, key, value, old[key]) for key, value in new.items() if key in old and old[key] != value]
    if before.is_complete:
        changes += [Change(ADDED, key, value) for key, value in new.items() if key not in old]
    if after.is_complete:
        changes += [Change(REMOVED, key, value) for key, value in old.items() if key not in new]
    return changes[:MOST_CHANGES]


def contents(elements: Iterable[Element]) -> dict[bytes, bytes]:
    """What tells elements apart → all that can change about them."""
    return {item.identity: _content(item) for item in elements}


def _content(element: Element) -> bytes:
    """All that can change about an element."""
    if element.fields:
        return b" ".join(key + b"=" + value for key, value in element.fields)
    if element.label:
        return element.value if element.value is not None else element.note.encode()
    return element.note.encode()


def _list_changes(old: Sequence[bytes], new: Sequence[bytes]) -> list[Change]:
    return [Change(sign, b"%d" % at, item) for sign, at, item in _differences(old, new) if sign != SAME][:MOST_CHANGES]


def line_changes(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Lines with their signs, those that differ with two around them."""
    marked = [(sign, line) for sign, _, line in _differences(old, new)]
    near = {at + step for at, (sign, _) in enumerate(marked) if sign != SAME for step in range(-AROUND, AROUND + 1)}
    return [line for at, line in enumerate(marked) if at in near][:MOST_CHANGES]


def _differences(old: Sequence[T], new: Sequence[T]) -> Iterator[tuple[str, int, T]]:
    """Items with their signs and indexes; what both begin and end with is not compared pair by pair."""
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    yield from ((SAME, at, new[at]) for at in range(max(0, head - AROUND), head))
    yield from _middle(old[head : len(old) - tail], new[head : len(new) - tail], head)
    yield from ((SAME, at, new[at]) for at in range(len(new) - tail, min(len(new), len(new) - tail + AROUND)))


def _middle(old: Sequence[T], new: Sequence[T], first: int) -> Iterator[tuple[str, int, T]]:
    if max(len(old), len(new)) > MOST_COMPARED:  # comparing takes time by the square
        yield from ((REMOVED, first + at, item) for at, item in enumerate(old))
        yield from ((ADDED, first + at, item) for at, item in enumerate(new))
        return
    for word, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if word == "equal":
            yield from ((SAME, first + at, new[at]) for at in range(new_from, new_to))
        else:
            yield from ((REMOVED, first + at, old[at]) for at in range(old_from, old_to))
            yield from ((ADDED, first + at, new[at]) for at in range(new_from, new_to))
