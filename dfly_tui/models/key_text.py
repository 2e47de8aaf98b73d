"""What people type about keys: values as text or with escapes, exactly, and when a key is to expire."""

import re
from datetime import UTC, datetime, timedelta

from dfly_tui.errors import BadInput
from dfly_tui.models.value_diff import REMOVED, SAME, line_changes
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

EXPIRY_HINT = "such as 90s, 45m, 2h, 1d 12h, or a date: 2026-12-24 18:00 (UTC)"

SHOWN_LINES = 40
SHOWN = 400
_AROUND = 40
_COMPARED = 64 << 10

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""What cannot be seen in an editor, or would be changed by it; line feeds and tabs are neither."""
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.|$)", re.DOTALL)
_LETTERS = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")


def editable(raw: bytes) -> tuple[str, bool]:
    """A value as it is edited.

    Returns:
        The text, and whether it has escapes: `\\xff` for bytes that are no text or cannot be seen, `\\\\` for `\\`.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None and not _UNSEEN.search(text):
        return text, False
    text = raw.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
    return _UNSEEN.sub(lambda match: "".join(f"\\x{byte:02x}" for byte in match.group().encode()), text), True


def edited(text: str, *, escaped: bool) -> bytes:
    """The bytes again; `edited(*editable(raw)) == raw` for all bytes.

    Raises:
        BadInput: An escape is none, or a letter is none.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise BadInput("there is half a letter in it", "delete it") from None
    return _ESCAPE.sub(_byte, raw) if escaped else raw


def _byte(match: re.Match[bytes]) -> bytes:
    word = match.group(1)
    if len(word) == 3:
        return bytes([int(word[1:], 16)])
    if word not in _LETTERS:
        raise BadInput(
            f"{safe(match.group(), limit=20)} is no escape", r"there are \xff (any byte), \n, \r, \t and \\ itself"
        )
    return _LETTERS[word]


def parse_expiry(typed: str, now: datetime) -> int:
    """When a key is to expire, from a span of time or a date, as Unix milliseconds.

    Raises:
        BadInput: It is neither, or not in the future.
    """
    try:
        at = _date(typed.strip(), now)
        milliseconds = int(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadInput(f"{safe(typed, limit=60)} is no time", EXPIRY_HINT) from None
    if at <= now:
        raise BadInput(f"{safe(typed, limit=60)} is not in the future", EXPIRY_HINT)
    return milliseconds


def _date(typed: str, now: datetime) -> datetime:
    span = _SPAN.fullmatch(typed.replace(" ", "").lower())
    if span is not None and any(span.groups()):
        days, hours, minutes, seconds = (int(number or 0) for number in span.groups())
        return now + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    found = datetime.fromisoformat(typed)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def date_text(at_ms: int | None) -> str:
    """An expiry as a date in UTC; `never` for None, a number where it is beyond all calendars."""
    if at_ms is None:
        return "never"
    try:
        return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms"


def difference(before: bytes | None, after: bytes | None) -> list[str]:
    """What is replaced by what, in lines for a dialog: `-` was, `+` is. None stands for nothing at all."""
    title = f"{_size(before)} → {_size(after)}"
    start = _first_difference(before or b"", after or b"")
    lines = [f"{sign} {safe(line, limit=SHOWN)}" for sign, line in _lines(before, after, start)]
    left_out = [f"… and {len(lines) - SHOWN_LINES:,} lines more"] if len(lines) > SHOWN_LINES else []
    return [title, *lines[:SHOWN_LINES], *left_out]


def _size(value: bytes | None) -> str:
    return "nothing" if value is None else bytes_text(len(value))


def _lines(before: bytes | None, after: bytes | None, start: int) -> list[tuple[str, str]]:
    """Whole lines where the values have short ones, else the stretch from where they differ."""
    texts = [(value or b"")[:_COMPARED].decode("utf-8", "backslashreplace") for value in (before, after)]
    if all(len(line) <= SHOWN for text in texts for line in text.split("\n")) and start < _COMPARED:
        old, new = (
            text.split("\n") if value is not None else [] for text, value in zip(texts, (before, after), strict=True)
        )
        return line_changes(old, new)
    cut = max(0, start - _AROUND)
    shown = [(sign, value[cut : cut + SHOWN]) for sign, value in ((REMOVED, before), ("+", after)) if value is not None]
    rows = [(sign, piece.decode("utf-8", "backslashreplace")) for sign, piece in shown]
    return [(SAME, f"from byte {cut:,} on:"), *rows] if cut else rows


def _first_difference(one: bytes, other: bytes) -> int:
    """The index of the first byte that differs."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def counted(number: int, thing: str) -> str:
    """A number with its noun."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
