"""What the user configured: instances, thresholds, looks. See `load_settings()` for where it comes from."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Environment(StrEnum):
    """How much harm a mistake would do; `production` opens read-only."""

    PRODUCTION = "production"
    STAGING = "staging"
    LAB = "lab"


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DockerConfig(_Table):
    """Which container an instance runs in."""

    host: str = "unix:///var/run/docker.sock"
    """`unix:///path`, `ssh://user@host` or `tcp://host:port`."""
    container: str
    """Name or id."""


class Thresholds(_Table):
    """When a number becomes a warning or critical. Fractions are 0 to 1."""

    memory_warning: float = Field(0.80, gt=0)
    memory_critical: float = Field(0.92, gt=0)
    snapshot_age_warning_seconds: float = Field(26 * 3600.0, gt=0)
    snapshot_age_critical_seconds: float = Field(50 * 3600.0, gt=0)
    lag_warning_seconds: float = Field(5.0, gt=0)
    lag_critical_seconds: float = Field(30.0, gt=0)
    clients_warning: float = Field(0.80, gt=0)


class InstanceConfig(_Table):
    """One `[[instances]]` table."""

    name: str = Field(min_length=1, max_length=60)
    url: str
    """`redis://host:port` or `rediss://host:port`, optionally with `/database`. No password in it."""
    username: str | None = None
    password_env: str | None = None
    password_command: str | None = None
    password_file: str | None = None
    password_keyring: str | None = None
    """`service/user` in the system's keyring."""
    password_prompt: bool = False
    group: str | None = None
    """Instances that replicate each other; exactly one primary each."""
    role: Literal["primary", "replica"] | None = None
    """Intended role; a different one is an alarm."""
    replica_of: str | None = None
    """Name of the intended primary."""
    environment: Environment = Environment.LAB
    http_url: str | None = None
    """Where `/metrics` is; default: the same host and port (Dragonfly serves HTTP on its main port)."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    docker: DockerConfig | None = None
    refresh_seconds: float | None = Field(None, ge=0.2, le=3600)
    thresholds: Thresholds | None = None


class Defaults(_Table):
    """The `[defaults]` table."""

    refresh_seconds: float = Field(1.0, ge=0.2, le=3600)
    timeout_seconds: float = Field(2.0, gt=0, le=60)
    theme: str = "dfly-dark"
    low_bandwidth: bool = False
    read_only: bool = False
    unlock_minutes: float = Field(10.0, gt=0, le=240)
    thresholds: Thresholds = Thresholds()


class Settings(_Table):
    """Everything configured."""

    defaults: Defaults = Defaults()
    keymap: dict[str, str] = {}
    """Command id → keys, comma separated."""
    instances: tuple[InstanceConfig, ...] = ()
