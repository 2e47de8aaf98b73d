"""What every plan of a group is made from, and the questions all of them ask of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from dfly_tui.errors import Refused
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.access import Access
from dfly_tui.settings import FailoverSettings


@dataclass(frozen=True)
class Scene:
    """A group, and how its roles may be changed.

    Attributes:
        world: The group as it was when the plan was made; plans are made from it, acts look again.
        plan_id: Names the run, its journal, its snapshots and its canary.
        who: Login and host of whoever does it, for the lock the others see.
        environ: For the hooks.
        resumed: Earlier runs this one is to finish or take back; a server may not have noticed yet that they ended.
    """

    access: Access
    group: str
    world: World
    limits: FailoverSettings
    plan_id: str
    who: str
    environ: Mapping[str, str]
    resumed: frozenset[str] = frozenset()

    def address(self, name: str) -> tuple[str, int]:
        """Host and port at which the others reach an instance."""
        parts = urlsplit(f"//{self.access.configs[name].peer_address}")
        return parts.hostname or "", parts.port or 0

    async def look(self) -> World:
        """The group now."""
        return await self.access.look()

    async def role(self, name: str) -> Role | None:
        """Who an instance is now, by ROLE alone. Raises DflyError."""
        return (await self.access.reader(name).role()).role

    async def follows(self, name: str, primary: str) -> bool:
        """Whether an instance now dials a certain primary, whatever the state of the link. Raises DflyError."""
        reply = await self.access.reader(name).role()
        if reply.role is not Role.REPLICA:
            return False
        if (reply.primary_host, reply.primary_port) == self.address(primary):
            return True
        world = await self.look()
        followed = world.primary_of(world[name])
        return followed is not None and followed.name == primary

    async def in_sync(self, name: str, primary: str) -> str:
        """Empty when an instance follows the primary in stable sync; else what is missing."""
        world = World([await self.access.look_at(name), await self.access.look_at(primary)])
        seen, leader = world[name], world[primary]
        if seen.error is not None:
            return str(seen.error)
        if seen.role is not Role.REPLICA:
            return f"it is a {seen.role}"
        if seen.link_state is not LinkState.STABLE:
            return f"its link is in state {seen.link_state}"
        same = seen.replication_id == leader.replication_id
        return "" if same or leader.replication_id is None else "it holds the data of another primary"

    async def require_dialable(self, name: str, primary: str) -> None:
        """Make sure that REPLICAOF would find what it should, before it is sent: v1.22 erases first (recording `09`).

        Raises:
            Refused: It would do harm.
        """
        if self.address(name) == self.address(primary):
            raise Refused(f"{name} and {primary} have the same address: it would replicate itself")
        leader = await self.access.look_at(primary)
        if leader.snapshot is None:
            raise Refused(f"{primary} does not answer us, so {name} would find nobody: {leader.error}")
        if leader.role is not Role.PRIMARY:
            raise Refused(f"{primary} is a {leader.role}: a replica cannot be replicated")
        if leader.snapshot.persistence.loading:
            raise Refused(f"{primary} is still loading its data: wait until it is done")


def names_of(members: list[Seen]) -> str:
    """For a sentence."""
    return ", ".join(member.name for member in members) or "none"
