"""Snapshot files: their names, and what the lab writes into them.

The names are Dragonfly's (`base-0000.dfs` … `base-summary.dfs`, or `base.rdb`). The contents begin like an RDB file and
are the lab's own after that. (Real RDB files it loads, too: `rdb_load`.)
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import hiredis

from dfly_tui.lab.keyspace import Change
from dfly_tui.lab.link import change_of, change_words, message

MAGIC = b"REDIS0009dfly-tui-lab\n"
SUMMARY = "-summary.dfs"
_MACRO = re.compile(r"\{(timestamp|Y|m|d)\}")
_FORMATS = {"timestamp": "%Y-%m-%dT%H:%M:%S", "Y": "%Y", "m": "%m", "d": "%d"}


class BadName(Exception):
    """A name Dragonfly does not save under; the text says so in its words."""


class Damaged(Exception):
    """A file that is not a snapshot of the lab."""


def base_name(name: str, *, rdb: bool, now: datetime) -> str:
    """The file name without its ending, macros filled in.

    Raises:
        BadName: It is empty, leads elsewhere or has the wrong ending.
    """
    if not name:
        raise BadName("filename is not specified")
    if "/" in name:
        raise BadName(
            f'filename may not contain directory separators (Got "{name}"). '
            "dbfilename should specify the filename without the directory"
        )
    stem, dot, ending = name.rpartition(".")
    if dot and rdb:
        if ending != "rdb":
            raise BadName(f'Bad filename extension ".{ending}" for SAVE with type RDB')
        name = stem
    elif dot:
        if ending == "rdb":
            raise BadName(
                "DF snapshot format is used but '.rdb' extension was given. "
                "Use --nodf_snapshot_format or remove the filename extension."
            )
        raise BadName(f'Bad filename extension ".{ending}" for SAVE with type DF')
    return _MACRO.sub(lambda macro: now.strftime(_FORMATS[macro[1]]), name)


def newest(folder: Path, name: str) -> Path | None:
    """What a start with this `dbfilename` loads: the file of that name, else the newest that looks like it."""
    if not name or not folder.is_dir():
        return None
    exact = folder / name
    if exact.is_file():
        return exact
    pattern = _MACRO.sub("*", name)
    if "." not in name:
        pattern += "*"
    found = [
        path
        for path in folder.iterdir()
        if path.name.endswith((".rdb", SUMMARY)) and fnmatch.fnmatchcase(path.name, pattern)
    ]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def parts(path: Path) -> list[Path]:
    """The files with data that belong to a summary, or the one RDB file."""
    if not path.name.endswith(SUMMARY):
        return [path]
    wanted = re.compile(re.escape(path.name.removesuffix(SUMMARY)) + r"-\d{4}\.dfs")
    return sorted(part for part in path.parent.iterdir() if wanted.fullmatch(part.name))


def encode_changes(changes: Iterable[Change]) -> bytes:
    """Records for a file."""
    return b"".join(message(*change_words(change)) for change in changes)


def read_changes(path: Path) -> Iterator[Change]:
    """The records of a file.

    Raises:
        Damaged: It is no file of the lab, or cut off.
        OSError: It cannot be read.
    """
    reader = hiredis.Reader()
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise Damaged(f"{path.name} is not a snapshot of the lab")
        while chunk := file.read(1 << 20):
            reader.feed(chunk)
            try:
                while (words := reader.gets()) is not False:
                    yield change_of(words)
            except (ValueError, TypeError, hiredis.HiredisError) as problem:
                raise Damaged(f"{path.name} is damaged") from problem
        if reader.has_data():
            raise Damaged(f"{path.name} is cut off")
