"""Snapshot files as a folder or bucket lists them, and the sets they make (facts §3.3).

A set is one `base.rdb`, or `base-0000.dfs` … with `base-summary.dfs`; a copy of ours may be encrypted, which shows as a
further ending. Nothing but the whole set is of any use.
"""

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from dfly_tui.models.base import Frozen
from dfly_tui.text import safe

SUMMARY = "-summary.dfs"
MANIFEST = ".manifest.json"
"""What a copy of ours says of itself, beside its files."""
TEMPORARY = (".tmp", ".part")
"""The server's own, and those of a copy that did not end."""
_DF = re.compile(r"(?P<base>.+)-(?P<part>\d{4}|summary)\.dfs", re.DOTALL)
_MACRO = re.compile(r"\{(timestamp|Y|m|d)\}")


class SnapshotFormat(StrEnum):
    """How it is written."""

    DF = "df"
    """Dragonfly's own: a file for each shard and a summary."""
    RDB = "rdb"
    """Redis's: one file."""


class Encryption(StrEnum):
    """By which program a copy is encrypted; also the ending of its files."""

    AGE = "age"
    GPG = "gpg"


class SnapshotFile(Frozen):
    """One file.

    Attributes:
        name: Without its folder, as it is; `safe()` before it is shown.
        modified_at: By the clock of whoever keeps it.
    """

    name: str
    size_bytes: int
    modified_at: datetime


class SnapshotSet(Frozen):
    """The files that belong together.

    Attributes:
        base: What their names begin with.
        files: Sorted by name.
        problems: Why it is no use, each in a few words; empty for a whole set.
    """

    base: str
    format: SnapshotFormat
    encryption: Encryption | None = None
    files: tuple[SnapshotFile, ...]
    problems: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.problems

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def written_at(self) -> datetime:
        """When its last file was written."""
        return max(file.modified_at for file in self.files)

    @property
    def shards(self) -> int:
        """How many files hold data."""
        return sum(SUMMARY not in file.name for file in self.files)

    @property
    def shown(self) -> str:
        """For a sentence."""
        return safe(self.base, limit=120)


class Listing(NamedTuple):
    """What lies in a folder.

    Attributes:
        sets: Complete or not, the newest first.
        leftovers: Of saves and copies that did not end, or are under way.
    """

    sets: tuple[SnapshotSet, ...]
    leftovers: tuple[SnapshotFile, ...]


def listing(files: Iterable[SnapshotFile], shards: int | None = None) -> Listing:
    """Sort files into sets; those that are no snapshots are left out.

    Args:
        shards: How many the server writes, where that is known: without it a missing last shard cannot be noticed.
    """
    found: dict[tuple[str, SnapshotFormat, Encryption | None], list[SnapshotFile]] = defaultdict(list)
    leftovers = []
    for file in files:
        if file.name.endswith(TEMPORARY):
            leftovers.append(file)
            continue
        name, encryption = _decrypted(file.name)
        if match := _DF.fullmatch(name):
            found[match["base"], SnapshotFormat.DF, encryption].append(file)
        elif name.endswith(".rdb") and name != ".rdb":
            found[name.removesuffix(".rdb"), SnapshotFormat.RDB, encryption].append(file)
    sets = [
        SnapshotSet(
            base=base,
            format=kind,
            encryption=encryption,
            files=(ordered := tuple(sorted(members, key=lambda file: file.name))),
            problems=tuple(_problems(base, kind, ordered, shards)),
        )
        for (base, kind, encryption), members in found.items()
    ]
    sets.sort(key=lambda each: (each.written_at, each.base), reverse=True)
    return Listing(tuple(sets), tuple(sorted(leftovers, key=lambda file: file.name)))


def loaded_at_start(dbfilename: str, files: Sequence[SnapshotFile]) -> SnapshotFile | None:
    """What a start with this `dbfilename` loads: the file of that name, else the newest like it (facts §3.6).

    Returns:
        The RDB file or the summary; None when it starts empty.
    """
    exact = next((file for file in files if file.name == dbfilename), None)
    if not dbfilename or exact is not None:
        return exact
    pattern = _MACRO.sub("*", dbfilename) + ("" if "." in dbfilename else "*")
    fits = [file for file in files if file.name.endswith((".rdb", SUMMARY)) and fnmatch.fnmatchcase(file.name, pattern)]
    return max(fits, key=lambda file: file.modified_at, default=None)


def renamed(name: str, base: str, new: str) -> str:
    """What a file of a set is called in a set called `new`, not encrypted any more."""
    return new + _decrypted(name)[0].removeprefix(base)


def is_looked_for(name: str) -> bool:
    """Whether a server finds a set by this file of it: the summary, or the RDB file (facts §3.6)."""
    return _decrypted(name)[0].endswith((".rdb", SUMMARY))


def _decrypted(name: str) -> tuple[str, Encryption | None]:
    for each in Encryption:
        if name.endswith(f".{each}"):
            return name.removesuffix(f".{each}"), each
    return name, None


def _problems(base: str, kind: SnapshotFormat, files: Sequence[SnapshotFile], shards: int | None) -> Iterable[str]:
    if kind is SnapshotFormat.DF:
        parts = {match["part"] for file in files if (match := _DF.fullmatch(_decrypted(file.name)[0]))}
        numbers = {int(part) for part in parts - {"summary"}}
        wanted = max([shards or 1, *(number + 1 for number in numbers)])
        missing = [f"{number:04}" for number in range(wanted) if number not in numbers]
        if "summary" not in parts:
            yield "the summary is missing"
        if missing:
            yield f"shard {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''} is missing"
        if shards is not None and wanted > shards and not missing:
            yield f"{wanted} shards, where the server writes {shards}: left over from another set of this name"
    for file in files:
        if file.size_bytes == 0:
            yield f"{safe(file.name.removeprefix(base), limit=60)} is empty"
