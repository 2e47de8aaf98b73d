"""The line at the top: where am I, may I trust it, may I change it."""

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len

from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import Role
from dfly_tui.settings import Environment
from dfly_tui.units import duration_text
from widgets.lines import Line, LinesWidget, Run, fit_line, line_classes

PAUSED = Run("‖ paused", "stale")


def freshness_run(freshness: Freshness | None, age: float | None, *, paused: bool = False) -> Run:
    """How far numbers may be trusted, in a glyph and words.

    Args:
        age: Seconds since the last good value.
        paused: Somebody stopped the polling on purpose; what was lost by then is shown as lost.
    """
    if paused and freshness is not Freshness.LOST:
        return PAUSED
    ago = f" {coarse(age)}" if age is not None else ""
    match freshness:
        case Freshness.FRESH:
            return Run("● fresh", "fresh")
        case Freshness.STALE:
            return Run(f"◐ stale{ago}", "stale")
        case Freshness.LOST:
            return Run(f"○ lost{ago}", "lost")
        case Freshness.PENDING:
            return Run("… pending", "unknown")
        case None:
            return Run("", "text")


def coarse(seconds: float | None) -> str:
    """A span in its largest unit only, whole seconds at least: `12 s`, `3 m`, `5 d`; `–` when unknown."""
    if seconds is None:
        return duration_text(None)
    return " ".join(duration_text(max(0.0, float(int(seconds)))).split()[:2])


@dataclass(frozen=True)
class HeaderData:
    """All the header shows.

    Attributes:
        instance: Name of the selected instance; None while there is none.
        freshness: None while there is no instance.
        age: Seconds since the instance's last good value.
        paused: Polling was stopped on purpose.
        read_only: Nothing can be changed.
        unlocked_seconds: What is left of a timed unlock; None when no lock is involved.
        interval: Seconds between polls.
    """

    simulation: bool = False
    instance: str | None = None
    environment: Environment | None = None
    role: Role | None = None
    freshness: Freshness | None = None
    age: float | None = None
    paused: bool = False
    read_only: bool = False
    unlocked_seconds: float | None = None
    interval: float = 1.0


def header_line(data: HeaderData, width: int) -> Line:
    """The line. Where it is narrow, what matters least goes first; environment, freshness and the
    lock are kept to the last."""
    parts = [(rank, run) for rank, run in _parts(data) if run.text]
    while len(parts) > 1 and _width(parts) > width:
        parts.remove(max(parts, key=lambda part: part[0]))
    runs = [Run(" ")]
    for _, run in parts:
        runs += [run, Run("  ")]
    return fit_line(runs[:-1], width)


def _width(parts: list[tuple[int, Run]]) -> int:
    return sum(cell_len(run.text) + 2 for _, run in parts) - 1


def _parts(data: HeaderData) -> list[tuple[int, Run]]:
    """(rank, run) from left to right; the highest rank is dropped first."""
    return [
        (8, Run("dfly-tui", "title")),
        (0, Run(" SIMULATION ", "simulation") if data.simulation else Run("")),
        (1, _environment(data.environment)),
        (4, Run(data.instance or "", "strong")),
        (6, Run(str(data.role) if data.role else "")),
        (2, freshness_run(data.freshness, data.age, paused=data.paused)),
        (3, _lock(data)),
        (7, Run(f"every {duration_text(data.interval)}")),
    ]


def _environment(environment: Environment | None) -> Run:
    if environment is None:
        return Run("")
    return Run(f" {environment.upper()} ", str(environment))


def _lock(data: HeaderData) -> Run:
    if data.read_only:
        return Run("READ-ONLY", "read-only")
    if data.unlocked_seconds is None:
        return Run("")
    minutes, seconds = divmod(max(0, int(data.unlocked_seconds)), 60)
    return Run(f" UNLOCKED {minutes}:{seconds:02} ", "unlocked")


class StatusHeader(LinesWidget):
    """One line on top of every screen; writes only what changed.

    It has no clock: a dashboard on which nothing changes writes nothing.
    """

    DEFAULT_CSS = "StatusHeader { height: 1; dock: top; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = line_classes()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._data = HeaderData()

    def show(self, data: HeaderData) -> None:
        """Show these facts."""
        self._data = data
        self.repaint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The one line."""
        return [header_line(self._data, width)]
