"""A group on the stage whose roles can be changed: fakes of our own readers and writers, and a clock the test moves."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from dfly_tui.app import DflyApp
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.writer import DragonflyWriter
from dfly_tui.errors import DflyError
from dfly_tui.models.clients import ClientConnection
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.operation import PlanView, StepKind, StepView
from dfly_tui.models.replication import RoleReply
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.guard import Guard
from dfly_tui.operations.journal import Journal
from dfly_tui.settings import FailoverSettings, InstanceConfig
from dfly_tui.wiring import OneAttempt
from screens.failover import FailoverScreen
from screens.failover_question import QuestionDialog
from tests.screens.stage import Actor, Stage, down, recorded, seconds

GROUP = "main"
PORTS = {"alpha": 17379, "beta": 17380, "gamma": 17381}
NEW_ID = "f0" * 20
SETTINGS = FailoverSettings(cooldown_seconds=600, watch_seconds=10, return_seconds=5)


def primary_text(name: str, replicas: Iterable[str] = (), *, replication_id: str = "") -> str:
    """INFO of a primary and those that follow it."""
    kept = [line for line in recorded("v1.40.1-primary").splitlines() if not line.startswith("slave0:")]
    at = next(number for number, line in enumerate(kept) if line.startswith("connected_slaves:"))
    lines = [f"slave{n}:ip=127.0.0.1,port={PORTS[each]},state=online,lag=1" for n, each in enumerate(replicas)]
    kept[at : at + 1] = [f"connected_slaves:{len(lines)}", *lines]
    return _named(name, "\n".join(kept), replication_id)


def replica_text(name: str, of: str, *, replication_id: str = "", **fields: object) -> str:
    """INFO of a replica; `fields` replace lines."""
    text = recorded("v1.40.1-replica").replace("master_port:17379", f"master_port:{PORTS[of]}")
    lines = []
    for line in text.splitlines():
        key = line.partition(":")[0]
        lines.append(f"{key}:{fields[key]}" if key in fields else line)
    return _named(name, "\n".join(lines), replication_id)


def _named(name: str, text: str, replication_id: str) -> str:
    lines = []
    for line in text.splitlines():
        key = line.partition(":")[0]
        if key == "tcp_port":
            line = f"tcp_port:{PORTS[name]}"
        if key == "master_replid" and replication_id:
            line = f"master_replid:{replication_id}"
        lines.append(line)
    return "\n".join(lines)


class Troupe:
    """The servers behind the actors, as the operation's own clients see them.

    Attributes:
        sent: Every change that reached a server: name and method.
        gates: Changes that wait until the test opens the gate, by method.
        harms: Errors that changes end with, by method.
        comes_back: Whether the old primary is started again by something after a takeover.
    """

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = stage
        self._monkeypatch = monkeypatch
        self.sent: list[tuple[str, str]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.harms: dict[str, DflyError] = {}
        self.comes_back = True
        self.clients: tuple[ClientConnection, ...] = ()
        self.offsets: dict[str, tuple[int, ...]] = {}
        self.settings = SETTINGS

    def cast(self, *names: str, environment: str = "lab") -> None:
        """Put a primary and its replicas on the stage."""
        for name in names:
            first = name == names[0]
            actor = self.stage.add(
                name, url=f"redis://127.0.0.1:{PORTS[name]}", group=GROUP, role="primary" if first else "replica",
                environment=environment,
            )  # fmt: skip
            actor.steady = True
            actor.text = primary_text(name, names[1:]) if first else replica_text(name, names[0])
            self.offsets[name] = (7, 12)

    def app(self) -> DflyApp:
        """The dashboard, with operations on this troupe."""
        app = self.stage.app()
        services = app.services
        services.settings = services.settings.model_copy(update={"failover": self.settings})
        self._monkeypatch.setattr(services, "access", partial(FakeAccess, self, services.guard))
        return app

    async def change(self, name: str, method: str) -> None:
        """A change arrives at a server."""
        self.sent.append((name, method))
        if method in self.gates:
            await self.gates[method].wait()
        if method in self.harms:
            raise self.harms[method]

    def promote(self, name: str, old: str | None) -> None:
        """The roles change."""
        actors = self.stage.actors
        actors[name].text = primary_text(name, replication_id=NEW_ID)
        if old is not None:
            actors[old].error = down()
            if self.comes_back:
                asyncio.ensure_future(self._return(old, name)).add_done_callback(lambda done: done.cancelled())

    async def _return(self, old: str, new: str) -> None:
        await self.stage.clock.sleep(1.2)
        self.stage.actors[old].error = None
        self.stage.actors[old].text = primary_text(old, replication_id="0a" * 20)

    def follow(self, name: str, port: int) -> None:
        """A replica follows the server at a port."""
        leader = next(each for each, its in PORTS.items() if its == port)
        self.stage.actors[name].text = replica_text(name, leader, replication_id=NEW_ID)


class FakeAccess(Access):
    """Looks at the actors, and changes them."""

    def __init__(self, troupe: Troupe, guard: Guard, configs: Iterable[InstanceConfig]) -> None:
        super().__init__(
            configs, lambda config: OneAttempt("secret"), guard=guard, clock=troupe.stage.clock, timeout_seconds=2.0
        )
        self._troupe = troupe

    def reader(self, name: str) -> DragonflyReader:
        return FakeReader(self._troupe, self.configs[name])

    async def container(self, name: str) -> ContainerInfo | DflyError | None:
        found = self._troupe.stage.actors[name].container_info
        return found if isinstance(found, ContainerInfo | DflyError) else None

    def hands(self, names: Iterable[str]) -> Hands:
        wanted = list(names)
        for name in wanted:
            self.guard.require_writable(name)
        return Hands({name: FakeWriter(self._troupe, self.configs[name]) for name in wanted}, {})


class FakeReader(DragonflyReader):
    """What an operation asks, answered by an actor."""

    def __init__(self, troupe: Troupe, config: InstanceConfig) -> None:
        super().__init__(config, OneAttempt(""), clock=troupe.stage.clock, timeout_seconds=2.0)
        self._troupe, self._who = troupe, config.name

    @property
    def _actor(self) -> Actor:
        return self._troupe.stage.actors[self._who]

    async def snapshot(self) -> InstanceSnapshot:
        return await self._actor.snapshot()

    async def role(self) -> RoleReply:
        seen = (await self._actor.snapshot()).replication
        link = seen.primary
        return RoleReply(
            role=seen.role, primary_host=link.host if link else None, primary_port=link.port if link else None
        )

    async def config(self) -> dict[str, str]:
        return {"snapshot_cron": ""}

    async def client_list(self) -> tuple[ClientConnection, ...]:
        if self._actor.error is not None:
            raise self._actor.error
        return self._troupe.clients

    async def journal_offsets(self) -> tuple[int, ...]:
        return self._troupe.offsets[self._who]

    async def executed_offsets(self) -> tuple[int, ...]:
        return self._troupe.offsets[self._who]

    async def server_time(self) -> datetime:
        return self._troupe.stage.clock.now()

    async def text_of(self, key: str) -> str | None:
        return key.rpartition(":")[2]

    async def present_as(self, name: str) -> None:
        pass


class FakeWriter(DragonflyWriter):
    """Changes an actor, or is kept from it."""

    def __init__(self, troupe: Troupe, config: InstanceConfig) -> None:
        super().__init__(config, OneAttempt(""), clock=troupe.stage.clock, timeout_seconds=2.0)
        self._troupe, self._who = troupe, config.name

    async def replicate(self, host: str, port: int) -> None:
        await self._troupe.change(self._who, "replicate")
        self._troupe.follow(self._who, port)

    async def replicate_nobody(self) -> None:
        await self._troupe.change(self._who, "replicate_nobody")
        self._troupe.promote(self._who, None)

    async def take_over(self, seconds: int) -> None:
        await self._troupe.change(self._who, "take_over")
        self._troupe.promote(self._who, "alpha")

    async def pause_writes(self, milliseconds: int) -> None:
        await self._troupe.change(self._who, "pause_writes")

    async def resume_writes(self) -> None:
        await self._troupe.change(self._who, "resume_writes")

    async def set_primary_login(self, username: str | None, password: str | None) -> None:
        await self._troupe.change(self._who, "set_primary_login")

    async def put_canary(self, key: str, value: str, ttl_seconds: int) -> None:
        await self._troupe.change(self._who, "put_canary")

    async def delete_canary(self, key: str) -> None:
        await self._troupe.change(self._who, "delete_canary")


async def opened(
    troupe: Troupe, pilot: Pilot[int], kind: str = "change", *, instance: str | None = None, wait: int = 3
) -> FailoverScreen:
    """Open the wizard once the dashboard has looked around for some seconds."""
    await seconds(troupe.stage, pilot, wait)
    services = pilot.app.services  # type: ignore[attr-defined]
    screen = FailoverScreen(services, GROUP, kind, instance=instance, rng=random.Random(7))
    await pilot.app.push_screen(screen)
    await passing(troupe, pilot)
    return screen


async def passing(troupe: Troupe, pilot: Pilot[int], count: float = 0.0) -> None:
    """Let some seconds pass, then paint."""
    await pilot.pause()
    await troupe.stage.clock.advance(count)
    await pilot.pause()
    if isinstance(pilot.app.screen, FailoverScreen):
        pilot.app.screen.repaint()


async def keys(troupe: Troupe, pilot: Pilot[int], *pressed: str) -> None:
    """Press keys, then let their effect show."""
    await pilot.press(*pressed)
    await passing(troupe, pilot)


async def confirmed(troupe: Troupe, pilot: Pilot[int], name: str = "beta") -> None:
    """From the plan to a yes, as a person does it."""
    await keys(troupe, pilot, "enter")
    await passing(troupe, pilot, 4)
    await keys(troupe, pilot, "enter")
    await keys(troupe, pilot, *name, "enter", "enter")


async def agreed(troupe: Troupe, pilot: Pilot[int]) -> None:
    """From the plan to a yes, without typing it letter by letter."""
    await keys(troupe, pilot, "enter")
    await passing(troupe, pilot, 4)
    await keys(troupe, pilot, "enter")
    dialog = pilot.app.screen
    assert isinstance(dialog, QuestionDialog)
    dialog.query_one("#name", Input).value = "beta"
    dialog.accept()
    await passing(troupe, pilot)


Moves = Callable[[Pilot[int]], Awaitable[None]]


def at_plan(troupe: Troupe, *pressed: str, kind: str = "change") -> Moves:
    """The wizard is open, then keys are pressed."""

    async def run(pilot: Pilot[int]) -> None:
        await opened(troupe, pilot, kind)
        if pressed:
            await keys(troupe, pilot, *pressed)

    return run


def checked(troupe: Troupe, *pressed: str) -> Moves:
    """The checks were run, then keys are pressed."""

    async def run(pilot: Pilot[int]) -> None:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "enter")
        await passing(troupe, pilot, 4)
        if pressed:
            await keys(troupe, pilot, pressed[0])
            await keys(troupe, pilot, *pressed[1:])

    return run


def said_yes(troupe: Troupe, *before: str, wait: float = 0, after: tuple[str, ...] = ()) -> Moves:
    """A switchover to beta was confirmed."""

    async def run(pilot: Pilot[int]) -> None:
        await opened(troupe, pilot)
        if before:
            await keys(troupe, pilot, *before)
        await agreed(troupe, pilot)
        await passing(troupe, pilot, wait)
        if after:
            await keys(troupe, pilot, *after)

    return run


def gone(troupe: Troupe) -> None:
    """The primary answered for some seconds and is gone; its replicas say so too."""
    troupe.cast("alpha", "beta", "gamma")
    troupe.stage.actors["alpha"].fails_after = (3, down())
    for name in ("beta", "gamma"):
        actor = troupe.stage.actors[name]
        actor.text = actor.text.replace("master_link_status:up", "master_link_status:down").replace(
            "master_last_io_seconds_ago:0", "master_last_io_seconds_ago:7"
        )


def cut_off(troupe: Troupe, **steps: str) -> Journal:
    """Leave the journal of a switchover from alpha to beta that was killed; `steps` are its changes' last outcomes."""
    views = (
        ("confirm", "beta becomes the primary of main", StepKind.CONFIRM, ()),
        ("pause", "pause clients' writes on alpha", StepKind.ACT, ("redis-cli -p 17379 CLIENT PAUSE 12000 WRITE",)),
        ("takeover", "beta takes over from alpha", StepKind.ACT, ("redis-cli -p 17380 REPLTAKEOVER 10",)),
        ("leads", "beta leads", StepKind.VERIFY, ()),
    )
    plan = PlanView(
        id="20260102-025900-beef", kind="switchover", title="beta takes over from alpha", group=GROUP,
        facts={"old": "alpha", "new": "beta", "restart_policy": "", "old_id": ""},
        steps=tuple(StepView(id=id_, title=title, kind=kind, target="beta" if lines else "", commands=lines)
                    for id_, title, kind, lines in views),
        look_with=("redis-cli -p 17379 ROLE", "redis-cli -p 17380 ROLE"),
    )  # fmt: skip
    journal = Journal(troupe.stage.paths.journal_dir, plan, clock=troupe.stage.clock)
    for step, outcome in steps.items():
        journal.note(step, outcome)
    return journal
