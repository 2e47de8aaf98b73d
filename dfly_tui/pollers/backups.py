"""The backups of every instance while somebody looks at them: listing stores is slow, and now and then is enough."""

import random
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from dfly_tui.clock import Clock
from dfly_tui.models.backup_view import BackupsSeen
from dfly_tui.models.reading import Reading
from dfly_tui.pollers.feed import Feed

BACKUPS_SECONDS = 30.0
SLOW_LINK_SECONDS = 120.0
MOST_LOOK_SECONDS = 300.0
"""Longer than any listing takes; stores have timeouts of their own."""

LookAt = Callable[[str], Awaitable[BackupsSeen]]
"""Looks at the backups of an instance, by its name."""


class BackupFeeds:
    """One feed for each instance. Nothing is read before `subscribe()`.

    Args:
        look: Raises only `DflyError`s.
        interval: Seconds between looks.
    """

    def __init__(
        self, names: Iterable[str], look: LookAt, *, interval: float = BACKUPS_SECONDS, clock: Clock, rng: random.Random
    ) -> None:
        self._look = look
        self._interval, self._clock, self._rng = interval, clock, rng
        self._feeds: dict[str, Feed[BackupsSeen]] = {}
        self._paused = False
        for name in names:
            self._add(name)

    def _add(self, name: str) -> None:
        self._feeds[name] = Feed(
            f"{name} backups", partial(self._look, name),
            interval=self._interval, timeout=MOST_LOOK_SECONDS, clock=self._clock, rng=self._rng,
        )  # fmt: skip

    def reading(self, name: str) -> Reading[BackupsSeen]:
        """The state of the last look at an instance."""
        return self._feeds[name].reading

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Look at all of them, and call `changed` after each look; returns how to leave."""

        def on_reading(_: object) -> None:
            changed()

        leaves = [feed.subscribe(on_reading) for feed in self._feeds.values()]

        def leave() -> None:
            for each in leaves:
                each()

        return leave

    def refresh_now(self, name: str | None = None) -> None:
        """Look at once, at one instance or at all."""
        for each, feed in self._feeds.items():
            if name in {None, each}:
                feed.refresh_now()

    def pause(self, paused: bool) -> None:
        """Stop looking, or go on."""
        if paused != self._paused:
            self._paused = paused
            for feed in self._feeds.values():
                feed.pause(paused)

    async def aclose(self) -> None:
        """Stop for good."""
        for feed in self._feeds.values():
            await feed.aclose()
