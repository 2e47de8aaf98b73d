"""Changes one instance over the Redis protocol. A closed list of commands, each sent once on a connection of its own.

What is sent is put together by the `…_words()` functions, so that what a person was shown is what goes out.
"""

import asyncio
import re
import shlex

from dfly_tui.clients.address import Address
from dfly_tui.clients.connection import Connection, Reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.redact import MASK, masked_command
from dfly_tui.clients.tls import tls_context
from dfly_tui.clock import Clock
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    NotAServer,
    OutcomeUnknown,
    Refused,
    ServerError,
    Timeout,
    TlsFailed,
    Unreachable,
)
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import duration_text

SETTINGS = frozenset({"snapshot_cron", "dbfilename"})
"""What `set_setting()` sets."""
REPLICATE_SECONDS = 25.0
"""REPLICAOF answers when it has greeted the primary; `master_connect_timeout_ms` is 20 s (facts §2.2)."""
TAKEOVER_MARGIN_SECONDS = 15.0
"""v1.40 waits 10 s longer for its primary than the takeover may take, v1.22 for ever (facts §2.3)."""
PAUSE_SECONDS = 5.0
"""CLIENT PAUSE waits a second for commands under way (facts §2.5)."""

Words = tuple[str, ...]

_BASENAME = re.compile(r"[A-Za-z0-9_-]+")
_CANNOT_BE_INLINE = re.compile(r"[^!-~]|[\"'\\]")
"""The server sends its login to the primary as one line of text, `AUTH user password` (facts §2.2)."""


def replicate_words(host: str, port: int) -> Words:
    """Follow this primary. v1.22 erases its own data before it even dials, v1.40 when it is greeted (facts §2.2)."""
    return ("REPLICAOF", host, str(port))


def replicate_nobody_words() -> Words:
    """Stop following, keep the data, take writes: an unfenced promotion (facts §2.2)."""
    return ("REPLICAOF", "NO", "ONE")


def take_over_words(seconds: int) -> Words:
    """Become the primary in place of one's own, whose process then exits (facts §2.3). Sent to the replica."""
    return ("REPLTAKEOVER", str(seconds))


def pause_writes_words(milliseconds: int) -> Words:
    """Let clients' writes wait (facts §2.5)."""
    return ("CLIENT", "PAUSE", str(milliseconds), "WRITE")


def resume_writes_words() -> Words:
    """End a pause. v1.22 cannot (facts §2.5)."""
    return ("CLIENT", "UNPAUSE")


def primary_login_words(username: str | None, password: str | None = MASK) -> tuple[Words, Words]:
    """What it logs in to its primary with, in two commands: CONFIG SET takes one pair (facts §2.6).

    Args:
        username: None for the user `default`.
        password: Hidden unless given; None for none.

    Raises:
        Refused: The server could not send it to the primary.
    """
    for what, value in (("user name", username), ("password", None if password == MASK else password)):
        if value and _CANNOT_BE_INLINE.search(value):
            raise Refused(
                f"a {what} for replication cannot hold blanks, quotes, backslashes or letters beyond ASCII",
                "the server sends it to its primary as one line of text; choose another one there",
            )
    return ("CONFIG", "SET", "masteruser", username or ""), ("CONFIG", "SET", "masterauth", password or "")


def set_setting_words(name: str, value: str) -> Words:
    """Set one of `SETTINGS` until the next restart (facts §2.6).

    Raises:
        Refused: It is not one of these.
    """
    if name not in SETTINGS:
        raise Refused(f"the setting {safe(name, limit=60)} is not one that is changed here")
    return ("CONFIG", "SET", name, value)


def begin_save_words(basename: str, *, rdb: bool = False) -> Words:
    """Begin a snapshot in files that begin with `basename` (facts §3.1, §3.3).

    Args:
        rdb: In Redis's format rather than Dragonfly's own.

    Raises:
        Refused: The server would not take the name; a dot is an extension to it.
    """
    if not _BASENAME.fullmatch(basename):
        raise Refused(f"“{safe(basename, limit=80)}” is no name for a snapshot", "letters, digits, - and _")
    return ("BGSAVE", "RDB" if rdb else "DF", basename)


def put_canary_words(key: str, value: str, ttl_seconds: int) -> Words:
    """Write a key of our own that expires by itself, unless there is one."""
    return ("SET", key, value, "EX", str(ttl_seconds), "NX")


def delete_canary_words(key: str) -> Words:
    """Delete a key of our own."""
    return ("DEL", key)


def disconnect_client_words(address: str) -> Words:
    """Close the connection of a client, known by its `ip:port` (facts §7)."""
    return ("CLIENT", "KILL", "ADDR", address)


