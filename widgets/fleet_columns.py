"""What the fleet table says of an instance, column by column. Pure functions of its status."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len

from dfly_tui.models.health import InstanceStatus, State
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Freshness
from dfly_tui.models.replication import LinkState
from dfly_tui.text import fit
from dfly_tui.units import MISSING, bytes_text, count_text, duration_text, percent_text
from widgets.bar import bar
from widgets.header import coarse, freshness_run
from widgets.lines import Line, Run, fit_line

STATE_GLYPHS = {State.OK: "●", State.WARNING: "▲", State.CRITICAL: "✖", State.UNKNOWN: "?"}


@dataclass(frozen=True)
class Moment:
    """When the table is drawn: the clock's monotonic seconds, and the wall clock."""

    now: float
    wall: datetime


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: Its heading.
        width: In cells, as far as it does not depend on the instances.
        rank: The lowest stay where the screen is narrow.
        cell: The text of an instance, and a style where it is not plain.
    """

    title: str
    width: int
    rank: int
    cell: Callable[[InstanceStatus, Moment], Run]
    right: bool = False


def state_run(state: State) -> Run:
    """A state as glyph and word, coloured."""
    return Run(f"{STATE_GLYPHS[state]} {state}", str(state))


def role_text(status: InstanceStatus) -> str:
    """The role; `replica≠primary` where another one is intended."""
    seen, intended = status.snapshot.role if status.snapshot else None, status.config.role
    if seen is None:
        return MISSING
    return f"{seen}≠{intended}" if intended and seen != intended else str(seen)


def _seen(status: InstanceStatus, moment: Moment) -> Run:
    reading = status.observation.status
    run = freshness_run(status.freshness, reading.age(moment.now), paused=reading.paused)
    return run if run.style != "fresh" else Run(run.text)


def _role(status: InstanceStatus, moment: Moment) -> Run:
    text = role_text(status)
    return Run(text, "critical" if "≠" in text else "text")


def _memory(status: InstanceStatus, moment: Moment) -> Run:
    fraction = status.snapshot.memory_fraction if status.snapshot else None
    if fraction is None:  # no limit is set: nothing to be a fraction of
        return Run(f"{bytes_text(status.snapshot.used_memory_bytes if status.snapshot else None):>10}")
    percent = f"{fraction:.0%}" if fraction < 9.995 else "≥10×"
    text = f"{bar(fraction, 5)} {percent:>4}"
    style = max((reason.state for reason in status.reasons if reason.code == "memory"), default=State.OK)
    return Run(text, "text" if style is State.OK else str(style))


def _used(status: InstanceStatus, moment: Moment) -> Run:
    seen = status.snapshot
    if seen is None:
        return Run(MISSING)
    return Run(f"{bytes_text(seen.used_memory_bytes)}/{bytes_text(seen.max_memory_bytes)}")


def _lag(status: InstanceStatus, moment: Moment) -> Run:
    """As a replica: how the link is. As a primary: how far the last replica is behind, in time where that is known."""
    seen = status.snapshot
    link = seen.replication.primary if seen else None
    if link is not None:
        words = {LinkState.DOWN: "down", LinkState.FULL_SYNC: "syncing", LinkState.STABLE: "in sync"}
        return Run(words.get(link.state, "starting"), "critical" if link.state is LinkState.DOWN else "text")
    if status.observation.lag_seconds is not None:
        return Run(duration_text(status.observation.lag_seconds))
    return Run(f"{count_text(status.lag_records)} rec" if status.lag_records is not None else MISSING)


def _saved(status: InstanceStatus, moment: Moment) -> Run:
    kept = status.snapshot.persistence if status.snapshot else None
    if kept is None:
        return Run(MISSING)
    if kept.saving:
        return Run(f"now {kept.snapshot_fraction:.0%}" if kept.snapshot_fraction is not None else "now")
    if kept.last_snapshot_at is None:
        return Run("never" if kept.loading is not None else MISSING)
    return Run(f"{coarse((moment.wall - kept.last_snapshot_at).total_seconds())} ago")


def _proven(status: InstanceStatus, moment: Moment) -> Run:
    """When a restore from its backups was last proven."""
    if status.proven_at is None:
        return Run(MISSING)
    return Run(f"{coarse((moment.wall - status.proven_at).total_seconds())} ago")


def _container(status: InstanceStatus, moment: Moment) -> Run:
    info = status.container
    if info is None:
        return Run(MISSING)
    health = f" {info.health}" if info.health else ""
    return Run(f"{info.state}{health}", "text" if info.state == "running" else "critical")


def _environment(status: InstanceStatus, moment: Moment) -> Run:
    return Run(status.config.environment.value)


def _plain(read: Callable[[InstanceSnapshot], str]) -> Callable[[InstanceStatus, Moment], Run]:
    return lambda status, moment: Run(read(status.snapshot) if status.snapshot else MISSING)


NAME = Column("instance", 0, 1, lambda status, moment: Run(status.name, "strong"))
ROLE = Column("role", 7, 3, _role)
ENVIRONMENT = Column("environment", 11, 10, _environment)
MEMORY = Column("memory", 10, 4, _memory)
COLUMNS: tuple[Column, ...] = (
    Column("state", 10, 0, lambda status, moment: state_run(status.state)),
    NAME,
    Column("seen", 12, 2, _seen),
    ROLE,
    ENVIRONMENT,
    Column("version", 8, 12, _plain(lambda seen: seen.version or MISSING)),
    Column("uptime", 10, 11, _plain(lambda seen: duration_text(seen.uptime_seconds)), right=True),
    MEMORY,
    Column("used/max", 17, 13, _used, right=True),
    Column("keys", 6, 7, _plain(lambda seen: count_text(seen.keys)), right=True),
    Column("ops/s", 6, 5, _plain(lambda seen: count_text(seen.ops_per_second)), right=True),
    Column("hits", 6, 9, _plain(lambda seen: percent_text(seen.hit_rate)), right=True),
    Column("clients", 7, 8, _plain(lambda seen: count_text(seen.connected_clients)), right=True),
    Column("lag", 9, 6, _lag, right=True),
    Column("snapshot", 10, 9, _saved, right=True),
    Column("restore proven", 14, 15, _proven, right=True),
    Column("container", 17, 14, _container),
)

Layout = tuple[tuple[Column, int], ...]
"""The columns shown and their widths."""


def layout(statuses: Sequence[InstanceStatus], width: int) -> Layout:
    """The columns that fit `width` cells with a blank between, the most important first."""
    widths = {column: column.width for column in COLUMNS}
    longest = max((cell_len(status.name) for status in statuses), default=8)
    widths[NAME] = max(8, min(24, longest, width - COLUMNS[0].width - 1))
    widths[ROLE] = max([ROLE.width, *(len(role_text(status)) for status in statuses)])
    chosen: set[Column] = set()
    left = width + 1  # nothing stands behind the last one
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        if widths[column] >= left and chosen:
            break
        chosen.add(column)
        left -= widths[column] + 1
    return tuple((column, widths[column]) for column in COLUMNS if column in chosen)


def left_out(status: InstanceStatus, shown: Layout, moment: Moment) -> tuple[tuple[str, str], ...]:
    """(heading, text) of every column that is not shown, as far as something is known.

    Without the environment, which the header tells, and the bar, which says no more than “used/max”.
    """
    there = {ENVIRONMENT, MEMORY, *(column for column, _ in shown)}
    pairs = ((column.title, column.cell(status, moment).text.strip()) for column in COLUMNS if column not in there)
    return tuple((title, text) for title, text in pairs if text != MISSING)


def heading(shown: Layout, width: int) -> Line:
    """The columns' titles."""
    return _cells([(Run(column.title, "muted"), column, size) for column, size in shown], width, "text")


def _cells(cells: Sequence[tuple[Run, Column, int]], width: int, fill: str) -> Line:
    """Side by side with a blank between, none behind the last one: it may just fit."""
    runs = [Run(f"{fit(run.text, size, right=column.right)} ", run.style) for run, column, size in cells]
    runs[-1:] = [Run(run.text[:-1], run.style) for run in runs[-1:]]
    return fit_line(runs, width, fill)


def fleet_row(status: InstanceStatus, shown: Layout, width: int, moment: Moment) -> Line:
    """One instance. What is not fresh is dimmed and says so in words; its state and freshness keep their colour."""
    dimmed = status.freshness in (Freshness.STALE, Freshness.LOST)
    cells = []
    for column, size in shown:
        text, style = column.cell(status, moment)
        if dimmed and style in ("text", "strong"):
            style = "dim"
        cells.append((Run(text, style), column, size))
    return _cells(cells, width, "dim" if dimmed else "text")
