"""Changes of roles on lab servers: what a person on call would see afterwards."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from dfly_tui.errors import Refused
from dfly_tui.models.operation import Outcome, StepState
from dfly_tui.operations.confirmer import Deny
from dfly_tui.operations.failover.choose import change_of_roles, coming_back, swap_back
from dfly_tui.operations.failover.rejoin import attach, detach, rejoin
from dfly_tui.operations.failover.report import as_markdown, report_of
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.plan import Plan
from tests.support.eventually import eventually
from tests.support.group import FAST, Group, group, outcome, told
from tests.support.hurry import hurried
from tests.support.lab import Client, in_sync

CHANGING = ("REPLTAKEOVER", "REPLICAOF", "CONFIG SET", "BGSAVE", "CLIENT PAUSE", "SET", "DEL")
FLAVOURS = ["1.22", "1.40"]


def changes(servers: Group) -> list[tuple[str, ...]]:
    """Every command that changes something, as the servers received them."""
    return [words for proxy in servers.proxies.values() for begin in CHANGING for words in proxy.sent(*begin.split())]


async def keys_of(servers: Group, name: str) -> set[str]:
    found: set[str] = set()
    async with Client(servers.servers[name].port, servers.password) as client:
        cursor = "0"
        while True:  # KEYS gives 8192 of them at most
            cursor, keys = await client("SCAN", cursor, "COUNT", 5000)
            found.update(keys)
            if cursor == "0":
                return found


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("replicas", [1, 2])
@hurried
async def test_a_switchover_where_nobody_starts_the_old_primary_again(flavour: str, replicas: int) -> None:
    async with group(replicas, flavour=flavour) as servers, servers.access() as access:
        before = await keys_of(servers, "alpha")
        plan = change_of_roles(await servers.scene(access), servers.wish())
        assert not changes(servers)
        events = await servers.run(plan, access)
        assert await servers.leaders() == ["beta"], told(events)
        assert servers.lab.exits == {"alpha": 0}
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert "when alpha is back it is a writable primary with old data" in events[-1].follow_ups[0]
        assert await keys_of(servers, "beta") == before
        if replicas == 2:
            assert servers.servers["gamma"].follower is not None
            assert servers.servers["gamma"].follower.port == servers.servers["beta"].port
        assert len(servers.proxies["beta"].sent("REPLTAKEOVER")) == 1
        assert str(servers.password) not in as_markdown(report_of(plan.view(), events, "me"))


@pytest.mark.parametrize("flavour", FLAVOURS)
@hurried
async def test_an_old_primary_that_something_starts_again_is_caught(flavour: str) -> None:
    async with group(restarts=True, flavour=flavour) as servers, servers.access() as access:
        plan = change_of_roles(await servers.scene(access), servers.wish())
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await servers.leaders() == ["beta"]
        await eventually(lambda: in_sync(servers.servers["alpha"]))


@hurried
async def test_a_writer_loses_nothing_in_a_switchover() -> None:
    async with group() as servers, servers.access() as access:
        acknowledged: set[str] = set()
        stop = asyncio.Event()

        async def write() -> None:
            number = 0
            while not stop.is_set():
                for server in servers.servers.values():
                    with suppress(OSError):
                        async with Client(server.port, servers.password) as client:
                            while not stop.is_set() and await client("SET", f"mine:{number}", "x") == "OK":
                                acknowledged.add(f"mine:{number}")
                                number += 1
                await asyncio.sleep(0.005)

        writing = asyncio.ensure_future(write())
        await asyncio.sleep(0.2)
        plan = change_of_roles(await servers.scene(access), servers.wish())
        events = await servers.run(plan, access)
        stop.set()
        await writing
        assert await servers.leaders() == ["beta"], told(events)
        assert len(acknowledged) > 100
        assert acknowledged <= await keys_of(servers, "beta")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_everything_that_can_be_asked_for(flavour: str) -> None:
    limits = FAST.model_copy(
        update={
            "snapshot_first": True,
            "pause_writes": True,
            "canary": True,
            "hook_before": "true",
            "hook_after": "true",
        }
    )
    async with group(2, restarts=True, flavour=flavour) as servers, servers.access() as access:
        plan = change_of_roles(await servers.scene(access, limits), servers.wish(to="gamma"))
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await servers.leaders() == ["gamma"]
        steps = [event.step for event in events if event.state is StepState.DONE]
        assert steps[3:] == [
            "applications", "confirm", "hook-before", "save-alpha", "saved-alpha", "pause", "takeover", "leads",
            "re-point-beta", "synced-beta", "canary", "hook-after", "catch-alpha", "synced-alpha", "watch",
        ] or steps[-14:] == [
            "confirm", "hook-before", "save-alpha", "saved-alpha", "pause", "takeover", "leads",
            "re-point-beta", "synced-beta", "canary", "hook-after", "catch-alpha", "synced-alpha", "watch",
        ]  # fmt: skip
        report = report_of(plan.view(), events, "me")
        assert report.outage_seconds is not None
        assert 0 <= report.outage_seconds < 2
        assert not [key for key in await keys_of(servers, "gamma") if key.startswith("dfly-tui:")]


@pytest.mark.parametrize("flavour", FLAVOURS)
@hurried
async def test_the_whole_round(flavour: str) -> None:
    """The primary dies, a replica is promoted, the old one rejoins, and the roles are swapped back."""
    async with group(2, flavour=flavour) as servers, servers.access() as access:
        await servers.kill("alpha")
        plan = change_of_roles(await servers.scene(access), servers.wish())
        assert plan.kind == "emergency"
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await servers.leaders() == ["beta"]
        assert "every write alpha acknowledged in the last" in told(events)

        await servers.lab.start("alpha")
        assert sorted(await servers.leaders()) == ["alpha", "beta"]
        async with Client(servers.servers["alpha"].port, servers.password) as client:
            assert await client("SET", "only:here", "1") == "OK"
        plan = coming_back(await servers.scene(access), servers.wish())
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await servers.leaders() == ["beta"]
        assert list((servers.state / "alpha").glob(f"aside-{plan.id}*")), "its own data is kept aside"

        plan = swap_back(await servers.scene(access), servers.wish())
        events = await servers.run(plan, access)
        assert await servers.leaders() == ["alpha"], told(events)
        assert plan.kind == "swap-back"


@hurried
async def test_nothing_is_sent_before_a_yes() -> None:
    async with group(2) as servers, servers.access() as access:
        for make in (change_of_roles,):
            plan = make(await servers.scene(access), servers.wish())
            events = await servers.run(plan, access, Deny())
            assert outcome(events) is Outcome.DECLINED, told(events)
            assert not changes(servers)


@hurried
async def test_nothing_is_sent_when_the_program_is_read_only() -> None:
    async with group() as servers:
        servers.read_only = True
        async with servers.access() as access:
            plan = change_of_roles(await servers.scene(access), servers.wish())
            events = await servers.run(plan, access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert not changes(servers)


@hurried
async def test_two_operators_do_not_run_it_at_once() -> None:
    async with group() as servers, servers.access() as mine, servers.access() as theirs:
        scene = await servers.scene(theirs)
        await theirs.reader("beta").present_as("dfly-tui:failover:20260102-000000-0001:bob@laptop")
        plan = change_of_roles(await servers.scene(mine), servers.wish())
        events = await servers.run(plan, mine)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "bob@laptop" in told(events)
        assert scene.group == "main"


Make = Callable[[Scene], Plan]


@pytest.mark.parametrize(
    "make",
    [lambda scene: attach(scene, "beta", "alpha"), lambda scene: detach(scene, "beta"),
     lambda scene: rejoin(scene, "alpha", "beta")],
    ids=["attach", "detach", "rejoin"],
)  # fmt: skip
@hurried
async def test_nor_is_a_replica_attached_let_go_or_brought_back_meanwhile(make: Make) -> None:
    async with group() as servers, servers.access() as mine, servers.access() as theirs:
        await theirs.reader("beta").present_as("dfly-tui:failover:20260102-000000-0001:bob@laptop")
        events = await servers.run(make(await servers.scene(mine)), mine)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "bob@laptop" in told(events)
        assert not changes(servers)


@pytest.mark.parametrize("flavour", FLAVOURS)
@hurried
async def test_attach_and_detach(flavour: str) -> None:
    limits = FAST.model_copy(update={"canary": True})
    async with group(flavour=flavour) as servers, servers.access() as access:
        events = await servers.run(detach(await servers.scene(access), "beta"), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert sorted(await servers.leaders()) == ["alpha", "beta"]
        plan = attach(await servers.scene(access, limits), "beta", "alpha")
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await servers.leaders() == ["alpha"]
        assert "forgets its primary at its next restart" in plan.notes[0]
        assert "arrived after" in told(events)


@pytest.mark.parametrize("flavour", FLAVOURS)
@hurried
async def test_what_would_erase_is_not_sent(flavour: str) -> None:
    """Recording 09: on v1.22 a REPLICAOF that fails leaves no keys."""
    async with group(flavour=flavour) as servers, servers.access() as access:
        before = await keys_of(servers, "alpha")
        events = await servers.run(attach(await servers.scene(access), "alpha", "beta"), access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert not changes(servers)
        assert await keys_of(servers, "alpha") == before
        scene = await servers.scene(access)
        with pytest.raises(Refused, match="the same address"):
            await scene.require_dialable("alpha", "alpha")


@hurried
async def test_who_is_named_and_does_not_exist_or_leads_already() -> None:
    async with group() as servers, servers.access() as access:
        scene = await servers.scene(access)
        for name, words in (("delta", "no instance delta"), ("alpha", "leads main already")):
            with pytest.raises(Exception, match=words):
                change_of_roles(scene, servers.wish(to=name))
        with pytest.raises(Refused, match="as intended"):
            swap_back(scene, servers.wish())
        with pytest.raises(Refused, match="everybody in main follows alpha"):
            coming_back(scene, servers.wish())


async def test_everything_that_can_be_asked_for_in_an_emergency() -> None:
    limits = FAST.model_copy(
        update={"canary": True, "hook_before": "true", "hook_after": "true", "watch_seconds": 0.0}
    )  # fmt: skip
    async with group(1) as servers, servers.access() as access:
        await servers.kill("alpha")
        events = await servers.run(change_of_roles(await servers.scene(access, limits), servers.wish()), access)
        assert outcome(events) is Outcome.DONE, told(events)
        done = [event.step for event in events if event.state is StepState.DONE]
        assert done[-5:] == ["hook-before", "promote", "leads", "canary", "hook-after"]


@hurried
async def test_an_old_primary_that_comes_back_as_a_replica_is_left_alone() -> None:
    """Whoever starts it was told the new primary already."""
    async with group(1) as servers, servers.access() as access:

        async def as_a_replica(name: str) -> None:
            await asyncio.sleep(0.2)
            await servers.lab.start(name, follow="beta")

        servers.lab.ended = as_a_replica
        events = await servers.run(change_of_roles(await servers.scene(access), servers.wish()), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert "it came back following beta" in told(events)
        assert not servers.proxies["alpha"].sent("REPLICAOF")