class DragonflyWriter:
    """Changes an instance. Every command opens a connection, is sent once, and closes it again.

    All methods raise only `DflyError`s. `OutcomeUnknown`: it was sent and no answer came. Any other: nothing was
    changed, as it was not sent or the server said no (in its own words). With one exception: v1.22 has erased its data
    when it answers REPLICAOF with an error (facts §2.2).

    Args:
        config: Its address, user and TLS files.
        password: Asked for each command.
        timeout_seconds: To connect and log in, and as long again for the answer, where it is not said otherwise.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self._config = config
        self._address = Address.parse(config.url)
        self._password = password
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def replicate(self, host: str, port: int) -> None:
        """Follow this primary; the answer means that it was greeted, not that all is copied. Waits up to 25 s."""
        await self._change(replicate_words(host, port), seconds=REPLICATE_SECONDS)

    async def replicate_nobody(self) -> None:
        """Stop following and take writes; nothing happens on a primary."""
        await self._change(replicate_nobody_words(), seconds=REPLICATE_SECONDS)

    async def take_over(self, seconds: int) -> None:
        """Become the primary in place of one's own.

        Args:
            seconds: How long the primary may take; the answer is waited for 15 s longer.
        """
        await self._change(take_over_words(seconds), seconds=seconds + TAKEOVER_MARGIN_SECONDS)

    async def pause_writes(self, milliseconds: int) -> None:
        """Let clients' writes wait for so long."""
        await self._change(pause_writes_words(milliseconds), seconds=PAUSE_SECONDS, look=("INFO", "CLIENTS"))

    async def resume_writes(self) -> None:
        """End a pause of writes.

        Raises:
            NotSupported: v1.22 cannot; the pause ends by itself.
        """
        await self._change(resume_writes_words(), look=("INFO", "CLIENTS"))

    async def set_primary_login(self, username: str | None, password: str | None) -> None:
        """What it logs in to its primary with from the next connection on, until it restarts.

        Args:
            username: None for the user `default`.
            password: None for a primary without one.

        Raises:
            Refused: The server could not send it to the primary.
        """
        for words in primary_login_words(username, password):
            await self._change(words, look=("CONFIG", "GET", "masteruser"), secret=password or "")

    async def set_setting(self, name: str, value: str) -> None:
        """Set one of `SETTINGS` until the next restart.

        Raises:
            Refused: It is not one of these.
        """
        await self._change(set_setting_words(name, value), look=("CONFIG", "GET", name))

    async def begin_save(self, basename: str, *, rdb: bool = False) -> None:
        """Begin a snapshot; how it ended is in INFO PERSISTENCE.

        Args:
            rdb: In Redis's format rather than Dragonfly's own.

        Raises:
            Refused: The server would not take the name.
        """
        await self._change(begin_save_words(basename, rdb=rdb), look=("INFO", "PERSISTENCE"))

    async def put_canary(self, key: str, value: str, ttl_seconds: int) -> None:
        """Write a key of our own that expires by itself.

        Raises:
            ServerError: There is such a key; it was left alone.
        """
        words = put_canary_words(key, value, ttl_seconds)
        if await self._send(words, look=("GET", key)) is None:
            raise ServerError(f"the key {safe(key, limit=120)} exists already", "it was left as it is")

    async def delete_canary(self, key: str) -> None:
        """Delete a key of our own, if it is there."""
        await self._send(delete_canary_words(key), look=("EXISTS", key))

    async def disconnect_client(self, address: str) -> None:
        """Close the connection of a client, `ip:port`; nothing happens if it is gone."""
        await self._send(disconnect_client_words(address), look=("CLIENT", "LIST"))

    async def _change(self, words: Words, *, seconds: float = 0.0, look: Words = ("ROLE",), secret: str = "") -> None:
        """Send what is answered by OK."""
        reply = await self._send(words, seconds=seconds, look=look, secret=secret)
        if reply not in (b"OK", "OK"):
            shown = safe(reply if isinstance(reply, bytes) else str(reply), limit=400)
            raise self._unknown(words, f"was answered with “{_hide(secret, shown)}”", look)

    async def _send(self, words: Words, *, look: Words, seconds: float = 0.0, secret: str = "") -> Reply:
        """Send a command once and read its answer.

        Args:
            seconds: The least to wait for the answer.
            look: What shows whether it was carried out.
            secret: Must not be in an error, whatever the server answers.
        """
        seconds = max(seconds, self._timeout_seconds)
        connection = await self._open()
        at = f"sent at {self._clock.now():%H:%M:%S} UTC"
        try:
            async with asyncio.timeout(seconds):
                [reply] = await connection.ask(words)
        except TimeoutError:
            raise self._unknown(words, f"{at}, was not answered within {duration_text(seconds)}", look) from None
        except (Timeout, Unreachable, TlsFailed, NotAServer) as error:
            raise self._unknown(words, f"{at}, was not answered: {_hide(secret, error.detail)}", look) from None
        finally:
            connection.close()
        if isinstance(reply, AuthFailed):
            self._password.forget()
        if isinstance(reply, DflyError):
            raise type(reply)(_hide(secret, reply.detail), reply.hint)
        return reply

    async def _open(self) -> Connection:
        password = await self._password.get()
        connection = Connection(self._address, tls_context(self._config) if self._address.tls else None)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await connection.open(self._config.username, password)
        except TimeoutError:
            raise connection.timed_out("the login", self._timeout_seconds) from None
        except AuthFailed:
            self._password.forget()
            raise
        return connection

    def _unknown(self, words: Words, what: str, look: Words) -> OutcomeUnknown:
        shown = safe(shlex.join(masked_command(words)), limit=200)
        host, port = safe(self._address.host), self._address.port
        return OutcomeUnknown(
            f"{shown} to {safe(str(self._address))}, {what}",
            f"look again before doing anything: redis-cli -h {host} -p {port} {safe(shlex.join(look), limit=200)}",
        )


def _hide(secret: str, text: str) -> str:
    """A server's words, without the secret that was sent to it."""
    return text.replace(secret, MASK) if secret else text
