"""`/metrics`: the recorded template of the flavour, with the numbers of this server in it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from dfly_tui.lab.info import resident_bytes, table_capacity, used_by_type

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

PREFIX = "dragonfly_"


def metrics_text(server: "LabServer") -> str:
    """The body of `/metrics`."""
    values = _values(server)
    lines: list[str] = []
    for line in server.flavour.metrics.splitlines():
        if line.startswith("@"):
            lines += _MOMENTS[line[1:]](server)
        elif line.startswith("#"):
            lines.append(line)
        else:
            name = line.rpartition(" ")[0]
            value = values.get(name.removeprefix(PREFIX))
            lines.append(line if value is None else f"{name} {value}")
    return "\n".join(lines) + "\n"


def _values(server: "LabServer") -> Mapping[str, float | int]:
    stats, space = server.stats, server.keyspace
    clients = len(server.sessions)
    main = sum(not session.admin for session in server.sessions.values())
    return {
        "master": int(server.follower is None),
        "uptime_in_seconds": server.uptime_seconds,
        "max_clients": server.config.number("maxclients"),
        "connected_clients": clients,
        'connected_clients{listener="main"}': main,
        'connected_clients{listener="other"}': clients - main,
        "blocked_clients": server.blocked_clients,
        "client_read_buffer_bytes": 256 * clients,
        "pipeline_commands_total": stats.pipelined,
        "memory_used_bytes": server.used_memory,
        "memory_used_peak_bytes": server.peak_bytes,
        "memory_max_bytes": server.config.maxmemory,
        "used_memory_rss_bytes": resident_bytes(server),
        "connections_received_total": stats.connections,
        "commands_processed_total": stats.commands,
        'commands_processed_total{listener="main"}': stats.commands,
        "keyspace_hits_total": stats.hits,
        "keyspace_misses_total": stats.misses,
        "keyspace_mutations_total": space.mutations,
        "backups_total": stats.backups,
        "failed_backups_total": stats.failed_backups,
        "restores_total": server.saver.restores,
        "net_input_recv_total": stats.reads,
        "net_input_bytes_total": stats.net_input,
        "net_output_bytes_total": stats.net_output,
        "reply_total": stats.commands,
        'listener_accept_error_total{reason="limit_reached"}': stats.limit_reached,
        "expired_keys_total": space.expired_keys,
        "evicted_keys_total": stats.evicted,
        'memory_by_class_bytes{class="client_read_buffer"}': 256 * clients,
        'memory_by_class_bytes{class="object_used"}': space.object_bytes,
        'memory_by_class_bytes{class="table_used"}': server.used_memory - space.object_bytes,
    }


def _family(name: str, kind: str, words: str, samples: Iterator[tuple[str, float | int]]) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {words}"
    yield f"# TYPE {PREFIX}{name} {kind}"
    for labels, value in samples:
        yield f"{PREFIX}{name}{labels} {value}"


def _types(server: "LabServer") -> Iterator[str]:
    samples = [(f'{{type="{kind}"}}', size) for kind, size in used_by_type(server)]
    if samples:
        yield from _family("type_used_memory", "gauge", "Memory used per type", iter(samples))


def _buffers(server: "LabServer") -> Iterator[str]:
    if server.follower is not None:
        return
    if server.flavour.is_new:
        yield f'{PREFIX}memory_by_class_bytes{{class="replication_streaming"}} 0'
        yield f'{PREFIX}memory_by_class_bytes{{class="replication_full_sync"}} 0'
    elif server.feeder.peers:
        yield from _family(
            "replication_streaming_bytes", "gauge", "Stable sync replication memory  usage", iter([("", 0)])
        )
        yield from _family("replication_full_sync_bytes", "gauge", "Full sync memory usage", iter([("", 0)]))


def _commands(server: "LabServer") -> Iterator[str]:
    calls = [(f'{{cmd="{name}"}}', count) for name, count in server.stats.calls.items()]
    seconds = [(f'{{cmd="{name}"}}', server.stats.usec[name] / 1e6) for name in server.stats.calls]
    if server.flavour.is_new:
        yield from _family("commands_total", "counter", "Total number of commands executed", iter(calls))
        yield from _family("commands_duration_seconds", "counter", "Duration of commands in seconds", iter(seconds))
        return
    # v1.22 names the family by something else than its samples.
    yield f"# HELP {PREFIX}commands Metrics for all commands ran"
    yield f"# TYPE {PREFIX}commands counter"
    for (labels, count), (_, duration) in zip(calls, seconds, strict=True):
        yield f"{PREFIX}commands_total{labels} {count}"
        yield f"{PREFIX}commands_duration_seconds{labels} {duration}"


def _lag(server: "LabServer") -> Iterator[str]:
    if server.follower is not None:
        yield from _family(
            "replica_reconnect_count",
            "counter",
            "Number of replica reconnects",
            iter([("", server.follower.reconnects)]),
        )
        return
    if server.flavour.is_new:
        yield from _family(
            "replication_psync_count", "counter", "Pync count", iter([("", server.feeder.partial_syncs)])
        )
    if server.flavour.is_new or server.feeder.peers:
        samples = (
            (
                f'{{replica_ip="{peer.ip}", replica_port="{peer.port}", replica_state="{peer.state}"}}',
                server.feeder.lag(peer),
            )
            for peer in server.feeder.peers.values()
        )
        yield from _family(
            "connected_replica_lag_records", "gauge", "Lag in records of a connected replica.", iter(samples)
        )


def _link(server: "LabServer") -> Iterator[str]:
    link = server.follower
    if link is None:
        return
    for name, value in (
        ("master_link_status", int(link.is_up)),
        ("master_last_io_seconds_ago", link.idle_seconds),
        ("master_sync_in_progress", int(link.is_syncing)),
        ("slave_repl_offset", link.offset or 0),
    ):
        yield from _family(name, "gauge", "", iter([("", value)]))


def _latency(server: "LabServer") -> Iterator[str]:
    if server.stats.pipelined:
        yield f'{PREFIX}pipeline_latency_seconds{{quantile="0.95"}} 0.0002'
        yield f'{PREFIX}pipeline_latency_seconds{{quantile="0.99"}} 0.0005'


def _widths(server: "LabServer") -> Iterator[str]:
    if server.keyspace.mutations:
        yield from _family(
            "transaction_widths_total",
            "counter",
            "Transaction counts by their widths",
            iter([('{width="w1"}', server.keyspace.mutations)]),
        )


def _databases(server: "LabServer") -> Iterator[str]:
    numbers = [number for number, _ in server.keyspace.stores()]
    if server.flavour.is_new:
        for number in numbers:
            yield f'{PREFIX}keyspace_hits_total{{db="db{number}"}} {server.stats.db_hits[number]}'
            yield f'{PREFIX}keyspace_misses_total{{db="db{number}"}} {server.stats.db_misses[number]}'
    counts = [(f'{{db="db{number}"}}', server.keyspace.count(number)) for number in numbers]
    yield from _family("db_keys", "gauge", "Total number of keys by DB", ((db, keys) for db, (keys, _) in counts))
    yield from _family(
        "db_keys_expiring", "gauge", "Total number of expiring keys by DB", ((db, some) for db, (_, some) in counts)
    )
    if server.flavour.is_new:
        capacity = table_capacity(server)
        yield from _family("db_capacity", "gauge", "Table capacity by DB", ((db, capacity) for db, _ in counts))


def _expired(server: "LabServer") -> Iterator[str]:
    samples = [
        (f'{{db="db{number}"}}', store.expired_keys) for number, store in server.keyspace.stores() if store.expired_keys
    ]
    yield from _family("expired_keys_total", "counter", "", iter(samples))


def _evicted(server: "LabServer") -> Iterator[str]:
    samples = [('{db="db0"}', server.stats.evicted)] if server.stats.evicted else []
    yield from _family("evicted_keys_total", "counter", "", iter(samples))


_MOMENTS: Mapping[str, Callable[["LabServer"], Iterator[str]]] = {
    "types": _types,
    "buffers": _buffers,
    "commands": _commands,
    "lag": _lag,
    "link": _link,
    "latency": _latency,
    "widths": _widths,
    "databases": _databases,
    "expired": _expired,
    "evicted": _evicted,
}
