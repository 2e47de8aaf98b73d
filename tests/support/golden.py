"""What real Dragonflies answered, byte for byte (`tests/data/golden`), one JSON object per line."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VERSIONS = ("1.22.2", "1.40.1")
_FOLDER = Path(__file__).parent.parent / "data" / "golden"


@dataclass(frozen=True)
class Exchange:
    """A command and its raw reply.

    Attributes:
        resp: The protocol version spoken.
    """

    command: tuple[str, ...]
    resp: int
    raw: bytes


@cache
def _rows(version: str) -> tuple[dict[str, object], ...]:
    text = gzip.decompress((_FOLDER / f"v{version}.jsonl.gz").read_bytes()).decode()
    return tuple(json.loads(line) for line in text.splitlines())


def exchanges(version: str, *command: str, resp: int | None = None) -> list[Exchange]:
    """The recorded exchanges whose command begins with these words (case-insensitive)."""
    wanted = tuple(word.upper() for word in command)
    return [
        each
        for each in _exchanges(version)
        if tuple(word.upper() for word in each.command[: len(wanted)]) == wanted and resp in (None, each.resp)
    ]


def _exchanges(version: str) -> Iterator[Exchange]:
    for row in _rows(version):
        if "send" in row:
            sent, resp, raw = row["send"], row["resp"], row["raw"]
            assert isinstance(sent, list)
            assert isinstance(resp, int)
            assert isinstance(raw, str)
            yield Exchange(tuple(sent), resp, raw.encode("latin-1"))


def metrics_pages(version: str) -> list[str]:
    """The recorded pages of /metrics."""
    return [str(row["body"]) for row in _rows(version) if "http" in row]
