"""The six numbers shown for the instance under the cursor, out of its history."""

import math

from dfly_tui.units import value_text
from screens.services import Services
from widgets.vitals import Vital

SPAN_SECONDS = 120.0

_SIGNS = (
    ("commands", "commands", "count/s", None),
    ("hit rate", "hit_rate", "fraction", 1.0),
    ("memory", "used", "bytes", "max"),
    ("clients", "clients", "count", None),
    ("net in", "net_in", "bytes/s", None),
    ("net out", "net_out", "bytes/s", None),
)


def vital_signs(services: Services, name: str) -> tuple[Vital, ...]:
    """Commands, hit rate, memory against its limit, clients and network of the last two minutes."""
    series = services.hub[name].history.series
    since = services.charts_end(name) - SPAN_SECONDS
    found = []
    for label, column, unit, top in _SIGNS:
        _, values = series.window(column, since)
        latest = values[-1] if len(values) else math.nan
        ceiling = series.latest(top) if isinstance(top, str) else top
        found.append(
            Vital(
                label=label,
                text=value_text(latest, unit),
                values=tuple(values),
                top=None if ceiling is None or math.isnan(ceiling) else ceiling,
            )
        )
    return tuple(found)
