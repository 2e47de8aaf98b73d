"""Reads keys exactly, many at a time: small ones whole in one question, large ones in pages.

What is read of a small key is of one moment. A large collection is read by SCAN of its kind, which names every element
that was there all the time; a string, list or document that changes meanwhile is taken as the server's DUMP of it.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeAlias

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_expiry import TIME, Expiries
from dfly_tui.clients.key_lane import ReadLane
from dfly_tui.clients.key_pages import BigKey, Parts, scanned
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.replies import items, raw
from dfly_tui.clients.value_lane import TooLarge
from dfly_tui.clients.value_pages import is_wrong_type
from dfly_tui.errors import DflyError
from dfly_tui.models.key_parts import COLLECTIONS, PIECE_BYTES, Item, Missed, Part, Why
from dfly_tui.models.keys import GONE, HASH, JSON, LIST, NO_KIND, SET, STREAM, STRING, ZSET
from dfly_tui.settings import InstanceConfig

READ_SECONDS = 30.0
"""For an answer: a server that saves, or a slow link, may take its time."""
MOST_KEYS = 500
_LEAST_KEYS = 8
WINDOW_BYTES = 2 << 20
"""What the values of keys that are asked for together should have."""
FIRST_BYTES = 64 << 10
FIRST_ELEMENTS = 500
"""What is asked for at first: most keys are whole with that."""

Found: TypeAlias = Part | Missed
_SCANS = {HASH: "HSCAN", SET: "SSCAN", ZSET: "ZSCAN"}


class KeyCodec:
    """Reads keys of one database over two connections of its own. Nothing it sends changes anything.

    Attributes:
        expiries: How expiry is asked; tells whether that of elements could be read.
        restless: Names of large keys whose number of elements changed while they were read, the first hundred.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        *,
        database: int,
        capabilities: Capabilities,
        timeout_seconds: float = READ_SECONDS,
    ) -> None:
        self.expiries = Expiries(capabilities)
        self.restless: list[bytes] = []
        self._lane, self._deep = (
            ReadLane(config, password, database=database, timeout_seconds=timeout_seconds) for _ in range(2)
        )
        self._seen = (0, 0)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._lane.aclose()
        await self._deep.aclose()

    async def __aenter__(self) -> "KeyCodec":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def read(self, names: Sequence[bytes]) -> AsyncGenerator[list[Found], None]:
        """These keys, all of them: parts of those that are there, and why there is nothing of the others.

        Raises:
            DflyError: The connection failed.
        """
        window = self._window(names, 0)
        at = len(window)
        await self._ask_kinds(window)
        held: list[Found] = []
        while window:
            kinds = [_kind(reply) for reply in await self._lane.receive(len(window))]
            following = self._window(names, at)
            at += len(following)
            count = await self._ask_values(window, kinds, following)
            if held:
                yield held  # used while the server answers
            try:
                answers = await self._lane.receive(count)
            except TooLarge:
                held, large = [], list(zip(window, kinds, strict=True))
                await self._ask_kinds(following)
            else:
                held, large = await self._sorted(window, kinds, answers)
            for name, kind in large:
                if held:
                    yield held
                    held = []
                async with aclosing(self._big(name, kind)) as parts:
                    async for part in parts:
                        yield [part]
            window = following
        if held:
            yield held

    def _window(self, names: Sequence[bytes], at: int) -> Sequence[bytes]:
        keys, size = self._seen
        average = max(1, size // keys) if keys else WINDOW_BYTES // MOST_KEYS * 2
        return names[at : at + max(_LEAST_KEYS, min(MOST_KEYS, WINDOW_BYTES // average))]

    async def _ask_kinds(self, window: Sequence[bytes]) -> None:
        if window:
            await self._lane.send(*(("TYPE", name) for name in window))

    async def _ask_values(self, window: Sequence[bytes], kinds: Sequence[Reply], following: Sequence[bytes]) -> int:
        """Ask for the values, and at once for the types of those that follow; how many answers belong to the values."""
        asked: list[Command] = [TIME]
        for name, kind in zip(window, kinds, strict=True):
            question = _question(name, kind)
            if question is not None:
                asked += (question, self.expiries.question(name))
        await self._lane.send(*asked, *(("TYPE", name) for name in following))
        return len(asked)

    async def _sorted(
        self, window: Sequence[bytes], kinds: Sequence[Reply], answers: Sequence[Reply]
    ) -> tuple[list[Found], list[tuple[bytes, Reply]]]:
        """What was found, and the keys that are to be read in pages, with their types."""
        time, rest = answers[0], iter(answers[1:])
        found: list[Found] = []
        large: list[tuple[bytes, Reply]] = []
        size = 0
        for name, kind in zip(window, kinds, strict=True):
            if isinstance(kind, DflyError):
                found.append(Missed(name, Why.FAILED, kind))
            elif kind == NO_KIND:
                found.append(Missed(name, Why.GONE))
            elif kind == STREAM or not isinstance(kind, str):
                large.append((name, kind))
            else:
                value, expiry = next(rest), next(rest)
                value = expiry if isinstance(expiry, DflyError) else value
                parts = await self._whole(name, kind, value, self.expiries.at_ms(expiry, time))
                if parts is None:
                    large.append((name, kind))
                    continue
                found += parts
                size += sum(part.size for part in parts if isinstance(part, Part))
        self._note(len(window), size)
        return found, large

    async def _whole(self, name: bytes, kind: str, value: Reply, expires_at_ms: int | None) -> Sequence[Found] | None:
        """A key that the first answer holds whole; None when it does not."""
        if isinstance(value, DflyError):
            return [_missed(name, value)]
        if expires_at_ms == GONE or value is None:
            return [Missed(name, Why.GONE)]
        if kind == STRING and isinstance(value, bytes):
            return [Part(name, kind, expires_at_ms, value)] if len(value) < FIRST_BYTES else None
        if kind not in COLLECTIONS:
            data = raw(value)
            is_dump = kind != JSON
            return [Part(name, kind, expires_at_ms, data, is_dump=is_dump)] if len(data) <= PIECE_BYTES else None
        elements = _elements(kind, value)
        if elements is None:
            return None
        if not elements:
            return [Missed(name, Why.GONE)]
        elements = await self.expiries.of_elements(self._deep, name, kind, elements)
        parts = Parts(name, kind, expires_at_ms)
        if not parts.take(elements):
            return None
        return [*parts.full(), parts.end()]

    def _note(self, keys: int, size: int) -> None:
        """The next windows are made so that they have about the wanted size."""
        before = self._seen
        self._seen = (before[0] // 2 + keys, before[1] // 2 + size)

    async def _big(self, name: bytes, kind: Reply) -> AsyncGenerator[Found, None]:
        key = BigKey(self._deep, self.expiries, name, str(kind))
        async with aclosing(key.read()) as parts:
            async for part in parts:
                yield part
        if key.is_restless and len(self.restless) < 100:
            self.restless.append(name)


def _kind(reply: Reply) -> Reply:
    return reply if isinstance(reply, DflyError) else raw(reply).decode("ascii", "backslashreplace")


def _question(name: bytes, kind: Reply) -> Command | None:
    """What gives a small key whole; None for those that take more than one question."""
    if isinstance(kind, DflyError) or kind in {NO_KIND, STREAM}:
        return None
    if kind == STRING:
        return ("GETRANGE", name, 0, FIRST_BYTES - 1)
    if kind == LIST:
        return ("LRANGE", name, 0, FIRST_ELEMENTS - 1)
    if kind == JSON:
        return ("JSON.GET", name)
    if isinstance(kind, str) and kind in _SCANS:
        return (_SCANS[kind], name, 0, "COUNT", FIRST_ELEMENTS)
    return ("DUMP", name)


def _elements(kind: str, value: Reply) -> list[Item] | None:
    """The elements in the first answer; None when there are more."""
    if kind == LIST:
        listed = [raw(item) for item in items(value)]
        return list(listed) if len(listed) < FIRST_ELEMENTS else None
    cursor, elements = scanned(kind, value)
    return elements if cursor == b"0" else None


def _missed(name: bytes, error: DflyError) -> Missed:
    return Missed(name, Why.CHANGED) if is_wrong_type(error) else Missed(name, Why.FAILED, error)
