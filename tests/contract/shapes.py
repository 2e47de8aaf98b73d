"""The shape of an answer: what must be the same between two servers of one version, whatever their data."""

import re
from collections.abc import Mapping
from typing import TypeAlias

Tree: TypeAlias = "tuple[str, str] | tuple[str, bytes | None] | tuple[str, list[Tree]]"
Shape: TypeAlias = object

MARK = "dfly_tui_lab"
"""The one line of INFO that only the lab has."""
COUNTED = re.compile(r"(type_used_memory_|cmdstat_|unknown_|slave\d|db\d|rdb_(string|other|set|hash|list|zset))")
"""Fields of INFO that depend on the data."""
DATA_FAMILIES = re.compile(
    r"dragonfly_(type_used_memory|transaction_widths_total|stream_accesses_total|oom_errors_total)"
)
"""Metric families that are there only when there is something to tell."""
DATA_SAMPLES = {
    "dragonfly_expired_keys_total",
    "dragonfly_evicted_keys_total",
    "dragonfly_commands_total",
    "dragonfly_commands_duration_seconds",
}
"""Samples that are there once something of the kind has happened."""
DATA_LABELS = re.compile(r"\{(type|width|quantile|access_type|cmd)=")

AS_LONG_AS_IT_IS = {
    "SCAN",
    "HSCAN",
    "SSCAN",
    "ZSCAN",
    "KEYS",
    "SLOWLOG",
    "COMMAND",
    "ACL LIST",
    "ROLE",
    "SCRIPT",
    "SORT_RO",
}
"""Commands whose arrays are as long as the data, or in no order."""


def parse(raw: bytes) -> Tree:
    """The tree of a RESP reply."""
    tree, rest = _parse(raw)
    assert not rest, rest[:80]
    return tree


def _parse(raw: bytes) -> tuple[Tree, bytes]:
    line, _, rest = raw.partition(b"\r\n")
    kind, text = chr(line[0]), line[1:].decode("latin-1")
    if kind in "$=":
        if text == "-1":
            return (kind, None), rest
        return (kind, rest[: int(text)]), rest[int(text) + 2 :]
    if kind in "*%~>":
        items: list[Tree] = []
        for _ in range(max(0, int(text)) * (2 if kind == "%" else 1)):
            item, rest = _parse(rest)
            items.append(item)
        return (kind, items), rest
    return (kind, text), rest


def shape(send: tuple[str, ...], raw: bytes) -> Shape:
    """What is compared of the answer to a command."""
    tree = parse(raw)
    kind, value = tree
    words = [word.upper() for word in send]
    if kind in "-+" and words[:2] != ["DEBUG", "OBJECT"]:
        return tree
    text = value.decode("utf-8", "replace").removeprefix("txt:") if isinstance(value, bytes) else str(value)
    match words:
        case ["INFO", *_]:
            return kind, info_shape(text)
        case ["CONFIG", "GET", *_] | ["MEMORY", "STATS"] | ["HELLO", *_]:
            assert isinstance(value, list)
            return kind, sorted(str(name) for name in value[::2]), {_flat(item) for item in value[1::2]}
        case ["CLIENT", "LIST" | "INFO", *_]:
            return kind, {tuple(re.findall(r"(\S+?)=", line)) for line in text.splitlines() if "repl_" not in line}
        case ["SLOWLOG", "GET", *_]:
            assert isinstance(value, list)
            return kind, {tuple(map(_flat, entry)) for _, entry in value if isinstance(entry, list)}
        case ["DEBUG", "OBJECT", *_]:
            return kind, re.findall(r"(\S+):\S+", text) if kind == "+" else text
        case ["DEBUG", "SHARDS"]:
            return kind, re.findall(r"(?m)^(\w+):", text)
        case ["DEBUG" | "MEMORY", *_] if kind in "$=":
            return kind
    loose = bool(AS_LONG_AS_IT_IS & {words[0], " ".join(words[:2])})
    return _shape(tree, loose=loose)


def _shape(tree: Tree, *, loose: bool) -> Shape:
    kind, value = tree
    if isinstance(value, list):
        items = [_shape(item, loose=loose) for item in value]
        if loose and len(items) > 2:
            return kind, sorted({str(item) for item in items})
        return kind, items
    if kind in "+-" and not loose:
        return kind, re.sub(r"#[0-9a-f]{15}", "#", str(value))
    return (kind, "nil") if value is None else kind


def command_names(raw: bytes) -> frozenset[str]:
    """The names in a reply to COMMAND; none if it is an error."""
    _, entries = parse(raw)
    found: set[str] = set()
    for _, entry in entries if isinstance(entries, list) else []:
        assert isinstance(entry, list)
        name = entry[0][1]
        found.add(name.decode() if isinstance(name, bytes) else str(name))
    return frozenset(found)


def _flat(tree: Tree) -> str:
    return tree[0]


def info_shape(text: str) -> Mapping[str, list[str]]:
    """Section → the names of its fields, in order, without those that depend on the data."""
    sections: dict[str, list[str]] = {}
    names: list[str] = []
    for line in text.splitlines():
        if line.startswith("# "):
            names = sections.setdefault(line[2:], [])
        elif line:
            name = line.partition(":")[0]
            if not COUNTED.match(name) and name != MARK and "Errorstats" not in list(sections)[-1:]:
                names.append(name)
    return sections


def metrics_shape(body: str) -> Mapping[str, object]:
    """Family → its type; and the names of the samples."""
    families = re.findall(r"(?m)^# TYPE (\S+) (\S+)$", body)
    samples = {name for name, label in re.findall(r"(?m)^(dragonfly_\w+)([{ ]q?)", body) if label != "{q"}
    labels = {re.sub(r'"[^"]*"', '""', label) for label in re.findall(r"(?m)^dragonfly_\w+(\{[^}]*\})", body)}
    return {
        "families": [family for family in families if not DATA_FAMILIES.match(family[0])],
        "samples": sorted(name for name in samples if not DATA_FAMILIES.match(name) and name not in DATA_SAMPLES),
        "labels": sorted(label for label in labels if not DATA_LABELS.match(label)),
    }
