"""Putting back keys as they were before a change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dfly_tui.clients.key_bulk import BulkChanges
from dfly_tui.clients.key_edit import Edit, Seen
from dfly_tui.clients.key_edits import restore
from dfly_tui.clients.key_writer import KeyWriter
from dfly_tui.errors import DflyError, OutcomeUnknown, Refused, ServerError
from dfly_tui.models.key_text import counted, date_text
from dfly_tui.models.keys import NO_KIND, kind_name
from dfly_tui.models.operation import Finding, blocked, passed, warned
from dfly_tui.operations.access import Hands
from dfly_tui.operations.keys.place import Place, server_check
from dfly_tui.operations.keys.trash import Kept
from dfly_tui.operations.plan import Act, Check, Confirm, Plan, Verify
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

MOST_NAMED = 20
"""Names in a finding; of the others the number is told."""
LOT = 200
LOT_BYTES = 16 << 20


@dataclass
class Undo:
    """Restores keys from the trash.

    Attributes:
        kept: What is restored, each key once.
        replace: Over what holds something else now.
        persist: Without their expiries: for those whose date has passed.
        taken: Names that hold something now, with their types.
        past: Names whose expiries have passed.
        restored: How many were put back.
        failures: Name → why it was not.
    """

    place: Place
    kept: Sequence[Kept]
    replace: bool = False
    persist: bool = False
    taken: dict[bytes, str] = field(default_factory=dict)
    past: set[bytes] = field(default_factory=set)
    restored: int = 0
    failures: dict[bytes, str] = field(default_factory=dict)

    def plan(self) -> Plan:
        """What is going to happen."""
        place, count = self.place, len(self.kept)
        first = safe(self.kept[0].name, limit=80) if self.kept else ""
        title = f"restore {first}" if count == 1 else f"restore {count:,} keys"
        words = "RESTORE «key» «expiry» «DUMP» ABSTTL" + (" REPLACE" if self.replace else "")
        act = Act("restore", title, place.instance, (words,), self._act, final=True)
        level = place.level(grave=count > 1000)
        return Plan(
            id=place.run,
            kind="keys-undo",
            title=f"{title} in {place.shown}",
            group=place.instance,
            steps=(
                server_check(place),
                Check("restored", "what is restored", self._findings),
                Confirm("confirm", f"{title} in {place.shown}", self._consequence(), level, place.instance),
                act,
                Verify(
                    "restored", "all of them are back", self._all, 0.0, of="restore",
                    left_to_do="look at the names above",
                ),
            ),
            facts={"instance": place.instance, "database": str(place.database)},
            look_with=(place.look_with("EXISTS", first),),
        )  # fmt: skip

    def _consequence(self) -> str:
        size = bytes_text(sum(kept.size_bytes for kept in self.kept))
        over = "What holds something else now is kept in the trash first, then replaced." if self.replace else ""
        return f"As they were, {size} of DUMP, type and expiry too.\n{over}".strip()

    async def _findings(self) -> list[Finding]:
        return [self._expiries(), await self._free()]

    def _expiries(self) -> Finding:
        past = [kept for kept in self.kept if self._has_passed(kept)]
        self.past = {kept.name for kept in past}
        if not past:
            return passed("expiry", "expiries", "none has passed")
        value = f"passed for {len(past):,} of {len(self.kept):,}: {_names(past)}, {date_text(past[0].expires_at_ms)}"
        if self.persist:
            return warned("expiry", "expiries", value, advice="these keys are restored without one")
        return blocked("expiry", "expiries", value, "in the future", "they can be restored without an expiry")

    async def _free(self) -> Finding:
        looker = self.place.access.key_looker(self.place.instance)
        names = [kept.name for kept in self.kept]
        kinds = zip(names, await looker.kinds(self.place.database, names), strict=True)
        self.taken = {name: kind for name, kind in kinds if kind != NO_KIND}
        if not self.taken:
            return passed("taken", "names", "free")
        first = next(iter(self.taken))
        value = (
            f"{len(self.taken):,} hold something now, such as {safe(first, limit=80)}: {kind_name(self.taken[first])}"
        )
        if self.replace:
            return warned("taken", "names", value, advice="what is there now goes to the trash")
        return blocked("taken", "names", value, "free", "say that they are to be replaced")

    async def _act(self, hands: Hands) -> str:
        writer = hands.keys[self.place.instance]
        free = [kept for kept in self.kept if kept.name not in self.taken]
        if free:
            async with writer.bulk(self.place.database) as changes:
                for lot in _lots(free):
                    await self._lot(changes, lot)
        for kept in self.kept:
            if kept.name in self.taken:
                await self._replace(writer, kept)
        if not self.restored:
            raise ServerError(next(iter(self.failures.values())))
        return f"{self.restored:,} of {counted(len(self.kept), 'key')} restored"

    async def _lot(self, changes: BulkChanges, lot: Sequence[Kept]) -> None:
        """Restore under names that were free: RESTORE itself refuses one that no longer is."""
        edits: dict[bytes, tuple[Kept, Edit]] = {}
        for kept in lot:
            try:
                edits[kept.name] = kept, self._edit(kept, replace=False)
            except Refused as error:
                self._note(kept, error)
        replies = await changes.each([command for _, edit in edits.values() for command in edit.writes(Seen(NO_KIND))])
        for (kept, _), reply in zip(edits.values(), replies, strict=True):
            self._note(kept, reply if isinstance(reply, DflyError) else None)

    async def _replace(self, writer: KeyWriter, kept: Kept) -> None:
        place = self.place
        keeper = place.trash.keeper(
            instance=place.instance, database=place.database, run=place.run, why="replaced by an undo"
        )
        try:
            edit = self._edit(kept, replace=True)
            await writer.apply(place.database, edit, Seen(self.taken[kept.name]), keeper)
        except OutcomeUnknown:
            raise
        except DflyError as error:
            self._note(kept, error)
        else:
            self._note(kept, None)

    def _note(self, kept: Kept, error: DflyError | None) -> None:
        if error is None:
            self.restored += 1
        else:
            self.failures[kept.name] = error.detail

    def _edit(self, kept: Kept, *, replace: bool) -> Edit:
        expires = None if self.persist and self._has_passed(kept) else kept.expires_at_ms
        return restore(kept.name, self.place.trash.payload(kept), expires_at_ms=expires, replace=replace)

    def _has_passed(self, kept: Kept) -> bool:
        now_ms = self.place.access.clock.now().timestamp() * 1000
        return kept.expires_at_ms is not None and kept.expires_at_ms <= now_ms

    async def _all(self) -> Finding:
        if not self.failures:
            return passed("restored", "keys", f"{self.restored:,} restored")
        named = [f"{safe(name, limit=80)}: {why}" for name, why in list(self.failures.items())[:MOST_NAMED]]
        return blocked("restored", "keys", f"{len(self.failures):,} are not back: " + "; ".join(named))


def newest(kept: Sequence[Kept]) -> list[Kept]:
    """Of each key what was kept last; the newest come first in what is given and in what comes back."""
    found: dict[tuple[str, int, bytes], Kept] = {}
    for each in kept:
        found.setdefault((each.instance, each.database, each.name), each)
    return list(found.values())


def oldest(kept: Sequence[Kept]) -> list[Kept]:
    """Of each key what was kept first: as it was before a run, whatever that did to it."""
    return newest(list(reversed(kept)))


def _lots(kept: Sequence[Kept]) -> Iterator[list[Kept]]:
    """Some of them at a time, in bounded memory; there are some."""
    lot: list[Kept] = []
    size = 0
    for each in kept:
        if lot and (len(lot) == LOT or size + each.size_bytes > LOT_BYTES):
            yield lot
            lot, size = [], 0
        lot.append(each)
        size += each.size_bytes
    yield lot


def _names(kept: Sequence[Kept]) -> str:
    return ", ".join(safe(each.name, limit=80) for each in kept[:3]) + (", …" if len(kept) > 3 else "")
