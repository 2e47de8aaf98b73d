"""From a group in the configuration to a run of a plan: what the wizard and the command line both begin with."""

import random
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from dfly_tui.errors import Busy, ConfigError
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.engine import Desk, execute
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import group_lock
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import FailoverSettings, InstanceConfig
from dfly_tui.text import safe


def members(instances: Iterable[InstanceConfig], group: str) -> tuple[InstanceConfig, ...]:
    """The instances of a group.

    Raises:
        ConfigError: There are fewer than two: nobody could take over.
    """
    every = list(instances)
    found = tuple(config for config in every if config.group == group)
    if len(found) < 2:
        known = ", ".join(sorted({config.group for config in every if config.group})) or "none"
        raise ConfigError(
            f"group {safe(group)} has {len(found)} instances, and a change of roles needs two",
            f"instances belong together by group = …; configured groups: {known}",
        )
    return found


def new_run_id(now: datetime, rng: random.Random) -> str:
    """Sorts by time, and is not used twice."""
    return f"{now:%Y%m%d-%H%M%S}-{rng.randrange(16**4):04x}"


async def look_at_group(
    access: Access, group: str, limits: FailoverSettings, *, run_id: str, who: str, environ: Mapping[str, str]
) -> Scene:
    """Read the group and make of it what plans are made from."""
    world = await access.look()
    return Scene(access, group, world, limits, run_id, who, environ)


async def run(plan: Plan, desk: Desk, *, locks: Path, who: str) -> AsyncGenerator[Event, None]:
    """Run a plan while nobody else on this machine runs one in its group."""
    with ExitStack() as stack:
        try:
            stack.enter_context(group_lock(locks, plan.group, f"{who}, run {plan.id}"))
        except (Busy, OSError) as error:
            left = (error.hint,) if isinstance(error, Busy) else ("see that this can be written, or nothing is done",)
            yield Event(
                at=desk.clock.now(), elapsed_seconds=0.0, outcome=Outcome.BLOCKED, text=str(error), follow_ups=left
            )
            return
        async for event in execute(plan, desk):
            yield event
