"""What can be wrong with one instance taken alone, told from its own readings."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from dfly_tui.errors import Bug, ConfigError, Loading, SecretError
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import LinkState, Role
from dfly_tui.models.verdict import Observation, Reason, State
from dfly_tui.settings import Thresholds
from dfly_tui.units import bytes_text, count_text, duration_text, percent_text


def symptoms(
    item: Observation,
    limits: Thresholds,
    *,
    now: float,
    wall: datetime,
    group_snapshot_at: datetime | None,
    backups: Iterable[Reason] = (),
) -> Iterator[Reason]:
    """Every reason for worry that one instance gives by itself.

    Args:
        now: The clock's monotonic time, to which readings' ages refer.
        wall: The wall clock, to which snapshots' ages refer.
        group_snapshot_at: When any instance of its group last saved the data they share.
        backups: What is wrong with its backups (`backup_alerts`).
    """
    yield from _contact(item, now)
    yield from _container(item)
    seen = item.status.value
    if seen is None or item.status.freshness(now) is Freshness.LOST:
        if item.config.role != "replica":
            yield from backups
        return
    for rule in _RULES:
        reason = rule(seen, item, limits, wall)
        if reason is not None:
            yield reason
    old = list(_snapshot_age(seen, limits, wall, group_snapshot_at))
    yield from old
    if seen.role is not Role.REPLICA:
        yield from (reason for reason in backups if not (old and reason.code == "backup-stale"))


def _contact(item: Observation, now: float) -> Iterator[Reason]:
    """Whether it answers at all."""
    error, freshness = item.status.error, item.status.freshness(now)
    if error is None:
        if freshness is Freshness.STALE and not item.status.paused:
            age = duration_text(item.status.age(now))
            advice = "a read takes long: the server is busy or the network is slow"
            yield Reason(code="stale", text=f"no news for {age}", advice=advice, state=State.WARNING)
        return
    # Loading is an answer: it is up and says to wait.
    state = State.WARNING
    if freshness is Freshness.LOST and not isinstance(error, Loading):
        # What keeps us from asking at all says nothing about the server.
        state = State.UNKNOWN if isinstance(error, SecretError | ConfigError | Bug) else State.CRITICAL
    yield Reason(code=error.code, text=str(error), advice=error.hint, state=state)


def _container(item: Observation) -> Iterator[Reason]:
    """What Docker says; a Docker that cannot be asked is a remark, not an alarm."""
    reading = item.container
    if reading is None:
        return
    if reading.error is not None and reading.value is None:
        yield Reason(code="docker", text=str(reading.error), advice=reading.error.hint, state=State.WARNING)
    info = reading.value
    if info is None or reading.error is not None:
        return
    if info.state != "running":
        killed = ", killed for lack of memory" if info.oom_killed else ""
        ended = f" (exit code {info.exit_code}{killed})" if info.exit_code is not None else ""
        yield Reason(
            code="container",
            text=f"container {info.name} is {info.state}{ended}",
            advice=f"docker logs --tail 50 {info.name}",
            state=State.CRITICAL,
        )
    elif info.health == "unhealthy":
        yield Reason(
            code="container-health",
            text=f"container {info.name} fails its health check",
            advice=f"docker inspect --format '{{{{json .State.Health}}}}' {info.name}",
            state=State.WARNING,
        )


def _incomplete(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    """What every server prints, whatever its version and kind: without it nothing here is worth a green light."""
    missing = [word for word, value in (("role", seen.role), ("used memory", seen.used_memory_bytes)) if value is None]
    if not missing:
        return None
    return Reason(
        code="incomplete",
        text=f"INFO came incomplete: it tells no {' and no '.join(missing)}",
        advice="ask it by hand: redis-cli INFO ALL; a proxy may stand in between or have cut the answer",
        state=State.WARNING,
    )


_Rule = Callable[[InstanceSnapshot, Observation, Thresholds, datetime], Reason | None]


def _loading(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    link = seen.replication.primary
    if link is not None and link.syncing:
        keys = f", {count_text(seen.keys)} keys so far" if seen.keys else ""
        return Reason(
            code="full-sync",
            text=f"full sync from {link.host}:{link.port} is running{keys}",
            advice="it answers LOADING until the sync is done; do not promote it now",
            state=State.WARNING,
        )
    if seen.persistence.loading:
        keys = f", {count_text(seen.keys)} keys so far" if seen.keys else ""
        return Reason(
            code="loading",
            text=f"loading its data set{keys}",
            advice="wait: clients get LOADING until it is done",
            state=State.WARNING,
        )
    return None


def _link(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    link = seen.replication.primary
    if link is None or link.state is not LinkState.DOWN:
        return None
    silent = f", last heard {duration_text(link.last_io_seconds)} ago" if link.last_io_seconds is not None else ""
    return Reason(
        code="link-down",
        text=f"link to its primary {link.host}:{link.port} is down{silent}",
        advice="it serves old data; check the primary and masterauth",
        state=State.CRITICAL,
    )


def _primary_silent(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    """An idle primary is still heard every second (Redis: every ten), so silence on a standing link is a frozen one."""
    link = seen.replication.primary
    if link is None or link.state is not LinkState.STABLE or link.last_io_seconds is None:
        return None
    if link.last_io_seconds < limits.primary_silent_seconds:
        return None
    return Reason(
        code="primary-silent",
        text=f"heard nothing from its primary {link.host}:{link.port} for {duration_text(link.last_io_seconds)}",
        advice="the link stands but the primary or the network hangs: look at the primary",
        state=State.WARNING,
    )


def _replica_cancelled(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    late = [replica for replica in seen.replication.replicas if replica.state is LinkState.CANCELLED]
    if not late:
        return None
    return Reason(
        code="replica-cancelled",
        text=f"the replication to {late[0].host}:{late[0].port} was cancelled",
        advice="look at the replica's log; a repeated full sync usually fails for lack of memory or time",
        state=State.WARNING,
    )


def _lag(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    lag = item.lag_seconds
    if lag is None or lag < limits.lag_warning_seconds:
        return None
    state = State.CRITICAL if lag >= limits.lag_critical_seconds else State.WARNING
    return Reason(
        code="lag",
        text=f"a replica is about {duration_text(lag)} behind",
        advice="a failover now would lose that much; look for a slow network or a busy replica",
        state=state,
    )


def _refused(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    if not item.refused_per_second:
        return None
    return Reason(
        code="oom",
        text=f"refuses writes with “Out of memory”: {count_text(item.refused_per_second)} a second",
        advice="raise maxmemory (CONFIG SET maxmemory) or delete keys; clients are losing writes now",
        state=State.CRITICAL,
    )


def _memory(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    fraction = seen.memory_fraction
    if fraction is None or fraction < limits.memory_warning or _evicts(seen):
        return None
    state = State.CRITICAL if fraction >= limits.memory_critical else State.WARNING
    used, limit = bytes_text(seen.used_memory_bytes), bytes_text(seen.max_memory_bytes)
    return Reason(
        code="memory",
        text=f"memory at {percent_text(fraction)}: {used} of {limit}",
        advice="raise maxmemory or delete keys; at the limit it starts refusing writes with “Out of memory”",
        state=state,
    )


def _evicts(seen: InstanceSnapshot) -> bool:
    """A cache: it makes room by itself, so that being full is how it is meant to be."""
    policy = seen.info.text("maxmemory_policy") or ""
    return bool(seen.cache_mode) or policy == "eviction" or policy.startswith("allkeys-")


def _clients(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    if not seen.max_clients or seen.connected_clients is None:
        return None
    if seen.connected_clients < limits.clients_warning * seen.max_clients:
        return None
    return Reason(
        code="clients",
        text=f"{seen.connected_clients} of {seen.max_clients} client connections used",
        advice="look for a leaking connection pool, or raise maxclients",
        state=State.WARNING,
    )


def _save_failed(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    kept = seen.persistence
    if kept.last_failed_at is None and not (kept.last_error and kept.last_snapshot_file is None):
        return None
    if kept.last_failed_at and kept.last_snapshot_at and kept.last_failed_at < kept.last_snapshot_at:
        return None
    ago = f" {duration_text((wall - kept.last_failed_at).total_seconds())} ago" if kept.last_failed_at else ""
    return Reason(
        code="snapshot-failed",
        text=f"the last snapshot failed{ago}: {kept.last_error or 'no reason given'}",
        advice="check free space and permissions of its dir, then take a snapshot by hand",
        state=State.CRITICAL,
    )


def _snapshot_age(
    seen: InstanceSnapshot, limits: Thresholds, wall: datetime, group_snapshot_at: datetime | None
) -> Iterator[Reason]:
    """Its primary speaks for a replica, and a snapshot of any of the group counts, for they hold the same data. A cache
    that never saved does without."""
    mine, changes = seen.persistence.last_snapshot_at, seen.persistence.changes_since_snapshot
    if seen.role is Role.REPLICA or changes == 0:
        return
    saved_at = max((at for at in (mine, group_snapshot_at) if at), default=None)
    if saved_at is not None:
        age, since = (wall - saved_at).total_seconds(), ""
    elif changes and seen.uptime_seconds is not None and not _evicts(seen):
        age, since = float(seen.uptime_seconds), ", since it started"
    else:
        return
    if age < limits.snapshot_age_warning_seconds:
        return
    lost = f"; {count_text(changes)} changes would be lost" if changes and saved_at == mine else ""
    yield Reason(
        code="snapshot-age",
        text=f"no snapshot for {duration_text(age)}{since}{lost}",
        advice="check snapshot_cron, or take one with BGSAVE",
        state=State.CRITICAL if age >= limits.snapshot_age_critical_seconds else State.WARNING,
    )


def _emptied(seen: InstanceSnapshot, item: Observation, limits: Thresholds, wall: datetime) -> Reason | None:
    if seen.keys != 0 or seen.role is not Role.PRIMARY or seen.uptime_seconds is None:
        return None
    if seen.uptime_seconds >= limits.just_started_seconds:
        return None
    if not any(replica.state is not LinkState.CANCELLED for replica in seen.replication.replicas):
        return None
    return Reason(
        code="empty-primary",
        text="a primary that just started is empty and has replicas",
        advice="its replicas will empty themselves too: REPLICAOF NO ONE on one of them keeps the data",
        state=State.CRITICAL,
    )


_RULES: tuple[_Rule, ...] = (
    _incomplete, _loading, _link, _primary_silent, _replica_cancelled, _lag, _refused, _memory, _clients, _save_failed,
    _emptied,
)  # fmt: skip
