"""The hub owns every feed: one set per instance, started when somebody looks, with their history."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from dfly_tui.clients.connect import InstanceClients
from dfly_tui.clock import Clock
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import InstanceStatus, Observation, assess
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.models.reading import Reading
from dfly_tui.models.verdict import BackupsTold
from dfly_tui.pollers.feed import Feed
from dfly_tui.pollers.history import PageHistory, StatusHistory
from dfly_tui.settings import InstanceConfig, Settings

HISTORY_SECONDS = 3600.0
LEAST_POINTS = 60
"""A chart needs that many, however slow the pace."""
PAGE_SECONDS = 2.0
"""A /metrics page costs some 7 ms to parse, so it is read at half the pace."""
CONTAINER_SECONDS = 10.0

SAFETY_NET_SECONDS = 60.0
"""Clients give up by themselves, sooner; a read may take this long only while a person types a password."""

OpenClients = Callable[[InstanceConfig], InstanceClients]
TellBackups = Callable[[Sequence[Observation]], Mapping[str, BackupsTold]]
"""What the catalogue tells of the backups of these; asked at every paint."""


class Watched:
    """One instance: its clients, feeds and history."""

    def __init__(
        self, config: InstanceConfig, clients: InstanceClients, settings: Settings, clock: Clock, rng: random.Random
    ) -> None:
        self.config = config
        self.clients = clients
        interval = config.refresh_seconds or settings.defaults.interval_seconds
        self.history = StatusHistory(max(LEAST_POINTS, int(HISTORY_SECONDS / interval)))
        self.page_history = PageHistory(max(LEAST_POINTS, int(HISTORY_SECONDS / max(interval, PAGE_SECONDS))))

        def note(reading: Reading[InstanceSnapshot]) -> None:
            self.history.note(reading, clock.monotonic())

        def note_page(reading: Reading[MetricsPage]) -> None:
            self.page_history.note(reading, clock.monotonic())

        self.status: Feed[InstanceSnapshot] = Feed(
            f"{config.name} status", clients.reader.snapshot,
            interval=interval, timeout=SAFETY_NET_SECONDS, clock=clock, rng=rng, on_reading=note,
        )  # fmt: skip
        self.page: Feed[MetricsPage] = Feed(
            f"{config.name} metrics", clients.metrics.page,
            interval=max(interval, PAGE_SECONDS), timeout=SAFETY_NET_SECONDS, clock=clock, rng=rng,
            on_reading=note_page,
        )  # fmt: skip
        self.container: Feed[ContainerInfo] | None = None
        if clients.containers is not None:
            self.container = Feed(
                f"{config.name} container", clients.containers.container,
                interval=max(interval, CONTAINER_SECONDS), timeout=SAFETY_NET_SECONDS, clock=clock, rng=rng,
            )  # fmt: skip

    @property
    def feeds(self) -> list[Feed[InstanceSnapshot] | Feed[MetricsPage] | Feed[ContainerInfo]]:
        found: list[Feed[InstanceSnapshot] | Feed[MetricsPage] | Feed[ContainerInfo]] = [self.status, self.page]
        return [*found, self.container] if self.container is not None else found

    def observation(self, now: float) -> Observation:
        """All that is known of the instance at `now` (monotonic seconds)."""
        return Observation(
            config=self.config,
            status=self.status.reading,
            container=self.container.reading if self.container else None,
            lag_seconds=self.history.lag_seconds(now),
            refused_per_second=self.history.refused_per_second,
        )

    async def aclose(self) -> None:
        """Stop the feeds, close the connections."""
        for feed in self.feeds:
            await feed.aclose()
        await self.clients.reader.aclose()
        await self.clients.metrics.aclose()
        if self.clients.containers is not None:
            await self.clients.containers.aclose()


class Hub:
    """All instances. Screens subscribe here; nothing else fetches."""

    def __init__(
        self,
        settings: Settings,
        open_clients: OpenClients,
        *,
        clock: Clock,
        rng: random.Random,
        backups: TellBackups = lambda seen: {},
    ) -> None:
        self.clock = clock
        self._backups = backups
        self.paused = False
        self.interval = settings.defaults.interval_seconds
        self._settings = settings
        self._open_clients = open_clients
        self._rng = rng
        self._watched: dict[str, Watched] = {}
        for config in settings.instances:
            self.add(config)

    @property
    def watched(self) -> tuple[Watched, ...]:
        """Every instance, in the configured order."""
        return tuple(self._watched.values())

    def __getitem__(self, name: str) -> Watched:
        return self._watched[name]

    def add(self, config: InstanceConfig) -> Watched:
        """Watch one more instance; connects when the first subscriber comes."""
        watched = Watched(config, self._open_clients(config), self._settings, self.clock, self._rng)
        self._watched[config.name] = watched
        if self.paused:
            for feed in watched.feeds:
                feed.pause(True)
        return watched

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` after every reading of any instance's status or container; returns how to leave."""

        def on_reading(_: object) -> None:
            changed()

        leaves = [watched.status.subscribe(on_reading) for watched in self.watched]
        leaves += [watched.container.subscribe(on_reading) for watched in self.watched if watched.container]

        def leave() -> None:
            for each in leaves:
                each()

        return leave

    def statuses(self) -> tuple[InstanceStatus, ...]:
        """The verdict on the whole fleet as of now, problems first."""
        now = self.clock.monotonic()
        observations = [watched.observation(now) for watched in self.watched]
        thresholds, backups = self._settings.defaults.thresholds, self._backups(observations)
        return assess(observations, thresholds, now=now, wall=self.clock.now(), backups=backups)

    def refresh_now(self) -> None:
        """Read everything that is being watched at once."""
        for feed in self._feeds():
            feed.refresh_now()

    def set_interval(self, seconds: float) -> None:
        """Change the pace of all status feeds, seconds between reads."""
        self.interval = seconds
        for watched in self.watched:
            watched.status.set_interval(seconds)
            watched.page.set_interval(max(seconds, PAGE_SECONDS))

    def pause(self, paused: bool) -> None:
        """Stop or resume all polling."""
        self.paused = paused
        for feed in self._feeds():
            feed.pause(paused)

    async def aclose(self) -> None:
        """Stop everything."""
        for watched in self.watched:
            await watched.aclose()

    def _feeds(self) -> Iterable[Feed[InstanceSnapshot] | Feed[MetricsPage] | Feed[ContainerInfo]]:
        for watched in self.watched:
            yield from watched.feeds
