"""Views: which keys a view is of, and its rows and columns. What a key holds is bytes here, and text only in cells."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import groupby
from typing import NamedTuple, Self

from dfly_tui.models.keys import literal
from dfly_tui.settings_views import ViewConfig
from dfly_tui.text import SafeText, safe
from dfly_tui.view_words import Column, ColumnKind, Part, pattern_parts

MOST_ROWS = 20_000
"""Keys that a view shows; of more it says that there are more."""
TREND_LOOKS = 60
"""Lengths that are remembered of a key."""
SHOWN_CHARACTERS = 200
"""Of a field's value."""
_TTL_TOLERANCE_MS = 1000
_ORDERED_BYTES = 200
"""Of a name, numbers in it are compared as numbers so far."""

_NUMBER = re.compile(rb"0*(\d+)")


@dataclass(frozen=True)
class KeyPattern:
    """`tef:state:{issue}:{phase}`, for names in bytes. A placeholder is one part between delimiters, and not empty."""

    parts: tuple[Part, ...]
    delimiter: bytes

    @classmethod
    def parse(cls, text: str, delimiter: str) -> Self:
        """Raises ValueError as `view_words.pattern_parts()` does."""
        return cls(pattern_parts(text, delimiter), delimiter.encode())

    def match(self, name: bytes) -> dict[str, bytes] | None:
        """What stands for the placeholders in a name; None when it is not of this pattern."""
        pieces = name.split(self.delimiter, len(self.parts))
        if len(pieces) != len(self.parts):
            return None
        found: dict[str, bytes] = {}
        for part, piece in zip(self.parts, pieces, strict=True):
            before, after = part.before.encode(), part.after.encode()
            if not part.placeholder:
                if piece != before:
                    return None
                continue
            if len(piece) <= len(before) + len(after) or not piece.startswith(before) or not piece.endswith(after):
                return None
            found[part.placeholder] = piece[len(before) : len(piece) - len(after)]
        return found

    def glob(self, known: Mapping[str, bytes] | None = None) -> bytes:
        """A pattern for MATCH that fits these keys, and perhaps others.

        Args:
            known: What some placeholders stand for; the others may be anything.
        """
        pieces = []
        for before, placeholder, after in self.parts:
            value = (known or {}).get(placeholder)
            middle = b"" if not placeholder else b"*" if value is None else literal(value)
            pieces.append(literal(before.encode()) + middle + literal(after.encode()))
        while len(pieces) > 1 and pieces[-1] == pieces[-2] == b"*":
            pieces.pop()
        return literal(self.delimiter).join(pieces)


class KeyOfView(NamedTuple):
    """A name that a view shows.

    Attributes:
        pattern: Which of the view's patterns it fits.
        values: What the view's placeholders stand for, in their order.
        group: The values that it is grouped by.
        order: To sort by: numbers in names as numbers. Bytes: of many objects the garbage collector would hold the
            program up.
    """

    name: bytes
    pattern: int
    values: tuple[bytes, ...]
    group: tuple[bytes, ...]
    order: bytes


