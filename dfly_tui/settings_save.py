"""Writing to the configuration file: one more instance, comments kept. Passwords are never written."""

from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from dfly_tui.errors import ConfigError
from dfly_tui.paths import write_private
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def save_instance(path: Path, instance: InstanceConfig) -> None:
    """Append an `[[instances]]` table to a configuration file, which is made when it is not there.

    What is in the file stays as it is. The new file replaces the old one at once, readable by the user alone.

    Raises:
        ConfigError: The name is taken, or the file cannot be read or written.
    """
    document = _read(path)
    tables = document.setdefault("instances", tomlkit.aot())
    if not isinstance(tables, AoT):
        raise ConfigError(f"{safe(str(path))}: instances is not written as [[instances]] tables", "add it by hand")
    if any(table.get("name") == instance.name for table in tables):
        raise ConfigError(f"{safe(str(path))}: an instance called {safe(instance.name)} is there already")
    tables.append(_table(instance))
    write_config(path, tomlkit.dumps(document))


def write_config(path: Path, text: str) -> None:
    """Write a configuration file, as `paths.write_private()` does.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        write_private(path, text)
    except OSError as error:
        raise ConfigError(f"{safe(str(path))}: cannot be written: {error.strerror}") from None


def _read(path: Path) -> "TOMLDocument":
    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise ConfigError(f"{safe(str(path))}: {error.strerror}") from None
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigError(f"{safe(str(path))}: {safe(str(error))}") from None


def _table(instance: InstanceConfig) -> Table:
    table = tomlkit.table()
    for key, value in instance.model_dump(mode="json", exclude_defaults=True).items():
        if isinstance(value, dict):
            inline = tomlkit.inline_table()
            inline.update(value)
            table.add(key, inline)
        else:
            table.add(key, value)
    return table
