"""History as CSV: one row per moment, one column per series, UTC times."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dfly_tui.clock import Clock


@dataclass(frozen=True)
class Column:
    """One series: a heading, times (monotonic seconds) and values."""

    heading: str
    times: Sequence[float]
    values: Sequence[float]


def csv_text(columns: Iterable[Column], clock: Clock) -> str:
    """A CSV file's text: `time` in ISO 8601, then the columns; a gap is an empty field."""
    columns = list(columns)
    rows: dict[float, list[str]] = {}
    for at, column in enumerate(columns):
        for time, value in zip(column.times, column.values, strict=True):
            row = rows.setdefault(time, [""] * len(columns))
            row[at] = "" if math.isnan(value) else repr(value)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", *(_plain(column.heading) for column in columns)])
    wall, now = clock.now(), clock.monotonic()
    for time in sorted(rows):
        moment = wall - timedelta(seconds=now - time)
        writer.writerow([moment.isoformat(timespec="milliseconds"), *rows[time]])
    return out.getvalue()


def _plain(heading: str) -> str:
    """A spreadsheet must not take a heading for a formula."""
    return f"'{heading}" if heading[:1] in ("=", "+", "-", "@") else heading
