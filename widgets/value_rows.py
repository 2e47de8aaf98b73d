"""A value as lines: what is to be told of it, its elements, what they decode to. Pure functions."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.cells import cell_len, chop_cells

from dfly_tui.models.value import JSON_ROOT, Element, Shape, ValueFacts
from dfly_tui.models.value_diff import ADDED, CHANGED, REMOVED, Change
from dfly_tui.models.value_loaded import Loaded
from dfly_tui.text import fit, safe
from dfly_tui.units import MISSING, bytes_text, duration_text
from widgets.lines import Line, Run, fit_line

PREVIEW = 240
"""Characters of a value beside its label."""
_LABEL_SAMPLE = 200
_KEY = re.compile(r'( *)("(?:[^"\\]|\\.)*": |[0-9]+(?:: | \{))')
SIGN_STYLES = {ADDED: "ok", REMOVED: "critical", CHANGED: "warning"}


def head_lines(
    facts: ValueFacts | None, name: bytes, place: str, now: datetime, width: int, *, failed: bool = False
) -> list[Line]:
    """The name, and what is to be told of it.

    Args:
        place: The instance and database.
        now: The wall clock, for how long there is left.
        failed: Whether nothing can be told of it.
    """
    title = [Run(f" {safe(name, limit=400) or '(the empty name)'}", "strong")]
    where = f"{place} "
    room = width - cell_len(where) - 1
    lines = [fit_line([*fit_line(title, room), Run(" "), Run(where, "muted")] if room > 20 else title, width)]
    if facts is None:
        return [*lines, fit_line([Run(" nothing is known of it" if failed else " reading …", "muted")], width)]
    lines.append(fit_line([Run(" "), *_joined(_about(facts, now))], width))
    told = [f"{fact.name} {fact.value}" for fact in facts.facts if fact.section in _SHORT]
    groups = list(dict.fromkeys(fact.section[6:] for fact in facts.facts if fact.section.startswith("Group ")))
    told += [f"{len(groups)} {'group' if len(groups) == 1 else 'groups'}: {', '.join(groups)}"] if groups else []
    troubles = [f"{trouble.what}: {trouble.error.title.lower()}" for trouble in facts.troubles]
    if told or troubles:
        runs = _joined([*((text, "text") for text in told), *((text, "warning") for text in troubles)])
        lines.append(fit_line([Run(" "), *runs], width))
    return lines


_SHORT = {"HyperLogLog", "As a bitmap", "BF.INFO", "CF.INFO", "CMS.INFO", "TOPK.INFO"}


def _about(facts: ValueFacts, now: datetime) -> list[tuple[str, str]]:
    if facts.is_gone:
        return [("gone: it expired or was deleted", "warning")]
    words = [(facts.title, "title")]
    if facts.unit:
        number = MISSING if facts.count is None else f"{facts.count:,}"
        words.append((f"{number} {_unit(facts.unit, facts.count)}", "text"))
    if facts.memory_bytes is not None:
        memory = f"{bytes_text(facts.memory_bytes)} in memory" if facts.memory_bytes else "kept in the table itself"
        words.append((memory, "text"))
    if facts.encoding:
        words.append((facts.encoding, "muted"))
    return [*words, *_expiry(facts, now)]


def _unit(plural: str, count: int | None) -> str:
    """`fields`; of one, `field`."""
    if count != 1:
        return plural
    return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")


def _expiry(facts: ValueFacts, now: datetime) -> list[tuple[str, str]]:
    at = facts.expires_at
    if facts.expires is None:
        return []
    if not facts.expires:
        return [("does not expire", "muted")]
    if at is None:
        return [("expires beyond all calendars", "text")]
    left = (at - now).total_seconds()
    return [(f"expires {at:%Y-%m-%d %H:%M:%S} UTC", "text"), (f"in {duration_text(max(0.0, left))}", "text")]


def _joined(words: Sequence[tuple[str, str]]) -> list[Run]:
    runs: list[Run] = []
    for text, style in words:
        runs += [Run(" · ", "muted")] if runs else []
        runs.append(Run(text, style))
    return runs


def label_width(elements: Sequence[Element], width: int) -> int:
    """Cells for what elements are known by."""
    longest = max((cell_len(safe(each.label, limit=60)) for each in _sample(elements)), default=0)
    return min(longest, max(8, width * 2 // 5))


def note_width(elements: Sequence[Element]) -> int:
    """Cells for scores."""
    return min(24, max((cell_len(each.note) for each in _sample(elements)), default=0))


def _sample(elements: Sequence[Element]) -> Sequence[Element]:
    """Some at both ends: indexes and ids grow longer."""
    if len(elements) <= 2 * _LABEL_SAMPLE:
        return elements
    return [*elements[:_LABEL_SAMPLE], *elements[-_LABEL_SAMPLE:]]


def element_line(element: Element, shape: Shape, labels: int, notes: int, sign: str = "") -> Line:
    """One element; what is new or changed since the last reading has its sign in front."""
    runs = [Run(f"{sign} ", SIGN_STYLES.get(sign, "text"))] if sign else []
    if labels:
        runs.append(Run(f"{fit(safe(element.label, limit=200), labels)}  ", "key"))
    if shape in {Shape.ZSET, Shape.GEO}:
        runs.append(Run(f"{fit(element.note, notes, right=True)}  ", "muted"))
        if element.place:
            runs.append(Run(f"{element.place}  ", "title"))
    if element.fields:
        for field, value in element.fields:
            runs += [Run(f"{safe(field, limit=60)}=", "muted"), Run(f"{safe(value, limit=PREVIEW)} ")]
    elif element.value is not None:
        runs.append(Run(safe(element.value, limit=PREVIEW)))
    else:
        runs.append(Run(element.note, "muted"))
    return tuple(runs)


def wrapped(lines: Sequence[str], width: int) -> list[tuple[int, str]]:
    """Lines in pieces of at most `width` cells, each with the number of its line."""
    if width <= 0:
        return []
    pieces: list[tuple[int, str]] = []
    for at, line in enumerate(lines):
        if len(line) * 2 <= width or cell_len(line) <= width:
            pieces.append((at, line))
        else:
            pieces += [(at, piece) for piece in chop_cells(line, width)]
    return pieces


def text_line(text: str, wanted: str, *, keyed: bool) -> Line:
    """A line of a decoded value: keys in their colour, what is looked for marked."""
    runs: list[Run] = []
    match = _KEY.match(text) if keyed else None
    if match is not None:
        runs.append(Run(match.group(1)))
        runs += marked(match.group(2), wanted, "key")
        text = text[match.end() :]
    return (*runs, *marked(text, wanted))


def marked(text: str, wanted: str, style: str = "text") -> list[Run]:
    """Text with every place of what is looked for in another style."""
    if not wanted:
        return [Run(text, style)]
    parts = re.split(f"({re.escape(wanted)})", text, flags=re.IGNORECASE)
    return [Run(part, "warning" if at % 2 else style) for at, part in enumerate(parts) if part]


def change_lines(changes: Iterable[Change]) -> list[Line]:
    """Changes of elements, one a line."""
    lines: list[Line] = []
    for sign, label, value, before in changes:
        words = [Run(f"{sign} ", SIGN_STYLES.get(sign, "text")), Run(f"{safe(label, limit=PREVIEW)}  ", "key")]
        if sign == CHANGED:
            words += [Run(safe(before, limit=PREVIEW), "muted"), Run(" → ", "muted")]
        lines.append((*words, Run(safe(value, limit=PREVIEW))))
    return lines


def diff_lines(changes: Iterable[tuple[str, str]]) -> list[Line]:
    """Changed lines of a text, with those around them."""
    return [(Run(f"{sign} {text}", SIGN_STYLES.get(sign, "muted")),) for sign, text in changes]


def progress(loaded: Loaded, *, searching: bool) -> str:
    """How much was read, in a sentence."""
    facts = loaded.facts
    total = MISSING if facts.count is None else f"{facts.count:,}"
    if loaded.data is not None:
        return _data_progress(loaded, total)
    if facts.shape is Shape.OTHER:
        return "its elements cannot be listed"
    unit = facts.unit if loaded.facts.shape is not Shape.JSON else "items"
    read = (
        f"{loaded.looked_at:,} of {total} {unit} read"
        if loaded.path == JSON_ROOT
        else f"{loaded.looked_at:,} {unit} read"
    )
    if loaded.wanted:
        count = len(loaded.shown)
        found = f"{count:,} {'match' if count == 1 else 'matches'} in {read}"
        rest = ", reading on …" if searching else ("; Enter reads on" if loaded.next is not None else "")
        return found + rest
    if loaded.is_full and loaded.next is not None:
        return f"{read}; no more are kept: / finds the others"
    return read + ("; scroll for more" if loaded.next is not None else "")


def _data_progress(loaded: Loaded, total: str) -> str:
    data = loaded.data or b""
    if loaded.facts.shape is Shape.JSON:
        return f"{len(data):,} bytes of JSON"
    end = loaded.start + len(data)
    if loaded.next is None and not loaded.start:
        return f"all {end:,} {_unit('bytes', end)}"
    return f"bytes {loaded.start:,} to {end:,} of {total}" + ("; scroll for more" if loaded.next is not None else "")


def fact_lines(facts: ValueFacts) -> list[Line]:
    """All that is told of a key, and what was not told and why."""
    rows = [("Key", "type", facts.kind), ("Key", "encoding", facts.encoding or MISSING)]
    rows += [("Key", "bytes in memory", MISSING if facts.memory_bytes is None else f"{facts.memory_bytes:,}")]
    ttl = {None: MISSING, -1: "none"}.get(facts.ttl_ms, f"{facts.ttl_ms or 0:,} ms")
    rows += [("Key", "time to live", ttl), ("Key", "read at", f"{facts.read_at:%Y-%m-%d %H:%M:%S} UTC")]
    rows += [("Key", facts.unit, f"{facts.count:,}")] if facts.count is not None else []
    rows += [(fact.section, fact.name, fact.value) for fact in facts.facts]
    lines: list[Line] = []
    section = ""
    for heading, name, value in rows:
        if heading != section:
            section = heading
            lines.append((Run(heading, "title"),))
        lines.append((Run(f"  {fit(name, 28)} ", "muted"), Run(value)))
    if facts.troubles:
        lines.append((Run("Not told", "title"),))
    for what, error in facts.troubles:
        lines.append((Run(f"  {fit(what, 28)} ", "muted"), Run(str(error), "warning")))
        lines += [(Run(f"  {' ' * 28} {error.hint}", "muted"),)] if error.hint else []
    return lines
