"""Which numbers are kept as history, and how they are grouped into panels.

Two sources: `INFO ALL`, read with every poll, and the /metrics page, read while somebody looks at it.
"""

import math
from collections.abc import Mapping

from dfly_tui.models.base import Frozen
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.replication import ReplicaSeen

PAGE_PREFIX = "/metrics "
"""In front of a column that comes from the /metrics page."""
LONG_RUNS = PAGE_PREFIX + "dragonfly_fiber_longrun_total"
LINK_PREFIX = "lag of "
"""In front of a column that holds the lag of one replica, as its primary tells it."""
LINK_SECONDS_PREFIX = "lag in seconds of "
"""In front of a column that holds the same in time."""


class Line(Frozen):
    """One series of a panel: the history column and what a legend calls it."""

    column: str
    label: str


class Panel(Frozen):
    """A few series that belong on one chart, all in the same unit (see `units.value_text`)."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    explanation: str
    limit: str | None = None
    """A column whose newest value is a limit worth a line."""


def _panel(title: str, unit: str, explanation: str, lines: Mapping[str, str], limit: str | None = None) -> Panel:
    found = tuple(Line(column=column, label=label) for column, label in lines.items())
    return Panel(title=title, unit=unit, explanation=explanation, lines=found, limit=limit)


PANELS: tuple[Panel, ...] = (
    _panel("Commands", "count/s", "commands processed per second", {"commands": "ops"}),
    _panel("Hit rate", "fraction", "hits among look-ups, within each interval", {"hit_rate": "hits"}),
    _panel("Memory", "bytes", "data in use, and the process's resident size", {"used": "used", "rss": "RSS"}, "max"),
    _panel("Keys", "count", "keys, and those with a TTL", {"keys": "keys", "expiring": "expiring"}),
    _panel(
        "Clients", "count", "connected, and waiting in a blocking command", {"clients": "all", "blocked": "blocked"}
    ),
    _panel("Network", "bytes/s", "bytes read from and written to clients", {"net_in": "in", "net_out": "out"}),
    _panel("Evictions", "count/s", "keys removed for lack of memory", {"evicted": "evicted"}),
    _panel("Expiries", "count/s", "keys removed because their TTL ended", {"expired": "expired"}),
    _panel("CPU", "fraction", "of one core, user and system", {"cpu": "cpu"}),
    _panel("Lag", "count", "journal records the slowest replica has not acknowledged", {"lag_records": "records"}),
    _panel(
        "Queues", "count", "pipelined commands and transactions waiting", {"pipeline": "pipeline", "tx_queue": "tx"}
    ),
    _panel("Dispatch queue", "bytes", "commands read and not yet run", {"dispatch": "dispatch"}),
    _panel("Fiber long runs", "count/s", "stalls of a thread, from /metrics", {LONG_RUNS: "long runs"}),
    _panel("Refused for memory", "count/s", "writes refused with “Out of memory”", {"oom": "refused"}),
)


def gauges(seen: InstanceSnapshot) -> dict[str, float]:
    """The momentary values of a snapshot, by history column; what the server does not tell is left out."""
    info = seen.info
    lags = [replica.lag_records for replica in seen.replication.replicas if replica.lag_records is not None]
    values: dict[str, float | None] = {
        "used": seen.used_memory_bytes,
        "rss": seen.rss_bytes,
        "max": seen.max_memory_bytes,
        "keys": seen.keys,
        "expiring": seen.expiring_keys,
        "clients": seen.connected_clients,
        "blocked": seen.blocked_clients,
        "lag_records": max(lags, default=None),
        "pipeline": info.whole("pipeline_queue_length"),
        "tx_queue": info.whole("tx_queue_len"),
        "dispatch": info.whole("dispatch_queue_bytes"),
    }
    return {name: float(value) for name, value in values.items() if value is not None}


def link_columns(replica: ReplicaSeen) -> tuple[str, str]:
    """The history columns of one line of a primary's list: lag as it is counted, and in seconds."""
    address = f"{replica.host}:{replica.port}"
    return LINK_PREFIX + address, LINK_SECONDS_PREFIX + address


def link_lag(primary: InstanceSnapshot, replica: ReplicaSeen) -> int | None:
    """How far a replica is behind: journal records; on Redis, which counts no records, bytes. None when not told."""
    if replica.lag_records is not None or replica.offset is None:
        return replica.lag_records
    sent = primary.info.whole("master_repl_offset")
    return None if sent is None else max(0, sent - replica.offset)


def counters(seen: InstanceSnapshot) -> dict[str, float]:
    """The ever-growing values of a snapshot, of which the history keeps the rate."""
    info = seen.info
    values: dict[str, float | None] = {
        "commands": seen.commands_total,
        "hits": seen.hits_total,
        "misses": seen.misses_total,
        "net_in": info.whole("total_net_input_bytes"),
        "net_out": info.whole("total_net_output_bytes"),
        "evicted": info.whole("evicted_keys"),
        "expired": info.whole("expired_keys"),
        "mutations": info.whole("keyspace_mutations"),
        "stream": info.whole("master_repl_offset"),
        "oom": info.whole("oom_rejections"),
        "cpu": _cpu_seconds(seen),
    }
    return {name: float(value) for name, value in values.items() if value is not None}


def derived(rates: Mapping[str, float]) -> dict[str, float]:
    """What is computed from rates: the hit rate of the interval, a gap when nothing was looked up; and the writes that
    replicas have to follow, to whom expiries and evictions come as deletions."""
    hits, misses = rates.get("hits", math.nan), rates.get("misses", math.nan)
    looked_up = hits + misses
    values = {"hit_rate": hits / looked_up} if looked_up > 0 else {}
    if "mutations" in rates:
        values["writes"] = rates["mutations"] + rates.get("expired", 0.0) + rates.get("evicted", 0.0)
    return values


def _cpu_seconds(seen: InstanceSnapshot) -> float | None:
    user, system = seen.info.cpu_seconds("used_cpu_user"), seen.info.cpu_seconds("used_cpu_sys")
    return None if user is None or system is None else user + system
