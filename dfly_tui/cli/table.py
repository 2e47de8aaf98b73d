"""The fleet as plain text: one line per instance, problems first, each followed by its reasons."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TextIO

from rich.cells import cell_len

from dfly_tui.cli.report import least_advanced
from dfly_tui.models.health import InstanceStatus, State
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.text import fit
from dfly_tui.units import MISSING, bytes_text, count_text, duration_text, percent_text

_COLOURS = {State.OK: "32", State.UNKNOWN: "35", State.WARNING: "33", State.CRITICAL: "1;31"}

# The most important first: what does not fit into the terminal is left out from the right.
_COLUMNS = (
    ("STATE", False),
    ("NAME", False),
    ("ROLE", False),
    ("DATA", False),
    ("MEMORY", True),
    ("KEYS", True),
    ("OPS/S", True),
    ("REPLICATION", False),
    ("SNAPSHOT", True),
    ("CLIENTS", True),
    ("HITS", True),
    ("UPTIME", True),
    ("VERSION", False),
)


def use_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Colour is for terminals whose user did not ask for none (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def fleet_table(
    statuses: Sequence[InstanceStatus], wall: datetime, *, width: int | None = None, colour: bool = False
) -> list[str]:
    """Lines of text.

    Args:
        wall: The time to count the age of snapshots from.
        width: Cells of the terminal; None for no limit.
        colour: Whether states are coloured; they are words in any case.
    """
    rows = [[title for title, _ in _COLUMNS], *(_cells(status, wall) for status in statuses)]
    widths = [max(cell_len(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    shown = len(widths)
    while width is not None and shown > 2 and sum(widths[:shown]) + 2 * (shown - 1) > width:
        shown -= 1
    lines = [_line(rows[0], widths, shown)]
    for status, row in zip(statuses, rows[1:], strict=True):
        line = _line(row, widths, shown)
        if colour:
            word = row[0]
            line = f"\x1b[{_COLOURS[status.state]}m{word}\x1b[0m{line[len(word) :]}"
        lines += [line, *_reasons(status)]
    return lines


def summary(statuses: Sequence[InstanceStatus]) -> str:
    """`3 instances: 1 critical, 2 ok`."""
    counts = ((state, sum(status.state is state for status in statuses)) for state in reversed(State))
    plural = "" if len(statuses) == 1 else "s"
    return f"{len(statuses)} instance{plural}: " + ", ".join(f"{count} {state}" for state, count in counts if count)


def _line(row: Sequence[str], widths: Sequence[int], shown: int) -> str:
    cells = (fit(row[at], widths[at], right=_COLUMNS[at][1]) for at in range(shown))
    return "  ".join(cells).rstrip()


def _reasons(status: InstanceStatus) -> list[str]:
    lines = []
    for reason in status.reasons:
        lines.append(f"    {reason.text}")
        if reason.advice:
            lines.append(f"      → {reason.advice}")
    return lines


def _cells(status: InstanceStatus, wall: datetime) -> list[str]:
    seen = status.snapshot
    cells = [status.state.upper(), status.name]
    if seen is None:
        return [*cells, MISSING, status.freshness, *[MISSING] * (len(_COLUMNS) - 4)]
    saved = seen.persistence.last_snapshot_at
    return [
        *cells,
        seen.role or MISSING,
        status.freshness,
        _memory(seen),
        count_text(seen.keys),
        count_text(seen.ops_per_second),
        _replication(status, seen),
        f"{duration_text((wall - saved).total_seconds())} ago" if saved else MISSING,
        count_text(seen.connected_clients),
        percent_text(seen.hit_rate),
        duration_text(seen.uptime_seconds),
        f"{seen.version or MISSING}{' (simulated)' if seen.simulated else ''}",
    ]


def _memory(seen: InstanceSnapshot) -> str:
    used = bytes_text(seen.used_memory_bytes)
    if seen.max_memory_bytes is None:
        return used
    return f"{used} of {bytes_text(seen.max_memory_bytes)} {percent_text(seen.memory_fraction):>5}"


def _replication(status: InstanceStatus, seen: InstanceSnapshot) -> str:
    link = seen.replication.primary
    if link is not None:
        return link.state
    replicas = len(seen.replication.replicas)
    if not replicas:
        return MISSING
    words = f"{replicas} replica{'' if replicas == 1 else 's'} {least_advanced(seen)}"
    return f"{words}, lag {count_text(status.lag_records)}" if status.lag_records is not None else words
