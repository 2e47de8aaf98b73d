"""Every command of every plan, harmed in every way, and the dashboard killed at it.

Afterwards one primary takes writes, or the outcome says that this is not certain and how to look.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.confirmer import Confirmer, Deny
from dfly_tui.operations.failover.resume import finish, give_up, settle, situation
from dfly_tui.operations.journal import records
from tests.support.group import Group, Yes, group, killed_at, outcome, told
from tests.support.hurry import hurried
from tests.support.lab import Client
from tests.support.proxy import Harm
from tests.support.stories import BEGUN, STORIES, Spot, Story

FLAVOURS = ["1.22", "1.40"]
READS = (
    "HELLO", "AUTH", "INFO", "ROLE", "CLIENT LIST", "CLIENT SETNAME", "CONFIG GET", "TIME", "DFLY REPLICAOFFSET",
    "DEBUG REPLICA",
)  # fmt: skip
ONCE = ("REPLTAKEOVER", "REPLICAOF", "BGSAVE", "CLIENT PAUSE")
ENGINE_HARMS = (Harm.LOST, Harm.DROPPED, Harm.REFUSED)
"""An engine that keeps one waiting is to us as one that hangs up."""


def flavours(story: Story) -> list[str]:
    """What differs between the versions shows in the plain stories; the others are slower."""
    return FLAVOURS if story in BEGUN and not story.docker else FLAVOURS[-1:]


def case(story: Story, spot: Spot, *more: Any) -> Any:
    words = [
        story.name,
        spot.server,
        spot.command.replace(" ", "-"),
        *(getattr(each, "name", str(each)) for each in more),
    ]
    return pytest.param(story, spot, *more, id="-".join(words))


SPOTS = [(story, spot, flavour) for story in STORIES for spot in story.spots for flavour in flavours(story)]
HARMED = [
    case(story, spot, flavour, harm)
    for story, spot, flavour in SPOTS
    for harm in (ENGINE_HARMS if spot.server == "docker" else Harm)
]
KILLED = [case(story, spot, flavour, harm) for story, spot, flavour in SPOTS for harm in (Harm.LOST, Harm.SILENT)]


def changing(servers: Group) -> list[Spot]:
    """Every command that is not known to be harmless, as the servers received them."""
    found = []
    for name, proxy in servers.proxies.items():
        for words in proxy.commands:
            line = " ".join(words[:2]).upper()
            if not any(line == read or line.startswith(f"{read} ") for read in READS) and words[0].upper() != "GET":
                found.append(Spot(name, " ".join(words)))
    return [*found, *(Spot("docker", " ".join(words)) for words in (servers.engine.commands if servers.engine else ()))]


class Careful(Yes):
    """Says yes, having seen that nothing was changed before."""

    def __init__(self, servers: Group) -> None:
        super().__init__()
        self._servers = servers

    async def confirm(self, question: Any) -> bool:
        assert not changing(self._servers)
        return await super().confirm(question)


@dataclass
class Told:
    """Which instance follows whom, as they say themselves; those that do not answer are left out."""

    roles: dict[str, str] = field(default_factory=dict)

    @property
    def leaders(self) -> list[str]:
        return [name for name, role in self.roles.items() if role == "leads"]


async def roles(servers: Group) -> Told:
    names = {server.port: name for name, server in servers.servers.items()}
    found = Told()
    for name, server in servers.servers.items():
        try:
            async with Client(server.port, servers.password) as client:
                reply = await client("ROLE")
        except OSError:
            continue
        found.roles[name] = "leads" if reply[0] == "master" else f"follows {names[int(reply[2])]}"
    return found


async def data(servers: Group, name: str) -> dict[str, str]:
    async with Client(servers.servers[name].port, servers.password) as client:
        keys = [key for key in await client("KEYS", "*") if not key.startswith("dfly-tui:canary:")]
        return {key: await client("DUMP", key) for key in keys}


def left_aside(servers: Group) -> list[str]:
    """What was put aside to make containers again, and is still there."""
    return [box.name for box in servers.engine.boxes if "-before-" in box.name] if servers.engine else []


async def perform(story: Story, servers: Group, confirmer: Confirmer | None = None) -> list[Event]:
    async with servers.access() as access:
        plan = story.make(await servers.scene(access, story.limits), servers)
        return await servers.run(plan, access, confirmer or Careful(servers))


async def prepared(story: Story, servers: Group) -> Told:
    """Bring the group to where the story begins; returns how it is then."""
    if story.before is not None:
        await story.before(servers)
    for door in servers.doors:
        door.commands.clear()
    return await roles(servers)


def started(story: Story, flavour: str, **options: Any) -> Any:
    return group(story.replicas, flavour=flavour, keys=20, restarts=story.restarts, docker=story.docker, **options)


async def assert_good(story: Story, servers: Group, before: Told, events: list[Event]) -> None:
    """What somebody on call relies on."""
    text = told(events)
    for name, proxy in servers.proxies.items():
        for command in ONCE:
            assert len(proxy.sent(*command.split())) <= 1, f"{command} to {name} twice\n{text}"
    after = await roles(servers)
    match outcome(events):
        case Outcome.DONE:
            assert not left_aside(servers), text
            assert sorted(after.leaders) == list(story.leaders), text
            assert after.roles.keys() == servers.servers.keys() or "emergency" in story.name, text
            for name, role in after.roles.items():
                if role != "leads":
                    assert role == f"follows {story.leaders[0]}", text
                    assert await data(servers, name) == await data(servers, story.leaders[0])
        case Outcome.FAILED | Outcome.UNDONE | Outcome.BLOCKED:
            assert after == before, text
        case Outcome.INCOMPLETE | Outcome.UNKNOWN:
            assert any(line.startswith("look with: redis-cli ") for line in events[-1].follow_ups), text
        case other:
            raise AssertionError(f"{other}\n{text}")


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@hurried
async def test_all_goes_well_and_these_are_all_the_commands(story: Story, flavour: str) -> None:
    async with started(story, flavour) as servers:
        before = await prepared(story, servers)
        events = await perform(story, servers)
        assert outcome(events) is Outcome.DONE, told(events)
        await assert_good(story, servers, before, events)
        for spot in changing(servers):
            mine = [each for each in story.spots if each.server == spot.server]
            assert any(each.hit(tuple(spot.command.split())) for each in mine), spot
        for spot in story.spots:
            assert servers.door(spot.server).sent(*spot.command.split()), spot


@pytest.mark.parametrize(("story", "spot", "flavour", "harm"), HARMED)
@hurried
async def test_a_harmed_command(story: Story, spot: Spot, flavour: str, harm: Harm) -> None:
    async with started(story, flavour) as servers:
        before = await prepared(story, servers)
        proxy = servers.door(spot.server)
        proxy.chosen, proxy.harm = spot.hit, harm
        events = await perform(story, servers)
        assert proxy.harm is None, f"the command was not sent\n{told(events)}"
        await assert_good(story, servers, before, events)


@pytest.mark.parametrize(("story", "spot", "flavour", "harm"), KILLED)
@hurried
async def test_a_dashboard_killed_at_a_command(story: Story, spot: Spot, flavour: str, harm: Harm) -> None:
    async with started(story, flavour) as servers:
        before = await prepared(story, servers)
        await killed_at(servers, story.limits, story.make, spot.server, spot.hit, harm)
        async with servers.access() as access:
            scene = await servers.scene(access, story.limits)
            record = next(record for record in records(servers.journals) if record.is_unfinished)
            now = situation(record, scene.world)
            assert now.changed is not None, now
            plan = (finish if now.changed else give_up)(scene, record)
            events = await servers.run(plan, access)
            settle(record, Outcome.DONE, clock=servers.clock)
        assert not any(record.is_unfinished for record in records(servers.journals))
        for proxy in servers.proxies.values():
            assert len(proxy.sent("REPLTAKEOVER")) <= 1
        after = await roles(servers)
        if outcome(events) is not Outcome.DONE:
            assert any(line.startswith("look with: redis-cli ") for line in events[-1].follow_ups), told(events)
        elif now.changed:
            assert not left_aside(servers), told(events)
            assert sorted(after.leaders) == list(story.leaders), told(events)
        else:
            assert after == before, told(events)
        nobody_led = not before.leaders and not now.changed
        assert outcome(events) is (Outcome.INCOMPLETE if nobody_led else Outcome.DONE), told(events)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@hurried
async def test_nothing_is_sent_after_a_no(story: Story) -> None:
    async with started(story, "1.40") as servers:
        before = await prepared(story, servers)
        events = await perform(story, servers, Deny())
        assert outcome(events) is Outcome.DECLINED, told(events)
        assert not changing(servers)
        assert await roles(servers) == before


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
@hurried
async def test_nothing_is_sent_in_a_read_only_program(story: Story) -> None:
    async with started(story, "1.40") as servers:
        before = await prepared(story, servers)
        servers.read_only = True
        events = await perform(story, servers)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert not changing(servers)
        assert await roles(servers) == before
