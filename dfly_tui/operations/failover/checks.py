"""What is looked at before a replica is promoted. Pure functions of what was seen: the wizard, the command line and
the light on the replication screen use the same ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from dfly_tui.clients.capabilities import version_numbers
from dfly_tui.models.instance import Flavour, InstanceSnapshot
from dfly_tui.models.operation import Finding, blocked, passed, preferred, required, warned
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.models.world import Seen, World
from dfly_tui.settings import FailoverSettings
from dfly_tui.units import bytes_text, duration_text

FRESH_SECONDS = 2.0
LAST_IO_SECONDS = 5
HEADROOM = 1.1
"""A new primary needs room for what the old one holds, and some more."""


@dataclass(frozen=True)
class Pair:
    """A primary and the replica that may take its place.

    Attributes:
        world: The whole group, with both in it.
        now: The clock's monotonic time the ages are judged at.
    """

    world: World
    primary: Seen
    candidate: Seen
    limits: FailoverSettings
    now: float


def promotion_findings(pair: Pair) -> tuple[Finding, ...]:
    """Everything that speaks for or against a switchover to the candidate now, as far as polling tells."""
    found = [*_reachable(pair)]
    old, new = pair.primary.snapshot, pair.candidate.snapshot
    if old is not None and new is not None:
        found += [*_able(pair, new), *_roles(pair), *_link(pair, new), _lag(pair)]
        found += [*_saving(pair), *_capacity(old, new), *_container(pair)]
    return tuple(found)


def _reachable(pair: Pair) -> Iterator[Finding]:
    for member in (pair.primary, pair.candidate):
        age = pair.now - member.at
        title = f"{member.name} answers"
        if member.snapshot is None:
            why = str(member.error) if member.error else "it was not read yet"
            hint = member.error.hint if member.error else ""
            yield blocked("reachable", title, why, advice=hint)
        elif age > FRESH_SECONDS:
            yield blocked("fresh", title, f"last {age:.0f} s ago", "within 2 s", "stale numbers authorise nothing")
        else:
            latency = member.snapshot.latency_seconds or 0.0
            yield passed("reachable", title, f"in {latency * 1000:.0f} ms")


def _able(pair: Pair, new: InstanceSnapshot) -> Iterator[Finding]:
    """A switchover is one command of Dragonfly's, which Redis and Valkey do not have."""
    if new.flavour is not Flavour.DRAGONFLY:
        title, advice = f"{pair.candidate.name} knows REPLTAKEOVER", "switch it over by its own FAILOVER, or by hand"
        yield blocked("takeover", title, f"no, it is {new.flavour}", advice=advice)


def _roles(pair: Pair) -> Iterator[Finding]:
    names = ", ".join(member.name for member in pair.world.primaries) or "none"
    only = [member.name for member in pair.world.primaries] == [pair.primary.name]
    advice = "" if only else "find out which one the applications write to, and stop the other, before anything else"
    yield required(only, "one-primary", "primaries in the group", names, f"{pair.primary.name} alone", advice)
    follows = pair.world.primary_of(pair.candidate)
    is_replica = pair.candidate.role is Role.REPLICA
    value = f"follows {follows.name}" if follows else "follows somebody unknown" if is_replica else "leads itself"
    right = is_replica and follows is not None and follows.name == pair.primary.name
    yield required(right, "follows", f"{pair.candidate.name} follows {pair.primary.name}", value)
    ids = pair.primary.replication_id, pair.candidate.replication_id
    same = ids[0] is not None and ids[0] == ids[1]
    shown = " / ".join((each or "none")[:8] for each in ids)
    yield required(same, "lineage", "both hold the data of the same primary (replication id)", shown, "equal")


def _link(pair: Pair, new: InstanceSnapshot) -> Iterator[Finding]:
    state = pair.candidate.link_state
    seen = pair.world.as_primary_sees(pair.primary, pair.candidate)
    other = f", {seen.state} as {pair.primary.name} sees it" if seen else ""
    stable = state is LinkState.STABLE and (seen is None or seen.state is LinkState.STABLE)
    yield required(stable, "stable", "state of the link", f"{state}{other}", "stable", "wait until the sync is done")
    loading = bool(new.persistence.loading)
    yield required(not loading, "loading", f"{pair.candidate.name} has loaded its data", "no" if loading else "yes")
    link = new.replication.primary
    heard = link.last_io_seconds if link else None
    recently = heard is not None and heard <= LAST_IO_SECONDS
    value = "never" if heard is None else f"{heard} s ago"
    yield required(recently, "last-io", "the candidate last heard of the primary", value, f"within {LAST_IO_SECONDS} s")


