"""Fixtures of the screens' tests."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest
from textual.pilot import Pilot

from tests.screens.backups_stage import Shelf, ordinary
from tests.screens.stage import Stage, seconds


class SnapCompare(Protocol):
    """What pytest-textual-snapshot's fixture can do."""

    def __call__(self, app: object, **options: object) -> bool: ...


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An empty stage."""
    return Stage(tmp_path)


@pytest.fixture
def pair(stage: Stage) -> Stage:
    """Workhorse and its replica on the NAS, as recorded from v1.40.1."""
    stage.add("workhorse", group="main", role="primary", environment="production", url="redis://127.0.0.1:17379")
    stage.add("nas", "v1.40.1-replica", group="main", role="replica", replica_of="workhorse", environment="staging")
    return stage


@pytest.fixture
def redis_pair(stage: Stage) -> Stage:
    """A Redis and its replica, as recorded from 7.0."""
    stage.add("alpha", "redis-7.0-primary", group="sessions", role="primary", url="redis://127.0.0.1:6379")
    link = {"role": "replica", "replica_of": "alpha", "url": "redis://127.0.0.1:6380"}
    stage.add("beta", "redis-7.0-replica", group="sessions", **link)
    return stage


@pytest.fixture
def shelf(stage: Stage) -> Shelf:
    """A primary in good order and its replica."""
    shelf = Shelf(stage)
    ordinary(shelf)
    return shelf


def story(stage: Stage, *keys: str, wait: int = 3) -> Callable[[Pilot[int]], Awaitable[None]]:
    """For `snap_compare(run_before=…)`: let some seconds pass, press keys, let one more pass."""

    async def run(pilot: Pilot[int]) -> None:
        await seconds(stage, pilot, wait)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await seconds(stage, pilot, 1)

    return run
