"""The record of what was done: append-only JSON lines, each on disk before the act it tells of. No record, no act."""

import json
import os
import pwd
import socket
from collections.abc import Sequence
from pathlib import Path

from dfly_tui.clients.redact import masked_arguments, masked_command
from dfly_tui.clock import Clock
from dfly_tui.models.base import Frozen
from dfly_tui.paths import make_private_dir


class AuditEvent(Frozen):
    """One act, or one stage of it.

    Attributes:
        instance: The target's name.
        action: What was done, in a word or two (`unlock`, `config set`).
        outcome: `intended` before the act, then how it ended (`done`, `failed`, `unknown`).
        command: As sent, one word each; secrets are masked when it is recorded.
        detail: Anything else worth knowing.
    """

    instance: str
    action: str
    outcome: str
    command: tuple[str, ...] = ()
    detail: str = ""


class Audit:
    """Appends to the audit log.

    Args:
        path: The log; made with mode 0600, in a folder made with 0700.
        who, host: Recorded with each event; by default the login and this machine's name.
    """

    def __init__(self, path: Path, *, clock: Clock, who: str | None = None, host: str | None = None) -> None:
        self.path = path
        self._clock = clock
        self._who = who if who is not None else _login()
        self._host = host if host is not None else socket.gethostname()

    @property
    def author(self) -> str:
        """Who is recorded, as `login@host`."""
        return f"{self._who}@{self._host}"

    def record(self, event: AuditEvent) -> None:
        """Write one event and see it on disk.

        Raises:
            OSError: It could not be written whole; then what it tells of must not be done.
        """
        line = {
            "at": self._clock.now().isoformat(),
            "who": self._who,
            "host": self._host,
            "pid": os.getpid(),
            **event.model_dump(),
            "command": mask_command(event.command),
        }
        data = json.dumps(line, ensure_ascii=True).encode() + b"\n"
        make_private_dir(self.path.parent)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # One write, so that lines of several programs do not mix.
            if os.write(file, data) != len(data):
                raise OSError(f"{self.path}: the event was not written whole (disk full?)")
            os.fsync(file)
        finally:
            os.close(file)


def _login() -> str:
    """The user's name by the system's own account, not by an environment variable; containers may have none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def mask_command(args: Sequence[str]) -> tuple[str, ...]:
    """A command without its secrets, be it one for the server (`AUTH x`) or a program (`--requirepass=x`)."""
    return masked_arguments(masked_command(args))
