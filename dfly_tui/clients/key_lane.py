"""A connection that keys are read over in bulk: opened when needed, and again after an answer that was too large."""

from dfly_tui.clients.bulk import MAX_WINDOW_BYTES, BulkLane
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stream import TooMuch
from dfly_tui.clients.value_lane import TooLarge
from dfly_tui.errors import AuthFailed, DflyError, Loading
from dfly_tui.settings import InstanceConfig

FATAL = (AuthFailed, Loading)
"""Error replies that are about the server and not about a key."""


class ReadLane:
    """Asks one database. Whoever has it sends nothing that changes a key.

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

    async def send(self, *commands: Command) -> None:
        """Send commands, whose replies `receive()` takes; raises `DflyError`."""
        if self._lane is None:
            lane = BulkLane(
                self._config, self._password, timeout_seconds=self._timeout_seconds, database=self._database
            )
            self._lane = await lane.__aenter__()
        self._lane.send(*commands)

    async def receive(self, count: int, *, limit: int = MAX_WINDOW_BYTES) -> list[Reply]:
        """The next replies. One that says that the server is loading, or does not know us any more, is raised.

        Raises:
            TooLarge: They have more than `limit` bytes; replies to what was sent besides are lost.
            DflyError: The connection failed.
        """
        assert self._lane is not None, "nothing was sent"
        try:
            replies = await self._lane.receive(count, limit=limit)
        except DflyError as error:
            self._lane = None
            if isinstance(error.__cause__, TooMuch):
                raise TooLarge(f"the answer has more than {limit >> 20} MiB") from error
            raise
        for reply in replies:
            if isinstance(reply, FATAL):
                raise reply
        return replies

    async def ask(self, *commands: Command, limit: int = MAX_WINDOW_BYTES) -> list[Reply]:
        """Send commands and read their replies; raises as `receive()` does."""
        if not commands:
            return []
        await self.send(*commands)
        return await self.receive(len(commands), limit=limit)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._lane is not None:
            await self._lane.__aexit__(None, None, None)
            self._lane = None
