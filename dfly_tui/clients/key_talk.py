"""A conversation about keys: a connection of its own to one database, for a few questions and perhaps one change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from dfly_tui.clients.address import Address
from dfly_tui.clients.connection import Command, Connection, Reply
from dfly_tui.clients.key_edit import Edit, Seen
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.replies import items, raw
from dfly_tui.clients.tls import tls_context
from dfly_tui.clock import Clock
from dfly_tui.errors import AuthFailed, DflyError, NotAServer, Timeout, TlsFailed, Unreachable
from dfly_tui.models.keys import GONE, NO_KIND, NO_TTL
from dfly_tui.settings import InstanceConfig

MOST_BYTES = 64 << 20
"""Of the answers to what is asked together."""
NO_ANSWER = (Timeout, Unreachable, TlsFailed, NotAServer)
"""After these a change that was sent may have been made all the same."""


@dataclass(frozen=True)
class Dump:
    """A key, whole and exact, as RESTORE takes it.

    Attributes:
        expires_at_ms: Unix time; None when it does not expire.
    """

    name: bytes
    kind: str
    expires_at_ms: int | None
    payload: bytes


class Talk:
    """Asks on an open connection. Raises `DflyError`s; after one the connection is closed."""

    def __init__(self, connection: Connection, timeout_seconds: float) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds

    async def ask(self, *commands: Command, limit: int = MOST_BYTES) -> list[Reply]:
        """Send commands together, once; error replies come as values."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._connection.ask(*commands, limit=limit)
        except TimeoutError:
            raise self._connection.timed_out(str(commands[0][0]), self._timeout_seconds) from None


@asynccontextmanager
async def talking(
    config: InstanceConfig, password: PasswordProvider, *, database: int, timeout_seconds: float
) -> AsyncIterator[Talk]:
    """Open a connection, log in and choose the database; raises `DflyError`."""
    address = Address.parse(config.url)
    connection = Connection(address, tls_context(config) if address.tls else None)
    try:
        async with asyncio.timeout(timeout_seconds):
            await connection.open(config.username, await password.get())
            chosen = await connection.ask(("SELECT", database)) if database else []
    except TimeoutError:
        connection.close()
        raise connection.timed_out("the login", timeout_seconds) from None
    except AuthFailed:
        password.forget()
        raise
    try:
        for refused in chosen:
            if isinstance(refused, DflyError):
                raise refused
        yield Talk(connection, timeout_seconds)
    finally:
        connection.close()


def expiry_words(name: bytes) -> tuple[Command, ...]:
    """Questions that tell when a key expires. Redis has the first since 7.0."""
    return ("PEXPIRETIME", name), ("PTTL", name), ("TIME",)


def expiry_of(replies: list[Reply], clock: Clock) -> int | None:
    """When a key expires, by the answers to `expiry_words()`; None when it does not, or is gone.

    Raises:
        DflyError: The user may not know.
    """
    at, left, time = replies
    if isinstance(at, int):
        return at if at >= 0 else None
    if isinstance(left, DflyError):
        raise left
    if not isinstance(left, int) or left in {NO_TTL, GONE}:
        return None
    now = items(time)
    if len(now) == 2:
        return int(raw(now[0])) * 1000 + int(raw(now[1])) // 1000 + left
    return int(clock.now().timestamp() * 1000) + left


async def look(talk: Talk, edit: Edit, clock: Clock) -> Seen:
    """The key as it is, as far as the change is concerned.

    Raises:
        DflyError: What would be replaced cannot be read.
    """
    asked = (*expiry_words(edit.name), *edit.reads, *edit.asks)
    kind, *replies = await talk.ask(("TYPE", edit.name), *asked)
    if isinstance(kind, DflyError):
        raise kind
    found = raw(kind).decode("ascii", "backslashreplace")
    expires = expiry_of(replies[:3], clock)
    parts = tuple(replies[3 : 3 + len(edit.reads)])
    if found == NO_KIND or not edit.fits(found):
        return Seen(found, expires)  # what is read of another type are errors
    for part in parts:
        if isinstance(part, DflyError):
            raise part
    return Seen(found, expires, parts, tuple(replies[3 + len(parts) :]))
