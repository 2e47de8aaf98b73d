"""A group of lab servers behind proxies, as an operation meets it: to change roles in, and to be harmed."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dfly_tui.clock import Clock
from dfly_tui.lab.server import LabServer
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.operations.access import Access
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.confirmer import Confirmer, GivenAnswer
from dfly_tui.operations.engine import Desk
from dfly_tui.operations.failover.choose import Wish
from dfly_tui.operations.failover.run import look_at_group, new_run_id, run
from dfly_tui.operations.failover.scene import Scene
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.journal import Journal
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import DockerConfig, FailoverSettings, InstanceConfig, Settings
from tests.support.eventually import eventually
from tests.support.hurry import LoopClock
from tests.support.lab import Client, in_sync
from tests.support.lab_engine import LabEngine
from tests.support.proxy import Harm, Proxy
from tests.support.supervised import Servers

GROUP = "main"
FAST = FailoverSettings(
    takeover_seconds=2, lag_sample_seconds=0.05, cooldown_seconds=0, watch_seconds=0.3, return_seconds=1.0,
    sync_seconds=10.0,
)  # fmt: skip


class Fixed:
    """A password that is always the same one."""

    def __init__(self, password: str | None) -> None:
        self._password = password

    async def get(self) -> str | None:
        return self._password

    def forget(self) -> None:
        pass


@dataclass
class Group:
    """Running servers, the first of them the primary; `operator` acts through the proxies."""

    lab: "Servers"
    proxies: dict[str, Proxy]
    configs: tuple[InstanceConfig, ...]
    state: Path
    password: str | None
    timeout_seconds: float = 0.5
    read_only: bool = False
    engine: LabEngine | None = None
    clock: Clock = field(default_factory=LoopClock)

    def __post_init__(self) -> None:
        self.audit = Audit(self.state / "audit.jsonl", clock=self.clock, who="somebody", host="somewhere")
        self.journals = self.state / "journal"

    def access(self) -> Access:
        """What an operator's program has; to be closed."""
        settings = Settings.model_validate({"instances": [config.model_dump() for config in self.configs],
                                            "defaults": {"read_only": self.read_only}})  # fmt: skip
        guard = Guard(self.clock, settings)
        return Access(
            self.configs, lambda config: Fixed(self.password), guard=guard, clock=self.clock,
            timeout_seconds=self.timeout_seconds,
        )  # fmt: skip

    async def scene(self, access: Access, limits: FailoverSettings = FAST) -> Scene:
        run_id = new_run_id(self.clock.now(), random.Random())
        return await look_at_group(access, GROUP, limits, run_id=run_id, who="somebody@somewhere", environ={})

    def wish(self, **more: Any) -> Wish:
        return Wish(journals=self.journals, **more)

    def stream(self, plan: Plan, access: Access, confirmer: Confirmer, **more: Any) -> AsyncIterator[Event]:
        """Run a plan, event by event."""
        journal = Journal(self.journals, plan.view(), clock=self.clock)
        desk = Desk(access, confirmer, self.audit, journal, **more)
        return run(plan, desk, locks=self.state / "locks", who="somebody")

    async def run(self, plan: Plan, access: Access, confirmer: Confirmer | None = None, **more: Any) -> list[Event]:
        """Run a plan to its end, every question answered with yes unless told otherwise."""
        return [event async for event in self.stream(plan, access, confirmer or Yes(), **more)]

    def door(self, name: str) -> Proxy | LabEngine:
        """What commands to an instance, or to `docker`, pass through."""
        if name != "docker":
            return self.proxies[name]
        assert self.engine is not None
        return self.engine

    @property
    def doors(self) -> list[Proxy | LabEngine]:
        return [*self.proxies.values(), *([self.engine] if self.engine else [])]

    @property
    def servers(self) -> dict[str, LabServer]:
        """The running ones, by name."""
        return self.lab.running

    async def kill(self, name: str) -> None:
        """End a server without a word."""
        await self.servers[name].stop()

    async def leaders(self) -> list[str]:
        """Who says that it is a primary now, asked directly."""
        found = []
        for name, server in self.servers.items():
            try:
                async with Client(server.port, self.password) as client:
                    reply = await asyncio.wait_for(client("ROLE"), 1)
                    if isinstance(reply, list) and reply[0] == "master":
                        found.append(name)
            except OSError:
                continue
        return found


