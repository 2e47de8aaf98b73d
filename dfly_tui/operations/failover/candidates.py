"""Which replica would be the best new primary, and why not the others."""

from dataclasses import dataclass

from dfly_tui.models.replication import LinkState, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.units import bytes_text

MOST = 1 << 62


@dataclass(frozen=True)
class Candidate:
    """A replica that was considered.

    Attributes:
        barred: Why it cannot be promoted; empty when it can.
        reasons: What speaks for its place in the list.
    """

    name: str
    barred: str
    reasons: tuple[str, ...]


def ranked(world: World, primary: str) -> tuple[Candidate, ...]:
    """Those that may take the primary's place, the best first, then those that may not.

    As Sentinel and the operator do: a replica of this very primary, the one in sync before the one whose link is down,
    then the furthest, the one that heard of the primary last, the one meant for it by priority, the roomiest.
    """
    others = [seen for seen in world if seen.name != primary]
    lineage = world[primary].replication_id
    chosen = sorted(others, key=lambda seen: _order(seen, lineage))
    return tuple(Candidate(seen.name, _barred(seen, lineage), _reasons(seen)) for seen in chosen)


def _order(seen: Seen, lineage: str | None) -> tuple[bool, int, int, int, int, int, str]:
    link = seen.snapshot.replication.primary if seen.snapshot else None
    priority = link.priority if link and link.priority is not None else 100
    return (
        bool(_barred(seen, lineage)),
        0 if seen.link_state is LinkState.STABLE else 1,
        -(link.offset or 0) if link else 0,
        link.last_io_seconds if link and link.last_io_seconds is not None else MOST,
        priority,
        -((seen.snapshot.max_memory_bytes or MOST) if seen.snapshot else 0),
        seen.name,
    )


def _barred(seen: Seen, lineage: str | None) -> str:
    if seen.snapshot is None:
        return str(seen.error)
    if seen.role is not Role.REPLICA:
        return f"it is a {seen.role}"
    if seen.snapshot.persistence.loading or seen.link_state is LinkState.FULL_SYNC:
        return "it is loading: its data is not whole"
    if lineage is not None and seen.replication_id != lineage:
        down = (
            "" if seen.link_state is LinkState.STABLE else f"; its link is {seen.link_state}: is its masterauth right?"
        )
        return f"it holds the data of another primary{down}"
    link = seen.snapshot.replication.primary
    if link is not None and link.priority == 0:
        return "its priority is 0: it is not meant to be promoted"
    return ""


def _reasons(seen: Seen) -> tuple[str, ...]:
    link = seen.snapshot.replication.primary if seen.snapshot else None
    if seen.snapshot is None or link is None:
        return ()
    found = [f"link {link.state}"]
    if link.offset is not None:
        found.append(f"offset {link.offset}")
    if link.last_io_seconds is not None:
        found.append(f"heard {link.last_io_seconds} s ago")
    if link.priority is not None:
        found.append(f"priority {link.priority}")
    found.append(f"limit {bytes_text(seen.snapshot.max_memory_bytes)}")
    return tuple(found)
