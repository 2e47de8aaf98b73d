"""`dfly-tui replication`: who follows whom, how far behind, and who is safe to promote now."""

import argparse
import asyncio
import json
from collections.abc import Iterable, Mapping
from functools import partial

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.failover_talk import finding_lines
from dfly_tui.cli.read import password_source, prompted, settings_from
from dfly_tui.clock import SystemClock
from dfly_tui.errors import ConfigError
from dfly_tui.models.operation import Finding, Verdict, worst
from dfly_tui.models.replication import Role
from dfly_tui.models.world import Seen, World
from dfly_tui.operations.access import Access, PasswordOf
from dfly_tui.operations.failover.checks import Pair, promotion_findings
from dfly_tui.operations.failover.lag import LagMeter
from dfly_tui.operations.guard import Guard
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.text import safe
from dfly_tui.units import MISSING, duration_text

SAFE = {Verdict.PASS: "yes", Verdict.WARN: "yes, but", Verdict.BLOCK: "no"}
SAMPLE_SECONDS = 0.5
"""Two looks at the journal, that far apart, tell lag in seconds."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser(
        "replication",
        help="who follows whom, how far behind, and who is safe to promote",
        description="Who follows whom, how far behind, and who is safe to promote now, by the checks that `failover` "
        "makes. Exit code 0 when every instance was read, 1 otherwise.",
    )
    parser.add_argument("--group", metavar="G", help="this group alone")
    parser.add_argument("--json", action="store_true", help="print one JSON document (docs/replication.schema.json)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the links; 0 when every instance was read, 1 otherwise."""
    settings = settings_from(args, args.environ)
    groups = _groups(settings, args.group)
    answers = prompted(settings)
    source = partial(password_source, environ=args.environ, answers=answers)
    worlds = asyncio.run(_look(groups, settings, source))
    clock = SystemClock()
    described = {name: _links(world, settings, clock.monotonic()) for name, world in worlds.items()}
    if args.json:
        document = {
            "schema": 1,
            "taken_at": clock.now().isoformat(),
            "groups": [{"group": name, **_group(world, described[name])} for name, world in worlds.items()],
        }
        print(json.dumps(document, indent=2))
    else:
        for name, world in worlds.items():
            print("\n".join(_lines(name, world, described[name])))
    every = [seen for world in worlds.values() for seen in world]
    return ExitCode.DONE if all(seen.snapshot is not None for seen in every) else ExitCode.FAILED


def _groups(settings: Settings, wanted: str | None) -> dict[str, list[InstanceConfig]]:
    groups: dict[str, list[InstanceConfig]] = {}
    for config in settings.instances:
        if wanted in {None, config.group}:
            groups.setdefault(config.group or config.name, []).append(config)
    if not groups:
        known = ", ".join(sorted({safe(config.group) for config in settings.instances if config.group})) or "none"
        raise ConfigError(f"there is no group {safe(wanted or '')}", f"configured groups: {known}")
    return groups


async def _look(
    groups: Mapping[str, Iterable[InstanceConfig]], settings: Settings, source: PasswordOf
) -> dict[str, World]:
    """Every group now, with the lag of each link in seconds where the servers tell."""
    clock, timeout = SystemClock(), settings.defaults.timeout_seconds
    found = {}
    for name, configs in groups.items():
        guard = Guard(clock, settings)
        async with Access(configs, source, guard=guard, clock=clock, timeout_seconds=timeout) as access:
            world = await access.look()
            pairs = [(seen, world.primary_of(seen)) for seen in world.replicas]
            lags = await asyncio.gather(*(_lag(access, seen, leader) for seen, leader in pairs if leader))
            world = await access.look()
            found[name] = world.with_lag({name: seconds for name, seconds in lags if seconds is not None})
    return found


async def _lag(access: Access, replica: Seen, primary: Seen) -> tuple[str, float | None]:
    meter = LagMeter(access.reader(primary.name), access.reader(replica.name), access.clock)
    if await meter.sample():
        await access.clock.sleep(SAMPLE_SECONDS)
        await meter.sample()
    return replica.name, meter.seconds


def _links(world: World, settings: Settings, now: float) -> dict[str, tuple[Finding, ...]]:
    """Replica → what speaks for or against promoting it."""
    found = {}
    for seen in world:
        leader = world.primary_of(seen) or next(iter(world.primaries), None)
        if seen.role is Role.REPLICA and leader is not None and leader is not seen:
            found[seen.name] = promotion_findings(Pair(world, leader, seen, settings.failover, now))
    return found


def _group(world: World, findings: Mapping[str, tuple[Finding, ...]]) -> dict[str, object]:
    return {
        "primaries": [seen.name for seen in world.primaries],
        "unreachable": [{"name": seen.name, "error": str(seen.error)} for seen in world if seen.snapshot is None],
        "links": [_link(world, seen, findings.get(seen.name, ())) for seen in world.replicas],
    }


def _link(world: World, seen: Seen, findings: tuple[Finding, ...]) -> dict[str, object]:
    link = seen.snapshot.replication.primary if seen.snapshot else None
    leader = world.primary_of(seen)
    line = world.as_primary_sees(leader, seen) if leader else None
    return {
        "replica": seen.name,
        "primary": leader.name if leader else None,
        "primary_address": f"{link.host}:{link.port}" if link else None,
        "intended_primary": seen.config.replica_of,
        "state": seen.link_state,
        "lag_records": line.lag_records if line else None,
        "lag_seconds": seen.lag_seconds,
        "last_io_seconds": link.last_io_seconds if link else None,
        "offset": link.offset if link else None,
        "safe_to_promote": bool(findings) and worst(findings) is not Verdict.BLOCK,
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def _lines(name: str, world: World, findings: Mapping[str, tuple[Finding, ...]]) -> list[str]:
    leaders = ", ".join(seen.name for seen in world.primaries) or "nobody"
    lines = [f"{name}: {leaders} {'lead' if len(world.primaries) > 1 else 'leads'}"]
    for seen in world:
        if seen.snapshot is None:
            lines.append(f"  {seen.name}: {seen.error}")
        if seen.role is Role.REPLICA:
            lines += _replica_lines(world, seen, findings.get(seen.name, ()))
    return lines


def _replica_lines(world: World, seen: Seen, findings: tuple[Finding, ...]) -> list[str]:
    link = _link(world, seen, findings)
    follows = link["primary"] or link["primary_address"]
    intended = f" (should follow {link['intended_primary']})" if link["intended_primary"] not in {None, follows} else ""
    lag = f"{link['lag_records']} records" if link["lag_records"] is not None else MISSING
    lag += f", {duration_text(seen.lag_seconds)}" if seen.lag_seconds is not None else ""
    verdict = SAFE[worst(findings)] if findings else "no"
    lines = [f"  {seen.name} → {follows}{intended}: {link['state']}, lag {lag}; safe to promote: {verdict}"]
    bad = [finding for finding in findings if finding.verdict is not Verdict.PASS]
    return lines + [f"      {line}" for finding in bad for line in finding_lines(finding)]
