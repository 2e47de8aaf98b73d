"""Configuration files for tests."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from dfly_tui.settings import Settings
from dfly_tui.settings_load import CliOverrides, load_settings

CONTRACT = """\
[defaults]
refresh_seconds = 1.0
theme = "dfly-dark"
[[instances]]
name = "workhorse"
url = "redis://workhorse:6379"            # rediss:// with ca_file, cert_file, key_file
username = "default"                      # optional
password_command = "op read op://homelab/dragonfly/password"
group = "main"
role = "primary"                          # intended
environment = "production"
http_url = "http://workhorse:6379"        # optional; default: the same port, or the admin port
docker = { host = "unix:///var/run/docker.sock", container = "dragonfly" }
[[instances]]
name = "nas"
url = "redis://nas:6379"
password_env = "DRAGONFLY_REPLICA_PASSWORD"
group = "main"
role = "replica"
replica_of = "workhorse"
"""


def write_config(folder: Path, text: str) -> Path:
    """Write `config.toml` into a folder; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def load_from(path: Path, environ: Mapping[str, str] | None = None, overrides: CliOverrides | None = None) -> Settings:
    """The settings in a file, with nothing from the test's own environment."""
    return load_settings(config_file=path, environ=environ or {}, overrides=overrides or CliOverrides())


class Load(Protocol):
    """Loads settings from a text."""

    def __call__(
        self, text: str, *, environ: Mapping[str, str] | None = None, overrides: CliOverrides | None = None
    ) -> Settings: ...
