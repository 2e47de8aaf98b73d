"""The recordings of the two real servers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "recordings"
VERSIONS = {"1.22": "v1.22.2", "1.40": "v1.40.1"}


@dataclass(frozen=True)
class Exchange:
    """One question and its answer: a command, or an HTTP request.

    Attributes:
        after: The remark of the recorder that came last.
    """

    node: str
    send: tuple[str, ...] = ()
    raw: bytes = b""
    protocol: int = 2
    note: str = ""
    after: str = ""
    path: str = ""
    auth: str | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def __str__(self) -> str:
        return f"GET {self.path} as {self.auth}" if self.path else f"{' '.join(self.send)} (RESP{self.protocol})"


def load(flavour: str, name: str) -> Iterator[Exchange]:
    """The exchanges of one file, in order; what did not come to an answer is left out."""
    after = ""
    for line in (FOLDER / VERSIONS[flavour] / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]:
        entry = json.loads(line)
        after = entry.get("event", after)
        if "status" in entry:
            yield Exchange(
                entry["node"],
                path=entry["http"],
                auth=entry["auth"],
                status=entry["status"],
                headers=entry["headers"],
                body=entry["body"],
                after=after,
            )
        elif entry.get("resp") and "raw" in entry:
            raw, note = entry["raw"].encode("latin-1"), entry.get("note", "")
            yield Exchange(entry["node"], tuple(entry["send"]), raw, entry["resp"], note, after)
