"""Topology drift: where the roles seen differ from the roles intended.

A replica attached by REPLICAOF forgets it when it restarts and comes back as a writable primary, so this is an alarm
and not a remark (facts §2.3).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.replication import LinkState, PrimaryLink, Role
from dfly_tui.models.verdict import Reason, State
from dfly_tui.settings import InstanceConfig

SETTLED_AFTER_SECONDS = 10
"""A primary younger than that has an id its replicas cannot know yet."""


@dataclass(frozen=True)
class Member:
    """One instance of the fleet.

    Attributes:
        seen: The last look at it, None when there is none that still counts.
        gone: Its address refuses connections: what was seen of it no longer runs.
    """

    config: InstanceConfig
    seen: InstanceSnapshot | None
    gone: bool = False

    @property
    def leads(self) -> bool:
        """Whether it takes writes as a primary, as far as is known."""
        return self.seen is not None and self.seen.role is Role.PRIMARY and not self.gone


class Fleet:
    """What was seen of all instances, found by name, group and intended primary."""

    def __init__(self, members: Iterable[Member]) -> None:
        self.by_name = {member.config.name: member for member in members}
        self._by_group: dict[str, list[Member]] = defaultdict(list)
        self._meant_for: dict[str, list[Member]] = defaultdict(list)
        self._by_id: dict[str, Member] = {}
        self._by_address: dict[str, Member] = {}
        for member in self.by_name.values():
            for address in (member.config.address, member.config.peer_address):
                self._by_address.setdefault(address, member)
            if member.config.group is not None:
                self._by_group[member.config.group].append(member)
            if member.config.replica_of is not None:
                self._meant_for[member.config.replica_of].append(member)
            if member.leads and member.seen and member.seen.replication.replication_id:
                self._by_id[member.seen.replication.replication_id] = member

    def primaries(self, group: str) -> list[Member]:
        """Those of a group that lead."""
        return [member for member in self._by_group.get(group, ()) if member.leads]

    def replicas_meant_for(self, name: str) -> list[Member]:
        """Those that should replicate the instance of that name."""
        return self._meant_for.get(name, [])

    def last_snapshot_at(self, config: InstanceConfig) -> datetime | None:
        """The newest snapshot in the instance's group, whoever took it."""
        members = self._by_group.get(config.group or "", [])
        times = [member.seen.persistence.last_snapshot_at for member in members if member.seen is not None]
        return max((time for time in times if time is not None), default=None)

    def followed(self, mine: InstanceSnapshot, link: PrimaryLink) -> Member | None:
        """Whom a replica follows. The id tells for sure; an address only when a configured one is the same, for a
        replica may see names and ports (Docker networks, NAT) that are not ours."""
        member = self._by_id.get(mine.replication.replication_id or "")
        if member is not None:
            return member
        host = f"[{link.host}]" if ":" in link.host else link.host
        return self._by_address.get(f"{host}:{link.port}")


def drift(config: InstanceConfig, fleet: Fleet) -> Iterator[Reason]:
    """What is wrong with one instance's place in its group, given all that was seen of the fleet."""
    me = fleet.by_name[config.name]
    if me.seen is None or me.seen.role is None:
        return
    yield from _two_primaries(me, fleet)
    yield from _wrong_role(me, me.seen, fleet)
    yield from _wrong_primary(me, me.seen, fleet)
    yield from _no_replica(me, me.seen, fleet)


def _two_primaries(me: Member, fleet: Fleet) -> Iterator[Reason]:
    if me.config.group is None or not me.leads:
        return
    names = [member.config.name for member in fleet.primaries(me.config.group)]
    if len(names) > 1:
        number = {2: "two", 3: "three"}.get(len(names), str(len(names)))
        yield _critical(
            "two-primaries",
            f"{number} primaries in group {me.config.group}: {', '.join(names)}",
            "each takes writes and they drift apart: stop clients of the wrong one before anything else",
        )


def _wrong_role(me: Member, seen: InstanceSnapshot, fleet: Fleet) -> Iterator[Reason]:
    if me.config.role is None or seen.role == me.config.role:
        return
    intended = fleet.by_name.get(me.config.replica_of or "")
    replaced = intended is not None and intended.seen is not None and intended.seen.role is Role.REPLICA
    if seen.role is Role.PRIMARY and not replaced:
        advice = "a replica attached by REPLICAOF forgets it at a restart; start it with --replicaof to keep it"
    else:
        advice = "after a switchover, change the intended roles in the configuration"
    yield _critical("wrong-role", f"is a {seen.role}, should be a {me.config.role}", advice)


def _wrong_primary(me: Member, seen: InstanceSnapshot, fleet: Fleet) -> Iterator[Reason]:
    """Only on evidence: the id of its data is not the intended primary's, or the one it dials is another of ours."""
    link, wanted = seen.replication.primary, me.config.replica_of
    if link is None or wanted is None:
        return
    followed = fleet.followed(seen, link)
    intended = fleet.by_name.get(wanted)
    if followed is None and not (intended and _ids_differ(seen, link, intended)):
        return
    if followed is not None and followed.config.name == wanted:
        return
    name = f"{followed.config.name} " if followed else ""
    address = f"{link.host}:{link.port}"
    yield _critical(
        "wrong-primary",
        f"replicates {name}({address}), should replicate {wanted}" if name else
        f"replicates {address}, should replicate {wanted}",
        "its data is another's: find out who pointed it there, then attach it to its own primary",
    )  # fmt: skip


def _ids_differ(seen: InstanceSnapshot, link: PrimaryLink, intended: Member) -> bool:
    """Whether a replica in sync holds the data of another process than the intended primary's present one."""
    other = intended.seen
    if link.state is not LinkState.STABLE or other is None or not intended.leads:
        return False
    if other.uptime_seconds is None or other.uptime_seconds < SETTLED_AFTER_SECONDS:
        return False
    ids = seen.replication.replication_id, other.replication.replication_id
    return None not in ids and ids[0] != ids[1]


def _no_replica(me: Member, seen: InstanceSnapshot, fleet: Fleet) -> Iterator[Reason]:
    expected = [member.config.name for member in fleet.replicas_meant_for(me.config.name)]
    if not expected or not me.leads:
        return
    links = seen.replication.replicas
    # `--managed_service_info` hides the lines and leaves the count.
    connected = (
        sum(link.state is not LinkState.CANCELLED for link in links)
        if links
        else seen.replication.connected_replicas or 0
    )
    if connected < len(expected):
        count = f"only {connected} of {len(expected)} replicas are" if connected else "no replica is"
        yield Reason(
            code="no-replica",
            text=f"{count} connected; expected {', '.join(expected)}",
            advice="look at the replica's own line; until it is back a failure here loses what was not saved",
            state=State.WARNING,
        )


def _critical(code: str, text: str, advice: str) -> Reason:
    return Reason(code=code, text=text, advice=advice, state=State.CRITICAL)
