"""Every step of the four plans on a real engine, harmed in every way, and the dashboard killed at it.

The containers have `restart: unless-stopped`. All that the operator sends, to a server or to the engine, passes a
proxy. At each command and each request that changes something, these happen, each on containers of its own, some at the
same time: the connection drops before and after it arrived, no answer comes, it is refused, a server freezes
(`docker pause`: the one it is sent to, or, at a request to the engine, the one that is to lead), and the dashboard, a
process of its own, is killed (SIGKILL) before and after it arrived, and its run resumed.

Covered: every step of the switchover (pre-snapshot, fence, pause of writes, takeover, sibling, canary, container made
again, restart policy, tidying) with all seven faults; every step of the emergency promotion, the rejoin and the swap
back, those that no other plan has with all seven, the others with two of them in turn. All commands with all faults, on
a simulated engine: `tests/unit/test_failover_harm.py`.

Afterwards one primary takes writes and never two did, or the outcome says what is not certain and how to look; then
what was frozen goes on, what is unfinished is resumed, and there still are not two.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from docker import DockerClient

from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.failover.choose import change_of_roles
from dfly_tui.operations.failover.resume import finish, give_up, settle, situation
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.journal import Record, records
from dfly_tui.operations.plan import Act, Plan, Step, Verify
from tests.cli.support import started
from tests.docker.group import PAIR, Containers, Watch, configuration, containers
from tests.docker.support import kept, of
from tests.support.configs import write_config
from tests.support.eventually import eventually
from tests.support.group import FAST, Group, outcome, told
from tests.support.lab import Client
from tests.support.proxy import Harm
from tests.support.stories import (
    ALL,
    FROZEN_IN_CONTAINER,
    IN_CONTAINERS,
    REJOIN_IN_CONTAINERS,
    SWAP_BACK,
    Spot,
    Story,
    canary,
    follow,
    recreated,
)

pytestmark = pytest.mark.docker

ONCE = ("REPLTAKEOVER", "REPLICAOF", "BGSAVE", "CLIENT PAUSE")
AT_ONCE = 8
"""So many groups at the same time: each has two or three containers, and most of the time something is waited for."""
CASE_SECONDS = 90
LIMITS = FAST.model_copy(update={"return_seconds": 20.0})
CAREFUL = ALL.model_copy(update={"return_seconds": 20.0})
SIBLINGS: Mapping[str, str | None] = {"alpha": None, "beta": "alpha", "gamma": "alpha"}


async def paused(servers: Group) -> None:
    """The primary is frozen."""
    assert isinstance(servers, Containers)
    servers.pause("alpha")


async def written(servers: Group) -> None:
    """The old primary took a write that nobody else has."""
    assert isinstance(servers, Containers)
    async with Client(servers.ports["alpha"]) as ask:
        assert await ask("SET", "only:here", "1") == "OK"


@dataclass(frozen=True)
class Setting:
    """A plan on containers.

    Attributes:
        words: Run it in a program of its own.
        follow: How the containers are arranged.
        shared: Steps that are the same in another plan, where every fault is tried; here two, taken in turn.
    """

    story: Story
    words: tuple[str, ...]
    follow: Mapping[str, str | None]
    shared: tuple[Spot, ...] = ()


SWITCHOVER = Setting(
    replace(IN_CONTAINERS, limits=CAREFUL, spots=(
        Spot("alpha", "BGSAVE"), Spot("docker", "update alpha no"), Spot("alpha", "CLIENT PAUSE"),
        Spot("beta", "REPLTAKEOVER"), *canary("beta"), *recreated("alpha"))),
    ("run", "--confirm=beta"), PAIR,
)  # fmt: skip


def to_beta(scene: Scene, group: Group) -> Plan:
    """Of two replicas that are as good as each other this one, not the one that was heard a moment later."""
    return change_of_roles(scene, group.wish(to="beta"))


SIBLING = Setting(
    replace(IN_CONTAINERS, name="switchover-sibling", limits=LIMITS, spots=follow("gamma"), make=to_beta),
    ("run", "--to=beta", "--confirm=beta"), SIBLINGS, follow("gamma")[:1],
)  # fmt: skip
EMERGENCY = Setting(
    replace(FROZEN_IN_CONTAINER, before=paused, limits=LIMITS.model_copy(update={"canary": True}),
            spots=(*FROZEN_IN_CONTAINER.spots, *canary("beta"))),
    ("run", "--confirm=beta"), PAIR, canary("beta"),
)  # fmt: skip
EMERGENCY_SIBLING = Setting(
    replace(FROZEN_IN_CONTAINER, name="emergency-sibling", before=paused, limits=LIMITS, spots=follow("gamma"),
            make=to_beta),
    ("run", "--to=beta", "--confirm=beta"), SIBLINGS, follow("gamma"),
)  # fmt: skip
REJOIN = Setting(
    replace(REJOIN_IN_CONTAINERS, before=written, limits=LIMITS),
    ("rejoin", "--to=beta", "--confirm=alpha"), {"alpha": None, "beta": None}, recreated("alpha"),
)  # fmt: skip
SWAPPED_BACK = Setting(
    replace(SWAP_BACK, name="swap-back-docker", before=None, limits=LIMITS, docker=True, spots=(
        Spot("docker", "update beta no"), Spot("alpha", "REPLTAKEOVER"), *recreated("beta"))),
    ("swap-back", "--confirm=alpha"), {"beta": None, "alpha": "beta"},
    (Spot("docker", "update beta no"), Spot("alpha", "REPLTAKEOVER"), *recreated("beta")),
)  # fmt: skip
SETTINGS = (SWITCHOVER, SIBLING, EMERGENCY, EMERGENCY_SIBLING, REJOIN, SWAPPED_BACK)


@dataclass(frozen=True)
class Case:
    """Something that happens at a command or request of a plan; `kills` the dashboard, too."""

    setting: Setting
    spot: Spot
    harm: Harm
    kills: bool

    def __str__(self) -> str:
        killed = "the dashboard is killed, and " if self.kills else ""
        return f"{self.setting.story.name}: {self.spot.command} to {self.spot.server}: {killed}{self.harm}"


FAULTS = [*((harm, False) for harm in Harm), (Harm.LOST, True), (Harm.SILENT, True)]


def faults(setting: Setting, number: int, spot: Spot) -> list[tuple[Harm, bool]]:
    """What is tried at a step."""
    if spot not in setting.shared:
        return FAULTS
    first = 2 * number + 3 * SETTINGS.index(setting)
    return [FAULTS[each % len(FAULTS)] for each in (first, first + 1)]


CASES = [
    Case(setting, spot, *fault)
    for setting in SETTINGS
    for number, spot in enumerate(setting.story.spots)
    for fault in faults(setting, number, spot)
]
BATCH = 30
BATCHES = [pytest.param(CASES[at : at + BATCH], id=f"{at}-{CASES[at].setting.story.name}")
           for at in range(0, len(CASES), BATCH)]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for in vain is waited for some seconds."""
    monkeypatch.setattr("dfly_tui.operations.access.DOCKER_SECONDS", 4.0)
    monkeypatch.setattr("dfly_tui.operations.failover.returning.STOP_SECONDS", 2)
    monkeypatch.setattr("dfly_tui.operations.failover.emergency.SILENT_SECONDS", 3)
    monkeypatch.setattr("dfly_tui.clients.writer.REPLICATE_SECONDS", 4.0)
    monkeypatch.setattr("dfly_tui.clients.writer.TAKEOVER_MARGIN_SECONDS", 3.0)


