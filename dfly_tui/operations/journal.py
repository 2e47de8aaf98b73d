"""What was begun and how far it came, on disk before it is done: a run that was killed is found again.

One file of JSON lines for each run: first the plan, then each change before and after it was made, last the outcome.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from dfly_tui.clock import Clock
from dfly_tui.errors import Busy
from dfly_tui.models.base import Frozen
from dfly_tui.models.operation import Outcome, PlanView
from dfly_tui.paths import make_private_dir
from dfly_tui.text import safe

ROLES_CHANGE = frozenset({"switchover", "swap-back", "emergency", "finish"})
NOTHING_CHANGED = frozenset({Outcome.DECLINED, Outcome.BLOCKED, Outcome.FAILED, Outcome.UNDONE})


@dataclass(frozen=True)
class Record:
    """One run as its journal tells it.

    Attributes:
        steps: Id of each change that was begun → its last outcome; `intended` when the program ended in the middle.
        outcome: None for a run that never ended.
    """

    plan: PlanView
    begun_at: datetime
    steps: dict[str, str]
    outcome: Outcome | None
    ended_at: datetime | None
    path: Path

    @property
    def is_unfinished(self) -> bool:
        """Whether something was changed and nobody knows how it ended."""
        return self.outcome in {None, Outcome.UNKNOWN} and bool(self.steps)


class Journal:
    """Writes the journal of one run.

    Args:
        folder: Where journals are kept; made with mode 0700.
    """

    def __init__(self, folder: Path, plan: PlanView, *, clock: Clock) -> None:
        self.path = folder / f"{plan.id}.jsonl"
        self._plan = plan
        self._clock = clock

    def note(self, step: str, outcome: str, text: str = "") -> None:
        """A change is about to be made, or was. Raises OSError."""
        self._write({"step": step, "outcome": outcome, "text": text})

    def end(self, outcome: Outcome, left: tuple[str, ...]) -> None:
        """The run ended; one that changed nothing leaves no journal. Raises OSError."""
        if self.path.exists():
            self._write({"ended": outcome, "left": left})

    def _write(self, line: dict[str, object]) -> None:
        make_private_dir(self.path.parent)
        lines = [line]
        if not self.path.exists():
            lines.insert(0, {"plan": self._plan.model_dump(mode="json")})
        at = self._clock.now().isoformat()
        data = "".join(json.dumps({"at": at, **each}) + "\n" for each in lines).encode()
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(file).st_size
            if size and os.pread(file, 1, size - 1) != b"\n":  # half a line, of when the disk was full
                data = b"\n" + data
            if os.write(file, data) != len(data):
                raise OSError(f"{self.path}: the journal was not written whole (disk full?)")
            os.fsync(file)
        finally:
            os.close(file)


class _Begun(Frozen):
    """The first line."""

    at: AwareDatetime
    plan: PlanView


class _Entry(Frozen):
    """Another line: a step, or the end."""

    at: AwareDatetime
    step: str = ""
    outcome: str = ""
    text: str = ""
    ended: Outcome | None = None
    left: tuple[str, ...] = ()


def records(folder: Path) -> Iterator[Record]:
    """All runs that changed something, the newest first; a damaged journal is left out."""
    found = [record for path in folder.glob("*.jsonl") if (record := _read(path)) is not None]
    yield from sorted(found, key=lambda record: record.begun_at, reverse=True)


def _read(path: Path) -> Record | None:
    steps: dict[str, str] = {}
    ended: tuple[Outcome, datetime] | None = None
    try:
        first, *rest = path.read_text(encoding="utf-8", errors="replace").splitlines()
        begun = _Begun.model_validate_json(first)
    except (OSError, ValueError):
        return None
    for line in rest:
        with suppress(ValidationError):  # half a line: the disk was full, or the machine lost power
            entry = _Entry.model_validate_json(line)
            if entry.ended is not None:
                ended = entry.ended, entry.at
            else:
                steps[entry.step] = entry.outcome
    plan, begun_at = begun.plan, begun.at
    return Record(plan, begun_at, steps, ended[0] if ended else None, ended[1] if ended else None, path)


def close_record(record: Record, outcome: Outcome, *, clock: Clock) -> None:
    """Say how a run that was killed ended after all. Raises OSError."""
    Journal(record.path.parent, record.plan, clock=clock).end(outcome, ())


def cooling_down(folder: Path, group: str, *, now: datetime, seconds: float) -> float:
    """Seconds until another change of roles in this group is sensible; 0 when it is.

    What came to nothing does not count, nor does what changes no primary.
    """
    ended = [
        record.ended_at or record.begun_at
        for record in records(folder)
        if record.plan.group == group and record.plan.kind in ROLES_CHANGE and record.outcome not in NOTHING_CHANGED
    ]
    if not ended:
        return 0.0
    return max(0.0, (max(ended) + timedelta(seconds=seconds) - now).total_seconds())


@contextmanager
def group_lock(folder: Path, group: str, owner: str) -> Iterator[None]:
    """One run in a group at a time on this machine; the lock ends with the process that holds it.

    Raises:
        Busy: Another program runs one; it says which.
        OSError: The lock cannot be written.
    """
    make_private_dir(folder)
    path = folder / f"{hashlib.sha256(group.encode()).hexdigest()[:16]}.lock"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = safe(os.read(file, 200), limit=200)
            raise Busy(
                f"{other or 'another program'} is changing group {safe(group)} now",
                "wait until it is done: dfly-tui failover status",
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, owner.encode(), 0)
        yield
    finally:
        os.close(file)


def is_free(folder: Path, group: str, owner: str) -> bool:
    """Whether nobody on this machine is running something in a group; when that cannot be told, nobody is."""
    try:
        with group_lock(folder, group, owner):
            return True
    except Busy:
        return False
    except OSError:
        return True
