"""A group as it was seen at one moment: what the checks of an operation judge."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from dfly_tui.errors import DflyError
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.replication import LinkState, ReplicaSeen, Role
from dfly_tui.models.topology import Fleet, Member
from dfly_tui.models.verdict import Observation
from dfly_tui.settings import InstanceConfig


@dataclass(frozen=True)
class Seen:
    """One instance at one moment.

    Attributes:
        error: Why there is no snapshot.
        container: None when Docker is not configured, or could not be asked.
        at: When, on the clock's monotonic scale, in seconds.
        lag_seconds: Lag in time, where somebody watched long enough to tell.
    """

    config: InstanceConfig
    snapshot: InstanceSnapshot | None
    error: DflyError | None = None
    container: ContainerInfo | None = None
    container_error: DflyError | None = None
    at: float = 0.0
    lag_seconds: float | None = None

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def role(self) -> Role | None:
        """Who it is now; None when it did not answer."""
        return self.snapshot.role if self.snapshot else None

    @property
    def leads(self) -> bool:
        return self.role is Role.PRIMARY

    @property
    def link_state(self) -> LinkState:
        """The stage of a replica's link; UNKNOWN when it is none, or did not answer."""
        if self.snapshot is None or self.snapshot.replication.primary is None:
            return LinkState.UNKNOWN
        return self.snapshot.replication.primary.state

    @property
    def replication_id(self) -> str | None:
        """Of the primary whose data it holds."""
        return self.snapshot.replication.replication_id if self.snapshot else None


class World:
    """Several instances at one moment, in the configured order."""

    def __init__(self, members: Iterable[Seen]) -> None:
        self.by_name = {member.name: member for member in members}
        self.fleet = Fleet(Member(seen.config, seen.snapshot) for seen in self.by_name.values())

    @classmethod
    def polled(cls, observations: Iterable[Observation]) -> "World":
        """What the pollers saw last, each with its age; a value whose last read failed does not count."""
        return cls(map(_polled, observations))

    def with_lag(self, seconds: Mapping[str, float]) -> "World":
        """The same world, with the lag in seconds that was measured of some replicas."""
        return World(replace(seen, lag_seconds=seconds.get(seen.name, seen.lag_seconds)) for seen in self)

    def __getitem__(self, name: str) -> Seen:
        return self.by_name[name]

    def __iter__(self) -> Iterator[Seen]:
        return iter(self.by_name.values())

    @property
    def primaries(self) -> list[Seen]:
        """Those that answered and lead."""
        return [member for member in self if member.leads]

    @property
    def replicas(self) -> list[Seen]:
        """Those that answered and follow somebody."""
        return [member for member in self if member.role is Role.REPLICA]

    def primary_of(self, replica: Seen) -> Seen | None:
        """Whom a replica follows, if that is one of these."""
        if replica.snapshot is None or replica.snapshot.replication.primary is None:
            return None
        followed = self.fleet.followed(replica.snapshot, replica.snapshot.replication.primary)
        return self.by_name[followed.config.name] if followed else None

    def as_primary_sees(self, primary: Seen, replica: Seen) -> ReplicaSeen | None:
        """The primary's own line about a replica: the one with its listening port, if that tells them apart.

        Behind NAT and in Docker networks the address it prints is not ours, so the port decides, and when the primary
        has only one replica it is that.
        """
        if primary.snapshot is None or replica.snapshot is None:
            return None
        lines = primary.snapshot.replication.replicas
        if len(lines) == 1:
            return lines[0]
        host, _, _ = replica.config.address.rpartition(":")
        mine = [line for line in lines if line.port == replica.snapshot.tcp_port]
        exact = [line for line in mine if line.host == host.strip("[]")]
        found = exact or mine
        return found[0] if len(found) == 1 else None


def _polled(seen: Observation) -> Seen:
    failed = seen.status.error is not None
    return Seen(
        config=seen.config,
        snapshot=None if failed else seen.status.value,
        error=seen.status.error,
        container=seen.container.value if seen.container and seen.container.error is None else None,
        container_error=seen.container.error if seen.container else None,
        at=seen.status.value_at or 0.0,
        lag_seconds=seen.lag_seconds,
    )
