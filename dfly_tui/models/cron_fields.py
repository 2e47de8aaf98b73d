"""One field of a cron expression, read as croncpp reads it, with all that it lets pass."""

import re
from itertools import pairwise
from typing import Final, NamedTuple

from dfly_tui.text import safe


class Field(NamedTuple):
    """One of the five.

    Attributes:
        names: Words for the numbers from `first_name` on.
        may_be_any: `?` is `*` here.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0
    may_be_any: bool = False


_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS: Final = ("NIL", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
FIELDS: Final = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31, may_be_any=True),
    Field("month", 1, 12, _MONTHS),
    Field("day of week", 0, 6, _DAYS, may_be_any=True),
)
_NUMBER = re.compile(r"[ \t\n\v\f\r]*(?P<sign>[+-]?)(?P<digits>[0-9]+)")
_BYTE = 256
"""It keeps a number in eight bits, whatever was written."""
_LONG = 1 << 64


class BadField(ValueError):
    """What is wrong with a field.

    Attributes:
        server: In croncpp's words.
    """

    def __init__(self, detail: str, hint: str, server: str) -> None:
        super().__init__(detail)
        self.detail, self.hint, self.server = detail, hint, server


def parse(field: Field, text: str) -> tuple[frozenset[int], list[str]]:
    """The values it stands for, and what croncpp takes otherwise than it says.

    Raises:
        BadField: It is refused.
    """
    plain = _with_numbers(field, text)
    if field.may_be_any and plain == "?":
        plain = "*"
    remarks: list[str] = []
    if plain.endswith(","):
        raise BadField(f"“{safe(text, limit=60)}” ends with a comma", "leave it away", "Value cannot end with comma")
    values: set[int] = set()
    for item in plain.split(","):
        values |= _item(field, item, remarks)
    whole = f"“{safe(text, limit=60)}”: " if plain != text else ""
    return frozenset(values), [whole + remark for remark in remarks]


def _with_numbers(field: Field, text: str) -> str:
    """Numbers for names: croncpp replaces each name once."""
    if not field.names:
        return text
    text = text.upper()
    for number, name in enumerate(field.names):
        text = text.replace(name, str(number), 1)
    return text


def _item(field: Field, item: str, remarks: list[str]) -> set[int]:
    span, slash, step = item.partition("/")
    if not slash:
        first, last = _span(field, item, remarks)
        return set(range(first, last + 1))
    if not step or "/" in step.removesuffix("/"):
        raise BadField(
            f"“{_shown(item)}” is no step", f"write */5, {field.low}-{field.high}/5", "Incrementer must have two fields"
        )
    first, last = _span(field, span, remarks)
    if "-" not in span:
        last = field.high
    delta = _number(field, step.removesuffix("/"), remarks)
    if delta == 0:
        raise BadField(f"a step of 0 in “{_shown(item)}”", "1 or more", "Incrementer must be a positive value")
    found, at = set(), first - field.low
    while at <= last - field.low:
        found.add(at + field.low)
        at = (at + delta) % _BYTE
        if at + field.low in found:
            break
    return found


def _span(field: Field, text: str, remarks: list[str]) -> tuple[int, int]:
    if text == "*":
        return field.low, field.high
    if "-" in text:
        parts = text.removesuffix("-").split("-")
        if len(parts) != 2:
            hint = f"write {field.low}-{field.high}"
            raise BadField(f"“{_shown(text)}” is no range", hint, "Specified range requires two fields")
        first, last = (_number(field, part, remarks) for part in parts)
    else:
        first = last = _number(field, text, remarks)
    _check(field, text, first, last)
    return first, last


def _check(field: Field, text: str, first: int, last: int) -> None:
    shown = _shown(text)
    within = f"{field.low} to {field.high}"
    if max(first, last) > field.high:
        hint = "Sunday is 0 (or SUN)" if field.names is _DAYS and max(first, last) == 7 else within
        raise BadField(f"“{shown}” is too high", hint, "Specified range exceeds maximum")
    if min(first, last) < field.low:
        raise BadField(f"“{shown}” is too low", within, "Specified range is less than minimum")
    if first > last:
        hint = f"a range goes upwards: {first}-{field.high},{field.low}-{last}"
        raise BadField(f"“{shown}” goes backwards", hint, "Specified range start exceeds range end")


def _number(field: Field, text: str, remarks: list[str]) -> int:
    """As std::stoul reads it: what follows the digits is ignored; and into eight bits."""
    match = _NUMBER.match(text)
    value = int(match["digits"]) if match and len(match["digits"]) <= 40 else _LONG
    if match is None or value >= _LONG:
        raise BadField(f"“{_shown(text)}” is no number", _instead(field, text), "stoul")
    taken = (-value if match["sign"] == "-" else value) % _BYTE
    if match.group() != text or taken != value:
        remarks.append(f"“{_shown(text)}” is taken for {taken}")
    return taken


def _instead(field: Field, text: str) -> str:
    if text.startswith("@"):
        return "names such as @daily are not taken; write 0 0 * * *"
    if text in {"?", "L", "W", "LW"} or "#" in text:
        return f"there is no {_shown(text)} here; write a number or *"
    if field.names:
        names = field.names[1:] if field.names is _MONTHS else field.names
        return f"{field.low} to {field.high}, or {names[0]} to {names[-1]}, each name once"
    return f"{field.low} to {field.high}, *, a range 1-5, a list 1,5, a step */5"


def _shown(text: str) -> str:
    return safe(text, limit=40)


def written(field: Field, values: frozenset[int]) -> str:
    """The values as a field that means exactly these: as short as it goes."""
    ordered = sorted(values)
    size = field.high - field.low + 1
    if len(ordered) == size:
        return "*"
    gaps = {later - earlier for earlier, later in pairwise(ordered)}
    if len(gaps) == 1:
        [gap] = gaps
        if gap == 1 and len(ordered) > 2:
            return f"{ordered[0]}-{ordered[-1]}"
        # Only where it goes on evenly: */7 minutes are 4 minutes apart at the turn of the hour.
        if field.low == 0 and ordered[0] == 0 and gap * len(ordered) == size:
            return f"*/{gap}"
    return ",".join(map(str, ordered))