class Yes(GivenAnswer):
    """Types whatever it is asked to."""

    def __init__(self) -> None:
        super().__init__(yes=True)
        self.asked: list[Any] = []

    async def confirm(self, question: Any) -> bool:
        self.asked.append(question)
        return True


def outcome(events: Sequence[Event]) -> Outcome | None:
    """How a run ended."""
    return events[-1].outcome


def told(events: Sequence[Event]) -> str:
    """A run in lines, for the message of a failing assertion."""
    return "\n".join(
        f"{each.elapsed_seconds:6.2f} {each.step:20} {each.outcome or each.state}: {each.text} "
        + " | ".join(
            f"{found.code}={found.value} [{found.verdict}]" for found in each.findings if found.verdict != "pass"
        )
        + " ".join(each.follow_ups)
        for each in events
    )


@asynccontextmanager
async def group(
    replicas: int = 1,
    *,
    password: str | None = "s3cret",
    keys: int = 50,
    restarts: bool = False,
    docker: bool = False,
    volumes: bool = True,
    saves: bool = False,
    clock: Clock | None = None,
    **options: Any,
) -> AsyncIterator[Group]:
    """A primary called `alpha` and its replicas `beta`, `gamma`, in sync.

    Args:
        restarts: Something starts a server again that ended by itself.
        docker: They are in containers, which have volumes for their data if so wished.
        saves: A server that is stopped saves first.
        clock: Of the servers.
    """
    names = ["alpha", "beta", "gamma"][: replicas + 1]
    async with AsyncExitStack() as stack:
        state = Path(stack.enter_context(TemporaryDirectory()))
        servers = Servers(state, password, restarts, options, clock)
        stack.push_async_callback(servers.aclose)
        for name in names:
            await servers.start(name, keys=0 if name != "alpha" else keys, follow="alpha" if name != "alpha" else None)
        for name in names[1:]:
            await eventually(partial(in_sync, servers.running[name]))
        proxies = {name: await stack.enter_async_context(_proxy(servers, name)) for name in names}
        engine = (
            await stack.enter_async_context(LabEngine(servers, state, volumes=volumes, saves=saves)) if docker else None
        )
        if engine is not None:
            for name in names:
                engine.hold(name)
        configs = tuple(_config(name, servers.running[name], proxies[name], engine) for name in names)
        yield Group(servers, proxies, configs, state, password, engine=engine)


def _proxy(servers: Servers, name: str) -> Proxy:
    def freeze() -> None:
        servers.running[name].faults.frozen = True

    return Proxy(servers.running[name].port, freeze)


def _config(name: str, server: LabServer, proxy: Proxy, engine: LabEngine | None) -> InstanceConfig:
    first = name == "alpha"
    return InstanceConfig(
        name=name,
        url=f"redis://127.0.0.1:{proxy.port}",
        replication_address=f"127.0.0.1:{server.port}",
        group=GROUP,
        role="primary" if first else "replica",
        replica_of=None if first else "alpha",
        docker=DockerConfig(host=engine.host, container=name) if engine else None,
    )


async def killed_at(
    servers: Group,
    limits: FailoverSettings,
    make: Callable[[Scene, Group], Plan],
    server: str,
    hit: Callable[[tuple[str, ...]], bool],
    harm: Harm = Harm.SILENT,
) -> None:
    """Run a plan in a program that is killed when a command passes; `harm` tells whether it still arrived.

    What is left is what SIGKILL leaves: no connection, and the journal as it was at that moment.
    """
    proxy = servers.door(server)
    kept: dict[Path, bytes] = {}

    def kill() -> None:
        kept.update({path: path.read_bytes() for path in servers.journals.glob("*")})
        running.cancel()
        for each in servers.doors:
            asyncio.get_running_loop().call_soon(each.cut)

    async def operate() -> None:
        async with servers.access() as access:
            await servers.run(make(await servers.scene(access, limits), servers), access)

    proxy.chosen, proxy.harm, proxy.struck = hit, harm, kill
    running = asyncio.ensure_future(operate())
    await asyncio.wait({running})
    assert running.cancelled(), "the command was not sent"
    proxy.struck = lambda: None
    await asyncio.sleep(5)  # a step that was begun goes on until it notices that it is cut off
    for path, data in kept.items():
        path.write_bytes(data)
    for each in servers.doors:
        each.mend()