def in_short(plan: Plan) -> Plan:
    """The same plan, less patient."""

    def shortened(step: Step) -> Step:
        match step:
            case Act():
                return replace(step, settle_seconds=min(step.settle_seconds, 4.0))
            case Verify():
                return replace(step, timeout_seconds=min(step.timeout_seconds, 8.0))
            case _:
                return step

    return replace(plan, steps=tuple(map(shortened, plan.steps)))


async def roles(group: Containers) -> dict[str, str]:
    """What each instance says it is; those that do not answer are left out."""
    names = {str(port): name for name, port in group.ports.items()}
    found = {}
    for name, port in group.ports.items():
        try:
            async with Client(port) as ask:
                reply = await asyncio.wait_for(ask("ROLE"), 1)
        except OSError:
            continue
        if isinstance(reply, list):
            found[name] = "leads" if reply[0] == "master" else f"follows {names[str(reply[2])]}"
    return found


async def data(group: Containers, name: str) -> dict[str, str]:
    async with Client(group.ports[name]) as ask:
        keys = [key for key in await ask("KEYS", "*") if not key.startswith("dfly-tui:canary:")]
        return {key: await ask("DUMP", key) for key in keys}


def policies(group: Containers) -> dict[str, str]:
    """Each container's restart policy."""
    found = {name: of(group.docker, container) for name, container in group.names.items()}
    return {name: str(each["HostConfig"]["RestartPolicy"]["Name"]) for name, each in found.items()}


