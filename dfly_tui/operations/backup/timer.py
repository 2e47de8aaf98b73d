"""Backups by systemd or cron, where the server's own schedule is not enough: it neither verifies, copies nor removes.

The files are made as texts; nothing is written before somebody asked for it, and nothing that is not ours is replaced.
"""

import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from dfly_tui.errors import BadInput, Refused
from dfly_tui.models.cron import Cron
from dfly_tui.models.cron_fields import FIELDS, Field, parse, written
from dfly_tui.text import safe

MARK = "# Written by dfly-tui backup install-timer; it is written anew by the same."
DELAY_SECONDS = 60
MOST_OF_A_NAME = 180
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_CALENDAR = re.compile(r"[A-Za-z0-9*,./:~ \-]{1,120}")


class UnitFile(NamedTuple):
    """A file of systemd.

    Attributes:
        state: `new`, `changed`, `same` or `foreign`, compared with what lies there.
    """

    path: Path
    text: str
    state: str


@dataclass(frozen=True)
class Timer:
    """What is to be run and when.

    Attributes:
        program: The absolute path of dfly-tui.
        instances: Whose backups.
        calendar: As systemd takes it: `*-*-* 02:30:00`.
        system: For the whole machine rather than for the user.
        config: The configuration file where that is not the usual one.
    """

    program: Path
    instances: tuple[str, ...]
    calendar: str
    system: bool = False
    config: Path | None = None

    def __post_init__(self) -> None:
        if not _CALENDAR.fullmatch(self.calendar):
            raise BadInput(f"{safe(self.calendar, limit=80)!r} is no time for systemd", "such as *-*-* 02:30:00")
        if not self.instances:
            raise BadInput("no instance is named", "name those to be backed up")
        bad = next((name for name in self.instances if not name.isprintable() or "%" in name), None)
        if bad is not None:
            raise BadInput(f"{safe(bad, limit=80)!r} cannot stand in a unit file", "rename the instance")
        path = next((path for path in (self.program, self.config) if path and not str(path).isprintable()), None)
        if path is not None:
            raise BadInput(f"{safe(str(path), limit=80)!r} cannot stand in a unit file", "rename the file")

    @property
    def words(self) -> tuple[str, ...]:
        """What is run. No secret is in it: passwords come from where the configuration says."""
        config = () if self.config is None else ("--config", str(self.config))
        confirmed = tuple(word for name in self.instances for word in ("--confirm", name))
        return (str(self.program), "backup", "run", *self.instances, *config, "--yes", *confirmed)

    @property
    def name(self) -> str:
        """Of the units, without the ending; no other instances have the same."""
        plain = "-".join(re.sub(r"[^A-Za-z0-9_.]", "-", name) for name in self.instances)
        if plain.split("-") != list(self.instances) or len(plain) > MOST_OF_A_NAME:
            digest = hashlib.sha256("\n".join(self.instances).encode()).hexdigest()[:8]
            plain = f"{plain[:MOST_OF_A_NAME]}-{digest}"
        return f"dfly-tui-backup-{plain}"

    @property
    def service(self) -> str:
        """The unit that is run."""
        hardening = (
            "NoNewPrivileges=yes\nPrivateTmp=yes\nProtectKernelTunables=yes\nProtectControlGroups=yes\n"
            "RestrictSUIDSGID=yes\nLockPersonality=yes\n"
        )
        waits = "Wants=network-online.target\nAfter=network-online.target docker.service\n" if self.system else ""
        return (
            f"{MARK}\n[Unit]\nDescription=Back up {', '.join(self.instances)} by dfly-tui\n{waits}\n"
            f"[Service]\nType=oneshot\nExecStart={' '.join(map(_quoted, self.words))}\n"
            f"Nice=10\nIOSchedulingClass=idle\nUMask=0077\n{hardening}"
        )

    @property
    def timer(self) -> str:
        """The unit that says when."""
        return (
            f"{MARK}\n[Unit]\nDescription=When dfly-tui backs up {', '.join(self.instances)} by itself\n\n"
            f"[Timer]\nOnCalendar={self.calendar}\nPersistent=true\nRandomizedDelaySec={DELAY_SECONDS}\n\n"
            "[Install]\nWantedBy=timers.target\n"
        )

    def folder(self, home: Path) -> Path:
        """Where systemd looks for them."""
        return Path("/etc/systemd/system") if self.system else home / ".config" / "systemd" / "user"

    def files(self, folder: Path) -> tuple[UnitFile, UnitFile]:
        """Both, compared with what lies there. Raises OSError."""
        texts = ((f"{self.name}.service", self.service), (f"{self.name}.timer", self.timer))
        first, second = (_compared(folder / name, text) for name, text in texts)
        return first, second

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write those that are new or changed.

        Raises:
            Refused: One of them is not ours.
            OSError: It cannot be written.
        """
        files = self.files(folder)
        foreign = [file.path for file in files if file.state == "foreign"]
        if foreign:
            raise Refused(f"{foreign[0]} was not written by dfly-tui", "nothing was written: move it away")
        changed = [file for file in files if file.state != "same"]
        folder.mkdir(parents=True, exist_ok=True)
        for file in changed:
            draft = file.path.with_name(f".{file.path.name}.new")
            draft.write_text(file.text, encoding="utf-8")
            draft.chmod(0o644)
            draft.replace(file.path)
        return tuple(file.path for file in changed)

    @property
    def commands(self) -> tuple[str, ...]:
        """What a person runs when they are written."""
        who = [] if self.system else ["--user"]
        linger = () if self.system else ("loginctl enable-linger  # so that it runs while nobody is logged in",)
        return (
            shlex.join(["systemctl", *who, "daemon-reload"]),
            shlex.join(["systemctl", *who, "enable", "--now", f"{self.name}.timer"]),
            *linger,
            shlex.join(["systemctl", *who, "list-timers", f"{self.name}.timer"]),
        )

    def crontab(self, cron: str) -> str:
        """The line for those who have no systemd; empty where cron would run it on either of two days, not on both.

        Raises:
            BadInput: It is no cron expression that all take alike.
        """
        fields = tuple(written(field, values) for field, values in _fields(cron))
        if "*" not in {fields[2], fields[4]}:
            return ""
        # A % means something there.
        return f"{' '.join(fields)} {shlex.join(self.words)}".replace("%", "\\%")


def calendar_of(cron: str) -> str:
    """A cron expression as systemd takes it. To both a day is one of the month and of the week at once.

    Raises:
        BadInput: It is none, never comes, or is one that only Dragonfly takes.
    """
    minutes, hours, days, months, weekdays = (_calendar(field, values) for field, values in _fields(cron))
    return f"{'' if weekdays == '*' else f'{weekdays} '}*-{months}-{days} {hours}:{minutes}:00"


def _fields(cron: str) -> list[tuple[Field, frozenset[int]]]:
    """What each field of a cron expression stands for."""
    wanted = Cron(cron)
    if wanted.is_off or wanted.is_impossible:
        raise BadInput("this never comes", "such as 30 2 * * *")
    if wanted.remarks:
        raise BadInput(f"{safe(cron, limit=80)} is for Dragonfly only: {wanted.remarks[0]}", "write what it means")
    return [(field, parse(field, text)[0]) for field, text in zip(FIELDS, cron.split(), strict=True)]


def _calendar(field: Field, values: frozenset[int]) -> str:
    """These values as systemd takes them: a week begins on Monday, and a step has an end, since systemd 252 leaves out
    1 January of `Fri *-*-1/7`, and takes no step that leads nowhere.
    """
    ordered = sorted(values)
    first, last = ordered[0], ordered[-1]
    gaps = {later - earlier for earlier, later in pairwise(ordered)}
    is_even = len(ordered) > 2 and len(gaps) == 1
    if len(ordered) == field.high - field.low + 1:
        return "*"
    if field is FIELDS[4]:
        names = [_DAYS[value] for value in ordered]
        return f"{names[0]}..{names[-1]}" if is_even and gaps == {1} and first > 0 else ",".join(names)
    if not is_even:
        return ",".join(map(str, ordered))
    [gap] = gaps
    return f"{first}..{last}" if gap == 1 else f"{first}..{last}/{gap}"


def _compared(path: Path, text: str) -> UnitFile:
    try:
        there = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return UnitFile(path, text, "new")
    if there == text:
        return UnitFile(path, text, "same")
    return UnitFile(path, text, "changed" if there.startswith(MARK) else "foreign")


def _quoted(word: str) -> str:
    """As a unit file takes it: `%` and `$` mean something there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if re.fullmatch(r"[A-Za-z0-9_./:=@%$,+-]+", escaped) else f'"{escaped}"'


def differences(file: UnitFile) -> Sequence[str]:
    """What would be written otherwise, in lines."""
    import difflib

    try:
        there = file.path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        there = []
    return list(difflib.unified_diff(there, file.text.splitlines(), "as it is", "as it would be", lineterm="", n=1))
