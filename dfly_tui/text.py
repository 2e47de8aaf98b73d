"""Making text that came from a server fit to be shown.

Keys, values, client names, log lines and error texts may hold terminal escapes, markup, bidirectional overrides,
invalid UTF-8 or a megabyte without a blank. `safe()` is the one door through which they reach a screen; the bytes
themselves (what is copied or exported) never pass it.
"""

import re
from typing import NewType

from rich.cells import cell_len, set_cell_size

SafeText = NewType("SafeText", str)
"""Text that holds no control, escape or bidirectional character and is not too long."""

DEFAULT_LIMIT = 4096
"""Characters kept of one text; nothing on a screen needs more, and a value view pages through bytes instead."""

_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1 (ESC and CSI among them)
    "\u00ad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, line separators, bidirectional controls
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb"  # variation selectors, BOM, interlinear annotation
    "\ud800-\udfff"  # lone surrogates cannot be written to a terminal at all
    "\U000e0000-\U000e0fff]"  # tags and further variation selectors
)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe(raw: bytes | str, *, limit: int = DEFAULT_LIMIT) -> SafeText:
    """Make any server text displayable on one line.

    Args:
        raw: Bytes as received, or text already decoded.
        limit: The most characters kept; what is cut is replaced by "…".

    Returns:
        Text in which control, escape and bidirectional characters appear in visible form (`\\x1b`), invalid UTF-8
        as `\\xff`. Markup such as `[red]` stays: widgets show it with markup off.
    """
    if isinstance(raw, bytes):
        raw = raw[: limit * 4 + 4].decode("utf-8", "backslashreplace")
    text = _CONTROL.sub(_visible, raw[: limit + 1])
    return SafeText(text if len(text) <= limit else text[: limit - 1] + "…")


def safe_lines(raw: bytes | str, *, limit: int = DEFAULT_LIMIT) -> list[SafeText]:
    """`safe()` for text of several lines, such as a log or a report: line ends are kept, all else is made visible."""
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "backslashreplace")
    return [safe(line.rstrip("\r"), limit=limit) for line in raw.split("\n")]


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Cut or pad text to exactly `width` terminal cells (wide characters count two), "…" marking a cut."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)