def _lag(pair: Pair) -> Finding:
    """Records as the primary counts them; in seconds where somebody watched the write rate long enough."""
    seen = pair.world.as_primary_sees(pair.primary, pair.candidate)
    records, seconds = seen.lag_records if seen else None, pair.candidate.lag_seconds
    limit = pair.limits.max_lag_seconds
    wanted = f"at most {duration_text(limit)}"
    if records is None:
        # Behind NAT the line cannot be told apart; the exact offsets are compared before the takeover.
        why = "its primary tells none in this state" if seen else "the primary's list does not show this replica"
        return warned("lag", "replication lag", "not known", wanted, why)
    value = f"{records} records" + ("" if seconds is None else f", {seconds:.1f} s")
    if seconds is None:
        return passed("lag", "replication lag", value, wanted)
    return required(seconds <= limit, "lag", "replication lag", value, wanted, "wait until it has caught up")


def _saving(pair: Pair) -> Iterator[Finding]:
    for member in (pair.primary, pair.candidate):
        saving = bool(member.snapshot and member.snapshot.persistence.saving)
        title = f"no snapshot is being written on {member.name}"
        yield required(not saving, "saving", title, "one is" if saving else "none", advice="wait until it is written")
    last = pair.world.fleet.last_snapshot_at(pair.primary.config)
    taken = pair.primary.snapshot.taken_at if pair.primary.snapshot else None
    if last is None or taken is None:
        yield warned("snapshot", "last snapshot", "none is known", advice="take one first (snapshot_first)")
    else:
        yield passed("snapshot", "last snapshot", f"{duration_text((taken - last).total_seconds())} ago")


def _capacity(old: InstanceSnapshot, new: InstanceSnapshot) -> Iterator[Finding]:
    needed = (old.used_memory_bytes or 0) * HEADROOM
    if new.max_memory_bytes is None:
        yield passed("capacity", "memory limit of the candidate", "none")
    else:
        value, wanted = bytes_text(new.max_memory_bytes), f"at least {bytes_text(needed)}"
        enough = new.max_memory_bytes >= needed
        yield required(enough, "capacity", "memory limit of the candidate", value, wanted, "raise its maxmemory first")
    versions = version_numbers(old.version or ""), version_numbers(new.version or "")
    shown = f"{old.version or 'not known'} → {new.version or 'not known'}"
    yield preferred(
        versions[1] >= versions[0], "version", "version", shown, "not older", "an older one may lack things"
    )
    for code, title, before, after in (
        ("threads", "threads", old.thread_count, new.thread_count),
        ("cache-mode", "cache mode", old.cache_mode, new.cache_mode),
        ("flavour", "server", old.flavour, new.flavour),
    ):
        yield preferred(before == after, code, title, f"{before} → {after}", "equal", "it will behave differently")


def _container(pair: Pair) -> Iterator[Finding]:
    """What brings the old primary back after it ended, and what the new one would be after a restart."""
    container = pair.primary.container
    title = f"{pair.primary.name} stays down after the takeover"
    if container is not None:
        value = f"restart policy {container.restart_policy}, will be set to no"
        yield passed("fence", title, value)
    elif pair.primary.container_error is not None:
        error = pair.primary.container_error
        yield warned("fence", title, str(error), advice="if Docker starts it again, it is a writable primary: stop it")
    else:
        advice = "whatever restarts it (Docker, systemd) makes it a writable primary: see to it by hand"
        yield warned("fence", title, "not known: docker is not configured", advice=advice)
    new = pair.candidate.container
    if new is not None and any(word.startswith("--replicaof") for word in new.command):
        advice = "take the flag out of its compose file: at its next restart it would be a replica again"
        yield warned("replicaof-flag", f"{pair.candidate.name} stays primary after a restart", "no", advice=advice)
