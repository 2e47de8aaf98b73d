"""What the user configured: instances, thresholds, looks. `settings_load.load_settings()` reads it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, field_validator, model_validator

from dfly_tui.settings_backup import BackupOverrides, BackupSettings, StoreConfig
from dfly_tui.settings_base import Secretive, Table, plain, problem
from dfly_tui.settings_views import SHIPPED_VIEWS, ViewConfig

DEFAULT_PORT = 6379
THEMES = ("dfly-dark", "dfly-light", "dfly-contrast", "dfly-ansi")
"""The colour themes there are; `themes/` draws them."""
LOW_BANDWIDTH_SECONDS = 5.0


class Environment(StrEnum):
    """How much harm a mistake would do; `production` opens read-only."""

    PRODUCTION = "production"
    STAGING = "staging"
    LAB = "lab"
    UNKNOWN = "unknown"
    """Nobody said: an address that was typed. It is treated as production."""


def check_url(url: str, schemes: Sequence[str]) -> SplitResult:
    """Take a URL apart; raises what `problem()` makes, without ever repeating a password.

    Args:
        schemes: The ones allowed, the usual one first.
    """
    expected = " or ".join(f"{scheme}://host:port" for scheme in schemes)
    if not url.isprintable() or " " in url:
        raise problem("a URL holds no blanks or control characters")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # as it is looked up: no label is empty or longer than 63
    except ValueError:
        raise problem(f"not a URL; expected {expected}") from None
    if parts.password is not None:
        raise problem("no password in a URL: use password_env, password_command, password_file or password_keyring")
    if parts.scheme not in schemes:
        raise problem(f"expected {expected}")
    if not host or port == 0:
        raise problem(f"the {'host' if not host else 'port'} is missing; expected {expected}")
    if parts.query or parts.fragment:
        raise problem("no ?options or #fragment in a URL: each option has its own key")
    return parts


class DockerConfig(Table):
    """Which container an instance runs in."""

    host: str = "unix:///var/run/docker.sock"
    """`unix:///path`, `ssh://user@host` or `tcp://host:port`."""
    container: str = Field(min_length=1)
    """Name or id."""

    @field_validator("host")
    @classmethod
    def _host_is_known(cls, host: str) -> str:
        if not host.startswith(("unix:///", "ssh://", "tcp://")):
            raise problem("expected unix:///path, ssh://user@host or tcp://host:port")
        if not host.startswith("unix"):
            check_url(host, ("ssh", "tcp"))
        return host


class Thresholds(Table):
    """When a number becomes a warning or critical. Fractions are 0 to 1."""

    memory_warning: float = Field(0.80, gt=0, allow_inf_nan=False)
    memory_critical: float = Field(0.92, gt=0, allow_inf_nan=False)
    snapshot_age_warning_seconds: float = Field(26 * 3600.0, gt=0, allow_inf_nan=False)
    snapshot_age_critical_seconds: float = Field(50 * 3600.0, gt=0, allow_inf_nan=False)
    lag_warning_seconds: float = Field(5.0, gt=0, allow_inf_nan=False)
    lag_critical_seconds: float = Field(30.0, gt=0, allow_inf_nan=False)
    clients_warning: float = Field(0.80, gt=0, allow_inf_nan=False)
    primary_silent_seconds: float = Field(30.0, gt=0, allow_inf_nan=False)
    """A replica that heard nothing for that long over a standing link gets a warning."""
    just_started_seconds: float = Field(600.0, gt=0, allow_inf_nan=False)
    """How long after its start an empty primary with replicas is an alarm."""


FILE_KEYS = ("password_file", "ca_file", "cert_file", "key_file")
"""Keys of an instance that hold a path."""


class InstanceConfig(Secretive):
    """One `[[instances]]` table."""

    name: str = Field(min_length=1, max_length=60)
    url: str
    """`redis://host:port` or `rediss://host:port`, optionally with `/database`. No password in it."""
    username: str | None = None
    group: str | None = None
    """Instances that replicate each other; exactly one primary each."""
    role: Literal["primary", "replica"] | None = None
    """Intended role; a different one is an alarm."""
    replica_of: str | None = None
    """Name of the intended primary."""
    environment: Environment = Environment.LAB
    replication_address: str | None = None
    """`host:port` at which the other instances reach it, when that is not the `url`'s (Docker networks, NAT)."""
    http_url: str | None = None
    """Where `/metrics` is; default: the same host and port (Dragonfly serves HTTP on its main port)."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    docker: DockerConfig | None = None
    refresh_seconds: float | None = Field(None, ge=0.2, le=3600, allow_inf_nan=False)
    thresholds: Thresholds | None = None
    backup: BackupOverrides = BackupOverrides()

    @property
    def address(self) -> str:
        """`host:port`, with the port that is dialled when the URL names none."""
        return address_of(urlsplit(self.url))

    @property
    def peer_address(self) -> str:
        """`host:port` at which the other instances of its group reach it."""
        return self.replication_address or self.address

    @field_validator("name")
    @classmethod
    def _name_is_plain(cls, name: str) -> str:
        return plain(name)

    @field_validator("url")
    @classmethod
    def _url_is_redis(cls, url: str) -> str:
        parts = check_url(url, ("redis", "rediss"))
        if parts.username is not None:
            raise problem("no user in the URL: use the key username")
        database = parts.path.removeprefix("/")
        if database and not (database.isascii() and database.isdigit()):
            raise problem("after the port there is only a database number, such as /0")
        return url

    @field_validator("replication_address")
    @classmethod
    def _replication_address_is_one(cls, address: str | None) -> str | None:
        if address is not None:
            parts = check_url(f"redis://{address}", ("redis",))
            if parts.path or parts.username is not None or parts.port is None:
                raise problem("expected host:port")
        return address

    @field_validator("http_url")
    @classmethod
    def _http_url_is_http(cls, url: str | None) -> str | None:
        if url is not None:
            check_url(url, ("http", "https"))
        return url

    @model_validator(mode="after")
    def _keys_fit_together(self) -> Self:
        tls = [key for key in ("ca_file", "cert_file", "key_file") if getattr(self, key)]
        if tls and not self.url.startswith("rediss:"):
            raise problem("has no effect without TLS: the url must begin with rediss://", [tls[0]])
        if (self.cert_file is None) != (self.key_file is None):
            raise problem("a client certificate needs both cert_file and key_file", [tls[-1]])
        if self.replica_of is not None and self.role == "primary":
            raise problem("a primary replicates nobody; set role to replica or drop this key", ["replica_of"])
        return self


def address_of(parts: SplitResult) -> str:
    """`host:port` of a URL taken apart; an IPv6 address gets its brackets."""
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or DEFAULT_PORT}"


class Defaults(Table):
    """The `[defaults]` table."""

    refresh_seconds: float = Field(1.0, ge=0.2, le=3600, allow_inf_nan=False)
    timeout_seconds: float = Field(2.0, gt=0, le=60, allow_inf_nan=False)
    theme: str = THEMES[0]
    low_bandwidth: bool = False
    read_only: bool = False
    dry_run: bool = False
    """Show what would be done and do nothing."""
    unlock_minutes: float = Field(10.0, gt=0, le=240, allow_inf_nan=False)
    thresholds: Thresholds = Thresholds()

    @field_validator("theme")
    @classmethod
    def _theme_is_ours(cls, theme: str) -> str:
        if theme not in THEMES:
            raise problem(f"there is no such theme; there are {', '.join(THEMES)}")
        return theme

    @property
    def interval_seconds(self) -> float:
        """Seconds between two reads; never less than 5 on a slow link."""
        return max(self.refresh_seconds, LOW_BANDWIDTH_SECONDS) if self.low_bandwidth else self.refresh_seconds


class FailoverSettings(Table):
    """The `[failover]` table: how careful a change of roles is, and what it does on the side."""

    max_lag_seconds: float = Field(1.0, gt=0, allow_inf_nan=False)
    """A candidate further behind is not promoted in a switchover."""
    takeover_seconds: int = Field(10, ge=1, le=300)
    """How long the primary may take to hand over."""
    pause_writes: bool = False
    """Pause clients' writes on the primary before the takeover, so that less is in flight."""
    snapshot_first: bool = False
    """Save a snapshot on the primary before anything else."""
    canary: bool = False
    """Write, read and delete a key `dfly-tui:canary:…` on the new primary afterwards."""
    lag_sample_seconds: float = Field(1.5, gt=0, le=60, allow_inf_nan=False)
    """Lag is measured three times, that long apart, before a switchover."""
    sync_seconds: float = Field(900.0, gt=0, allow_inf_nan=False)
    """How long a replica may take until its link is stable."""
    cooldown_seconds: float = Field(600.0, ge=0, allow_inf_nan=False)
    """No second change of roles in a group before that, unless it is said to be meant."""
    watch_seconds: float = Field(60.0, ge=0, allow_inf_nan=False)
    """How long the group is watched for a second primary afterwards."""
    return_seconds: float = Field(120.0, ge=0, allow_inf_nan=False)
    """How long the old primary's address is watched for its return."""
    repoint_old_primary: bool = True
    """Make the old primary a replica as soon as it is back."""
    recreate_container: bool = True
    """Start the old primary's container anew with --replicaof, so that it never is a writable primary again."""
    hook_before: str | None = None
    """A command run before anything is changed, with the facts in its environment (DFLY_…)."""
    hook_after: str | None = None
    """A command run after the roles changed: moves an alias, rewrites an .env, restarts an application."""
    hook_seconds: float = Field(30.0, gt=0, le=3600, allow_inf_nan=False)
    hook_failure: Literal["stop", "go on"] = "stop"
    """What a failing `hook_before` means. After the change of roles a failing hook is left to do."""


