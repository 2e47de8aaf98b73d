"""One change of one key as a plan: it is looked at again, asked for, kept in the trash, made, and nothing else."""

from dataclasses import dataclass

from dfly_tui.clients.key_edit import Edit, Seen, command_text
from dfly_tui.clients.key_writer import Changed
from dfly_tui.models.key_text import date_text, difference
from dfly_tui.models.keys import NO_KIND, kind_name
from dfly_tui.models.operation import Finding, blocked, passed
from dfly_tui.operations.access import Hands
from dfly_tui.operations.keys.place import Place, server_check
from dfly_tui.operations.plan import Act, Check, Confirm, Plan
from dfly_tui.text import safe
from dfly_tui.units import bytes_text


@dataclass
class KeyEdit:
    """A change of one key, from what the person saw to what became of it.

    Attributes:
        why_not_kept: Why the key as it is cannot be kept in the trash; empty when it can.
        changed: What somebody else did meanwhile, both values with it; nothing was written then.
    """

    place: Place
    edit: Edit
    seen: Seen
    why_not_kept: str = ""
    changed: Changed | None = None

    @classmethod
    async def prepare(cls, place: Place, edit: Edit, seen: Seen | None = None) -> "KeyEdit":
        """Find out whether it can be undone.

        Args:
            seen: What the person saw; None for the key as it is now.

        Raises:
            DflyError: The key cannot be read.
        """
        looker = place.access.key_looker(place.instance)
        seen = seen if seen is not None else await looker.look(place.database, edit)
        why = ""
        if edit.loses_of(seen):
            why = await looker.why_not_kept(place.database, edit.name, place.trash.limits.key_bytes)
        return cls(place, edit, seen, why)

    @property
    def loses(self) -> bool:
        """Whether something is gone afterwards that is there now."""
        return self.edit.loses_of(self.seen)

    def plan(self) -> Plan:
        """What is going to happen."""
        place, edit = self.place, self.edit
        commands = tuple(map(command_text, edit.writes(self.seen)))
        act = Act(
            "change", edit.title, place.instance, commands, self._act,
            holds=self._holds if edit.done else None, final=True,
        )  # fmt: skip
        confirm = Confirm(
            "confirm", f"{edit.title} in {place.shown}", self.consequence(),
            place.level(grave=self.loses and bool(self.why_not_kept)), place.instance,
        )  # fmt: skip
        return Plan(
            id=place.run,
            kind="keys-edit",
            title=f"{edit.title} in {place.shown}",
            group=place.instance,
            steps=(server_check(place), Check("key", "the key is as it was shown", self._unchanged), confirm, act),
            facts={"instance": place.instance, "database": str(place.database)},
            look_with=(place.look_with(command_text(edit.look)),),
        )

    def consequence(self) -> str:
        """What a person is told before they say yes."""
        lines = []
        if self.edit.is_about_ttl:
            lines.append(f"It expires now: {date_text(self.seen.expires_at_ms)}.")
        elif self.edit.loses and self.edit.reads:
            lines += difference(self.seen.value, self.edit.value)
        elif self.edit.value is not None:
            lines += difference(None, self.edit.value)
        if self.loses and self.why_not_kept:
            lines.append(f"This cannot be undone: {self.why_not_kept}.")
        elif self.loses:
            hours = self.place.trash.limits.hours
            lines.append(f"The key is kept in the trash as it is; for {hours:g} h that can be restored.")
        else:
            lines.append("Nothing is lost by it.")
        return "\n".join(lines)

    async def _look(self) -> Seen:
        looker = self.place.access.key_looker(self.place.instance)
        return await looker.look(self.place.database, self.edit)

    async def _holds(self) -> bool:
        assert self.edit.done is not None
        return self.edit.done(await self._look())

    async def _unchanged(self) -> list[Finding]:
        edit, now = self.edit, await self._look()
        name = safe(edit.name, limit=80)
        if not edit.same(self.seen, now):
            self.changed = Changed(edit, self.seen, now)
            return [blocked(self.changed.code, name, self.changed.detail, "as it was shown", "look again, then decide")]
        if not edit.fits(now.kind):
            wanted = " or ".join(sorted(map(kind_name, edit.kinds))) or "any key"
            return [blocked("type", name, kind_name(now.kind), wanted)]
        if edit.other is not None:
            return [await self._other_is_free(edit.other)]
        return [passed("key", name, "as it was shown")]

    async def _other_is_free(self, other: bytes) -> Finding:
        looker = self.place.access.key_looker(self.place.instance)
        kind, name = await looker.kind(self.place.database, other), safe(other, limit=80)
        if kind != NO_KIND:
            return blocked("taken", name, f"there already, {kind_name(kind)}", "no key", "choose another name")
        return passed("taken", name, "no key of that name")

    async def _act(self, hands: Hands) -> str:
        place = self.place
        keeper = None
        if self.loses and not self.why_not_kept:
            keeper = place.trash.keeper(
                instance=place.instance, database=place.database, run=place.run, why=self.edit.title
            )
        try:
            kept = await hands.keys[place.instance].apply(place.database, self.edit, self.seen, keeper)
        except Changed as error:
            self.changed = error
            raise
        return f"kept in the trash first, {bytes_text(len(kept.payload))}" if kept else "nothing was lost by it"