@dataclass(frozen=True)
class View:
    """A view as it is configured, ready for use."""

    name: str
    patterns: tuple[KeyPattern, ...]
    placeholders: tuple[str, ...]
    group_by: tuple[str, ...]
    columns: tuple[Column, ...]
    sort: int | None
    descending: bool
    refresh_seconds: float

    @classmethod
    def of(cls, config: ViewConfig) -> Self:
        """A view that was checked when the configuration was read."""
        columns = config.parsed_columns
        titles = [column.title for column in columns]
        return cls(
            name=config.name,
            patterns=tuple(KeyPattern.parse(pattern, config.delimiter) for pattern in config.patterns),
            placeholders=config.placeholders,
            group_by=config.group_by,
            columns=columns,
            sort=titles.index(config.sort.removeprefix("-")) if config.sort else None,
            descending=config.sort.startswith("-"),
            refresh_seconds=config.refresh_seconds,
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that its columns need, each once."""
        kinds = {ColumnKind.FIELD, ColumnKind.SINCE}
        return tuple(dict.fromkeys(name for column in self.columns if column.kind in kinds for name in column.names))

    def shows(self, *kinds: ColumnKind) -> bool:
        """Whether it has a column of one of these kinds."""
        return any(column.kind in kinds for column in self.columns)

    def key(self, name: bytes) -> KeyOfView | None:
        """What a name is in this view; None when it is none of its keys."""
        for index, pattern in enumerate(self.patterns):
            values = pattern.match(name)
            if values is not None:
                group = tuple([values[each] for each in self.group_by])
                rest = [values[each] for each in self.placeholders if each not in self.group_by]
                order = b"\0".join(map(natural, [*group, *rest, name]))
                return KeyOfView(name, index, tuple([values[each] for each in self.placeholders]), group, order)
        return None

    def value(self, key: KeyOfView, placeholder: str) -> bytes:
        """What a placeholder stands for in a name."""
        return key.values[self.placeholders.index(placeholder)]

    def heading_words(self, heading: "Heading") -> SafeText:
        """`LAW-123 · planning · 3 agents`."""
        group, count = heading.key.group, heading.rows
        rest = [name for name in self.placeholders if name not in self.group_by]
        what = rest[0] if len(rest) == 1 else "key"
        return safe(
            " · ".join(
                [*(safe(value, limit=SHOWN_CHARACTERS) for value in group), f"{count:,} {what}{'s' * (count != 1)}"]
            )
        )

    def pattern_of_first_group(self, key: KeyOfView) -> bytes | None:
        """A glob for all keys that share the first thing they are grouped by, such as an issue; None without groups."""
        if not self.group_by:
            return None
        first = self.group_by[0]
        return self.patterns[key.pattern].glob({first: self.value(key, first)})


def natural(raw: bytes) -> bytes:
    """To sort by: `LAW-9` before `LAW-10`."""
    return _NUMBER.sub(lambda digits: b"0%c%b" % (min(255, len(digits[1])), digits[1]), raw[:_ORDERED_BYTES])


class Told(Enum):
    """What a cell is."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    """`number` is the moment, in seconds since 1970."""
    TTL = "ttl"
    """`number` is what PTTL said."""
    TREND = "trend"
    MISSING = "missing"
    LONG = "long"
    """Too long to be read."""
    TROUBLE = "trouble"
    GONE = "gone"


class Cell(NamedTuple):
    """What a column tells of a key.

    Attributes:
        text: Fit to be shown; empty where it depends on the time.
        trend: Lengths, the oldest first; None where a look failed.
    """

    told: Told
    text: str = ""
    number: float | None = None
    trend: tuple[int | None, ...] = ()


MISSING_CELL = Cell(Told.MISSING)
GONE_CELL = Cell(Told.GONE, "gone")


class Facts(NamedTuple):
    """What a server told of one key for a view.

    Attributes:
        kind: As TYPE says it; `none` when the key is gone.
        ttl_ms: As PTTL says it.
        size, length: In bytes, in elements; None when not asked.
        fields: By name.
    """

    kind: str
    ttl_ms: Cell = MISSING_CELL
    size: Cell = MISSING_CELL
    length: Cell = MISSING_CELL
    fields: Mapping[str, Cell] = {}


class Row(NamedTuple):
    """One key with its columns.

    Attributes:
        read_at: In the clock's monotonic seconds.
        words: What a filter looks for, in small letters.
    """

    key: KeyOfView
    cells: tuple[Cell, ...]
    read_at: float
    is_gone: bool
    words: str

    @property
    def has_trouble(self) -> bool:
        return any(cell.told is Told.TROUBLE for cell in self.cells)


def as_before(old: Row, new: Row) -> Row:
    """The old row where the new one says the same: thousands of rows that stay need not be made and sorted anew."""
    cells = zip(old.cells, new.cells, strict=True)
    passed = (new.read_at - old.read_at) * 1000
    return old if old.words == new.words and all(_says_same(*both, passed) for both in cells) else new


def _says_same(old: Cell, new: Cell, passed_ms: float) -> bool:
    if old.told is Told.TTL and new.told is Told.TTL and (old.number or 0) > 0:
        return abs((old.number or 0) - passed_ms - (new.number or 0)) < _TTL_TOLERANCE_MS
    return old == new


class Heading(NamedTuple):
    """What stands above the rows of one group.

    Attributes:
        key: One of the group's.
        rows: How many there are.
    """

    key: KeyOfView
    rows: int


def row_of(view: View, key: KeyOfView, facts: Facts, *, read_at: float, trend: Sequence[int | None] = ()) -> Row:
    """The row of a key, of what was told of it."""
    is_gone = facts.kind == "none"
    cells = tuple(_cell(view, column, key, facts, is_gone, trend) for column in view.columns)
    words = " ".join([safe(key.name, limit=1000), *(cell.text for cell in cells)]).casefold()
    return Row(key, cells, read_at, is_gone, words)


def _cell(view: View, column: Column, key: KeyOfView, facts: Facts, is_gone: bool, trend: Sequence[int | None]) -> Cell:
    match column.kind:
        case ColumnKind.PLACEHOLDER:
            return Cell(Told.TEXT, safe(view.value(key, column.names[0]), limit=SHOWN_CHARACTERS))
        case ColumnKind.TREND:
            latest = trend[-1] if trend else None
            return Cell(Told.TREND, number=latest, trend=tuple(trend))
        case _ if is_gone:
            return GONE_CELL
        case ColumnKind.FIELD:
            return facts.fields.get(column.names[0], MISSING_CELL)
        case ColumnKind.SINCE:
            return _since(column, facts)
        case ColumnKind.TTL:
            return facts.ttl_ms
        case ColumnKind.TYPE:
            return Cell(Told.TEXT, safe(facts.kind, limit=20))
        case ColumnKind.SIZE:
            return facts.size
        case ColumnKind.LENGTH:
            return facts.length


def _since(column: Column, facts: Facts) -> Cell:
    """The moment that the first of some fields tells of."""
    cells = (facts.fields.get(name, MISSING_CELL) for name in column.names)
    cell = next((cell for cell in cells if cell.told is not Told.MISSING), MISSING_CELL)
    if cell.told is not Told.TEXT:
        return cell
    moment = parse_time(cell.text)
    if moment is None:
        return Cell(Told.TROUBLE, f"✗ no time: {cell.text}"[:SHOWN_CHARACTERS])
    return Cell(Told.TIME, number=moment)


def parse_time(text: str) -> float | None:
    """An ISO time, in seconds since 1970; without a zone it is in UTC, as `datetime.utcnow().isoformat()` writes it."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def arrange(
    view: View,
    rows: Sequence[Row],
    *,
    sort: int | None,
    descending: bool,
    wanted: str = "",
    folded: Collection[tuple[bytes, ...]] = (),
) -> list[Row | Heading]:
    """Rows as they are listed, under headings where the view groups them.

    Args:
        sort: Index of the column; None for names.
        wanted: Only rows with this text in their name or a cell.
        folded: Groups of which only the heading is listed.
    """
    found = [row for row in rows if wanted.casefold() in row.words] if wanted else list(rows)
    found.sort(key=lambda row: row.key.order)
    if sort is not None:
        column = view.columns[sort]
        known = [row for row in found if _is_known(row.cells[sort])]
        rest = [row for row in found if not _is_known(row.cells[sort])]
        if column.kind in {ColumnKind.PLACEHOLDER, ColumnKind.FIELD, ColumnKind.TYPE}:
            known.sort(key=lambda row: natural(row.cells[sort].text.casefold().encode()), reverse=descending)
        else:
            known.sort(key=lambda row: _cell_order(row.cells[sort]), reverse=descending)
        found = known + rest
    if not view.group_by:
        return [*found]
    groups = {row.key.group for row in found}
    ranks = {group: rank for rank, group in enumerate(sorted(groups, key=lambda group: (*map(natural, group), group)))}
    found.sort(key=lambda row: ranks[row.key.group])
    return list(_grouped(found, folded))


def _grouped(rows: Sequence[Row], folded: Collection[tuple[bytes, ...]]) -> Iterator[Row | Heading]:
    for group, of_group in groupby(rows, key=lambda row: row.key.group):
        members = list(of_group)
        yield Heading(members[0].key, len(members))
        if group not in folded:
            yield from members


def _is_known(cell: Cell) -> bool:
    return cell.told in {Told.TEXT, Told.TIME, Told.TTL} or cell.number is not None


def _cell_order(cell: Cell) -> float:
    number = cell.number or 0.0
    if cell.told is Told.TIME:
        return -number  # by age: what is youngest first
    return float("inf") if cell.told is Told.TTL and number < 0 else number
