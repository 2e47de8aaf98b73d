"""The words that a view is declared with: key patterns with placeholders, and columns."""

from enum import StrEnum
from string import Formatter
from typing import NamedTuple


class ColumnKind(StrEnum):
    """What a column tells of a key."""

    PLACEHOLDER = "placeholder"
    FIELD = "field"
    SINCE = "since"
    TTL = "ttl"
    TYPE = "type"
    SIZE = "size"
    LENGTH = "length"
    TREND = "trend"


BARE = (ColumnKind.TTL, ColumnKind.TYPE, ColumnKind.SIZE, ColumnKind.LENGTH, ColumnKind.TREND)
"""Kinds that are written as one word."""
TITLES = {ColumnKind.SINCE: "age", ColumnKind.TTL: "TTL"}


class Column(NamedTuple):
    """One column.

    Attributes:
        names: The placeholder; the field; the fields of which the first that is there holds the time.
        title: Stands above it.
    """

    kind: ColumnKind
    names: tuple[str, ...]
    title: str


class Part(NamedTuple):
    """What stands between two delimiters of a pattern: text, and at most one placeholder in it."""

    before: str
    placeholder: str = ""
    after: str = ""


def placeholders(pattern: str) -> tuple[str, ...]:
    """The placeholders of a pattern, in their order.

    Raises:
        ValueError: A brace is not closed, or what is in it is no name; in words for the person who wrote it.
    """
    found: list[str] = []
    for _, name in _pieces(pattern):
        if name is None:
            continue
        if not name.isidentifier():
            raise ValueError(f"{{{name}}} is no name: letters, digits and _; write {{{{ for a brace")
        if name in found:
            raise ValueError(f"{{{name}}} stands in it twice")
        found.append(name)
    return tuple(found)


def pattern_parts(pattern: str, delimiter: str) -> tuple[Part, ...]:
    """A pattern taken apart at its delimiters. Raises ValueError as `placeholders()` does."""
    placeholders(pattern)
    return tuple(map(_part, pattern.split(delimiter)))


def _part(text: str) -> Part:
    before, placeholder, after = "", "", ""
    for words, name in _pieces(text):
        if placeholder:
            after += words
        else:
            before += words
        if name is not None:
            if placeholder:
                raise ValueError(f"{{{placeholder}}} and {{{name}}} need a delimiter between them")
            placeholder = name
    return Part(before, placeholder, after)


def _pieces(text: str) -> list[tuple[str, str | None]]:
    """Pairs of plain text and the placeholder behind it."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ or }}}} for a brace itself") from None
    return [
        (words, None if name is None else name + (f"!{kind}" if kind else "") + (f":{more}" if more else ""))
        for words, name, more, kind in parsed
    ]


def parse_column(text: str, known: tuple[str, ...]) -> Column:
    """A column as it is declared: `agent`, `field:status`, `since:completed_at,timestamp as age`, `ttl`.

    Args:
        known: The placeholders there are. One called `ttl` hides the column of that name.

    Raises:
        ValueError: It is none of these.
    """
    said, _, title = (word.strip() for word in text.partition(" as "))
    kind, colon, rest = said.partition(":")
    if said in known:
        return Column(ColumnKind.PLACEHOLDER, (said,), title or said)
    if said in BARE:
        return Column(ColumnKind(said), (), title or TITLES.get(ColumnKind(said), said))
    if colon and kind == ColumnKind.FIELD and rest:
        return Column(ColumnKind.FIELD, (rest,), title or rest)
    if colon and kind == ColumnKind.SINCE and rest:
        names = tuple(name.strip() for name in rest.split(","))
        if all(names):
            return Column(ColumnKind.SINCE, names, title or TITLES[ColumnKind.SINCE])
    words = ", ".join([*known, "field:NAME", "since:FIELD", *BARE])
    raise ValueError(f"{said} is no column; there are {words}")
