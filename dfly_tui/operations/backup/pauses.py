"""Paused schedules: what a server saved by before, and when it does so again. Somebody has to see to that."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from pydantic import AwareDatetime, ValidationError

from dfly_tui.models.base import Frozen
from dfly_tui.paths import write_private
from dfly_tui.text import safe


class Pause(Frozen):
    """A schedule that is paused.

    Attributes:
        cron: What it was.
        until: When it goes on.
    """

    cron: str
    until: AwareDatetime
    since: AwareDatetime
    who: str = ""


class Pauses:
    """One file for each instance.

    Args:
        folder: Of the catalogue (`Paths.backups_dir`).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, instance: str) -> Pause | None:
        """Its pause; None when it is not paused. A damaged file is one of no pause."""
        try:
            return Pause.model_validate_json(self._path(instance).read_bytes())
        except (OSError, ValidationError):
            return None

    def damaged(self, instance: str) -> str:
        """Why its pause cannot be read, in words; empty when it can, or there is none."""
        path = self._path(instance)
        if self.of(instance) is not None or not path.exists():
            return ""
        return f"{safe(str(path), limit=200)}: it says until when the schedule is paused, and cannot be read"

    def keep(self, instance: str, pause: Pause) -> None:
        """Write it down. Raises OSError."""
        write_private(self._path(instance), pause.model_dump_json(indent=1) + "\n")

    def forget(self, instance: str) -> None:
        """It is over. Raises OSError."""
        self._path(instance).unlink(missing_ok=True)

    def over(self, instances: Iterable[str], now: AwareDatetime) -> tuple[str, ...]:
        """Those whose pause has ended, and who are still paused."""
        return tuple(name for name in instances if (pause := self.of(name)) is not None and pause.until <= now)

    def _path(self, instance: str) -> Path:
        return self._folder / f"{quote(instance, safe='').replace('.', '%2E')}.pause.json"
