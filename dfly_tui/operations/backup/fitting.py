"""Whether a set can be loaded by a server, and under which name (facts §3.3, §3.6, §3.8). Pure functions."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dfly_tui.clients.capabilities import version_numbers
from dfly_tui.errors import Refused
from dfly_tui.models.backup import BackupRecord
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.operation import Finding, blocked, passed, preferred, required, warned
from dfly_tui.models.snapshots import SUMMARY, SnapshotFile, SnapshotFormat, SnapshotSet, loaded_at_start, renamed
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text

DATABASES = 16
MOST_OF_MEMORY = 1.05
"""v1.40 refuses a snapshot that needs more than so many times `maxmemory`."""
CLOCKS_APART = timedelta(seconds=60)
WRITTEN_AT_ONCE = timedelta(hours=2)
"""A save takes no longer, so that older files are of another."""
_HEADER = re.compile(rb"REDIS(\d{4})")
_MACROS = {"{timestamp}": "%Y%m%dT%H%M%S", "{Y}": "%Y", "{m}": "%m", "{d}": "%d"}
_NOT_PLAIN = re.compile(r"[%*?\[\]\\/{}]|[^ -~]")
_NEWEST_RDB = {True: 12, False: 11}
"""By whether it is v1.26 or newer, which knows the streams of Redis 7, too."""
_KNOWS_STREAMS = (1, 26)
_ENDS_PAUSES = (1, 28)
_CHECKS_LOAD = (1, 30)
"""Since then a server ends that cannot read what it should load; before, it went on with nothing (dragonfly#4840)."""


@dataclass(frozen=True)
class Server:
    """What decides what a server loads.

    Attributes:
        dbfilename, folder: As it is configured.
        databases: How many it knows.
    """

    name: str
    flavour: Flavour
    version: str
    dbfilename: str
    folder: str
    databases: int
    max_memory_bytes: int | None

    @property
    def numbers(self) -> tuple[int, ...]:
        return version_numbers(self.version)

    @property
    def ends_pauses(self) -> bool:
        """Whether it knows CLIENT UNPAUSE: without that writers are not paused, as nobody could let them go on."""
        return self.numbers >= _ENDS_PAUSES

    @property
    def may_start_empty(self) -> bool:
        """Whether it goes on with nothing when it cannot read what it should load."""
        return self.numbers < _CHECKS_LOAD

    @property
    def loads_rdb_only(self) -> bool:
        """Whether it looks for RDB files and no others."""
        return self.dbfilename.endswith(".rdb")

    @property
    def is_exact(self) -> bool:
        """Whether it loads a file of exactly one name."""
        return self.loads_rdb_only and not any(macro in self.dbfilename for macro in _MACROS)


def server_of(seen: InstanceSnapshot, config: Mapping[str, str], name: str) -> Server:
    """From INFO and CONFIG GET."""
    databases = config.get("dbnum") or config.get("databases") or ""
    return Server(
        name=name,
        flavour=seen.flavour,
        version=seen.version or "",
        dbfilename=config.get("dbfilename", ""),
        folder=config.get("dir", ""),
        databases=int(databases) if databases.isdecimal() else DATABASES,
        max_memory_bytes=seen.max_memory_bytes,
    )


def base_of(dbfilename: str, at: datetime, what: str, run: str) -> str:
    """What a set is called that a server with this `dbfilename` finds: `dump-20260102T030405-restored-1a2b`.

    Args:
        what: A word of our own.
        run: Its id, of which the end is enough where the time is told.

    Raises:
        Refused: No name can be told by which it would be found for sure.
    """
    name = dbfilename.removesuffix(".rdb")
    for macro, form in _MACROS.items():
        name = name.replace(macro, f"{at:{form}}")
    if not dbfilename or "." in name or _NOT_PLAIN.search(name):
        what = f"dbfilename is {safe(dbfilename, limit=80)!r}" if dbfilename else "it has no dbfilename"
        raise Refused(f"{what}: nobody can tell by which name it would find a set", "set a plain one: dump-{timestamp}")
    return f"{name}-{what}-{run.rpartition('-')[2] if '{timestamp}' in dbfilename else run}"


def found_at_start(dbfilename: str, files: Sequence[SnapshotFile], name: str, at: datetime) -> bool:
    """Whether a start would load this file if it were put there with this time."""
    more = SnapshotFile(name=name, size_bytes=1, modified_at=at)
    loaded = loaded_at_start(dbfilename, [*(file for file in files if file.name != name), more])
    return loaded is not None and loaded.name == name


def set_findings(found: SnapshotSet, record: BackupRecord | None) -> Iterator[Finding]:
    """Whether the set itself is good for anything."""
    problems = "; ".join(found.problems)
    size = f"{len(found.files)} files, {bytes_text(found.size_bytes)}"
    advice = "half a set is of no use: choose another"
    yield required(found.is_complete, "complete", f"{found.shown} is whole", problems or size, advice=advice)
    odd = _odd(found, record)
    advice = "v1.22 loads files left over from another set with it: choose another"
    yield required(not odd, "same", "its files are those that were recorded", ", ".join(odd) or "yes", advice=advice)
    apart = found.written_at - min(file.modified_at for file in found.files)
    advice = "are some of them left over from another set of this name?"
    value = duration_text(apart.total_seconds())
    yield preferred(apart <= WRITTEN_AT_ONCE, "apart", "its files were written at once", value, advice=advice)
    known = record is not None and bool(record.keys)
    value = "yes" if known else "no: what is in it can be counted, not compared"
    yield preferred(known, "recorded", "it is known what should be in it", value)
    broken = record is not None and record.is_broken
    advice = "the last try of it failed: choose another, or see what was wrong"
    yield preferred(not broken, "tried", "nothing was found wrong with it", "no" if broken else "yes", advice=advice)


def _odd(found: SnapshotSet, record: BackupRecord | None) -> list[str]:
    """Files of it that were not recorded, or are not there."""
    known = {file.name for file in record.files} if record is not None else set()
    there = {renamed(file.name, found.base, found.base) for file in found.files}
    return [safe(name, limit=60) for name in sorted(there ^ known)[:5]] if known else []


def load_findings(found: SnapshotSet, record: BackupRecord | None, head: bytes, server: Server) -> Iterator[Finding]:
    """Whether this server can load it, as far as that can be told without trying.

    Args:
        head: The first bytes of an RDB file; empty for the other format.
    """
    what = "the server loads this format"
    if server.flavour is not Flavour.DRAGONFLY:
        yield blocked("format", what, f"it is {server.flavour}", advice="only a Dragonfly is restored here")
    elif found.format is SnapshotFormat.RDB:
        yield _rdb(head, server)
    else:
        yield _version(record, server)
    if record is not None and record.keys:
        last = max(record.keys)
        value, wanted = f"database {last}", f"below {server.databases}"
        advice = "start it with a larger --dbnum"
        yield required(last < server.databases, "databases", "the highest database in it", value, wanted, advice)


def _version(record: BackupRecord | None, server: Server) -> Finding:
    title, written = "written by a version that is not newer", version_numbers(record.version or "") if record else ()
    if not written:
        return warned("format", title, "not known", advice="a drill tells whether it can be loaded")
    value = f"{record.version if record else ''} → {server.version}"
    return preferred(written[:2] <= server.numbers[:2], "format", title, value, advice="a drill tells")


def _rdb(head: bytes, server: Server) -> Finding:
    match, newest = _HEADER.match(head), _NEWEST_RDB[server.numbers >= _KNOWS_STREAMS]
    title, wanted = "the server loads this format", f"5 to {newest}"
    if match is None:
        shown = safe(head[:9], limit=30)
        return blocked("format", title, f"this is no RDB file: it begins with “{shown}”", advice="choose another")
    number = int(match[1])
    advice = "it was written by a newer Redis; let that write it again in an older format, or migrate"
    return required(5 <= number <= newest, "format", title, f"RDB version {number}", wanted, advice)


def memory_finding(found: SnapshotSet, limit: int | None, who: str, advice: str) -> Finding:
    """Whether what is in a set may fit: files are compressed, so they tell the least that is needed."""
    title = f"memory limit of {who}"
    if limit is None:
        return passed("memory", title, "none")
    fits = found.size_bytes <= limit * MOST_OF_MEMORY
    return required(fits, "memory", title, bytes_text(limit), f"at least {bytes_text(found.size_bytes)}", advice)


def name_findings(
    found: SnapshotSet, server: Server, files: Sequence[SnapshotFile], base: str, now: datetime
) -> Iterator[Finding]:
    """Whether a start would load the set under its new name, and nothing else, now and at the next start."""
    ending = ".rdb" if found.format is SnapshotFormat.RDB else SUMMARY
    name = server.dbfilename if server.is_exact else base + ending
    good = found_at_start(server.dbfilename, files, name, now + CLOCKS_APART)
    good = good and not (server.is_exact and found.format is SnapshotFormat.DF)
    dbfilename = safe(server.dbfilename, limit=80)
    advice = "choose an RDB file" if server.dbfilename.endswith(".rdb") else f"move the file {dbfilename} away"
    yield required(good, "name", f"a start with dbfilename {dbfilename} finds it", safe(name, limit=120), advice=advice)
    late = _late(files, now)
    advice = "the server would load that at its next start, whatever it saves: touch it, or move it away"
    yield required(not late, "times", "no file is from the future", ", ".join(late) or "none", advice=advice)
    taken = [safe(file.name, limit=60) for file in files if file.name.startswith(base)]
    yield required(not taken, "unused", "no other files have its new name", ", ".join(taken) or "none")


def _late(files: Iterable[SnapshotFile], now: datetime) -> list[str]:
    late = [file for file in files if file.name.endswith((".rdb", SUMMARY)) and file.modified_at > now + CLOCKS_APART]
    return [safe(file.name, limit=60) for file in late[:3]]
