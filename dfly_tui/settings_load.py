"""Where settings come from: command line, then `DFLY_TUI_*`, then the TOML file, then defaults.

Each mistake is reported with the place it was made in, the key, and the nearest key that exists.
"""

import difflib
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlunsplit

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError

from dfly_tui.errors import ConfigError
from dfly_tui.paths import Paths, home_folder
from dfly_tui.settings import (
    FILE_KEYS,
    Defaults,
    DockerConfig,
    Environment,
    FailoverSettings,
    InstanceConfig,
    KeysSettings,
    Settings,
    Thresholds,
    address_of,
    check_url,
)
from dfly_tui.settings_backup import BackupSettings, StoreConfig
from dfly_tui.settings_base import Table
from dfly_tui.settings_views import ViewConfig
from dfly_tui.text import safe
from dfly_tui.toml_lines import KeyPath, key_path_text, line_of

MAX_FILE_BYTES = 1 << 20
ENV_PREFIX = "DFLY_TUI_"
CONFIG_VARIABLE = "DFLY_TUI_CONFIG"
PASSWORD_VARIABLE = "DFLY_TUI_PASSWORD"  # noqa: S105 - the name of a variable
"""The password of an instance that was only named by `--url`."""

Values: TypeAlias = dict[str, object]

_TABLES: Mapping[str, type[BaseModel]] = {
    "": Settings,
    "defaults": Defaults,
    "instances": InstanceConfig,
    "docker": DockerConfig,
    "thresholds": Thresholds,
    "failover": FailoverSettings,
    "keys": KeysSettings,
    "views": ViewConfig,
    "backup": BackupSettings,
    "stores": StoreConfig,
}
_OPTIONS = {"theme": "--theme", "refresh_seconds": "--refresh", "instances": "--url"}


@dataclass(frozen=True)
class CliOverrides:
    """What was asked for on the command line; None and False where nothing was.

    Attributes:
        url: The only instance to look at, instead of the configured ones: `redis://…`, or `host:port`.
        refresh_seconds: For all instances, also those that have their own in the file.
    """

    url: str | None = None
    theme: str | None = None
    refresh_seconds: float | None = None
    read_only: bool = False
    dry_run: bool = False
    low_bandwidth: bool = False


