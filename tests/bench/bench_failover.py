"""How long the wizard takes from the yes until the new primary leads, next to a bare REPLTAKEOVER by redis-py.

Two lab servers in a process of their own each time. Prints one JSON line; seconds.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from redis.asyncio import Redis

from dfly_tui.clock import SystemClock
from dfly_tui.models.operation import Outcome, StepState
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import GivenAnswer
from dfly_tui.operations.engine import Desk
from dfly_tui.operations.failover.choose import Wish, change_of_roles
from dfly_tui.operations.failover.run import look_at_group, new_run_id, run
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.journal import Journal
from dfly_tui.settings import FailoverSettings, InstanceConfig, Settings
from tests.bench.common import ROOT, report
from tests.support.eventually import eventually
from tests.support.pty_app import DFLY_TUI
from tests.support.secrets import Password

ROUNDS = 5
TARGET_SECONDS = 2.0
LIMITS = FailoverSettings(
    lag_sample_seconds=0.05, cooldown_seconds=0, watch_seconds=0, repoint_old_primary=False, canary=True
)


@contextmanager
def group() -> Iterator[tuple[int, int]]:
    """The ports of a primary and its replica."""
    command = [*DFLY_TUI, "lab", "--port", "0", "--replica-port", "0", "--keys", "10000"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ) as lab:
        assert lab.stdout is not None
        try:
            first, second = (int(json.loads(lab.stdout.readline())["port"]) for _ in range(2))
            yield first, second
        finally:
            lab.terminate()


async def in_sync(port: int) -> None:
    async with Redis(port=port) as client:

        async def online() -> bool:
            role = await client.execute_command("ROLE")  # type: ignore[no-untyped-call]
            return bool(role[3] in {b"online", b"stable_sync"})

        await eventually(online)


async def bare(ports: tuple[int, int]) -> float:
    """One command and its answer."""
    await in_sync(ports[1])
    async with Redis(port=ports[1]) as client:
        await client.ping()
        started = time.perf_counter()
        await client.execute_command("REPLTAKEOVER", 10)  # type: ignore[no-untyped-call]
        return time.perf_counter() - started


async def wizard(ports: tuple[int, int], state: Path) -> tuple[float, float]:
    """From the yes until the new one was seen to lead; and how much of that the takeover took."""
    await in_sync(ports[1])
    configs = [
        InstanceConfig(name=name, url=f"redis://127.0.0.1:{port}", group="main", role=role)
        for name, port, role in (("alpha", ports[0], "primary"), ("beta", ports[1], "replica"))
    ]
    clock = SystemClock()
    guard = Guard(clock, Settings.model_validate({"instances": [config.model_dump() for config in configs]}))
    async with Access(configs, lambda _: Password(), guard=guard, clock=clock, timeout_seconds=2.0) as access:
        identity = new_run_id(clock.now(), random.Random())
        scene = await look_at_group(access, "main", LIMITS, run_id=identity, who="bench@here", environ={})
        plan = change_of_roles(scene, Wish(journals=state / "journal"))
        desk = Desk(
            access, GivenAnswer(yes=True, names=["beta"]), Audit(state / "audit.jsonl", clock=clock),
            Journal(state / "journal", plan.view(), clock=clock),
        )  # fmt: skip
        at: dict[tuple[str, StepState], float] = {}
        outcome = None
        async for event in run(plan, desk, locks=state / "locks", who="bench"):
            at[event.step, event.state] = event.elapsed_seconds
            outcome = event.outcome
    assert outcome is Outcome.DONE, outcome
    took = at["takeover", StepState.DONE] - at["takeover", StepState.RUNNING]
    return at["leads", StepState.DONE] - at["confirm", StepState.DONE], took


async def main() -> None:
    alone: list[float] = []
    whole: list[float] = []
    takeover: list[float] = []
    for _ in range(ROUNDS):
        with group() as ports:
            alone.append(await bare(ports))
        with group() as ports, TemporaryDirectory() as state:
            total, took = await wizard(ports, Path(state))
            whole.append(total)
            takeover.append(took)
    overhead = [total - server for total, server in zip(whole, alone, strict=True)]
    worst = max(overhead)
    report(
        "failover",
        [f"overhead_seconds: {worst:.3f} > {TARGET_SECONDS}"] if worst > TARGET_SECONDS else [],
        bare_takeover_seconds=round(statistics.median(alone), 4),
        yes_until_leads_seconds=round(statistics.median(whole), 4),
        takeover_step_seconds=round(statistics.median(takeover), 4),
        overhead_seconds=round(statistics.median(overhead), 4),
        worst_overhead_seconds=round(worst, 4),
        rounds=ROUNDS,
    )


if __name__ == "__main__":
    asyncio.run(main())
