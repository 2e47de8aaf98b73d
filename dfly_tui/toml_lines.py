"""Where a key stands in a TOML text, for error messages that name the line."""

import re
from collections import Counter
from collections.abc import Sequence

KeyPath = tuple[str | int, ...]
"""A key as validation names it: `("instances", 1, "url")`."""

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_KEY})\s*=")


def key_path_text(path: Sequence[str | int]) -> str:
    """A key path as a person writes it: `instances[1].docker.host`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line, counted from 1, of a key in a TOML text; of the nearest table around it where the key itself has no
    line of its own (it is missing, or inside an inline table), and None where even that is not there.

    The text is only looked at line by line, which a multi-line string can deceive: good enough for a message.
    """
    lines = _lines(text)
    for length in range(len(path), 0, -1):
        if (found := lines.get(tuple(path[:length]))) is not None:
            return found
    return None


def _lines(text: str) -> dict[KeyPath, int]:
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: Counter[str] = Counter()
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            table = _table(header, counts)
            found.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            parts = _parts(assignment[1])
            for length in range(1, len(parts) + 1):
                found.setdefault((*table, *parts[:length]), number)
    return found


def _table(header: re.Match[str], counts: Counter[str]) -> KeyPath:
    """The path of a table header; `[instances.docker]` belongs to the last of `[[instances]]`."""
    first, *rest = _parts(header[2])
    if header[1] == "[[":
        counts[first] += 1
    return (first, counts[first] - 1, *rest) if counts[first] else (first, *rest)


def _parts(key: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, key)]
