"""A production instance is changed for whoever types its name, and for nobody else."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from dfly_tui.models.operation import Level, Outcome
from dfly_tui.operations.backup.copy import copy
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.prune import prune
from dfly_tui.operations.backup.scene import Backups
from dfly_tui.operations.backup.schedule import pause, schedule
from dfly_tui.operations.plan import Confirm, Plan
from dfly_tui.settings import Environment
from tests.support.backed import STORE, backed
from tests.support.group import outcome, told

PLANS: dict[str, Callable[[Backups], Awaitable[Plan]]] = {
    "backup": backup,
    "schedule": lambda scene: schedule(scene.scheduling(), "0 * * * *"),
    "pause": lambda scene: pause(scene.scheduling(), scene.access.clock.now() + timedelta(hours=1)),
    "prune": lambda scene: prune(scene.pruning()),
    "copy": lambda scene: _of(scene, "copy"),
    "drill": lambda scene: _of(scene, "drill"),
}


async def _of(scene: Backups, kind: str) -> Plan:
    chosen = await scene.chosen("", "instance", newest=True)
    return await (copy(scene, chosen, [STORE]) if kind == "copy" else drill(scene, chosen))


@pytest.mark.parametrize("kind", list(PLANS))
@pytest.mark.parametrize("environment", [Environment.PRODUCTION, Environment.UNKNOWN])
async def test_the_name_is_typed(kind: str, environment: Environment) -> None:
    async with backed({"copy_to": [STORE]}, snapshot_cron="0 2 * * *") as at:
        await at.ask("SAVE")
        leftover = at.folder / "dump-x-0000.dfs.tmp"
        leftover.write_bytes(b"half")
        os.utime(leftover, (1_600_000_000, 1_600_000_000))
        at.servers.configs = (at.servers.configs[0].model_copy(update={"environment": environment}),)
        async with at.scene() as scene:
            plan = await PLANS[kind](scene)
            (question,) = [step for step in plan.steps if isinstance(step, Confirm)]
            assert (question.level, question.token) == (Level.NAME, "alpha")
            before = {path.name for path in at.folder.iterdir()}
            events = await at.servers.run(plan, scene.access)  # a yes, but nobody unlocked it
            assert outcome(events) in {Outcome.BLOCKED, Outcome.INCOMPLETE}, told(events)
            assert {path.name for path in at.folder.iterdir()} == before
            assert await at.ask("CONFIG", "GET", "snapshot_cron") == ["snapshot_cron", "0 2 * * *"]
