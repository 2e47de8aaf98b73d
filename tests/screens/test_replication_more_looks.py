"""What the replication screen looks like with more than a pair: three nodes, a Redis, groups, a history of lag."""

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import SnapCompare, story
from tests.screens.failover_stage import PORTS, primary_text, replica_text
from tests.screens.replication_stage import changed
from tests.screens.stage import Stage, down, seconds

NARROW, WIDE = (80, 24), (120, 40)
both_sizes = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
Size = tuple[int, int]


@pytest.fixture
def trio(stage: Stage) -> Stage:
    """A primary and two replicas."""
    for name, port in PORTS.items():
        first = name == "alpha"
        link = {"role": "primary"} if first else {"role": "replica", "replica_of": "alpha"}
        actor = stage.add(name, group="main", environment="lab", url=f"redis://127.0.0.1:{port}", **link)
        actor.text = primary_text(name, ["beta", "gamma"]) if first else replica_text(name, "alpha")
    return stage


def ups_and_downs(stage: Stage, name: str, *lags: int) -> Callable[[Pilot[int]], Awaitable[None]]:
    """The lag is this for some minutes, then that, and so on."""

    async def run(pilot: Pilot[int]) -> None:
        text = stage.actors[name].text
        for lag in lags:
            stage.actors[name].text = text.replace("state=online,lag=1", f"state=online,lag={lag}")
            await seconds(stage, pilot, 200)
        await story(stage, "3", wait=1)(pilot)

    return run


@both_sizes
def test_three_nodes(snap_compare: SnapCompare, trio: Stage, size: Size) -> None:
    assert snap_compare(trio.app(), terminal_size=size, run_before=story(trio, "3", wait=5))


@both_sizes
def test_full_sync(snap_compare: SnapCompare, trio: Stage, size: Size) -> None:
    trio.actors["beta"].text = replica_text("beta", "alpha", master_sync_in_progress="1", db0="keys=312000,expires=0")
    text = trio.actors["alpha"].text
    trio.actors["alpha"].text = text.replace("port=17380,state=online,lag=1", "port=17380,state=full_sync,lag=0")
    assert snap_compare(trio.app(), terminal_size=size, run_before=story(trio, "3", wait=5))


@both_sizes
def test_lagging(snap_compare: SnapCompare, pair: Stage, size: Size) -> None:
    run = ups_and_downs(pair, "workhorse", 1, 40, 900, 250, 4812)
    assert snap_compare(pair.app(), terminal_size=size, run_before=run)


@both_sizes
def test_redis_pair(snap_compare: SnapCompare, redis_pair: Stage, size: Size) -> None:
    changed(redis_pair, "alpha", ("offset=660", "offset=620"))
    assert snap_compare(redis_pair.app(), terminal_size=size, run_before=story(redis_pair, "3", wait=5))


@both_sizes
def test_groups_strangers_and_the_unreachable(snap_compare: SnapCompare, trio: Stage, size: Size) -> None:
    text = trio.actors["alpha"].text
    line = "slave1:ip=127.0.0.1,port=17381,state=online,lag=1"
    trio.actors["alpha"].text = text.replace(line, f"{line}\nslave2:ip=10.9.9.9,port=6379,state=online,lag=3")
    trio.add("cache", "v1.22.2-primary", group="cache", role="primary", url="redis://10.0.0.2:6379")
    trio.add("cache-b", group="cache", role="replica", replica_of="cache", url="redis://10.0.0.3:6379").error = down()
    trio.add("alone", url="redis://10.0.0.7:6379")
    run = story(trio, "3", *["up"] * 5, "down", "down", wait=12)
    assert snap_compare(trio.app(), terminal_size=size, run_before=run)
