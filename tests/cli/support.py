"""Running commands, and servers that answer as the recorded ones did."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from dfly_tui.cli.main import main
from tests.support.configs import write_config
from tests.support.fakes import changed_info, recorded_info
from tests.support.respd import Respd, bulk

PROGRAM = [sys.executable, "-P", "-c", "import sys; from dfly_tui.cli.main import main; sys.exit(main())"]
"""The console script, without its having to be installed."""
ROOT = Path(__file__).parents[2]


def process_environ(home: Path) -> dict[str, str]:
    """The environment of a process of its own."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Cli:
    """Runs commands in this process, with their own home folder and nothing else in their environment."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
        self.file = home / ".config" / "dfly-tui" / "config.toml"
        self._capsys = capsys

    def config(self, text: str) -> None:
        """Write the configuration file."""
        write_config(self.file.parent, text)

    def fleet(self, *servers: tuple[str, str], timeout: float = 5.0, extra: Mapping[str, str] | None = None) -> None:
        """Configure instances by name and URL; `extra` are lines of TOML for some of them, by name."""
        tables = [f"[defaults]\ntimeout_seconds = {timeout}\n"]
        for name, url in servers:
            tables.append(f"[[instances]]\nname = {name!r}\nurl = '{url}'\n{(extra or {}).get(name, '')}\n")
        self.config("\n".join(tables))

    def __call__(self, *words: str, environ: Mapping[str, str] | None = None) -> Result:
        code = main(words, {**self.environ, **(environ or {})})
        out, err = self._capsys.readouterr()
        return Result(code, out, err)

    async def beside(self, *words: str, environ: Mapping[str, str] | None = None) -> Result:
        """Run a command in a thread, so that servers of the test's own loop can answer it."""
        return await asyncio.to_thread(lambda: self(*words, environ=environ))


def recorded(name: str = "v1.40.1-primary", /, **fields: object) -> Respd:
    """A server that gives a recorded INFO, with some fields' values replaced, and no ROLE."""
    return Respd({"INFO": bulk(changed_info(recorded_info(name), fields))})


def heeds_ctrl_c() -> None:
    """For `preexec_fn`: a shell starts background jobs with SIGINT ignored, and so would their children be."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def started(words: Sequence[str], home: Path) -> asyncio.subprocess.Process:
    """A command in a process of its own."""
    return await asyncio.create_subprocess_exec(
        *PROGRAM,
        *words,
        env=process_environ(home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=heeds_ctrl_c,
    )
