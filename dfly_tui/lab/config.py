"""The values of CONFIG, and the passwords, which are something else."""

import fnmatch
import hashlib
from collections.abc import Callable, Mapping

from dfly_tui.lab.flavour import Flavour
from dfly_tui.lab.options import LabOptions, bytes_of
from dfly_tui.lab.protocol import OK, Reply, error
from dfly_tui.models.cron import Cron

IMMUTABLE = frozenset({"dir", "dbnum", "aclfile"})


def human(number: float) -> str:
    """Bytes as Dragonfly prints them: `1.00GiB`, `552.1KiB`, `0B`."""
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    step = 0
    while number >= 1024 and step < len(units) - 1:
        number /= 1024
        step += 1
    if not step:
        return f"{number:.0f}B"
    return f"{number:.1f}{units[step]}" if units[step] == "KiB" else f"{number:.2f}{units[step]}"


class Config:
    """What can be asked and set while the server runs.

    Attributes:
        maxmemory: Bytes.
        passwords: All that open the door; none for an open one. The newest is last.
        startup_password: What HTTP keeps asking for, whatever is set later.
    """

    def __init__(self, options: LabOptions, flavour: Flavour) -> None:
        self._flavour = flavour
        self._values = dict(flavour.config)
        self.maxmemory = options.maxmemory_bytes
        self.startup_password = options.password
        self.passwords: list[str] = [options.password] if options.password else []
        self._values |= {
            "requirepass": options.password or "",
            "masterauth": _masterauth(options),
            "dir": str(options.data_dir or ""),
            "dbfilename": options.dbfilename,
            "snapshot_cron": options.snapshot_cron,
            "maxclients": str(options.maxclients),
        }

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def number(self, key: str) -> int:
        """An integer value."""
        return int(self._values[key])

    def matching(self, pattern: str) -> Mapping[str, str]:
        """Key → value for CONFIG GET. One pattern, `*` and `?` as in a shell, case does not matter."""
        wanted = _key_of(pattern)
        values = {**self._values, "maxmemory": self._maxmemory_text()}
        if wanted == "databases":
            return {"databases": values["dbnum"]}
        return {key: value for key, value in values.items() if fnmatch.fnmatchcase(key.lower(), wanted)}

    def _maxmemory_text(self) -> str:
        return str(self.maxmemory) if self._flavour.is_new else human(self.maxmemory)

    def set(self, key: str, value: str) -> Reply:
        """CONFIG SET of one pair; OK or the error in Dragonfly's words."""
        name = next((known for known in self._values if known.lower() == _key_of(key)), None)
        if name is None:
            return error(f"Unknown option or number of arguments for CONFIG SET - '{key.lower()}'")
        failed = f"CONFIG SET failed (possibly related to argument '{name}') - "
        if name in IMMUTABLE:
            return error(failed + "can't set immutable config")
        try:
            _CHECKS.get(name, _same_kind_as(self._values[name]))(value)
            if name == "maxmemory":
                self._set_maxmemory(value)
        except ValueError:
            return error(failed + "argument can not be set")
        self._values[name] = value
        if name == "requirepass":
            self._add_password(value)
        return OK

    def _set_maxmemory(self, value: str) -> None:
        limit = bytes_of(value)
        if value.isdecimal() and not self._flavour.is_new:
            raise ValueError("v1.22 wants a unit")
        self.maxmemory = limit

    def _add_password(self, value: str) -> None:
        """The old ones keep working; an empty one opens the door."""
        if not value:
            self.passwords.clear()
        elif value not in self.passwords:
            self.passwords.append(value)

    def password_hashes(self) -> list[str]:
        """The passwords as ACL LIST shows them: the beginnings of their SHA-256."""
        return [hashlib.sha256(password.encode()).hexdigest()[:15] for password in self.passwords]


def _masterauth(options: LabOptions) -> str:
    if options.masterauth is not None:
        return options.masterauth
    return (options.password or "") if options.replicaof else ""


def _key_of(text: str) -> str:
    return text.lower().replace("-", "_")


def _same_kind_as(default: str) -> Callable[[str], object]:
    if default in {"true", "false"}:
        return _boolean
    for kind in (int, float):
        try:
            kind(default)
        except ValueError:
            continue
        return kind
    return str


def _boolean(value: str) -> bool:
    if value.lower() not in {"true", "false", "yes", "no", "1", "0"}:
        raise ValueError(value)
    return value.lower() in {"true", "yes", "1"}


def _events(value: str) -> None:
    if value not in {"", "Ex"}:
        raise ValueError(value)


_CHECKS: Mapping[str, Callable[[str], object]] = {
    "maxmemory": bytes_of,
    "snapshot_cron": Cron,
    "notify_keyspace_events": _events,
}
