"""INFO: the recorded template of the flavour, with the numbers of this server in it."""

import os
import platform
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from dfly_tui.lab.config import human

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

Fields: TypeAlias = dict[str, str | int | float]
HIDDEN = frozenset({"TIERED", "PERSISTENCE", "TRANSACTION", "COMMANDSTATS", "SEARCH", "ERRORSTATS", "ACL"})
CHEAP = frozenset({"SERVER", "CLIENTS", "PERSISTENCE"})
MARK = "dfly_tui_lab:1"
"""Says that this is a simulation."""


@cache
def _sections(template: str) -> Mapping[str, Sequence[str]]:
    """Title → its lines; a line `@name` stands for what only the moment knows."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in template.splitlines():
        if line.startswith("# "):
            lines = found.setdefault(line[2:], [])
        elif line:
            lines.append(line)
    return found


def info_text(server: "LabServer", wanted: Sequence[str]) -> str:
    """The text of INFO.

    Args:
        server: Whose.
        wanted: Section names in capitals; none for the default ones.
    """
    titles = _sections(server.flavour.info)
    if not wanted:
        chosen = [title for title in titles if title.upper() not in HIDDEN]
    elif "ALL" in wanted:
        chosen = list(titles)
    else:
        chosen = [title for title in titles if title.upper() in wanted]
    if server.flavour.is_new and len(wanted) > 1 and "ALL" not in wanted:
        chosen.sort(key=lambda title: wanted.index(title.upper()))
    # One empty line between two sections.
    return "\r\n".join(_section(server, title) for title in chosen)


def _section(server: "LabServer", title: str) -> str:
    fields = _FIELDS[title](server) if title in _FIELDS else {}
    lines = [f"# {title}"]
    for line in _sections(server.flavour.info)[title]:
        if line.startswith("@"):
            lines += _MOMENTS[line[1:]](server)
            continue
        name, _, default = line.partition(":")
        lines.append(f"{name}:{fields[name]}" if name in fields else f"{name}:{default}")
    if title == "Server":
        lines.append(MARK)
    return "".join(f"{line}\r\n" for line in lines)


def resident_bytes(server: "LabServer") -> int:
    """RSS of the server it pretends to be: its data and some 20 MB of code and stacks."""
    return int(server.used_memory * 1.06) + 21_700_000


def _server(server: "LabServer") -> Fields:
    return {
        "process_id": os.getpid(),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "thread_count": server.options.shards,
        "tcp_port": server.port,
        "uptime_in_seconds": server.uptime_seconds,
        "uptime_in_days": server.uptime_seconds // 86400,
    }


def _clients(server: "LabServer") -> Fields:
    return {
        "connected_clients": len(server.sessions),
        "max_clients": server.config["maxclients"],
        "client_read_buffer_bytes": 256 * len(server.sessions),
        "blocked_clients": server.blocked_clients,
    }


def _memory(server: "LabServer") -> Fields:
    used, space = server.used_memory, server.keyspace
    rss, capacity = resident_bytes(server), "prime_capacity" if server.flavour.is_new else "num_buckets"
    return {
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_peak": server.peak_bytes,
        "used_memory_peak_human": human(server.peak_bytes),
        "used_memory_rss": rss,
        "used_memory_rss_human": human(rss),
        "used_memory_peak_rss": server.peak_bytes if server.flavour.is_new else rss,
        "maxmemory": server.config.maxmemory,
        "maxmemory_human": human(server.config.maxmemory),
        "object_used_memory": space.object_bytes,
        "table_used_memory": server.flavour.table_memory + used - server.flavour.empty_memory - space.object_bytes,
        capacity: table_capacity(server),
        "num_entries": space.entries,
        "cache_mode": "cache" if server.options.cache_mode else "store",
        "maxmemory_policy": "eviction" if server.options.cache_mode else "noeviction",
    }


def table_capacity(server: "LabServer") -> int:
    """How many keys fit before the table grows."""
    smallest = 13440 if server.flavour.is_new else 960
    while smallest < server.keyspace.entries * 1.2:
        smallest *= 2
    return smallest


def _stats(server: "LabServer") -> Fields:
    stats = server.stats
    return {
        "total_connections_received": stats.connections,
        "total_commands_processed": stats.commands,
        "instantaneous_ops_per_sec": stats.ops_per_second(server.clock.monotonic()),
        "total_pipelined_commands": stats.pipelined,
        "total_net_input_bytes": stats.net_input,
        "total_net_output_bytes": stats.net_output,
        "rdb_save_count": server.saver.saves,
        "rdb_save_usec": server.saver.save_usec,
        "expired_keys": server.keyspace.expired_keys,
        "evicted_keys": stats.evicted,
        "oom_rejections": stats.oom_rejections,
        "keyspace_hits": stats.hits,
        "keyspace_misses": stats.misses,
        "keyspace_mutations": server.keyspace.mutations,
        "total_reads_processed": stats.reads,
        "total_writes_processed": stats.writes,
    }


def _persistence(server: "LabServer") -> Fields:
    saver = server.saver
    return {
        "current_snapshot_perc": f"{saver.percent:g}",
        "current_save_keys_processed": saver.processed,
        "current_save_keys_total": saver.total,
        "last_success_save": int(saver.last_success.timestamp()),
        "last_saved_file": saver.last_file,
        "last_success_save_duration_sec": int(saver.last_duration),
        "loading": int(server.is_loading),
        "saving": int(saver.is_saving),
        "current_save_duration_sec": int(saver.running_seconds),
        "rdb_changes_since_last_success_save": saver.changes,
        "rdb_bgsave_in_progress": int(saver.is_saving),
        "rdb_last_bgsave_status": "err" if saver.last_error else "ok",
        "last_failed_save": int(saver.last_failed.timestamp()) if saver.last_failed else 0,
        "last_error": saver.last_error,
        "last_failed_save_duration_sec": int(saver.last_failed_duration),
    }


def _cpu(server: "LabServer") -> Fields:
    del server
    used = resource.getrusage(resource.RUSAGE_SELF)

    def seconds(value: float) -> str:  # Dragonfly does not pad the microseconds
        return f"{int(value)}.{int(value % 1 * 1e6)}"

    return {
        "used_cpu_sys": seconds(used.ru_stime),
        "used_cpu_user": seconds(used.ru_utime),
        "used_cpu_sys_main_thread": seconds(used.ru_stime / 2),
        "used_cpu_user_main_thread": seconds(used.ru_utime / 2),
    }


def _types(server: "LabServer") -> Iterator[str]:
    for kind, size in used_by_type(server):
        yield f"type_used_memory_{kind}:{size}"


ORDER = ("string", "list", "set", "zset", "hash", "key", "stream", "ReJSON-RL", "MBbloom--")


def used_by_type(server: "LabServer") -> Iterator[tuple[str, int]]:
    """Type → bytes, those that have any. v1.40 counts long keys, too."""
    totals = dict(server.keyspace.totals)
    if server.flavour.is_new:
        totals["key"] = server.keyspace.key_bytes
    for kind in ORDER:
        if totals.get(kind, 0) > 0:
            yield kind, totals[kind]


def _buffers(server: "LabServer") -> Iterator[str]:
    if server.follower is None and (server.flavour.is_new or server.feeder.peers):
        yield "replication_streaming_buffer_bytes:0"
        yield "replication_full_sync_buffer_bytes:0"


def _saved(server: "LabServer") -> Iterator[str]:
    for kind, count in server.saver.last_counts.items():
        yield f"rdb_{kind}:{count}"


def _replication(server: "LabServer") -> Iterator[str]:
    link = server.follower
    if link is None:
        peers = list(server.feeder.peers.values())
        yield "role:master"
        yield f"connected_slaves:{len(peers)}"
        for number, peer in enumerate(peers):
            lag = server.feeder.lag(peer)
            yield f"slave{number}:ip={peer.ip},port={peer.port},state={peer.state},lag={lag}"
        yield f"master_replid:{server.replid}"
        return
    yield "role:slave"
    yield f"master_host:{link.host}"
    yield f"master_port:{link.port}"
    yield f"master_link_status:{'up' if link.is_up else 'down'}"
    yield f"master_last_io_seconds_ago:{link.idle_seconds}"
    yield f"master_sync_in_progress:{int(link.is_syncing)}"
    yield f"master_replid:{link.replid}"
    if link.offset is not None:
        yield f"slave_repl_offset:{link.offset}"
    yield f"slave_priority:{server.config['replica_priority']}"
    yield "slave_read_only:1"
    if server.flavour.is_new:
        yield f"psync_attempts:{link.psync_attempts}"
        yield f"psync_successes:{link.psync_successes}"


def _commands(server: "LabServer") -> Iterator[str]:
    for name, calls in sorted(server.stats.calls.items()):
        usec = server.stats.usec[name]
        yield f"cmdstat_{name}:calls={calls},usec={usec},usec_per_call={usec / calls:g}"
    for name, count in server.stats.unknown.items():
        yield f"unknown_{name}:{count}"


def _errors(server: "LabServer") -> Iterator[str]:
    for words, count in server.stats.errors.items():
        yield f"{words}:{count}"


def _databases(server: "LabServer") -> Iterator[str]:
    for number, _ in server.keyspace.stores():
        keys, expires = server.keyspace.count(number)
        if not keys and number:
            continue
        line = f"db{number}:keys={keys},expires={expires}"
        if server.flavour.is_new:
            hits, misses = server.stats.db_hits[number], server.stats.db_misses[number]
            ratio = 100 * hits / (hits + misses) if hits + misses else 0.0
            line += f",hits={hits},misses={misses},hit_ratio={ratio:.2f}"
        yield line + ",avg_ttl=-1"


_FIELDS: Mapping[str, Callable[["LabServer"], Fields]] = {
    "Server": _server,
    "Clients": _clients,
    "Memory": _memory,
    "Stats": _stats,
    "Persistence": _persistence,
    "Cpu": _cpu,
}
_MOMENTS: Mapping[str, Callable[["LabServer"], Iterator[str]]] = {
    "types": _types,
    "buffers": _buffers,
    "saved": _saved,
    "replication": _replication,
    "commands": _commands,
    "errors": _errors,
    "databases": _databases,
}
