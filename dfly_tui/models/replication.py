"""Who replicates whom, and how far behind, as INFO REPLICATION and ROLE tell it.

Lag is counted by the primary in journal records and means something only for a replica that is in stable sync; it
reads 0 in every other state, which is "unknown", not "none" (facts §1.10).
"""

from enum import StrEnum

from dfly_tui.models.base import Frozen
from dfly_tui.models.info import Info, fields_of, whole
from dfly_tui.text import safe

MOST_REPLICAS = 1000
"""More than any primary feeds; a reply that lists a hundred thousand must not hold everything up."""


class Role(StrEnum):
    """What an instance is now, whatever the server calls it (`master`, `slave`, `replica`)."""

    PRIMARY = "primary"
    REPLICA = "replica"


class LinkState(StrEnum):
    """The stage of a replication link; `online` is printed `stable_sync` by some builds."""

    CONNECTING = "connecting"
    PREPARATION = "preparation"
    FULL_SYNC = "full sync"
    STABLE = "stable"
    CANCELLED = "cancelled"
    DOWN = "down"
    UNKNOWN = "unknown"


_STATES = {
    "connecting": LinkState.CONNECTING,
    "connect": LinkState.CONNECTING,
    "handshake": LinkState.PREPARATION,
    "preparation": LinkState.PREPARATION,
    "wait_bgsave": LinkState.PREPARATION,
    "send_bulk": LinkState.FULL_SYNC,
    "sync": LinkState.FULL_SYNC,
    "full_sync": LinkState.FULL_SYNC,
    "connected": LinkState.STABLE,
    "online": LinkState.STABLE,
    "stable_sync": LinkState.STABLE,
    "cancelled": LinkState.CANCELLED,
}


def role_of(word: str) -> Role | None:
    """The role behind a server's word, or None for one that is not known."""
    return {"master": Role.PRIMARY, "slave": Role.REPLICA, "replica": Role.REPLICA}.get(word)


def link_state_of(word: str) -> LinkState:
    """The stage behind a server's word (both Dragonfly spellings, and Redis')."""
    return _STATES.get(word, LinkState.UNKNOWN)


class ReplicaSeen(Frozen):
    """One replica as its primary sees it (a `slaveN` line, or an entry of ROLE).

    Attributes:
        host, port: Source address and announced listening port; behind NAT not always what we dial.
        lag_records: Journal records sent and not yet acknowledged; None unless in stable sync.
        offset: Redis only: acknowledged bytes.
    """

    host: str
    port: int | None
    state: LinkState
    lag_records: int | None = None
    offset: int | None = None


class PrimaryLink(Frozen):
    """A replica's own view of its link to the primary.

    Attributes:
        up: The TCP link stands; true already during a full sync, so it does not mean "in sync".
        last_io_seconds: Seconds since the primary was last heard; None when never.
        offset: Records executed, printed in stable sync (v1.40 also after the link broke); None otherwise.
    """

    host: str
    port: int | None
    up: bool | None
    syncing: bool | None
    last_io_seconds: int | None
    offset: int | None
    priority: int | None

    @property
    def state(self) -> LinkState:
        """The stage of the link, told from the fields both versions have."""
        if self.up is False:
            return LinkState.DOWN
        if self.syncing:
            return LinkState.FULL_SYNC
        return LinkState.STABLE if self.up and self.offset is not None else LinkState.PREPARATION


class Replication(Frozen):
    """The `# Replication` section.

    Attributes:
        connected_replicas: The server's own count; v1.22 counts connections, so it may differ from `replicas`.
        replication_id: `master_replid`: of the primary's process; changes when the primary restarts.
    """

    role: Role | None = None
    connected_replicas: int | None = None
    replicas: tuple[ReplicaSeen, ...] = ()
    primary: PrimaryLink | None = None
    replication_id: str | None = None

    @classmethod
    def from_info(cls, info: Info) -> "Replication":
        """Read the section; every field a version lacks is None."""
        role = role_of(info.text("role") or "")
        return cls(
            role=role,
            connected_replicas=info.whole("connected_slaves"),
            replicas=tuple(_replicas(info)),
            primary=_primary_link(info) if role is Role.REPLICA else None,
            replication_id=safe(info.text("master_replid") or "") or None,
        )


def _replicas(info: Info) -> list[ReplicaSeen]:
    found: list[ReplicaSeen] = []
    for key, value in info.section("Replication").items():
        if key.startswith("slave") and key[5:].isdigit() and len(found) < MOST_REPLICAS:
            found.append(_replica(fields_of(value)))
    return found


def _replica(fields: dict[str, str]) -> ReplicaSeen:
    state = link_state_of(fields.get("state", ""))
    return ReplicaSeen(
        host=safe(fields.get("ip", "?")),
        port=whole(fields.get("port")),
        state=state,
        lag_records=whole(fields.get("lag")) if state is LinkState.STABLE and "offset" not in fields else None,
        offset=whole(fields.get("offset")),
    )


def _primary_link(info: Info) -> PrimaryLink:
    link = info.text("master_link_status")
    return PrimaryLink(
        host=safe(info.text("master_host") or "?"),
        port=info.whole("master_port"),
        up=None if link is None else link == "up",
        syncing=info.flag("master_sync_in_progress"),
        last_io_seconds=_last_io(info.whole("master_last_io_seconds_ago")),
        offset=info.whole("slave_repl_offset"),
        priority=info.whole("slave_priority"),
    )


def _last_io(seconds: int | None) -> int | None:
    """-1 means never; v1.22 wraps below zero under load and prints 18446744073, which means now."""
    if seconds is None or seconds < 0:
        return None
    return 0 if seconds >= 18446744073 else seconds


class RoleReply(Frozen):
    """What ROLE answered: the cheapest question that tells who leads, answered while loading too.

    A primary gives `["master", [[ip, port, state], …]]`; a Dragonfly replica four items and no offset (facts §2.1);
    Redis puts an offset second on a primary and fifth on a replica.
    """

    role: Role | None
    replicas: tuple[ReplicaSeen, ...] = ()
    primary_host: str | None = None
    primary_port: int | None = None
    state: LinkState | None = None

    @classmethod
    def from_reply(cls, reply: object) -> "RoleReply":
        """Read a decoded ROLE reply; a shape that is not known gives `role=None`."""
        items = reply if isinstance(reply, (list, tuple)) else []
        role = role_of(_word(items[0])) if items else None
        if role is Role.PRIMARY:
            listed = next((item for item in items[1:] if isinstance(item, (list, tuple))), ())
            entries = [entry for entry in listed if _is_entry(entry)]
            return cls(role=role, replicas=tuple(map(_role_replica, entries[:MOST_REPLICAS])))
        if role is Role.REPLICA and len(items) >= 4:
            host, port, state = (_word(item) for item in items[1:4])
            return cls(role=role, primary_host=safe(host), primary_port=whole(port), state=link_state_of(state))
        return cls(role=role)


def _is_entry(entry: object) -> bool:
    return isinstance(entry, (list, tuple)) and len(entry) >= 3


def _role_replica(entry: list[object] | tuple[object, ...]) -> ReplicaSeen:
    host, port, third = (_word(item) for item in entry[:3])
    offset = whole(third)
    state = LinkState.STABLE if offset is not None else link_state_of(third)
    return ReplicaSeen(host=safe(host), port=whole(port), state=state, offset=offset)


def _word(item: object) -> str:
    return item.decode("utf-8", "backslashreplace") if isinstance(item, bytes) else str(item)
