"""Where dfly-tui keeps its files (XDG base directories). Folders are made with mode 0700 when first written to."""

import fcntl
import os
import pwd
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dfly_tui.errors import ConfigError

APP = "dfly-tui"


@dataclass(frozen=True)
class Paths:
    """The program's own folders; each file has one place.

    Attributes:
        config_dir: `$XDG_CONFIG_HOME/dfly-tui`: what the user writes.
        state_dir: `$XDG_STATE_HOME/dfly-tui`: what must survive: log, audit, journal, recordings.
    """

    config_dir: Path
    state_dir: Path

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Paths":
        """Read the folders from an environment; relative XDG values are ignored, as the XDG standard asks.

        Raises:
            ConfigError: Nobody knows the home folder.
        """

        def base(variable: str, default: str) -> Path:
            value = Path(environ.get(variable, ""))
            return (value if value.is_absolute() else home_folder(environ) / default) / APP

        return cls(base("XDG_CONFIG_HOME", ".config"), base("XDG_STATE_HOME", ".local/state"))

    @property
    def config_file(self) -> Path:
        return self.config_dir / "config.toml"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "dfly-tui.log"

    @property
    def exports_dir(self) -> Path:
        return self.state_dir / "exports"

    @property
    def audit_file(self) -> Path:
        return self.state_dir / "audit.jsonl"

    @property
    def journal_dir(self) -> Path:
        """What operations began, one file a run."""
        return self.state_dir / "journal"

    @property
    def lock_dir(self) -> Path:
        return self.state_dir / "locks"

    @property
    def key_journal_dir(self) -> Path:
        """What changes of keys began: apart from the changes of roles, which are looked through as a whole."""
        return self.journal_dir / "keys"

    @property
    def backup_journal_dir(self) -> Path:
        """What backups and restores began, apart for the same reason."""
        return self.journal_dir / "backups"

    @property
    def backups_dir(self) -> Path:
        """What is known of backups, a folder for each instance."""
        return self.state_dir / "backups"

    @property
    def trash_dir(self) -> Path:
        """Keys as they were before they were changed."""
        return self.state_dir / "trash"

    @property
    def reports_dir(self) -> Path:
        return self.state_dir / "reports"


def home_folder(environ: Mapping[str, str]) -> Path:
    """`$HOME`, or where that is not set (cron, systemd, `docker run`) the home folder of the account.

    Raises:
        ConfigError: The account is not known either, or has no folder of its own.
    """
    home = Path(environ.get("HOME", ""))
    if home.is_absolute():
        return home
    try:
        home, lacks = Path(pwd.getpwuid(os.getuid()).pw_dir), "home folder"
    except KeyError:
        lacks = "account"
    if home.is_absolute() and home != Path("/"):
        return home
    raise ConfigError(
        f"where your files are is not known: HOME is not set, and user {os.getuid()} has no {lacks} here",
        "set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME",
    )


def make_private_dir(path: Path) -> Path:
    """Create a folder and its parents, readable by the user alone (0700); an existing one is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only the user can read (0600), whole or not at all; a missing folder is made with 0700.

    A symbolic link stays one: the file it points to is replaced. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    make_private_dir(target.parent)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other program of this user holds this file, and hold it. Raises OSError."""
    make_private_dir(path.parent)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)
