"""Asks about one key. A closed list of commands that only read; there is no generic execute."""

import asyncio

from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stream import TooMuch
from dfly_tui.errors import DflyError, Refused, ServerError, Unreachable
from dfly_tui.settings import InstanceConfig

MOST_BYTES = 8 << 20
"""Of the replies to what is asked together. More is never taken, whatever the server sends."""
READS = frozenset(
    {
        "TYPE", "PTTL", "MEMORY USAGE", "OBJECT ENCODING", "DEBUG OBJECT",
        "STRLEN", "GETRANGE", "BITCOUNT", "PFCOUNT",
        "HLEN", "HSCAN", "HSTRLEN", "LLEN", "LRANGE", "SCARD", "SSCAN", "ZCARD", "ZSCAN", "ZRANGE", "GEOPOS",
        "XLEN", "XRANGE", "XINFO STREAM", "XINFO GROUPS", "XINFO CONSUMERS", "XPENDING",
        "JSON.TYPE", "JSON.GET", "JSON.OBJLEN", "JSON.OBJKEYS", "JSON.ARRLEN", "JSON.STRLEN", "JSON.DEBUG MEMORY",
        "BF.INFO", "CF.INFO", "CMS.INFO", "TOPK.INFO", "TOPK.LIST", "TDIGEST.INFO", "TS.INFO", "VINFO",
    }
)  # fmt: skip
"""All that is ever sent."""


class TooLarge(ServerError):
    """The answer is larger than is taken at once."""

    code, title = "too-large", "Too large"


class ValueLane:
    """A connection of its own to one database, opened by the first question and again after a failure.

    Args:
        timeout_seconds: For opening, and for each answer.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, database: int, timeout_seconds: float
    ) -> None:
        self._config = config
        self._password = password
        self._database = database
        self._timeout_seconds = timeout_seconds
        self._lane: BulkLane | None = None
        self._turn = asyncio.Lock()

    async def ask(self, *commands: Command, limit: int = MOST_BYTES) -> list[Reply]:
        """Send commands together; error replies come as values.

        Args:
            limit: The most bytes of all replies.

        Raises:
            Refused: One does not only read; nothing was sent.
            TooLarge: The replies were larger.
            DflyError: The connection failed.
        """
        for command in commands:
            _insist_it_reads(command)
        async with self._turn:
            reused = self._lane is not None
            try:
                return await self._attempt(commands, limit)
            except Unreachable:
                if not reused:
                    raise
            # The server closed a connection that was idle, or restarted. What is sent here only reads: ask again.
            return await self._attempt(commands, limit)

    async def one(self, *command: bytes | str | int, limit: int = MOST_BYTES) -> Reply:
        """One command; an error reply is raised."""
        [reply] = await self.ask(command, limit=limit)
        if isinstance(reply, DflyError):
            raise reply
        return reply

    async def aclose(self) -> None:
        """Close the connection, after the question that is using it; a later one opens it again."""
        async with self._turn:
            if self._lane is not None:
                await self._lane.__aexit__(None, None, None)
                self._lane = None

    async def _attempt(self, commands: tuple[Command, ...], limit: int) -> list[Reply]:
        lane, self._lane = self._lane, None
        if lane is None:
            lane = BulkLane(
                self._config, self._password, timeout_seconds=self._timeout_seconds, database=self._database
            )
            await lane.__aenter__()
        try:
            replies = await lane.ask(*commands, limit=limit)
        except DflyError as error:
            if isinstance(error.__cause__, TooMuch):
                raise TooLarge(f"the server {error.__cause__}") from error
            raise
        self._lane = lane
        return replies


def _insist_it_reads(command: Command) -> None:
    words = [word.upper() if isinstance(word, str) else "" for word in command[:2]]
    if words[0] not in READS and " ".join(words) not in READS:
        raise Refused(f"{words[0] or 'it'} is not one of the commands that a value is looked at with")