class KeysSettings(Table):
    """The `[keys]` table: how databases are looked into."""

    delimiter: str = Field(":", min_length=1, max_length=20)
    """What stands between namespaces in a key's name."""
    pace: Literal["gentle", "normal", "fast"] = "normal"
    """How much of the server's time a scan may take: a fifth, half, all it can get."""


class Settings(Table):
    """Everything configured."""

    defaults: Defaults = Defaults()
    failover: FailoverSettings = FailoverSettings()
    keys: KeysSettings = KeysSettings()
    backup: BackupSettings = BackupSettings()
    keymap: dict[str, str] = {}
    """Command id → keys, comma separated."""
    instances: tuple[InstanceConfig, ...] = ()
    views: tuple[ViewConfig, ...] = ()
    """In addition to the shipped ones, or in their place where the name is the same."""
    stores: tuple[StoreConfig, ...] = ()

    def backup_of(self, config: InstanceConfig) -> BackupSettings:
        """How an instance is backed up: the common table, with what the instance has of its own."""
        return config.backup.over(self.backup)

    @property
    def all_views(self) -> tuple[ViewConfig, ...]:
        """The shipped ones, replaced where one of the same name is configured, then the others."""
        own = {view.name.casefold(): view for view in self.views}
        shipped = [own.pop(view.name.casefold(), view) for view in SHIPPED_VIEWS]
        return (*shipped, *own.values())

    @field_validator("views")
    @classmethod
    def _views_have_names(cls, views: tuple[ViewConfig, ...]) -> tuple[ViewConfig, ...]:
        _differ("views", [view.name for view in views])
        return views

    @field_validator("stores")
    @classmethod
    def _stores_have_names(cls, stores: tuple[StoreConfig, ...]) -> tuple[StoreConfig, ...]:
        _differ("stores", [store.name for store in stores])
        return stores

    @model_validator(mode="after")
    def _copies_go_somewhere(self) -> Self:
        known = {store.name for store in self.stores}
        wanted: list[tuple[tuple[str | int, ...], tuple[str, ...]]] = [(("backup", "copy_to"), self.backup.copy_to)]
        for index, each in enumerate(self.instances):
            wanted.append((("instances", index, "backup", "copy_to"), each.backup.copy_to or ()))
        for at, names in wanted:
            for name in names:
                if name not in known:
                    raise problem(f"no store is called {name}; there are {', '.join(sorted(known)) or 'none'}", at)
        return self

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        names = {instance.name: None for instance in self.instances}  # in their order
        seen: set[str] = set()
        for index, instance in enumerate(self.instances):
            if instance.name in seen:
                raise problem(f"two instances are called {instance.name}", ("instances", index, "name"))
            seen.add(instance.name)
            if instance.replica_of is None:
                continue
            at = ("instances", index, "replica_of")
            if instance.replica_of == instance.name:
                raise problem("an instance cannot replicate itself", at)
            if instance.replica_of not in names:
                raise problem(f"no instance is called {instance.replica_of}; there are {', '.join(names)}", at)
        return self


def _differ(what: str, names: Sequence[str]) -> None:
    """Insist that no two of them are called the same."""
    for index, name in enumerate(names):
        if name.casefold() in [each.casefold() for each in names[:index]]:
            raise problem(f"two {what} are called {name}", (index, "name"))
