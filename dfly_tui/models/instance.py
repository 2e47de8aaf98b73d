"""What one poll saw of an instance: the numbers screens and checks use, and the whole INFO for all others.

Every field a server or version may lack is None, and is shown as "–", never as 0. Units are in the names.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum

from dfly_tui.models.base import Frozen
from dfly_tui.models.info import Info, fields_of, whole
from dfly_tui.models.replication import Replication, Role, RoleReply
from dfly_tui.text import safe


class Flavour(StrEnum):
    """Which server this is."""

    DRAGONFLY = "dragonfly"
    REDIS = "redis"
    VALKEY = "valkey"


class Keyspace(Frozen):
    """One database of `# Keyspace`.

    Attributes:
        hits, misses: v1.40 counts them per database; None elsewhere.
    """

    database: int
    keys: int
    expiring: int
    hits: int | None = None
    misses: int | None = None


class Persistence(Frozen):
    """`# Persistence`, which a plain INFO hides.

    Attributes:
        last_snapshot_at: Start of the last successful save; None until there was one, although the server then prints
            its own start time (facts §1.7).
        last_snapshot_file: Its path as the server names it.
        last_failed_at: Start of the last failed save; None if none failed.
        snapshot_fraction: Progress of a running save, 0 to 1.
        changes_since_snapshot: Mutations that a crash now would lose.
    """

    loading: bool | None = None
    saving: bool | None = None
    snapshot_fraction: float | None = None
    save_keys_processed: int | None = None
    save_keys_total: int | None = None
    save_seconds: int | None = None
    last_snapshot_at: datetime | None = None
    last_snapshot_file: str | None = None
    last_snapshot_seconds: int | None = None
    last_failed_at: datetime | None = None
    last_error: str | None = None
    changes_since_snapshot: int | None = None

    @classmethod
    def from_info(cls, info: Info, flavour: Flavour) -> "Persistence":
        """Read the section of Dragonfly, or the fields Redis has for the same things."""
        if flavour is not Flavour.DRAGONFLY:
            return _redis_persistence(info)
        percent = info.real("current_snapshot_perc")
        file = safe(info.text("last_saved_file") or "")
        return cls(
            loading=info.flag("loading"),
            saving=info.flag("saving"),
            snapshot_fraction=None if percent is None else percent / 100,
            save_keys_processed=info.whole("current_save_keys_processed"),
            save_keys_total=info.whole("current_save_keys_total"),
            save_seconds=info.whole("current_save_duration_sec"),
            last_snapshot_at=_unix(info.whole("last_success_save")) if file else None,
            last_snapshot_file=file or None,
            last_snapshot_seconds=info.whole("last_success_save_duration_sec"),
            last_failed_at=_unix(info.whole("last_failed_save")),
            last_error=safe(info.text("last_error") or "") or None,
            changes_since_snapshot=info.whole("rdb_changes_since_last_success_save"),
        )


def _redis_persistence(info: Info) -> Persistence:
    failed = info.text("rdb_last_bgsave_status") == "err"
    return Persistence(
        loading=info.flag("loading"),
        saving=info.flag("rdb_bgsave_in_progress"),
        last_snapshot_at=_unix(info.whole("rdb_last_save_time")),
        last_error="the last BGSAVE failed; the server's log says why" if failed else None,
        changes_since_snapshot=info.whole("rdb_changes_since_last_save"),
    )


class InstanceSnapshot(Frozen):
    """One look at an instance.

    Attributes:
        version: Of the product: `1.40.1` for Dragonfly (`dragonfly_version`), else `redis_version`/`valkey_version`.
        latency_seconds: What the round trip of this poll took.
        max_memory_bytes: The limit; None when the server has none or prints 0.
        ops_per_second: The server's own moving average (about 6 s).
        info: Everything it printed.
    """

    taken_at: datetime
    latency_seconds: float | None = None
    flavour: Flavour
    version: str | None
    simulated: bool = False
    tcp_port: int | None
    thread_count: int | None
    uptime_seconds: int | None
    connected_clients: int | None
    blocked_clients: int | None
    max_clients: int | None
    used_memory_bytes: int | None
    used_memory_peak_bytes: int | None
    rss_bytes: int | None
    max_memory_bytes: int | None
    cache_mode: bool | None
    ops_per_second: float | None
    commands_total: int | None
    hits_total: int | None
    misses_total: int | None
    keyspaces: tuple[Keyspace, ...]
    persistence: Persistence
    replication: Replication
    role_reply: RoleReply | None = None
    info: Info

    @classmethod
    def from_info(
        cls,
        info: Info,
        *,
        taken_at: datetime,
        latency_seconds: float | None = None,
        role_reply: RoleReply | None = None,
    ) -> "InstanceSnapshot":
        """Build a snapshot from `INFO ALL` (or any part of it) and, where the user may ask, ROLE."""
        flavour = _flavour(info)
        return cls(
            taken_at=taken_at,
            latency_seconds=latency_seconds,
            flavour=flavour,
            version=_version(info, flavour),
            simulated=info.has("dfly_tui_lab"),
            tcp_port=info.whole("tcp_port"),
            thread_count=info.whole("thread_count"),
            uptime_seconds=info.whole("uptime_in_seconds"),
            connected_clients=info.whole("connected_clients"),
            blocked_clients=info.whole("blocked_clients"),
            max_clients=_limit(info, "max_clients") or _limit(info, "maxclients"),
            used_memory_bytes=info.whole("used_memory"),
            used_memory_peak_bytes=info.whole("used_memory_peak"),
            rss_bytes=info.whole("used_memory_rss"),
            max_memory_bytes=_limit(info, "maxmemory"),
            cache_mode={"cache": True, "store": False}.get(info.text("cache_mode") or ""),
            ops_per_second=_known(info.real("instantaneous_ops_per_sec")),
            commands_total=info.whole("total_commands_processed"),
            hits_total=info.whole("keyspace_hits"),
            misses_total=info.whole("keyspace_misses"),
            keyspaces=tuple(_keyspaces(info)),
            persistence=Persistence.from_info(info, flavour),
            replication=Replication.from_info(info),
            role_reply=role_reply,
            info=info,
        )

    @property
    def role(self) -> Role | None:
        """Who it is now, from INFO or, where that says nothing, from ROLE."""
        return self.replication.role or (self.role_reply.role if self.role_reply else None)

    @property
    def keys(self) -> int | None:
        """Keys in all databases; None when the keyspace was not printed."""
        return sum(space.keys for space in self.keyspaces) if self._has_keyspace else None

    @property
    def expiring_keys(self) -> int | None:
        """Keys with a TTL in all databases."""
        return sum(space.expiring for space in self.keyspaces) if self._has_keyspace else None

    @property
    def _has_keyspace(self) -> bool:
        return any(section.name.lower() == "keyspace" for section in self.info.sections)

    @property
    def hit_rate(self) -> float | None:
        """Hits among all look-ups since start or CONFIG RESETSTAT, 0 to 1; None before the first look-up."""
        if self.hits_total is None or self.misses_total is None:
            return None
        total = self.hits_total + self.misses_total
        return self.hits_total / total if total else None

    @property
    def memory_fraction(self) -> float | None:
        """Used memory of the limit, 0 to 1 and above; None without a limit."""
        if self.used_memory_bytes is None or not self.max_memory_bytes:
            return None
        return self.used_memory_bytes / self.max_memory_bytes


def _flavour(info: Info) -> Flavour:
    if info.has("dragonfly_version"):
        return Flavour.DRAGONFLY
    if info.has("valkey_version") or info.text("server_name") == "valkey":
        return Flavour.VALKEY
    return Flavour.REDIS


def _version(info: Info, flavour: Flavour) -> str | None:
    if flavour is Flavour.DRAGONFLY:
        text = info.text("dragonfly_version") or ""
        match = re.search(r"\d+(\.\d+)+\S*", text)
        return safe(match.group() if match else text) or None
    return safe(info.text("valkey_version") or info.text("redis_version") or "") or None


def _keyspaces(info: Info) -> list[Keyspace]:
    found = []
    for name, value in info.section("Keyspace").items():
        fields = fields_of(value)
        number, keys = whole(name.removeprefix("db")), whole(fields.get("keys"))
        if number is not None and keys is not None:
            found.append(
                Keyspace(
                    database=number,
                    keys=keys,
                    expiring=whole(fields.get("expires")) or 0,
                    hits=whole(fields.get("hits")),
                    misses=whole(fields.get("misses")),
                )
            )
    return found


def _unix(seconds: int | None) -> datetime | None:
    """A Unix time; 0, negative and absurd ones mean "never"."""
    if not seconds or seconds < 0 or seconds > 253_402_300_799:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _limit(info: Info, key: str) -> int | None:
    """A limit; 0 means that there is none, and less means nothing."""
    number = info.whole(key)
    return number if number is not None and number > 0 else None


def _known(value: float | None) -> float | None:
    """Dragonfly prints -1 where it does not measure."""
    return None if value is None or value < 0 else value