def left_aside(group: Containers) -> list[str]:
    return [each for name in group.names.values() for each in kept(group.docker, name)]


def unfinished(group: Containers) -> Record | None:
    return next((record for record in records(group.journals) if record.is_unfinished), None)


def sent_once(group: Containers, text: str) -> None:
    """No command and no request came twice."""
    assert group.engine_proxy is not None
    requests = group.engine_proxy.requests
    assert len(set(requests)) == len(requests), f"{requests}\n{text}"
    for name, proxy in group.proxies.items():
        for command in ONCE:
            assert len(proxy.sent(*command.split())) <= 1, f"{command} to {name} twice\n{text}"


async def all_well(story: Story, group: Containers, events: list[Event]) -> None:
    """The roles, the data and what Docker does from now on are as planned, or somebody was told what is not."""
    text = told(events)
    after = await roles(group)
    lost = {"alpha"} if "emergency" in story.name else set()
    assert after == {name: "leads" if name in story.leaders else f"follows {story.leaders[0]}"
                     for name in group.names if name not in lost}, text  # fmt: skip
    for name in after:
        assert await data(group, name) == await data(group, story.leaders[0]), text
    assert policies(group) == {name: "no" if name in lost else "unless-stopped" for name in group.names}, text
    assert left_aside(group) == [], text


async def judged(story: Story, group: Containers, before: dict[str, str], events: list[Event]) -> None:
    """What somebody on call relies on."""
    text = told(events)
    match outcome(events):
        case Outcome.DONE:
            await all_well(story, group, events)
        case Outcome.FAILED | Outcome.UNDONE | Outcome.BLOCKED:
            assert policies(group) == dict.fromkeys(group.names, "unless-stopped"), text
            group.thaw()
            frozen = {"alpha": "leads"} if story.before is paused else {}
            assert await roles(group) == before | frozen, text
        case Outcome.INCOMPLETE | Outcome.UNKNOWN:
            for begin in ("redis-cli ", "docker "):
                assert any(line.startswith(f"look with: {begin}") for line in events[-1].follow_ups), text
        case other:
            raise AssertionError(f"{other}\n{text}")


async def resumed(story: Story, group: Containers) -> tuple[bool, list[Event]]:
    """Finish what was begun, or take it back, as soon as it can be told which; returns whether the roles changed."""
    async with group.access() as access:
        record = unfinished(group)
        assert record is not None

        async def known() -> bool:
            return situation(record, await access.look()).changed is not None

        await eventually(known, 20)
        scene = await group.scene(access, story.limits)
        changed = bool(situation(record, scene.world).changed)
        events = await group.run(in_short((finish if changed else give_up)(scene, record)), access)
        settle(record, Outcome.DONE, clock=group.clock)
        return changed, events


