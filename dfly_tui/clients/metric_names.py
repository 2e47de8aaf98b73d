"""The metrics we use, by our own names; v1.22 and v1.40 print some of them differently (facts §5)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dfly_tui.models.metrics import MetricsPage, Sample

_Choice = Callable[[Sample], bool]


def _any(sample: Sample) -> bool:
    return True


def _unlabelled(sample: Sample) -> bool:
    return not sample.labels


def _labelled(key: str, value: str) -> _Choice:
    return lambda sample: (key, value) in sample.labels


@dataclass(frozen=True)
class _Source:
    """Where a number is: the samples of one metric that are chosen, summed or the largest of them.

    Attributes:
        absent: What an absent series means: nothing happened yet (0), or not known (None).
    """

    metric: str
    choose: _Choice = _any
    absent: float | None = None
    largest: bool = False

    def read(self, samples: Mapping[str, list[Sample]]) -> float | None:
        values = [sample.value for sample in samples.get(f"dragonfly_{self.metric}", ()) if self.choose(sample)]
        if not values:
            return self.absent
        return max(values) if self.largest else sum(values)


def _memory_class(name: str, legacy: str) -> tuple[_Source, ...]:
    return _Source(legacy), _Source("memory_by_class_bytes", choose=_labelled("class", name))


METRICS: Mapping[str, tuple[_Source, ...]] = {
    "uptime_seconds": (_Source("uptime_in_seconds"),),
    "max_clients": (_Source("max_clients"),),
    "connected_clients": (_Source("connected_clients"),),
    "blocked_clients": (_Source("blocked_clients"),),
    "connections_received_total": (_Source("connections_received_total"),),
    "commands_total": (_Source("commands_processed_total"),),
    # v1.40 prints these once without a label and once per database: a sum would count twice.
    "hits_total": (_Source("keyspace_hits_total", choose=_unlabelled),),
    "misses_total": (_Source("keyspace_misses_total", choose=_unlabelled),),
    "mutations_total": (_Source("keyspace_mutations_total", choose=_unlabelled),),
    # v1.40 prints these per database and only once they are above zero.
    "expired_total": (_Source("expired_keys_total", absent=0.0),),
    "evicted_total": (_Source("evicted_keys_total", absent=0.0),),
    "oom_errors_total": (_Source("oom_errors_total", absent=0.0),),
    "used_memory_bytes": (_Source("memory_used_bytes"),),
    "used_memory_peak_bytes": (_Source("memory_used_peak_bytes"),),
    "max_memory_bytes": (_Source("memory_max_bytes"),),
    "rss_bytes": (_Source("used_memory_rss_bytes"),),
    "keys": (_Source("db_keys"),),
    "expiring_keys": (_Source("db_keys_expiring"),),
    "net_input_bytes_total": (_Source("net_input_bytes_total"),),
    "net_output_bytes_total": (_Source("net_output_bytes_total"),),
    # On the primary only; the worst replica counts.
    "lag_records": (
        _Source("connected_replica_lag_records", choose=_labelled("replica_state", "online"), largest=True),
        _Source("connected_replica_lag_records", choose=_labelled("replica_state", "stable_sync"), largest=True),
    ),
    "replica_reconnects_total": (_Source("replica_reconnect_count"),),
    "pipeline_queue_length": (_Source("pipeline_queue_length"),),
    "pipeline_queue_bytes": _memory_class("pipeline_queue", "pipeline_queue_bytes"),
    "dispatch_queue_bytes": _memory_class("dispatch_queue", "dispatch_queue_bytes"),
    "client_read_buffer_bytes": _memory_class("client_read_buffer", "client_read_buffer_bytes"),
    "lua_memory_bytes": _memory_class("used_lua", "used_memory_lua"),
    "replication_streaming_bytes": _memory_class("replication_streaming", "replication_streaming_bytes"),
    "replication_full_sync_bytes": _memory_class("replication_full_sync", "replication_full_sync_bytes"),
    "fiber_long_runs_total": (_Source("fiber_longrun_total"),),
    "fiber_long_run_seconds_total": (_Source("fiber_longrun_seconds"),),
    "fiber_switch_delay_seconds_total": (_Source("fiber_switch_delay_seconds_total"),),
    "tx_queue_length": (_Source("tx_queue_len"),),
    "backups_total": (_Source("backups_total"),),
    "failed_backups_total": (_Source("failed_backups_total"),),
}


def numbers(page: MetricsPage) -> dict[str, float | None]:
    """Our numbers from a page, None for what this server does not print."""
    samples: dict[str, list[Sample]] = {}
    for sample in page.samples:
        samples.setdefault(sample.name, []).append(sample)
    return {name: _first(source.read(samples) for source in sources) for name, sources in METRICS.items()}


def _first(values: Iterable[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)
