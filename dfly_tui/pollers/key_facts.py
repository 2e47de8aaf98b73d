"""What is to be told of the keys on the screen: asked when they show, kept for a while, in bounded memory."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing

from dfly_tui.clients.keys import KeyReader
from dfly_tui.errors import DflyError
from dfly_tui.models.keys import KeyFacts

MOST_FACTS = 100_000
"""Keys remembered; each takes some 300 bytes."""


class KeyFactsFeed:
    """Asks for the type, time to live and size of keys that somebody looks at.

    Args:
        changed: Called when some were told.

    Attributes:
        told: How often something was told: whoever sorted by it has to sort again when this grew.
        error: Why the last were not told.
    """

    def __init__(self, reader: KeyReader, *, database: int, changed: Callable[[], None]) -> None:
        self.told = 0
        self.error: DflyError | None = None
        self._reader = reader
        self._database = database
        self._changed = changed
        self._known: dict[bytes, tuple[KeyFacts, float]] = {}
        self._wanted: dict[bytes, None] = {}
        self._task: asyncio.Task[None] | None = None

    def get(self, name: bytes) -> KeyFacts | None:
        """What is known of a key, its time to live as of now; None when it was not told yet."""
        told = self._known.get(name)
        if told is None:
            return None
        facts, at = told
        if facts.ttl_ms is None or facts.ttl_ms <= 0:
            return facts
        left = facts.ttl_ms - int((self._reader.clock.monotonic() - at) * 1000)
        return facts._replace(ttl_ms=max(0, left))

    def waiting(self) -> int:
        """How many keys are still to be told of."""
        return len(self._wanted)

    def want(self, names: Iterable[bytes]) -> None:
        """Ask for these, unless they are known."""
        self._wanted.update((name, None) for name in names if name not in self._known)
        if self._wanted and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask(), name="key facts")

    def put(self, facts: Iterable[KeyFacts]) -> None:
        """Remember what was told of keys elsewhere."""
        at = self._reader.clock.monotonic()
        self.told += 1
        self._known.update((key.name, (key, at)) for key in facts)
        while len(self._known) > MOST_FACTS:
            del self._known[next(iter(self._known))]

    def forget(self, names: Iterable[bytes] | None = None) -> None:
        """These, or all, are to be asked for again."""
        if names is None:
            self._known.clear()
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
        try:
            async with self._reader.prober(self._database) as prober:
                while self._wanted:
                    names = list(self._wanted)
                    async with aclosing(prober(names)) as told:
                        async for some in told:
                            self.put(some)
                            for key in some:
                                self._wanted.pop(key.name, None)
                            self._changed()
            self.error = None
        except DflyError as error:
            self._wanted.clear()
            self.error = error
            self._changed()
