"""Which plan is made for which group, and when none is: on lab servers."""

from collections.abc import Callable

import pytest

from dfly_tui.errors import ConfigError, DflyError, Refused
from dfly_tui.operations.failover.choose import change_of_roles, coming_back, swap_back
from dfly_tui.operations.failover.rejoin import detach
from dfly_tui.operations.failover.run import members
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.settings import InstanceConfig
from tests.support.fakes import config
from tests.support.group import Group, group
from tests.support.hurry import hurried
from tests.support.lab import Client
from tests.support.stories import dead

REPLICAOF_NOBODY = ("REPLICAOF", "NO", "ONE")


async def ask(servers: Group, name: str, *words: str) -> object:
    async with Client(servers.servers[name].port, servers.password) as client:
        return await client(*words)


async def refusal(servers: Group, make: Callable[[Scene], object]) -> str:
    """Why no plan was made."""
    async with servers.access() as access:
        scene = await servers.scene(access)
        with pytest.raises(DflyError) as caught:
            make(scene)
    assert isinstance(caught.value, Refused | ConfigError)
    return f"{caught.value.detail}; {caught.value.hint}"


@hurried
async def test_two_primaries_are_not_chosen_between() -> None:
    async with group(2) as servers:
        await ask(servers, "gamma", *REPLICAOF_NOBODY)
        why = await refusal(servers, lambda scene: change_of_roles(scene, servers.wish()))
        assert "two primaries: alpha, gamma" in why
        assert "failover rejoin" in why


@hurried
async def test_nobody_to_promote() -> None:
    async with group(1) as servers:
        await servers.kill("beta")
        assert "nobody can be promoted: beta: " in await refusal(
            servers, lambda scene: change_of_roles(scene, servers.wish())
        )


@hurried
async def test_nobody_answers_and_nobody_is_known_to_have_led() -> None:
    async with group(1) as servers:
        servers.configs = tuple(each.model_copy(update={"role": None}) for each in servers.configs)
        await servers.kill("alpha")
        await servers.kill("beta")
        assert "cannot be told" in await refusal(servers, lambda scene: change_of_roles(scene, servers.wish()))
        why = await refusal(servers, lambda scene: swap_back(scene, servers.wish()))
        assert 'role = "primary"' in why


@hurried
async def test_a_primary_that_is_gone_is_not_swapped_back_from() -> None:
    async with group(1) as servers:
        roles = {"alpha": "replica", "beta": "primary"}
        servers.configs = tuple(
            each.model_copy(update={"role": roles[each.name], "replica_of": None}) for each in servers.configs
        )
        await servers.kill("alpha")
        assert "does not answer" in await refusal(servers, lambda scene: swap_back(scene, servers.wish()))


@hurried
async def test_who_leads_is_whom_the_last_run_promoted() -> None:
    async with group(1) as servers, servers.access() as access:
        await dead(servers)
        await servers.run(change_of_roles(await servers.scene(access), servers.wish()), access)
        await servers.lab.start("alpha")
        plan = coming_back(await servers.scene(access), servers.wish())
        assert (plan.facts["old"], plan.facts["new"]) == ("alpha", "beta")


@hurried
async def test_who_leads_is_whom_others_follow() -> None:
    async with group(2) as servers, servers.access() as access:
        await ask(servers, "gamma", *REPLICAOF_NOBODY)
        plan = coming_back(await servers.scene(access), servers.wish())
        assert (plan.facts["old"], plan.facts["new"]) == ("gamma", "alpha")


@hurried
async def test_one_that_was_let_go_does_not_lead_the_group() -> None:
    async with group(2) as servers, servers.access() as access:
        await servers.run(detach(await servers.scene(access), "gamma"), access)
        plan = coming_back(await servers.scene(access), servers.wish())
        assert (plan.facts["old"], plan.facts["new"]) == ("gamma", "alpha")


@hurried
async def test_who_leads_cannot_be_told() -> None:
    async with group(1) as servers:
        await ask(servers, "beta", *REPLICAOF_NOBODY)
        assert "--to" in await refusal(servers, lambda scene: coming_back(scene, servers.wish()))


def test_a_group_has_two_instances_at_least() -> None:
    instances: list[InstanceConfig] = [config("a", group="g"), config("b", group="g"), config("c", group="one")]
    assert [each.name for each in members(instances, "g")] == ["a", "b"]
    with pytest.raises(ConfigError, match="group one has 1 instances") as caught:
        members(instances, "one")
    assert "configured groups: g, one" in caught.value.hint
