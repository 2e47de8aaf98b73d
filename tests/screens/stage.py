"""The dashboard on a stage: real hub, guard and screens, scripted clients, and a clock the test moves."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from textual.pilot import Pilot

from dfly_tui.app import DflyApp
from dfly_tui.clients.connect import InstanceClients
from dfly_tui.errors import DflyError, Unreachable
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.info import Info
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage, Sample
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.guard import Guard
from dfly_tui.paths import Paths
from dfly_tui.pollers.hub import Hub
from dfly_tui.settings import Defaults, InstanceConfig, Settings
from dfly_tui.settings_views import ViewConfig
from dfly_tui.wiring import OneAttempt
from screens.base import DashboardScreen
from screens.services import Services
from tests.support.clock import FakeClock

DATA = Path(__file__).parent.parent / "data" / "info"


@dataclass
class Actor:
    """One scripted instance: what it answers now. Tests change the attributes between polls.

    Attributes:
        text: Its INFO; `{n}` is the number of the poll, for counters that grow.
        error: Raised instead of an answer while set.
        fails_after: So many polls succeed, then this error is raised.
        fails_between: These polls fail.
        silent: It accepts the question and never answers.
        steady: The load does not rise and fall.
        polls, scrapes: How often INFO and /metrics were asked for.
    """

    config: InstanceConfig
    clock: FakeClock
    text: str
    error: DflyError | None = None
    settings: Mapping[str, str] | DflyError = field(default_factory=dict)
    page_text: tuple[Sample, ...] = ()
    container_info: ContainerInfo | DflyError | None = None
    fails_after: tuple[int, DflyError] | None = None
    fails_between: tuple[int, int] | None = None
    silent: bool = False
    steady: bool = False
    polls: int = 0
    scrapes: int = 0

    async def snapshot(self) -> InstanceSnapshot:
        self.polls += 1
        if self.silent:
            await self.clock.sleep(1e9)
        if self.fails_after is not None and self.polls > self.fails_after[0]:
            raise self.fails_after[1]
        if self.error is not None:
            raise self.error
        if self.fails_between is not None and self.fails_between[0] <= self.polls < self.fails_between[1]:
            raise down()
        info = Info.parse(grown(self.text, self.polls, wave=0 if self.steady else 2.4))
        return InstanceSnapshot.from_info(info, taken_at=self.clock.now(), latency_seconds=0.001)

    async def config_(self) -> Mapping[str, str]:
        if isinstance(self.settings, DflyError):
            raise self.settings
        return self.settings

    async def page(self) -> MetricsPage:
        self.scrapes += 1
        if self.error is not None:
            raise self.error
        return MetricsPage(taken_at=self.clock.now(), samples=self.page_text)

    async def container(self) -> ContainerInfo:
        if isinstance(self.container_info, DflyError):
            raise self.container_info
        assert self.container_info is not None
        return self.container_info

    async def aclose(self) -> None:
        pass


class _Reader:
    def __init__(self, actor: Actor) -> None:
        self.snapshot = actor.snapshot
        self.config = actor.config_
        self.aclose = actor.aclose


RATES = {
    "total_commands_processed": 1200, "keyspace_hits": 900, "keyspace_misses": 100, "keyspace_mutations": 300,
    "total_net_input_bytes": 64_000, "total_net_output_bytes": 512_000, "expired_keys": 3, "uptime_in_seconds": 1,
}  # fmt: skip


def grown(text: str, polls: int, *, wave: float) -> str:
    """INFO with its counters moved on as by `polls` seconds of load that rises and falls by `wave`."""
    lines = []
    for line in text.splitlines():
        key, _, value = line.partition(":")
        seconds = polls + (0 if key.startswith("uptime") else wave * math.sin(polls / 3))
        lines.append(f"{key}:{int(value) + int(RATES[key] * seconds)}" if key in RATES else line)
    return "\r\n".join(lines)


def recorded(name: str) -> str:
    """An INFO text recorded from a real server, such as `v1.40.1-primary`."""
    return (DATA / f"{name}.txt").read_text()


class Stage:
    """Settings and actors from which `app()` builds a dashboard."""

    def __init__(self, tmp_path: Path, *, defaults: Defaults | None = None) -> None:
        self.clock = FakeClock()
        self.defaults = defaults or Defaults()
        self.actors: dict[str, Actor] = {}
        self.paths = Paths(tmp_path / "config", tmp_path / "state")
        self.attempts: list[tuple[str, str]] = []
        self.refusal: DflyError | None = None
        self.keymap: dict[str, str] = {}
        self.views: tuple[ViewConfig, ...] = ()

    def add(self, name: str, recording: str | None = None, **options: object) -> Actor:
        """One more instance, as configured by `options` of InstanceConfig."""
        config = InstanceConfig.model_validate({"name": name, "url": "redis://10.0.0.1:6379", **options})
        actor = Actor(config, self.clock, recorded(recording or "v1.40.1-primary"))
        self.actors[name] = actor
        return actor

    async def _attempt(self, config: InstanceConfig, password: str) -> None:
        self.attempts.append((config.url, password))
        if self.refusal is not None:
            raise self.refusal

    def settings(self) -> Settings:
        configs = tuple(actor.config for actor in self.actors.values())
        return Settings(defaults=self.defaults, keymap=self.keymap, instances=configs, views=self.views)

    def app(self) -> DflyApp:
        """The dashboard on these actors."""
        settings = self.settings()

        def clients_of(config: InstanceConfig) -> InstanceClients:
            actor = self.actors.get(config.name) or self.add(config.name)
            containers = actor if actor.container_info is not None else None
            return InstanceClients(reader=_Reader(actor), metrics=actor, containers=containers)

        services = Services(
            settings=settings,
            hub=Hub(settings, clients_of, clock=self.clock, rng=random.Random(1)),
            guard=Guard(self.clock, settings),
            audit=Audit(self.paths.audit_file, clock=self.clock, who="oncall", host="bastion"),
            clock=self.clock,
            paths=self.paths,
            config_file=self.paths.config_file,
            attempt=self._attempt,
            password_of=lambda config: OneAttempt(""),
        )
        return DflyApp(lambda ask: services)


def down() -> Unreachable:
    """What a dead server looks like."""
    return Unreachable("connection refused by 10.0.0.1:6379", "is it running? is the port right?")


def pages(*samples: tuple[str, float]) -> tuple[Sample, ...]:
    """A /metrics page of plain gauges."""
    return tuple(Sample(name=name, value=value, kind="gauge") for name, value in samples)


async def seconds(stage: Stage, pilot: Pilot[int], count: int) -> None:
    """Let some seconds pass on the stage, then paint."""
    await pilot.pause()
    await stage.clock.advance(count)
    await pilot.pause()
    repaint(pilot)
    await pilot.pause()


def repaint(pilot: Pilot[int]) -> None:
    """Paint now: the timers that do it run on Textual's own clock, which a test does not wait for."""
    screen = pilot.app.screen
    if isinstance(screen, DashboardScreen):
        screen.repaint()


def screen_text(app: DflyApp) -> str:
    """What stands on the screen, line by line."""
    lines = app.screen._compositor.render_strips()
    return "\n".join(line.text.rstrip() for line in lines)
