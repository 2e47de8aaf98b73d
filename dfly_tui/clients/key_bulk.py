"""Changes very many keys, in windows on a lane of their own. Every command is sent once."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_edit import command_text
from dfly_tui.clients.key_talk import NO_ANSWER, Dump, expiry_of, expiry_words
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.replies import raw
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, OutcomeUnknown, Refused
from dfly_tui.models.keys import NO_KIND
from dfly_tui.settings import InstanceConfig
from dfly_tui.units import bytes_text

BULK_SECONDS = 30.0
"""A server that saves, or a slow link, may take its time for a window."""
NAMES_PER_COMMAND = 50
_DUMPS_BYTES = 16 << 20
_PROBES = 5


class BulkChanges:
    """A connection on which many keys are changed; to be opened by `async with`.

    The methods raise only `DflyError`s.
    """

    def __init__(self, config: InstanceConfig, password: PasswordProvider, *, database: int, clock: Clock) -> None:
        self._lane = BulkLane(config, password, timeout_seconds=BULK_SECONDS, database=database)
        self._clock = clock

    async def __aenter__(self) -> Self:
        await self._lane.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lane.__aexit__(kind, error, trace)

    async def unlink(self, names: Sequence[bytes]) -> list[tuple[Sequence[bytes], Reply]]:
        """Delete keys, some at a time.

        Returns:
            The names of each command with how many of them were there, or why none was deleted.
        """
        lots = [names[at : at + NAMES_PER_COMMAND] for at in range(0, len(names), NAMES_PER_COMMAND)]
        commands: list[Command] = [("UNLINK", *lot) for lot in lots]
        return list(zip(lots, await self.each(commands), strict=True))

    async def each(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands, once; error replies come as values.

        Raises:
            OutcomeUnknown: They were sent and not all answers came.
        """
        at = f"{self._clock.now():%H:%M:%S} UTC"
        try:
            return await self._lane.ask(*commands)
        except NO_ANSWER as error:
            what = f"{len(commands):,} commands ({command_text(tuple(commands[0][:1]))} …), sent at {at}"
            raise OutcomeUnknown(f"{what}, were not all answered: {error.detail}", "look again") from None

    async def dumps(self, names: Sequence[bytes], most_bytes: int) -> list[Dump | DflyError | None]:
        """These keys, whole; None for one that is gone, an error for one that cannot be had."""
        sizes = await self._lane.ask(*(("MEMORY", "USAGE", name) for name in names))
        found: list[Dump | DflyError | None] = []
        lot: list[bytes] = []
        weight = 0
        for name, size in zip(names, sizes, strict=True):
            number = size if isinstance(size, int) else 0
            if lot and (weight + number > _DUMPS_BYTES or number > most_bytes):
                found += await self._dumps(lot, most_bytes)
                lot, weight = [], 0
            if number > most_bytes:
                found.append(_too_large(number, most_bytes))
            else:
                lot.append(name)
                weight += number
        return found + (await self._dumps(lot, most_bytes) if lot else [])

    async def _dumps(self, names: Sequence[bytes], most_bytes: int) -> list[Dump | DflyError | None]:
        questions: list[Command] = [
            command for name in names for command in (("TYPE", name), *expiry_words(name), ("DUMP", name))
        ]
        replies = await self._lane.ask(*questions)
        return [
            self._dump(name, replies[at * _PROBES : (at + 1) * _PROBES], most_bytes) for at, name in enumerate(names)
        ]

    def _dump(self, name: bytes, replies: list[Reply], most_bytes: int) -> Dump | DflyError | None:
        kind, payload = replies[0], replies[-1]
        for reply in (kind, payload):
            if isinstance(reply, DflyError):
                return reply
        if raw(kind) == NO_KIND.encode() or not isinstance(payload, bytes):
            return None
        if len(payload) > most_bytes:
            return _too_large(len(payload), most_bytes)
        try:
            expires = expiry_of(replies[1:-1], self._clock)
        except DflyError as error:
            return error
        return Dump(name, raw(kind).decode("ascii", "backslashreplace"), expires, payload)


def _too_large(size: int, most_bytes: int) -> Refused:
    return Refused(f"it has {bytes_text(size)}, more than the {bytes_text(most_bytes)} that the trash takes")