def config_path(config_file: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file: the one asked for, `DFLY_TUI_CONFIG`, or `$XDG_CONFIG_HOME/dfly-tui/config.toml`."""
    named = environ.get(CONFIG_VARIABLE, "")
    if config_file is not None:
        return config_file
    return _expand(named, environ, Path()) if named else Paths.from_env(environ).config_file


def load_settings(*, config_file: Path | None, environ: Mapping[str, str], overrides: CliOverrides) -> Settings:
    """Read and check everything that is configured.

    Args:
        config_file: From `--config`; see `config_path()` for what is read without.
        environ: The process' environment.
        overrides: From the command line.

    Returns:
        Settings whose paths are absolute (`~` and paths relative to the file are resolved) and whose instances'
        thresholds are complete. No instances when nothing is configured.

    Raises:
        ConfigError: A file that was asked for is missing or cannot be read, or anything in it is wrong.
    """
    path = config_path(config_file, environ)
    must_exist = config_file is not None or bool(environ.get(CONFIG_VARIABLE))
    text = _read(path, must_exist=must_exist)
    sources = _Sources(path, text, _parse(path, text), _environment(environ), _command_line(overrides, environ))
    try:
        settings = Settings.model_validate(_merge(_merge(sources.file, sources.environment), sources.options))
    except ValidationError as error:
        raise sources.error(_describe(details) for details in error.errors(include_url=False)) from None
    settings = _resolved(settings, environ, path.parent, overrides)
    if found := list(_late_problems(settings)):
        raise sources.error(found)
    return settings


def instance_from_url(url: str, *, environ: Mapping[str, str]) -> InstanceConfig:
    """The instance behind an address typed by a person: `redis://user@host:6379`, `rediss://host`, `host:port`, `host`.

    Its name is `host:port`; its password comes from `DFLY_TUI_PASSWORD` where that is set.

    Raises:
        ConfigError: It is not an address, or holds a password.
    """
    typed = url if "://" in url else f"redis://{url}"
    try:
        parts = check_url(typed, ("redis", "rediss"))
        host = parts.netloc.rpartition("@")[2]
        return InstanceConfig(
            name=address_of(parts)[:60],
            url=urlunsplit(parts._replace(netloc=host)),
            username=parts.username or None,
            password_env=PASSWORD_VARIABLE if environ.get(PASSWORD_VARIABLE) else None,
            environment=Environment.UNKNOWN,
        )
    except PydanticCustomError as error:
        raise ConfigError(str(error)) from None
    except ValidationError as error:
        raise ConfigError(error.errors()[0]["msg"]) from None


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean X?`, or nothing where no known word is like it."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


@dataclass(frozen=True)
class _Problem:
    path: KeyPath
    text: str


@dataclass(frozen=True)
class _Sources:
    """What each source gave, kept to tell which of them is to blame."""

    config_file: Path
    text: str
    file: Values
    environment: Values
    options: Values

    def error(self, problems: Iterator[_Problem] | Sequence[_Problem]) -> ConfigError:
        lines = [f"{self._place(found.path)}: {key_path_text(found.path)}: {found.text}" for found in problems]
        return ConfigError("\n".join(safe(line) for line in lines))

    def _place(self, path: KeyPath) -> str:
        if _has(self.options, path):
            return next((option for key, option in _OPTIONS.items() if key in path), "command line")
        if _has(self.environment, path):
            return "environment variable " + ENV_PREFIX + "__".join(str(part).upper() for part in _words(path))
        line = line_of(self.text, path)
        return f"{self.config_file}:{line}" if line else str(self.config_file)


def _words(path: KeyPath) -> KeyPath:
    """The part of a path that a variable's name can spell: all of it up to a list."""
    return path[:1] if path[0] in {"instances", "views", "stores"} else path


def _has(values: object, path: KeyPath) -> bool:
    """Whether a source gave the value at a path, or the list it should be in."""
    for part in path:
        if isinstance(values, (list, tuple)):
            return True
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _describe(details: ErrorDetails) -> _Problem:
    context = details.get("ctx", {})
    path: KeyPath = (*details["loc"], *context.get("at", ()))
    match details["type"]:
        case "extra_forbidden":
            parent = next((part for part in reversed(path[:-1]) if isinstance(part, str)), "")
            known = list(_TABLES[parent].model_fields) if parent in _TABLES else []
            return _Problem(path, f"unknown key{nearest(str(path[-1]), known)}")
        case "tuple_type" if len(path) > 1:
            return _Problem(path, 'should be a list, such as ["one", "two"]')
        case "tuple_type":
            return _Problem(path, f"should be tables: [[{key_path_text(path)}]]")
        case "missing":
            return _Problem(path, "this key is required")
        case "config":
            return _Problem(path, context["problem"])
        case _:
            return _Problem(path, details["msg"].removeprefix("Input "))


def _read(path: Path, *, must_exist: bool) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        if must_exist:
            raise ConfigError(f"{path}: there is no such file", f"dfly-tui --config {path} config init") from None
        return ""
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB; is it the right file?")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None


def _parse(path: Path, text: str) -> Values:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Python 3.11 to 3.13 give the position only as "(at line 3, column 5)" or "(at end of document)".
        message, _, at = str(error).rpartition(" (at ")
        position = re.match(r"line (\d+), column (\d+)", at)
        line, column = position.groups() if position else (str(text.count("\n") + 1), "1")
        raise ConfigError(f"{safe(str(path))}:{line}:{column}: not valid TOML: {safe(message)}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise ConfigError(f"{safe(str(path))}: not valid TOML: {safe(str(error), limit=100)}") from None


class _Fields(BaseSettings):
    """The shape of `Settings`, for pydantic-settings to find its variables by."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__")

    defaults: Defaults = Defaults()
    failover: FailoverSettings = FailoverSettings()
    keys: KeysSettings = KeysSettings()
    backup: BackupSettings = BackupSettings()
    keymap: dict[str, str] = {}
    instances: tuple[InstanceConfig, ...] = ()
    views: tuple[ViewConfig, ...] = ()
    stores: tuple[StoreConfig, ...] = ()


def _environment(environ: Mapping[str, str]) -> Values:
    """The `DFLY_TUI_*` variables as nested values. `DFLY_TUI_NAS_PASSWORD` and the like are the user's own."""
    mine = {name: value for name, value in environ.items() if name.upper().startswith(ENV_PREFIX)}
    for name in mine:
        table, nested, _ = name[len(ENV_PREFIX) :].partition("__")
        if nested and table.lower() not in _Fields.model_fields:
            known = [
                f"{ENV_PREFIX}{field.upper()}__…" for field in ("defaults", "failover", "keys", "backup", "keymap")
            ]
            raise ConfigError(f"environment variable {safe(name)}: unknown key{nearest(name, known)}")
    source = EnvSettingsSource(_Fields)
    source.env_vars = {name.lower(): value for name, value in mine.items()}
    try:
        return source()
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = ENV_PREFIX + (field[1].upper() if field else "*")
        raise ConfigError(f"environment variable {name}: not valid JSON") from None


def _command_line(overrides: CliOverrides, environ: Mapping[str, str]) -> Values:
    given = {
        "theme": overrides.theme,
        "refresh_seconds": overrides.refresh_seconds,
        "read_only": overrides.read_only or None,
        "dry_run": overrides.dry_run or None,
        "low_bandwidth": overrides.low_bandwidth or None,
    }
    defaults: Values = {key: value for key, value in given.items() if value is not None}
    values: Values = {"defaults": defaults} if defaults else {}
    if overrides.url is not None:
        try:
            instance = instance_from_url(overrides.url, environ=environ)
        except ConfigError as error:
            raise ConfigError(f"--url: {error.detail}", error.hint) from None
        values["instances"] = (instance.model_dump(exclude_defaults=True),)
    return values


def _merge(below: Values, above: Values) -> Values:
    """`above` wins, table by table; lists are replaced as a whole."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _expand(path: str, environ: Mapping[str, str], folder: Path) -> Path:
    if path == "~" or path.startswith("~/"):
        return home_folder(environ) / path[2:]
    return folder / path


def _resolved(settings: Settings, environ: Mapping[str, str], folder: Path, overrides: CliOverrides) -> Settings:
    """Settings in which nothing depends any more on where they were written."""

    def absolute(table: Table, *keys: str) -> Values:
        values = {key: getattr(table, key) for key in keys}
        return {
            key: str(_expand(value, environ, folder.absolute()))
            for key, value in values.items()
            if value is not None and "://" not in value
        }

    def resolve(instance: InstanceConfig) -> InstanceConfig:
        update = absolute(instance, *FILE_KEYS)
        update["backup"] = instance.backup.model_copy(update=absolute(instance.backup, "folder"))
        if instance.thresholds is not None:
            own = instance.thresholds.model_dump(exclude_unset=True)
            update["thresholds"] = settings.defaults.thresholds.model_copy(update=own)
        if overrides.refresh_seconds is not None:
            update["refresh_seconds"] = None
        return instance.model_copy(update=update)

    stores = (store.model_copy(update=absolute(store, "url", "password_file")) for store in settings.stores)
    return settings.model_copy(
        update={
            "instances": tuple(map(resolve, settings.instances)),
            "stores": tuple(stores),
            "backup": settings.backup.model_copy(update=absolute(settings.backup, "folder", "identity_file")),
        }
    )


def _late_problems(settings: Settings) -> Iterator[_Problem]:
    """What only shows once thresholds are complete and paths are resolved."""
    yield from _disordered(settings.defaults.thresholds, ("defaults", "thresholds"))
    for index, store in enumerate(settings.stores):
        if store.password_file is not None and (text := open_to_others(Path(store.password_file))):
            yield _Problem(("stores", index, "password_file"), text)
    for index, instance in enumerate(settings.instances):
        at: KeyPath = ("instances", index)
        if instance.thresholds is not None:
            yield from _disordered(instance.thresholds, (*at, "thresholds"))
        if instance.password_file is not None and (text := open_to_others(Path(instance.password_file))):
            yield _Problem((*at, "password_file"), text)


def _disordered(limits: Thresholds, at: KeyPath) -> Iterator[_Problem]:
    for warning in Thresholds.model_fields:
        critical = warning.replace("warning", "critical")
        if warning != critical and critical in Thresholds.model_fields:
            low, high = getattr(limits, warning), getattr(limits, critical)
            if low > high:
                yield _Problem((*at, warning), f"{low:g} is above {critical} ({high:g})")


def open_to_others(path: Path) -> str:
    """Why a password file is not private enough, with the remedy; empty when it is, or is not there (yet)."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return ""
    return f"{path} can be read by others (mode {mode:04o}): chmod 600 {path}" if mode & 0o077 else ""
