"""Every kind of plan on lab servers: how its group comes to need it, and each command it sends to a server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dfly_tui.operations.failover.choose import change_of_roles, coming_back, swap_back
from dfly_tui.operations.failover.rejoin import attach, detach
from dfly_tui.operations.failover.resume import finish, give_up
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import Record, records
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import FailoverSettings
from tests.support.group import FAST, Group, killed_at
from tests.support.lab import Client

ALL = FAST.model_copy(update={"snapshot_first": True, "pause_writes": True, "canary": True})
LOGIN = "CONFIG SET"


@dataclass(frozen=True)
class Spot:
    """A command on its way to a server."""

    server: str
    command: str

    def hit(self, words: tuple[str, ...]) -> bool:
        """Whether this is the command."""
        wanted = self.command.upper().split()
        return [word.upper() for word in words[: len(wanted)]] == wanted


@dataclass(frozen=True)
class Story:
    """A plan and what leads to it.

    Attributes:
        spots: Every command that changes something, in the order they are sent.
        leaders: Who leads when all went well.
        before: Brings a fresh group, alpha leading, to where the plan is needed.
        restarts: Something starts a server again that ended.
        docker: They are in containers.
    """

    name: str
    make: Callable[[Scene, Group], Plan]
    spots: tuple[Spot, ...]
    leaders: tuple[str, ...]
    replicas: int = 2
    limits: FailoverSettings = FAST
    before: Callable[[Group], Awaitable[None]] | None = None
    restarts: bool = True
    docker: bool = False


def follow(name: str) -> tuple[Spot, ...]:
    """What makes an instance a replica."""
    return Spot(name, LOGIN), Spot(name, "REPLICAOF")


def canary(name: str) -> tuple[Spot, ...]:
    return Spot(name, "SET"), Spot(name, "DEL")


def recreated(name: str) -> tuple[Spot, ...]:
    """What makes a container again with another flag, and lets it log in to its primary."""
    return (
        *(Spot("docker", f"{request} {name}") for request in
          ("rename", "create", "start")),
        Spot(name, LOGIN), Spot("docker", f"update {name} unless-stopped"),
        Spot("docker", f"rm {name}"),
    )  # fmt: skip


def left(servers: Group) -> Record:
    """The run that was cut off last."""
    return next(record for record in records(servers.journals) if record.is_unfinished)


async def dead(servers: Group) -> None:
    """The primary dies."""
    await servers.kill("alpha")


async def frozen(servers: Group) -> None:
    """The primary answers nobody, and is not dead."""
    servers.servers["alpha"].faults.frozen = True
    await asyncio.sleep(6)


async def outside(servers: Group) -> None:
    """The primary died, a replica was promoted, and the old primary is back on its own."""
    await servers.kill("alpha")
    async with Client(servers.servers["beta"].port, servers.password) as client:
        assert await client("REPLICAOF", "NO", "ONE") == "OK"
    await servers.lab.start("alpha")
    async with Client(servers.servers["alpha"].port, servers.password) as client:
        assert await client("SET", "only:here", "1") == "OK"


async def swapped(servers: Group) -> None:
    """The roles are not the intended ones."""
    async with servers.access() as access:
        await servers.run(change_of_roles(await servers.scene(access), servers.wish()), access)


async def alone(servers: Group) -> None:
    """An instance does not follow anybody, and is empty."""
    async with Client(servers.servers["gamma"].port, servers.password) as client:
        assert await client("REPLICAOF", "NO", "ONE") == "OK"
        assert await client("FLUSHALL") == "OK"


def change(scene: Scene, servers: Group) -> Plan:
    return change_of_roles(scene, servers.wish())


def cut_off(story: Story, command: str, server: str) -> Callable[[Group], Awaitable[None]]:
    """A run of another story was killed when this command had arrived."""

    async def before(servers: Group) -> None:
        if story.before is not None:
            await story.before(servers)
        await killed_at(servers, story.limits, story.make, server, Spot(server, command).hit)

    return before


SWITCHOVER = Story(
    "switchover", change,
    (Spot("alpha", "BGSAVE"), Spot("alpha", "CLIENT PAUSE"), Spot("beta", "REPLTAKEOVER"), *follow("gamma"),
     *canary("beta"), *follow("alpha")),
    ("beta",), limits=ALL,
)  # fmt: skip
EMERGENCY = Story("emergency", change, (Spot("beta", "REPLICAOF"), *follow("gamma")), ("beta",), before=dead)
REJOIN = Story(
    "rejoin", lambda scene, servers: coming_back(scene, servers.wish(to="beta")),
    (Spot("alpha", "BGSAVE"), *follow("alpha")), ("beta",), replicas=1, before=outside,
)  # fmt: skip
SWAP_BACK = Story(
    "swap-back", lambda scene, servers: swap_back(scene, servers.wish()),
    (Spot("alpha", "REPLTAKEOVER"), *follow("beta")), ("alpha",), replicas=1, before=swapped,
)  # fmt: skip
ATTACH = Story(
    "attach", lambda scene, servers: attach(scene, "gamma", "alpha"),
    (Spot("gamma", "BGSAVE"), *follow("gamma"), *canary("alpha")), ("alpha",), before=alone,
    limits=FAST.model_copy(update={"canary": True}),
)  # fmt: skip
DETACH = Story(
    "detach", lambda scene, servers: detach(scene, "gamma"), (Spot("gamma", "REPLICAOF"),), ("alpha", "gamma")
)
IN_CONTAINERS = Story(
    "switchover-docker", change,
    (Spot("docker", "update alpha no"), Spot("beta", "REPLTAKEOVER"), *recreated("alpha")),
    ("beta",), replicas=1, docker=True,
)  # fmt: skip
FROZEN_IN_CONTAINER = Story(
    "emergency-docker", change,
    (Spot("docker", "update alpha no"), Spot("docker", "stop alpha"), Spot("beta", "REPLICAOF")), ("beta",), replicas=1,
    docker=True, before=frozen,
)  # fmt: skip
REJOIN_IN_CONTAINERS = Story(
    "rejoin-docker", lambda scene, servers: coming_back(scene, servers.wish(to="beta")),
    (Spot("alpha", "BGSAVE"), Spot("docker", "update alpha no"), Spot("docker", "stop alpha"), *recreated("alpha")),
    ("beta",), replicas=1, docker=True, before=outside,
)  # fmt: skip
BEGUN = (
    IN_CONTAINERS, FROZEN_IN_CONTAINER, REJOIN_IN_CONTAINERS, SWITCHOVER, EMERGENCY, REJOIN, SWAP_BACK, ATTACH, DETACH,
)  # fmt: skip


def _finish(scene: Scene, servers: Group) -> Plan:
    return finish(scene, left(servers))


FINISHED = (
    Story(
        "finish-switchover", _finish, (*follow("gamma"), *follow("alpha")), ("beta",),
        before=cut_off(SWITCHOVER, "REPLTAKEOVER", "beta"),
    ),
    Story(
        "finish-emergency", _finish, follow("gamma"), ("beta",),
        before=cut_off(EMERGENCY, "REPLICAOF", "beta"),
    ),
    Story(
        "finish-rejoin", _finish, (Spot("alpha", "BGSAVE"), *follow("alpha")), ("beta",), replicas=1,
        before=cut_off(REJOIN, "BGSAVE", "alpha"),
    ),
    Story(
        "give-up", lambda scene, servers: give_up(scene, left(servers)), (Spot("alpha", "CLIENT UNPAUSE"),), ("alpha",),
        limits=ALL, before=cut_off(SWITCHOVER, "CLIENT PAUSE", "alpha"),
    ),
)  # fmt: skip
STORIES = BEGUN + FINISHED
