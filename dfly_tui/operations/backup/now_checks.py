"""What is looked at before a backup: can the server save, and is there room for what it saves?"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from dfly_tui.errors import DflyError
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.operation import Finding, blocked, passed, preferred, required, warned
from dfly_tui.models.replication import Role
from dfly_tui.models.save_errors import advice_on_save
from dfly_tui.models.snapshots import SUMMARY, SnapshotFile, SnapshotFormat, listing, loaded_at_start
from dfly_tui.models.world import Seen
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, percent_text

ROOM = 2
"""Times the last set: keys may have come, and the server writes the new one before anybody removes an old one."""
MOST_OF_MEMORY = 0.9
"""Of its limit: a save needs buffers of its own, and a copy of what is changed meanwhile."""


def ready_findings(
    seen: Seen, told: Mapping[str, str], base: str, kind: SnapshotFormat, wall: datetime
) -> list[Finding]:
    """Whether the server can save now.

    Args:
        told: What CONFIG GET says.
    """
    now, name = seen.snapshot, safe(seen.name)
    if now is None:
        hint = seen.error.hint if seen.error is not None else ""
        return [blocked("reachable", f"{name} answers", str(seen.error), advice=hint)]
    kept = now.persistence
    busy = [word for word, flag in (("loading", kept.loading), ("saving", kept.saving)) if flag]
    title = f"{name} is neither loading nor saving"
    found = [required(not busy, "busy", title, " and ".join(busy) or "neither", advice="wait for its end")]
    if now.role is Role.REPLICA:
        advice = "what it did not receive yet is not in it; the primary saves more"
        found.append(warned("role", f"{name} is a primary", "a replica", advice=advice))
    failed, good = kept.last_failed_at, kept.last_snapshot_at
    if failed is not None and (good is None or failed > good):
        error = kept.last_error or "not told"
        found.append(warned("last", "the last save went well", f"failed: {error}", advice=advice_on_save(error)))
    return [*found, *_memory(seen, now), _found_later(told, base, kind, wall)]


def _memory(seen: Seen, now: InstanceSnapshot) -> Iterator[Finding]:
    limits = [("maxmemory", now.used_memory_bytes, now.max_memory_bytes)]
    if seen.container is not None:
        limits.append(("the container's limit", now.rss_bytes, seen.container.memory_limit_bytes))
    for what, used, limit in limits:
        if used is None or not limit:
            continue
        value = f"{bytes_text(used)}, {percent_text(used / limit)} of {what}"
        advice = "a save needs some more: raise the limit, or save while it is quiet"
        yield preferred(used <= limit * MOST_OF_MEMORY, "memory", f"memory below {what}", value, advice=advice)


def _found_later(told: Mapping[str, str], base: str, kind: SnapshotFormat, wall: datetime) -> Finding:
    """Whether a start would load it: it need not, but somebody may count on it."""
    dbfilename, title = told.get("dbfilename", ""), "a start of the server finds it"
    ending = ".rdb" if kind is SnapshotFormat.RDB else SUMMARY
    if not told:
        return warned("name", title, "not known: CONFIG GET is not answered")
    file = SnapshotFile(name=base + ending, size_bytes=1, modified_at=wall)
    shown = f"dbfilename {safe(dbfilename, limit=80)}" if dbfilename else "no dbfilename: it loads nothing at all"
    good = loaded_at_start(dbfilename, [file]) is not None
    return preferred(good, "name", title, shown, advice="a restore gives it the right name")


async def room_findings(scene: Backups) -> list[Finding]:
    """Whether its folder is there, can be written to, and has room."""
    if isinstance(scene.own, DflyError):
        advice = f"{scene.own.hint}; without that a backup is not looked at, recorded or copied"
        return [warned("files", "its files can be looked at", str(scene.own), advice=advice)]
    store = scene.own
    files, space = await store.files(), await store.space()
    last = next((each.size_bytes for each in listing(files).sets if each.is_complete), None)
    seen = (await scene.access.look_at(scene.name)).snapshot
    expected = last if last is not None else (seen.used_memory_bytes or 0) if seen is not None else 0
    title = f"room in {store.address}"
    wanted = f"{bytes_text(ROOM * expected)}, twice {'the last set' if last is not None else 'what is in memory'}"
    advice = "make room there: dfly-tui backup prune"
    found = [await _writable(scene)]
    if space is None:
        return [*found, warned("room", title, "not known", wanted)]
    value = bytes_text(space.free_bytes)
    if space.free_bytes < expected:
        return [*found, blocked("room", title, value, wanted, advice)]
    return [*found, preferred(space.free_bytes >= ROOM * expected, "room", title, value, wanted, advice)]


async def _writable(scene: Backups) -> Finding:
    store, title = scene.instance_store, f"{safe(scene.name)} may write there"
    can = await store.writable()
    if can is None:
        return passed("writable", title, "not known before it is tried")
    advice = "give the folder to the user the server runs as, or mount it writable"
    return required(can, "writable", title, "yes" if can else "no", advice=advice)
