"""A run that was cut off, taken up again: who else may be at it, and what is said of what stays as it is."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.engine import Desk
from dfly_tui.operations.failover.choose import change_of_roles, coming_back
from dfly_tui.operations.failover.rejoin import attach, detach
from dfly_tui.operations.failover.report import report_of
from dfly_tui.operations.failover.resume import finish, give_up
from dfly_tui.operations.failover.run import run
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import Journal, Record
from dfly_tui.operations.plan import Plan
from tests.support.group import FAST, Group, Yes, group, killed_at, outcome, told
from tests.support.hurry import hurried
from tests.support.proxy import Harm
from tests.support.stories import ALL, FROZEN_IN_CONTAINER, SWITCHOVER, Spot, change, cut_off, left, outside

CHANGING = ("REPLTAKEOVER", "REPLICAOF", "CONFIG SET", "CLIENT UNPAUSE", "BGSAVE")


def changes(servers: Group) -> list[tuple[str, ...]]:
    return [words for proxy in servers.proxies.values() for begin in CHANGING for words in proxy.sent(*begin.split())]


async def elsewhere(servers: Group, plan: Plan, access: Access) -> list[Event]:
    """Run a plan on another machine, which does not see our locks."""
    journal = Journal(servers.state / "elsewhere", plan.view(), clock=servers.clock)
    desk = Desk(access, Yes(), servers.audit, journal)
    return [each async for each in run(plan, desk, locks=servers.state / "locks-elsewhere", who="bob")]


class Meanwhile(Yes):
    """Before the answer something else happens."""

    def __init__(self, happens: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self._happens = happens

    async def confirm(self, question: Any) -> bool:
        await self._happens()
        return await super().confirm(question)


def brought_back(scene: Scene, servers: Group) -> Plan:
    return coming_back(scene, servers.wish(to="beta"))


MINE = {
    "rejoin": (brought_back, outside),
    "attach": (lambda scene, servers: attach(scene, "beta", "alpha"), None),
    "detach": (lambda scene, servers: detach(scene, "beta"), None),
    "finish": (lambda scene, servers: finish(scene, left(servers)), cut_off(SWITCHOVER, "REPLTAKEOVER", "beta")),
    "give-up": (lambda scene, servers: give_up(scene, left(servers)), cut_off(SWITCHOVER, "CLIENT PAUSE", "alpha")),
}


@pytest.mark.parametrize("mine", MINE)
@hurried
async def test_whoever_does_this_is_seen_by_another_operator(mine: str) -> None:
    """One waits before the question; the other, on another machine, is told so, and changes nothing."""
    make, before = MINE[mine]
    async with group(2) as servers, servers.access() as access:
        if before is not None:
            await before(servers)
        blocked: list[Event] = []

        async def another() -> None:
            sent = changes(servers)
            async with servers.access() as theirs:
                plan = detach(await servers.scene(theirs), "gamma")
                blocked[:] = await elsewhere(servers, plan, theirs)
            assert changes(servers) == sent

        plan = make(await servers.scene(access, ALL), servers)
        events = await servers.run(plan, access, Meanwhile(another))
        assert outcome(blocked) is Outcome.BLOCKED, told(blocked)
        assert "busy=somebody@somewhere" in told(blocked)
        assert outcome(events) in {Outcome.DONE, Outcome.INCOMPLETE}, told(events)


@pytest.mark.parametrize("mine", ["finish", "give-up"])
@hurried
async def test_what_is_taken_up_again_waits_for_others_but_not_for_itself(mine: str) -> None:
    """Where the machine went, not the program, a server may take minutes to notice that the first one is gone."""
    make, before = MINE[mine]
    assert before is not None
    async with group(2) as servers, servers.access() as access, servers.access() as gone:
        await before(servers)
        await gone.reader("beta").present_as("dfly-tui:failover:20260102-000000-0001:bob@laptop")
        sent = changes(servers)
        events = await servers.run(make(await servers.scene(access, ALL), servers), access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "busy=bob@laptop" in told(events)
        assert changes(servers) == sent
        await gone.reader("beta").present_as(f"dfly-tui:failover:{left(servers).plan.id}:me@here")
        events = await servers.run(make(await servers.scene(access, ALL), servers), access)
        assert outcome(events) in {Outcome.DONE, Outcome.INCOMPLETE}, told(events)


async def given_up(servers: Group, record: Record, limits: Any) -> tuple[str, ...]:
    """What is left to do once a run was given up."""
    async with servers.access() as access:
        plan = give_up(await servers.scene(access, limits), record)
        events = await servers.run(plan, access)
    assert outcome(events) in {Outcome.DONE, Outcome.INCOMPLETE}, told(events)
    return report_of(plan.view(), events, "me").follow_ups


@hurried
async def test_a_container_that_was_stopped_before_a_run_was_given_up() -> None:
    """Its restart policy is given back, so Docker does not start it: a person has to know."""
    story = FROZEN_IN_CONTAINER
    async with group(1, docker=True, restarts=True) as servers:
        await cut_off(story, "stop alpha", "docker")(servers)
        left_to_do = await given_up(servers, left(servers), FAST)
        assert any(line.startswith("alpha is stopped; with its last snapshot it comes back by: docker")
                   for line in left_to_do), left_to_do  # fmt: skip
        assert "if alpha does not come back, promote a replica: dfly-tui failover run --group main" in left_to_do
        assert any(line.startswith("look with: redis-cli ") for line in left_to_do)


async def test_a_hook_that_ran_before_a_run_was_given_up(tmp_path: Path) -> None:
    limits = FAST.model_copy(update={"hook_before": "true"})
    async with group(1) as servers:
        await killed_at(servers, limits, change, "beta", Spot("beta", "REPLTAKEOVER").hit, Harm.LOST)
        assert await given_up(servers, left(servers), limits) == (
            "the hook before the change has run: take back by hand what it did: true",
        )


@hurried
async def test_nothing_is_said_of_a_plan_that_was_only_looked_at() -> None:
    async with group(1) as servers, servers.access() as access:
        await cut_off(SWITCHOVER, "CLIENT PAUSE", "alpha")(servers)
        plan = give_up(await servers.scene(access), left(servers))
        assert plan.notes == ()
        events = await servers.run(plan, access, dry_run=True)
        assert report_of(plan.view(), events, "me").follow_ups == ()
        assert change_of_roles(await servers.scene(access), servers.wish()).notes != ()


@hurried
async def test_a_rejoin_that_nobody_watches_afterwards() -> None:
    async with group(1) as servers, servers.access() as access:
        await outside(servers)
        plan = brought_back(await servers.scene(access, FAST.model_copy(update={"watch_seconds": 0.0})), servers)
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert events[-2].step == "synced-alpha"
        assert await servers.leaders() == ["beta"]
