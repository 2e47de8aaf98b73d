"""What plans refuse to do, and what they say: on lab servers, one fault at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.errors import DflyError, Refused, Unreachable
from dfly_tui.models.operation import Outcome, StepState
from dfly_tui.operations.failover import returning
from dfly_tui.operations.failover.canary import canary, followed_canary
from dfly_tui.operations.failover.choose import change_of_roles, coming_back
from dfly_tui.operations.failover.emergency import LastSeen
from dfly_tui.operations.failover.lag import LagMeter
from dfly_tui.operations.failover.rejoin import attach
from dfly_tui.operations.failover.resume import finish, situation
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import records
from dfly_tui.operations.plan import Verify
from tests.support.clock import FakeClock
from tests.support.group import FAST, Group, Yes, group, killed_at, outcome, told
from tests.support.hurry import hurried
from tests.support.lab import Client
from tests.support.proxy import Harm
from tests.support.stories import Spot, dead, outside


class Thinking(Yes):
    """Answers after something happened meanwhile."""

    def __init__(self, meanwhile: Callable[[], Awaitable[bool]]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def confirm(self, question: Any) -> bool:
        return await self._meanwhile()


REPLICAOF_NOBODY = ("REPLICAOF", "NO", "ONE")


async def ask(servers: Group, name: str, *words: str) -> object:
    async with Client(servers.servers[name].port, servers.password) as client:
        return await client(*words)


@hurried
async def test_a_restart_policy_that_a_run_took_away_is_given_back_later() -> None:
    async with group(2, docker=True) as servers, servers.access() as access:
        assert servers.engine is not None
        servers.servers["alpha"].faults.frozen = True
        await asyncio.sleep(6)
        events = await servers.run(change_of_roles(await servers.scene(access), servers.wish(to="beta")), access)
        assert outcome(events) is Outcome.DONE, told(events)
        await servers.run(attach(await servers.scene(access), "gamma", "beta"), access)
        box = servers.engine.box("alpha")
        assert box is not None
        assert box.policy["Name"] == "no"
        events = await servers.run(coming_back(await servers.scene(access), servers.wish()), access)
        assert outcome(events) is Outcome.DONE, told(events)
        box = servers.engine.box("alpha")
        assert box is not None
        assert box.policy["Name"] == "unless-stopped"


NOT_DIALABLE: list[tuple[Callable[[Group], Awaitable[object]], str]] = [
    (lambda servers: servers.kill("alpha"), "does not answer us"),
    (lambda servers: follows(servers, "alpha", "gamma"), "is a replica"),
    (lambda servers: loads(servers, "alpha"), "still loading"),
]  # fmt: skip


async def follows(servers: Group, name: str, primary: str) -> None:
    await ask(servers, name, "REPLICAOF", "127.0.0.1", str(servers.servers[primary].port))


async def loads(servers: Group, name: str) -> None:
    servers.servers[name].faults.loading = True


@pytest.mark.parametrize(("harm", "why"), NOT_DIALABLE)
@hurried
async def test_what_would_find_nobody_is_not_sent(harm: Callable[[Group], Awaitable[object]], why: str) -> None:
    async with group(2) as servers, servers.access() as access:
        await ask(servers, "gamma", *REPLICAOF_NOBODY)
        await harm(servers)
        scene = await servers.scene(access)
        with pytest.raises(Refused, match=why):
            await scene.require_dialable("beta", "alpha")


@hurried
async def test_a_replica_that_was_pointed_elsewhere_is_not_in_sync() -> None:
    async with group(2) as servers, servers.access() as access:
        scene = await servers.scene(access)
        assert await scene.in_sync("beta", "alpha") == ""
        assert "it is a primary" in await scene.in_sync("alpha", "beta")
        await ask(servers, "gamma", *REPLICAOF_NOBODY)
        assert await scene.in_sync("beta", "gamma") == "it holds the data of another primary"
        await servers.kill("beta")
        assert "closed the connection" in await scene.in_sync("beta", "alpha")


@hurried
async def test_an_emergency_says_what_is_lost_and_who_would_be_better() -> None:
    async with group(2) as servers, servers.access() as access:
        await ask(servers, "gamma", "CONFIG", "SET", "replica_priority", "1")
        await dead(servers)
        seen = LastSeen(2.0, lag_records=3, lag_seconds=0.5, writes_per_second=10.0, lag_seconds_ago=2.0)
        plan = change_of_roles(await servers.scene(access), servers.wish(to="beta", last_seen=seen))
        events = await servers.run(plan, access, dry_run=True)
        assert outcome(events) is Outcome.PLANNED
        assert "3 records were not confirmed" in told(events)


@hurried
async def test_an_emergency_in_which_somebody_leads_already_is_blocked() -> None:
    async with group(2) as servers, servers.access() as access:
        await dead(servers)
        plan = change_of_roles(await servers.scene(access), servers.wish(to="beta"))
        await ask(servers, "gamma", *REPLICAOF_NOBODY)
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.BLOCKED
        assert "one-primary=gamma" in told(events)


@hurried
async def test_an_emergency_without_a_witness_is_blocked() -> None:
    """The primary answers again, or its replica still hears it: it is our network that is down."""
    async with group(1) as servers, servers.access() as access:
        servers.proxies["alpha"].cut()
        plan = change_of_roles(await servers.scene(access), servers.wish())
        assert plan.kind == "emergency"
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        servers.proxies["alpha"].mend()
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "it answers, as a primary" in told(events)
        assert await servers.leaders() == ["alpha"]


@hurried
async def test_what_is_lost_in_an_emergency_is_no_more_than_was_said() -> None:
    """The link breaks, the primary takes writes for some seconds more, then it dies."""
    async with group(1) as servers, servers.access() as access:
        acknowledged: dict[str, float] = {}
        alpha = servers.servers["alpha"]
        async with Client(alpha.port, servers.password) as client:
            for number in range(400):
                if number == 100:
                    alpha.faults.refuse = True
                    for peer in list(alpha.feeder.peers.values()):
                        peer.session.kill()
                assert await client("SET", f"mine:{number}", "x") == "OK"
                acknowledged[f"mine:{number}"] = servers.clock.monotonic()
                await asyncio.sleep(0.01)
        await servers.kill("alpha")
        died = servers.clock.monotonic()
        plan = change_of_roles(await servers.scene(access), servers.wish())
        events = await servers.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        (loss,) = [found.value for event in events for found in event.findings if found.code == "loss"][:1]
        window = float(loss.partition("in the last ")[2].split(" s")[0])
        keys = await ask(servers, "beta", "KEYS", "mine:*")
        assert isinstance(keys, list)
        lost = acknowledged.keys() - set(keys)
        assert len(lost) > 100
        assert min(acknowledged[key] for key in lost) >= died - window


@hurried
async def test_an_old_primary_that_comes_back_after_an_emergency_is_seen() -> None:
    async with group(1) as servers, servers.access() as access:
        await dead(servers)
        plan = change_of_roles(
            await servers.scene(access, FAST.model_copy(update={"watch_seconds": 20.0})), servers.wish()
        )

        async def supervisor() -> None:
            await asyncio.sleep(5)
            await servers.lab.start("alpha")

        again = asyncio.ensure_future(supervisor())
        events = await servers.run(plan, access)
        await again
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert "2 lead: alpha, beta" in told(events)
        assert any(line.startswith("look with: redis-cli") for line in events[-1].follow_ups)


@hurried
async def test_an_old_primary_that_is_left_alone_if_so_configured() -> None:
    async with group(1) as servers, servers.access() as access:
        limits = FAST.model_copy(update={"repoint_old_primary": False, "watch_seconds": 0.0})
        events = await servers.run(change_of_roles(await servers.scene(access, limits), servers.wish()), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert not servers.proxies["alpha"].sent("REPLICAOF")


@hurried
async def test_an_old_primary_s_container_is_started_as_it_is_if_so_configured() -> None:
    async with group(1, docker=True) as servers, servers.access() as access:
        limits = FAST.model_copy(update={"recreate_container": False})
        events = await servers.run(change_of_roles(await servers.scene(access, limits), servers.wish()), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert "it was a primary that took writes" in told(events)
        assert await servers.leaders() == ["beta"]


@pytest.mark.parametrize("recreate", [True, False])
@hurried
async def test_an_old_primary_is_started_for_a_primary_only(recreate: bool) -> None:
    async with group(1, docker=True, volumes=False) as servers, servers.access() as access:
        await servers.kill("beta")
        scene = await servers.scene(access, FAST.model_copy(update={"recreate_container": recreate}))
        act = (returning.recreate if recreate else returning.start)(scene, "alpha", "beta")
        with pytest.raises(Refused, match="does not"):
            await act.run(access.hands(["alpha"]))


@hurried
async def test_what_an_old_primary_was_in_is_kept_until_it_follows() -> None:
    async with group(1, docker=True) as servers, servers.access() as access:
        act = returning.tidy(await servers.scene(access), "alpha", "beta")
        with pytest.raises(Refused, match="does not follow"):
            await act.run(access.hands(["alpha"]))


@hurried
async def test_a_primary_that_goes_at_the_end_of_a_rejoin_is_noticed() -> None:
    """All was well until the last change was made; then nobody leads."""
    async with group(1, docker=True) as servers:
        await outside(servers)
        assert servers.engine is not None
        lost = asyncio.get_running_loop().create_future()
        servers.engine.chosen, servers.engine.harm = Spot("docker", "rm alpha").hit, Harm.DROPPED
        servers.engine.struck = lambda: lost.set_result(asyncio.ensure_future(servers.kill("beta")))
        async with servers.access() as access:
            plan = coming_back(await servers.scene(access), servers.wish(to="beta"))
            events = await servers.run(plan, access)
        await (await lost)
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert "nobody answers as primary" in told(events)


@hurried
async def test_a_container_without_a_volume_is_kept_aside() -> None:
    async with group(1, docker=True, volumes=False) as servers, servers.access() as access:
        events = await servers.run(change_of_roles(await servers.scene(access), servers.wish()), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert "is kept aside" in told(events)
        assert servers.engine is not None
        assert [box.name[:13] for box in servers.engine.boxes if box.server == "alpha"].count("alpha-before-") == 1


@hurried
async def test_a_snapshot_that_fails_is_no_reason_to_go_on() -> None:
    async with group(1) as servers, servers.access() as access:
        limits = FAST.model_copy(update={"snapshot_first": True})
        servers.servers["alpha"].faults.disk_full = True
        plan = change_of_roles(await servers.scene(access, limits), servers.wish())
        short = tuple(
            replace(step, timeout_seconds=3.0) if isinstance(step, Verify) and step.id == "saved-alpha" else step
            for step in plan.steps
        )
        events = await servers.run(replace(plan, steps=short), access)
        assert await servers.leaders() == ["alpha"], told(events)
        assert outcome(events) in {Outcome.UNDONE, Outcome.FAILED}, told(events)
        assert not servers.proxies["beta"].sent("REPLTAKEOVER")


@pytest.mark.parametrize(("failure", "ended"), [("go on", Outcome.DONE), ("stop", Outcome.FAILED)])
async def test_a_failing_hook(failure: str, ended: Outcome) -> None:
    limits = FAST.model_copy(
        update={"hook_before": "false", "hook_failure": failure, "repoint_old_primary": False, "watch_seconds": 0.0}
    )
    async with group(1) as servers, servers.access() as access:
        events = await servers.run(change_of_roles(await servers.scene(access, limits), servers.wish()), access)
        assert outcome(events) is ended, told(events)


async def test_a_hook_that_ran_before_a_failure_is_told_of() -> None:
    limits = FAST.model_copy(update={"hook_before": "true"})
    async with group(1) as servers, servers.access() as access:
        proxy = servers.proxies["beta"]
        proxy.chosen, proxy.harm = Spot("beta", "REPLTAKEOVER").hit, Harm.REFUSED
        events = await servers.run(change_of_roles(await servers.scene(access, limits), servers.wish()), access)
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert events[-1].follow_ups[0].startswith("the hook before the change has run: take back by hand")


async def test_a_hook_after_that_ran_already_is_not_run_again(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    limits = FAST.model_copy(update={"hook_after": f"sh -c 'echo x >> {mark}'"})
    async with group(1, restarts=True) as servers:
        with suppress(AssertionError):
            await killed_at(
                servers, limits, lambda scene, _: change_of_roles(scene, servers.wish()), "alpha",
                Spot("alpha", "REPLICAOF").hit, Harm.LOST,
            )  # fmt: skip
        async with servers.access() as access:
            scene = await replace_environ(servers, await servers.scene(access, limits))
            (record,) = [record for record in records(servers.journals) if record.is_unfinished]
            events = await servers.run(finish(scene, record), access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert mark.read_text() == "x\n"


async def replace_environ(servers: Group, scene: Scene) -> Scene:
    return replace(scene, environ={"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize(("changed", "value"), [(True, "x"), (False, None)])
@hurried
async def test_a_canary_that_does_not_come_back(changed: bool, value: str | None) -> None:
    async with group(1) as servers, servers.access() as access:
        await alone_beta(servers)
        scene = await servers.scene(access)
        act = canary(scene, "alpha") if changed else followed_canary(scene, "alpha", "beta")
        reader = access.reader("alpha" if changed else "beta")

        async def other(key: str) -> str | None:
            return value

        reader.text_of = other  # type: ignore[method-assign]
        with pytest.raises(DflyError, match=r"something else|did not arrive"):
            await act.run(access.hands(["alpha"]))
        assert await ask(servers, "alpha", "EXISTS", f"dfly-tui:canary:{scene.plan_id}") == 0


async def alone_beta(servers: Group) -> None:
    await ask(servers, "beta", *REPLICAOF_NOBODY)


@hurried
async def test_a_killed_run_whose_new_primary_is_silent_cannot_be_judged() -> None:
    async with group(1) as servers:
        await killed_at(
            servers, FAST, lambda scene, _: change_of_roles(scene, servers.wish()), "beta",
            Spot("beta", "REPLTAKEOVER").hit, Harm.LOST,
        )  # fmt: skip
        await servers.kill("beta")
        async with servers.access() as access:
            scene = await servers.scene(access)
            (record,) = records(servers.journals)
            assert situation(record, scene.world).changed is None


@hurried
async def test_a_lock_that_cannot_be_had_blocks() -> None:
    async with group(1) as servers, servers.access() as access:
        (servers.state / "locks").write_text("a file where the folder should be")
        events = await servers.run(change_of_roles(await servers.scene(access), servers.wish()), access)
        assert outcome(events) is Outcome.BLOCKED
        assert not servers.proxies["beta"].sent("REPLTAKEOVER")


@hurried
async def test_two_runs_in_a_group_on_one_machine() -> None:
    async with group(1) as servers, servers.access() as mine, servers.access() as theirs:
        plan = change_of_roles(await servers.scene(mine), servers.wish())
        other = change_of_roles(await servers.scene(theirs), servers.wish())

        async def second() -> bool:
            events = await servers.run(other, theirs)
            assert outcome(events) is Outcome.BLOCKED
            assert f"run {plan.id}" in events[-1].text
            return False

        events = await servers.run(plan, mine, Thinking(second))
        assert outcome(events) is Outcome.DECLINED


@hurried
async def test_what_differs_between_the_two_is_told_to_the_operator() -> None:
    async with group(1) as servers, servers.access() as access:
        await ask(servers, "alpha", "CONFIG", "SET", "snapshot_cron", "0 3 * * *")
        async with Client(servers.servers["alpha"].port, servers.password) as client:
            await client("CLIENT", "SETNAME", "shop")
            plan = change_of_roles(await servers.scene(access), servers.wish())
            events = await servers.run(plan, access, dry_run=True)
        text = told(events)
        assert "snapshot-cron='0 3 * * *' → ''" in text
        assert "clients=1: shop (1)" in text


@hurried
async def test_a_sibling_that_is_down_is_left_to_do() -> None:
    async with group(2, restarts=True) as servers, servers.access() as access:
        await servers.kill("gamma")
        events = await servers.run(change_of_roles(await servers.scene(access), servers.wish(to="beta")), access)
        assert outcome(events) is Outcome.INCOMPLETE, told(events)
        assert any("make gamma a replica of beta" in line for line in events[-1].follow_ups)
        assert await servers.leaders() == ["beta"]
        assert {event.step for event in events if event.state is StepState.SKIPPED} >= {"synced-gamma"}


@hurried
async def test_a_sibling_that_leads_itself_blocks() -> None:
    async with group(2) as servers, servers.access() as access:
        plan = change_of_roles(await servers.scene(access), servers.wish(to="beta"))

        async def while_somebody_thinks() -> bool:
            await ask(servers, "gamma", *REPLICAOF_NOBODY)
            return True

        events = await servers.run(plan, access, Thinking(while_somebody_thinks))
        assert outcome(events) is Outcome.BLOCKED
        assert "sibling=is a primary" in told(events)
        assert not servers.proxies["beta"].sent("REPLTAKEOVER")


@hurried
async def test_clocks_that_cannot_be_read_are_no_reason_to_stop() -> None:
    async with group(1) as servers, servers.access() as access:
        plan = change_of_roles(await servers.scene(access), servers.wish())
        proxy = servers.proxies["alpha"]
        proxy.chosen, proxy.harm = Spot("alpha", "TIME").hit, Harm.REFUSED
        events = await servers.run(plan, access, dry_run=True)
        assert outcome(events) is Outcome.PLANNED, told(events)
        assert "clocks" not in [found.code for event in events for found in event.findings]


@hurried
async def test_a_process_that_still_listens_has_not_ended() -> None:
    async with group(1, docker=True) as servers, servers.access() as access:
        assert servers.engine is not None
        probe = returning.ended(await servers.scene(access), "alpha", "beta").probe
        assert (await probe()).value == "running"
        servers.engine.boxes.clear()
        assert "knows no container alpha" in (await probe()).value
        await servers.kill("alpha")
        assert (await probe()).verdict == "pass"


@hurried
async def test_a_replica_that_is_not_done_is_not_in_sync() -> None:
    async with group(1) as servers, servers.access() as access:
        scene = await servers.scene(access)
        servers.servers["alpha"].faults.refuse = True
        for peer in list(servers.servers["alpha"].feeder.peers.values()):
            peer.session.kill()
        await asyncio.sleep(1)
        assert "its link is in state" in await scene.in_sync("beta", "alpha")


class Offsets:
    """A reader that gives offsets one after the other."""

    def __init__(self, *answers: tuple[int, ...] | DflyError) -> None:
        self._answers = list(answers)

    async def journal_offsets(self) -> tuple[int, ...]:
        answer = self._answers.pop(0)
        if isinstance(answer, DflyError):
            raise answer
        return answer

    executed_offsets = journal_offsets


async def test_lag_is_what_the_replica_has_not_done_in_the_time_the_primary_takes_for_it() -> None:
    clock = FakeClock()
    meter = LagMeter(Offsets((10, 10), (30, 30)), Offsets((10, 8), (30, 20)), clock)  # type: ignore[arg-type]
    assert await meter.sample()
    assert meter.seconds is None
    await clock.advance(2.0)
    assert await meter.sample()
    assert meter.missing == [2, 10]
    assert meter.seconds == pytest.approx(0.5)


async def test_lag_that_cannot_be_measured() -> None:
    gone = Offsets(Unreachable("gone", ""), (1, 1))
    meter = LagMeter(gone, Offsets((1,)), FakeClock())  # type: ignore[arg-type]
    assert not await meter.sample()
    assert not await meter.sample()
    assert meter.missing == []
