"""A program in a terminal of our own: what it writes, how much, at what cost, and what is then on the screen."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import pyte

DFLY_TUI = (sys.executable, "-P", "-m", "dfly_tui.cli.main")
"""The program under test, however it is installed."""

_ANSWERS = {
    b"\x1b[6n": b"\x1b[1;1R",  # where is the cursor?
    b"\x1b[c": b"\x1b[?62;22c",  # what are you?
    b"\x1b[0c": b"\x1b[?62;22c",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",  # synchronized output? yes, as current terminals do
    b"\x1b[?2048$p": b"\x1b[?2048;0$y",  # resize reports in band? no
}
_SGR = re.compile(rb"\x1b\[[0-9;:]*m")
_BEYOND_PYTE = re.compile(rb"\x1b\[[<=>][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*(?:\$p|u)")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-9;:?<=>$]*)?\Z")


@dataclass(frozen=True)
class Traffic:
    """What a program did in some seconds.

    Attributes:
        written_bytes: Bytes that went to the terminal.
        sgr_bytes: How many of them were colour codes.
        cpu_seconds: User and system time of the process.
    """

    seconds: float
    written_bytes: int
    sgr_bytes: int
    cpu_seconds: float

    @property
    def bytes_per_second(self) -> float:
        return self.written_bytes / self.seconds

    @property
    def cpu_percent(self) -> float:
        """Of one core."""
        return 100 * self.cpu_seconds / self.seconds


class PtyApp:
    """A program in a pseudo-terminal; leaving the block kills it.

    Args:
        command: Program and arguments.
        columns: Width of the terminal in cells.
        rows: Height in cells.
        environ: Its whole environment, TERM and COLORTERM added; by default this process' own.
        ignore_sighup: Start it as `nohup` would.

    Attributes:
        raw: Everything it wrote so far.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        environ: Mapping[str, str] | None = None,
        ignore_sighup: bool = False,
        cwd: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self._tail = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._fed = 0
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env={**(os.environ if environ is None else environ), "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
            # Only the child itself can make the terminal its own.
            preexec_fn=_nohup_in_terminal if ignore_sighup else _in_terminal,  # noqa: PLW1509
        )
        os.close(slave)
        self._proc = psutil.Process(self.process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.vanish()

    def press(self, keys: str) -> None:
        """Type; escape sequences are the caller's business."""
        os.write(self._master, keys.encode())

    def pump(self, seconds: float) -> Traffic:
        """Read what it writes for this long, and measure."""
        began, start, cpu = time.monotonic(), len(self.raw), self.cpu_seconds()
        while (left := began + seconds - time.monotonic()) > 0 and self._read(left):
            pass
        written = bytes(self.raw[start:])
        return Traffic(
            seconds=time.monotonic() - began,
            written_bytes=len(written),
            sgr_bytes=sum(len(code) for code in _SGR.findall(written)),
            cpu_seconds=self.cpu_seconds() - cpu,
        )

    def wait_for(self, pattern: str, within: float = 20.0) -> float:
        """Wait until the screen has a text; returns the seconds from the start of the program to the last byte needed.

        Raises:
            AssertionError: It did not appear; with the screen as it is.
        """
        deadline = time.monotonic() + within
        at = time.monotonic()
        while not re.search(pattern, self.text()):
            alive = self._read(max(0.0, deadline - time.monotonic()))
            at = time.monotonic()
            if (not alive or at >= deadline) and not re.search(pattern, self.text()):
                raise AssertionError(f"no {pattern!r} within {within} s:\n{self.text()}")
        return at - self.began

    def wait_gone(self, pattern: str, within: float = 20.0) -> None:
        """Wait until the screen no longer has a text."""
        deadline = time.monotonic() + within
        while re.search(pattern, self.text()):
            if not self._read(max(0.0, deadline - time.monotonic())) or time.monotonic() >= deadline:
                raise AssertionError(f"still {pattern!r} after {within} s:\n{self.text()}")

    def text(self) -> str:
        """The screen now, line by line."""
        self._feed()
        return "\n".join(line.rstrip() for line in self._screen.display)

    def vanish(self) -> None:
        """Take the terminal away, as a lost SSH connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def wait_exit(self, within: float) -> float:
        """Wait until it has ended; returns how many seconds that took. Raises subprocess.TimeoutExpired."""
        began = time.monotonic()
        if self._master >= 0:
            while self.process.poll() is None and time.monotonic() < began + within:
                self._read(0.05)
        self.process.wait(max(0.01, began + within - time.monotonic()))
        return time.monotonic() - began

    def cpu_seconds(self) -> float:
        """User and system time it used so far; 0 once it is gone."""
        try:
            times = self._proc.cpu_times()
        except psutil.NoSuchProcess:
            return 0.0
        return float(times.user + times.system)

    def rss_bytes(self) -> int:
        """Its resident memory."""
        return int(self._proc.memory_info().rss)

    def descendants(self) -> list[psutil.Process]:
        """The processes it started, and those they started."""
        return self._proc.children(recursive=True)

    def _read(self, timeout: float) -> bool:
        """Take what is there, waiting for it; False when the program has closed the terminal."""
        readable, _, _ = select.select([self._master], [], [], timeout)
        if not readable:
            return True
        try:
            chunk = os.read(self._master, 1 << 16)
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.raw += chunk
        self._reply(chunk)
        return bool(chunk)

    def _reply(self, chunk: bytes) -> None:
        seen = self._tail + chunk
        for question, answer in _ANSWERS.items():
            for _ in range(seen.count(question)):
                os.write(self._master, answer)
        unfinished = _UNFINISHED.search(seen)
        self._tail = unfinished.group() if unfinished else b""

    def _feed(self) -> None:
        fresh = bytes(self.raw[self._fed :])
        unfinished = _UNFINISHED.search(fresh)
        if unfinished:
            fresh = fresh[: unfinished.start()]
        self._fed += len(fresh)
        self._stream.feed(_BEYOND_PYTE.sub(b"", fresh))


def _in_terminal() -> None:
    ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _nohup_in_terminal() -> None:
    ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
