"""What a person types to find keys: `user:* type:hash ttl<1h size>64k`."""

import re

from dfly_tui.errors import BadInput
from dfly_tui.models.keys import BLOOM, JSON, KINDS, ZSET, Access, KeyFilter, literal
from dfly_tui.text import safe

HINT = "such as: user:* type:hash ttl<1h size>64k ttl:none used unused; quote a pattern that holds blanks"

_KIND_WORDS = {kind.lower(): kind for kind in KINDS} | {
    "json": JSON,
    "bloom": BLOOM,
    "sortedset": ZSET,
    "sorted-set": ZSET,
}
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_BOUND = re.compile(r"(ttl|size)(<|>=|>)(.+)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]?)(?:i?b)?", re.IGNORECASE)
_GLOB = re.compile(r"[*?\[\\]")
_BYTE = re.compile(rb"(?<!\\)((?:\\\\)*)\\x([0-9a-fA-F]{2})")
_BYTE_TEXT = re.compile(_BYTE.pattern.decode())


def parse_query(text: str) -> KeyFilter:
    """What was typed as a filter; nothing typed is all keys. A pattern without `*`, `?` or `[` may stand anywhere.

    Raises:
        BadInput: A word is none of these.
    """
    found: dict[str, object] = {}
    for match in _WORD.finditer(text):
        quoted, bare = match.groups()
        wanted = _pattern(quoted.replace('\\"', '"')) if quoted is not None else _meaning(bare)
        for key in wanted:
            if key in found:
                raise BadInput(f"the filter says {_SAID[key]} twice", HINT)
        found |= wanted
    return KeyFilter.model_validate(found)


_SAID = {
    "pattern": "a pattern",
    "kind": "type:",
    "expires": "ttl:",
    "ttl_below_seconds": "ttl<",
    "ttl_above_seconds": "ttl>",
    "min_bytes": "size>",
    "access": "used or unused",
}


def _meaning(word: str) -> dict[str, object]:
    lower = word.lower()
    if lower.startswith("type:"):
        return {"kind": _kind(lower[5:])}
    if lower in {"ttl:none", "ttl:some"}:
        return {"expires": lower == "ttl:some"}
    if lower in {"used", "unused"}:
        return {"access": Access.TOUCHED if lower == "used" else Access.UNTOUCHED}
    if bound := _BOUND.fullmatch(word):
        return _bound(*bound.groups())
    return _pattern(word)


def _pattern(text: str) -> dict[str, object]:
    """A byte that is no text is written as names are shown, `\\xff`; `\\\\x` is a backslash and an x."""
    raw = _BYTE.sub(_byte, text.encode("utf-8", "surrogateescape"))
    return {"pattern": raw if _GLOB.search(_BYTE_TEXT.sub("", text)) else b"*" + raw + b"*"}


def _byte(match: re.Match[bytes]) -> bytes:
    return match[1] + literal(bytes.fromhex(match[2].decode()))


def _kind(word: str) -> str:
    if word not in _KIND_WORDS:
        raise BadInput(f"there is no type {safe(word, limit=40)}", f"there are {', '.join(sorted(_KIND_WORDS))}")
    return _KIND_WORDS[word]


def _bound(what: str, sign: str, amount: str) -> dict[str, object]:
    if what.lower() == "size":
        if sign == "<":
            raise BadInput("only keys of at least a size can be looked for", "write size>64k")
        return {"min_bytes": int(_number(amount, _BYTES, "64k"))}
    return {"ttl_below_seconds" if sign == "<" else "ttl_above_seconds": _number(amount, _SECONDS, "90s, 5m, 2h")}


def _number(text: str, units: dict[str, int], example: str) -> float:
    match = _AMOUNT.fullmatch(text)
    if match is None or match[2].lower() not in units:
        raise BadInput(f"{safe(text, limit=40)} is no amount", f"write it as {example}")
    return float(match[1]) * units[match[2].lower()]


def _amount(number: float, units: dict[str, int]) -> str:
    """As `_number()` takes it, in the largest unit of which it is a whole number: `28h`, not `100800`."""
    for unit, size in sorted(units.items(), key=lambda each: -each[1]):
        if number and number % size == 0:
            return f"{int(number) // size}{unit if size > 1 else ''}"
    return f"{number:g}"


def query_text(wanted: KeyFilter) -> str:
    """A filter as it is typed."""
    words = []
    if wanted.pattern:
        text = safe(wanted.pattern, limit=200)
        words.append(f'"{text}"' if " " in text else text)
    if wanted.kind:
        words.append(f"type:{wanted.kind}")
    if wanted.expires is not None:
        words.append("ttl:some" if wanted.expires else "ttl:none")
    if wanted.ttl_below_seconds is not None:
        words.append(f"ttl<{_amount(wanted.ttl_below_seconds, _SECONDS)}")
    if wanted.ttl_above_seconds is not None:
        words.append(f"ttl>{_amount(wanted.ttl_above_seconds, _SECONDS)}")
    if wanted.min_bytes:
        words.append(f"size>{_amount(wanted.min_bytes, _BYTES)}")
    if wanted.access is not Access.ANY:
        words.append("used" if wanted.access is Access.TOUCHED else "unused")
    return " ".join(words)
