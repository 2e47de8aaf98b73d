"""What is to be told of the keys on the screen: asked when they show, kept for a while, in bounded memory."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextlib import aclosing
from itertools import islice
from typing import TypeAlias

from dfly_tui.clients.keys import KeyReader, Prober
from dfly_tui.errors import DflyError
from dfly_tui.models.keys import KeyFacts
from dfly_tui.pollers.keyspace import RETRIES_SECONDS, is_passing

MOST_FACTS = 120_000
"""Keys remembered, more than a list ever has; each takes some 250 bytes."""
_KEPT_FACTS = 110_000
"""Those of them that stay when there are too many."""
_AT_A_TIME = 2000
"""Keys asked for before it is looked whether others are wanted sooner."""
_Known: TypeAlias = tuple[str | None, int | None, int | None, float]
"""Type, time to live, size, and when they were told. The garbage collector has nothing to do with such tuples."""


class KeyFactsFeed:
    """Asks for the type, time to live and size of keys that somebody looks at.

    Args:
        changed: Called when some were told.

    Attributes:
        told: How often something was told: whoever sorted by it has to sort again when this grew.
        error: Why the last were not told.
        refused: What may not be asked of some keys, by the command, and why.
    """

    def __init__(self, reader: KeyReader, *, database: int, changed: Callable[[], None]) -> None:
        self.told = 0
        self.error: DflyError | None = None
        self.refused: dict[str, DflyError] = {}
        self._reader = reader
        self._database = database
        self._changed = changed
        self._known: dict[bytes, _Known] = {}
        self._wanted: dict[bytes, None] = {}
        self._task: asyncio.Task[None] | None = None

    def get(self, name: bytes) -> KeyFacts | None:
        """What is known of a key, its time to live as of now; None when it was not told yet."""
        told = self._known.get(name)
        if told is None:
            return None
        kind, ttl_ms, size_bytes, at = told
        if ttl_ms is not None and ttl_ms > 0:
            ttl_ms = max(0, ttl_ms - int((self._reader.clock.monotonic() - at) * 1000))
        return KeyFacts(name, kind, ttl_ms, size_bytes)

    def waiting(self) -> int:
        """How many keys are still to be told of."""
        return len(self._wanted)

    def want(self, names: Iterable[bytes]) -> None:
        """Ask for these before all others, unless they are known; again when they should have expired by now."""
        now = self._reader.clock.monotonic()
        for name in names:
            if self._is_to_be_asked(name, now):
                self._wanted.pop(name, None)
                self._wanted[name] = None
        self._begin()

    def want_later(self, names: Iterable[bytes]) -> None:
        """Ask for these, too, after those on the screen, unless they are known."""
        self._wanted = {name: None for name in names if name not in self._known} | self._wanted
        self._begin()

    def _is_to_be_asked(self, name: bytes, now: float) -> bool:
        told = self._known.get(name)
        if told is None:
            return True
        _, ttl_ms, _, at = told
        return ttl_ms is not None and 0 <= ttl_ms < (now - at) * 1000

    def _begin(self) -> None:
        if self._wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask(), name="key facts")

    def put(self, facts: Iterable[KeyFacts]) -> None:
        """Remember what was told of keys elsewhere."""
        at = self._reader.clock.monotonic()
        self.told += 1
        for name, kind, ttl_ms, size_bytes in facts:
            self._known[name] = (sys.intern(kind) if kind else kind, ttl_ms, size_bytes, at)
        if len(self._known) > MOST_FACTS:
            for name in list(islice(self._known, len(self._known) - _KEPT_FACTS)):
                del self._known[name]

    def forget(self, names: Iterable[bytes] | None = None) -> None:
        """These, or all, are to be asked for again."""
        if names is None:
            self._known.clear()
            self.refused.clear()
        else:
            for name in names:
                self._known.pop(name, None)

    async def aclose(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _ask(self) -> None:
        """Until all is told; a server that is away is tried again."""
        failures = 0
        while self._wanted:
            before = self.told
            try:
                async with self._reader.prober(self._database) as prober:
                    while self._wanted:
                        await self._ask_some(prober)
            except DflyError as error:
                self.error = error
                failures = 1 if self.told > before else failures + 1
                if not is_passing(error):
                    self._wanted.clear()
                self._changed()
                await self._reader.clock.sleep(RETRIES_SECONDS[min(failures, len(RETRIES_SECONDS)) - 1])

    async def _ask_some(self, prober: Prober) -> None:
        names = list(islice(reversed(self._wanted), _AT_A_TIME))
        async with aclosing(prober(names, refused=self.refused)) as told:
            async for some in told:
                self.error = None
                self.put(some)
                for key in some:
                    self._wanted.pop(key.name, None)
                self._changed()