def from_the_start(watch: Watch, story: Story, group: Containers) -> None:
    """A rejoin begins with two primaries: there it matters from when the old one's container is made again."""
    assert group.engine_proxy is not None
    if story.before is written:
        group.engine_proxy.arrived = lambda words: watch.forget() if words[0] == "create" else None


def never_two(watch: Watch, story: Story, group: Containers) -> bool:
    assert group.engine_proxy is not None
    return watch.never_two() or (story.before is written and not group.engine_proxy.sent("create"))


async def harmed(case: Case, group: Containers) -> None:
    """The run goes on in this process, and has to cope."""
    story, door = case.setting.story, group.gate(case.spot.server)
    before = await roles(group)
    door.chosen, door.harm = case.spot.hit, case.harm
    async with Watch(group) as watch:
        from_the_start(watch, story, group)
        async with group.access() as access:
            plan = in_short(story.make(await group.scene(access, story.limits), group))
            events = await group.run(plan, access)
        text = told(events)
        assert door.harm is None, f"it was not sent\n{text}"
        sent_once(group, text)
        await judged(story, group, before, events)
        group.thaw()
        if unfinished(group) is not None:
            await asyncio.sleep(1)  # what the frozen one had received comes to its end
            changed, events = await resumed(story, group)
            text += f"\nresumed ({changed}):\n{told(events)}"
        after = await roles(group)
        assert never_two(watch, story, group), f"{watch.seen}\n{text}"
        leaders = [name for name, role in after.items() if role == "leads"]
        assert len(leaders) == 1 or outcome(events) is not Outcome.DONE, f"{after}\n{text}"


async def killed(case: Case, group: Containers) -> None:
    """The run is in a process that is killed when the command passes, and is resumed in this one."""
    story, door = case.setting.story, group.gate(case.spot.server)
    before = await roles(group)
    write_config(group.home / ".config" / "dfly-tui", configuration(group, story.limits.model_dump()))
    process = await started(["failover", case.setting.words[0], "--yes", *case.setting.words[1:]], group.home)
    door.chosen, door.harm, door.struck = case.spot.hit, case.harm, process.kill
    async with Watch(group) as watch:
        from_the_start(watch, story, group)
        out, err = await process.communicate()
        assert door.harm is None, (out + err).decode()
        door.struck = lambda: None
        changed, events = await resumed(story, group)
        text = told(events)
        assert unfinished(group) is None
        for proxy in group.proxies.values():
            assert len(proxy.sent("REPLTAKEOVER")) <= 1
        assert never_two(watch, story, group), f"{watch.seen}\n{text}"
        if changed:
            assert outcome(events) is Outcome.DONE, text
            await all_well(story, group, events)
            return
        assert outcome(events) is (Outcome.INCOMPLETE if story.before is paused else Outcome.DONE), text
        assert policies(group) == dict.fromkeys(group.names, "unless-stopped"), text
        assert await roles(group) == before, text


@pytest.mark.parametrize("cases", BATCHES)
async def test_a_step_that_is_harmed(engine: DockerClient, name: str, tmp_path: Path, cases: Sequence[Case]) -> None:
    turns = asyncio.Semaphore(AT_ONCE)

    async def run(number: int, case: Case) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        story = case.setting.story
        async with turns, asyncio.timeout(CASE_SECONDS), AsyncExitStack() as stack:
            group = await stack.enter_async_context(
                containers(engine, f"{name}-{number}", folder, follow=case.setting.follow, proxied=True)
            )
            stack.callback(group.thaw)
            assert group.engine_proxy is not None
            group.engine_proxy.freeze = partial(group.pause, story.leaders[0])
            if story.before is not None:
                await story.before(group)
            try:
                await (killed if case.kills else harmed)(case, group)
            except BaseException as error:
                error.add_note(f"the case was: {case}")
                raise

    found = await asyncio.gather(*(run(number, case) for number, case in enumerate(cases)), return_exceptions=True)
    problems = [each for each in found if isinstance(each, Exception)]
    if problems:
        raise ExceptionGroup(f"{len(problems)} of {len(cases)}", problems)
