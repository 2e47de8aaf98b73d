"""`dfly-tui check`: one line, performance data and an exit code, as monitoring plugins have them.

https://www.monitoring-plugins.org/doc/guidelines.html: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; text, a bar, then
`'label'=value[unit];[warn];[crit];[min];[max]`.
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from dfly_tui.cli.read import chosen, look, settings_from
from dfly_tui.clock import SystemClock
from dfly_tui.models.health import InstanceStatus, State
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.settings import InstanceConfig, Settings, Thresholds

MOST_NAMED = 20
"""Instances with a problem; what comes behind the first 8 KiB of a line is lost to Nagios, the numbers with it."""
CODES = {State.OK: 0, State.WARNING: 1, State.CRITICAL: 2, State.UNKNOWN: 3}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "check",
        help="one line and an exit code for Nagios, Icinga, Sensu, …",
        description="One line, performance data, and exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
    )
    parser.add_argument(
        "--instance", action="append", metavar="NAME", help="only this one (its group is read, too); may be repeated"
    )


def run(args: argparse.Namespace) -> int:
    """Print the line; the exit code is that of the worst instance."""
    settings, clock = settings_from(args, args.environ), SystemClock()
    wanted = chosen(settings, args.instance)
    fleet = settings.model_copy(update={"instances": _with_groups(wanted, settings)})
    statuses = asyncio.run(look(fleet, args.environ, clock=clock, answers={}))
    names = {config.name for config in wanted}
    statuses = tuple(status for status in statuses if status.name in names)
    state = max((status.state for status in statuses), key=lambda state: state.rank)
    numbers = " ".join(
        number for status in statuses for number in _performance(status, settings.defaults.thresholds, clock.now())
    )
    text = "; ".join(_words(statuses)).replace("|", "/")
    print(f"DRAGONFLY {state.upper()} - {text}" + (f" | {numbers}" if numbers else ""))
    return CODES[state]


def _with_groups(wanted: Sequence[InstanceConfig], settings: Settings) -> tuple[InstanceConfig, ...]:
    """The instances asked for and those that tell whether their roles are right."""
    groups = {config.group for config in wanted if config.group is not None}
    names = {config.name for config in wanted} | {config.replica_of for config in wanted}
    return tuple(config for config in settings.instances if config.name in names or config.group in groups)


def _words(statuses: Sequence[InstanceStatus]) -> Iterator[str]:
    """What is wrong, instance by instance; what there is, when nothing is."""
    bad = [status for status in statuses if status.reasons]
    for status in bad[:MOST_NAMED]:
        yield f"{status.name}: {', '.join(reason.text for reason in status.reasons)}"
    if len(bad) > MOST_NAMED:
        yield f"and {len(bad) - MOST_NAMED} more of {len(statuses)} instances"
    if not bad:
        roles = [str(status.snapshot.role) for status in statuses if status.snapshot and status.snapshot.role]
        counts = [f"{roles.count(role)} {role}" for role in ("primary", "replica") if role in roles]
        yield ", ".join([f"{len(statuses)} instance{'' if len(statuses) == 1 else 's'}", *counts])
    if any(status.snapshot and status.snapshot.simulated for status in statuses):
        yield "simulated"


def _performance(status: InstanceStatus, defaults: Thresholds, wall: datetime) -> Iterator[str]:
    """The numbers of one instance; what is not known is left out."""
    seen = status.snapshot
    if seen is None or status.observation.status.error is not None:
        return
    limits = status.config.thresholds or defaults
    name = status.name.replace("'", "''").replace("=", "_").replace("|", "/")
    for label, value, unit, bounds in (*_load(seen, limits), *_safety(status, seen, limits, wall)):
        if value is not None:
            ends = ";".join("" if bound is None else _number(bound) for bound in bounds).rstrip(";")
            yield f"'{name} {label}'={_number(value)}{unit}" + (f";{ends}" if ends else "")


_Number = tuple[str, float | None, str, tuple[float | None, ...]]
"""Label, value, unit, and (warning, critical, least, most)."""


def _load(seen: InstanceSnapshot, limits: Thresholds) -> Iterator[_Number]:
    most_bytes, most_clients = seen.max_memory_bytes, seen.max_clients
    hits = None if seen.hit_rate is None else seen.hit_rate * 100
    yield (
        "used_memory",
        seen.used_memory_bytes,
        "B",
        (_part(limits.memory_warning, most_bytes), _part(limits.memory_critical, most_bytes), 0, most_bytes),
    )
    yield "clients", seen.connected_clients, "", (_part(limits.clients_warning, most_clients), None, 0, most_clients)
    yield "keys", seen.keys, "", (None, None, 0)
    yield "ops_per_second", seen.ops_per_second, "", (None, None, 0)
    yield "commands", seen.commands_total, "c", (None, None, 0)
    yield "hit_rate", hits, "%", (None, None, 0, 100)
    yield "latency", seen.latency_seconds, "s", (None, None, 0)


def _safety(status: InstanceStatus, seen: InstanceSnapshot, limits: Thresholds, wall: datetime) -> Iterator[_Number]:
    saved = seen.persistence.last_snapshot_at
    age = None if saved is None else max(0.0, (wall - saved).total_seconds())
    yield "lag_records", status.lag_records, "", (None, None, 0)
    yield (
        "snapshot_age",
        age,
        "s",
        (limits.snapshot_age_warning_seconds, limits.snapshot_age_critical_seconds, 0),
    )
    yield "uptime", seen.uptime_seconds, "s", (None, None, 0)


def _part(fraction: float, whole: int | None) -> float | None:
    return None if whole is None else round(fraction * whole)


def _number(value: float) -> str:
    """As plain as the format asks: no exponent, no trailing zeros."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
