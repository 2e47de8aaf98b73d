"""A throw-away server where there is no Docker: a process of the lab, for instances that are simulated themselves."""

import asyncio
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from dfly_tui.clients.container_log import Life, told
from dfly_tui.clients.owners import is_gone, this_process
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.throwaway import BASE, FixedPassword, Trial
from dfly_tui.clock import Clock
from dfly_tui.errors import ServerError, Unreachable
from dfly_tui.models.load_log import LogLine
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe

_PREFIX = "dfly-tui-drill-"
_OWNER = ".owner"
_MOST_LINES = 2000


class LabThrowaway:
    """One in a process of this machine, with its files in a folder for temporary ones.

    Args:
        version: Of the instance, such as `1.22.2`.
    """

    def __init__(self, trial: Trial, *, version: str, clock: Clock) -> None:
        self._trial = trial
        self._flavour = "1.22" if version.startswith("1.22") else "1.40"
        self._clock = clock
        self._password = secrets.token_urlsafe(24)
        self._folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{trial.run}"
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Future[tuple[None, None]] | None = None
        self._lines: list[LogLine] = []
        self._port = 0

    @property
    def commands(self) -> tuple[str, ...]:
        return (f"put the set into {self._folder}", shlex.join(["dfly-tui", *self._words]))

    @property
    def remove_text(self) -> str:
        return shlex.join(["rm", "-r", str(self._folder)])

    @property
    def _words(self) -> list[str]:
        trial = self._trial
        return ["lab", "--exit-with-stdin", f"--flavour={self._flavour}", f"--dir={self._folder}",
                f"--dbfilename={BASE}", f"--proactor_threads={trial.threads}"]  # fmt: skip

    async def create(self) -> None:
        for folder in self._folder.parent.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                if is_gone((folder / _OWNER).read_text()):
                    shutil.rmtree(folder)
        try:
            self._folder.mkdir(0o700)
            (self._folder / _OWNER).write_text(this_process())
        except OSError as error:
            raise ServerError(f"no room for a drill: {safe(str(error), limit=200)}") from None

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        await FolderStore(BASE, self._folder).write(name, content, size_bytes, modified_at=modified_at)

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "dfly_tui.cli.main", *self._words,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**_search_path(), "DFLY_requirepass": self._password}, start_new_session=True,
        )  # fmt: skip
        self._reading = asyncio.gather(self._heard(self._process.stdout), self._heard(self._process.stderr))

    async def look(self) -> Life:
        assert self._process is not None
        return told(self._lines, self._process.returncode)

    async def open(self) -> tuple[InstanceConfig, PasswordProvider]:
        if not self._port:
            raise Unreachable("the throw-away server does not listen yet")
        config = InstanceConfig(name="throw-away", url=f"redis://127.0.0.1:{self._port}")
        return config, FixedPassword(self._password)

    async def remove(self) -> None:
        if self._process is not None and self._reading is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            await self._reading
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _heard(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        async for raw in stream:
            line = safe(raw.strip(), limit=500)
            if line.startswith("{"):
                self._port = int(json.loads(line)["port"])
            elif len(self._lines) < _MOST_LINES:
                self._lines.append(LogLine(self._now(), line))

    def _now(self) -> datetime:
        return self._clock.now()


def _search_path() -> dict[str, str]:
    """Where this program has its modules from, for a process of its own; of the environment nothing else is needed."""
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
