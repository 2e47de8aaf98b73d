"""Talks to one instance for the console: what only reads over a connection that is kept, what changes something once,
over one of its own.

The reader judges every line itself, by the server's own command table: what may change something it does not send,
whoever asks. The writer is only handed out where the guard permits (`operations/console.py`).
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import hiredis

from dfly_tui.clients.address import Address
from dfly_tui.clients.connection import Connection, Reply
from dfly_tui.clients.console_masks import masked_reply, text_words
from dfly_tui.clients.console_replies import Broken, ReplyDecoder, read_reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.redact import masked_command
from dfly_tui.clients.replies import items, raw
from dfly_tui.clients.tls import tls_context
from dfly_tui.clients.translate import broken, closed, from_reply, translate
from dfly_tui.clock import Clock
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    NotAServer,
    NotPermitted,
    NotSupported,
    OutcomeUnknown,
    Refused,
    ServerError,
    Timeout,
    TlsFailed,
    Unreachable,
)
from dfly_tui.models.console import ReplyKind, ReplyNode, shown
from dfly_tui.models.console_commands import CommandClass, CommandFacts, CommandTable, judge
from dfly_tui.models.keys import literal
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import duration_text

PATIENCE_SECONDS = 60.0
"""For an answer. Commands a person types may take long; whoever reads can give up at any time."""
MOST_CALLS = 50
"""Of SCAN, for one list of names: some 5 s at most, as a call ends by itself after some 100 ms (facts §7)."""
SCAN_COUNT = 1000

Words = Sequence[bytes]


@dataclass(frozen=True)
class Names:
    """Names of keys that SCAN found.

    Attributes:
        is_complete: Whether there are no more.
    """

    names: list[bytes]
    is_complete: bool


class _Line:
    """An open connection to one database, on which one reply at a time is read, huge ones in part."""

    def __init__(self, connection: Connection, address: Address) -> None:
        self._connection = connection
        self._address = address
        self._reader, self._writer = connection.streams(None)
        self.is_open = True

    async def exchange(self, words: Words) -> ReplyNode:
        """Send a command and read its reply. Closed afterwards unless the reply was read to its end.

        Raises:
            DflyError: The connection failed.
        """
        decoder: ReplyDecoder | None = None
        try:
            self._writer.write(_packed(words))
            decoder = await read_reply(self._reader)
        except Broken:
            raise broken(self._address, self._connection.head) from None
        except EOFError:
            raise closed(self._address, self._connection.head) from None
        except OSError as error:
            raise translate(error, self._address, self._connection.head) from error
        finally:
            if decoder is None or not decoder.is_clean:
                self.close()
        assert decoder.reply is not None
        return decoder.reply

    def timed_out(self, words: Words, seconds: float) -> Timeout:
        return self._connection.timed_out(safe(words[0], limit=40), seconds)

    def close(self) -> None:
        self.is_open = False
        self._connection.close()


class _Dialler:
    """Opens lines to one instance."""

    def __init__(self, config: InstanceConfig, password: PasswordProvider, *, timeout_seconds: float) -> None:
        self.config = config
        self.address = Address.parse(config.url)
        self.password = password
        self.timeout_seconds = timeout_seconds

    async def connect(self, database: int) -> Connection:
        """A connection, logged in; raises DflyError."""
        password = await self.password.get()
        connection = Connection(self.address, tls_context(self.config) if self.address.tls else None)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await connection.open(self.config.username, password)
                [answer] = await connection.ask(("SELECT", database)) if database else [None]
        except TimeoutError:
            raise connection.timed_out("the login", self.timeout_seconds) from None
        except AuthFailed:
            self.password.forget()
            raise
        if isinstance(answer, DflyError):
            connection.close()
            raise answer
        return connection

    async def line(self, database: int) -> _Line:
        return _Line(await self.connect(database), self.address)

    def judge_login(self, reply: ReplyNode) -> None:
        """A password that is refused from now on is asked for again."""
        if reply.kind is ReplyKind.ERROR and isinstance(from_reply(reply.text.decode("utf-8", "replace")), AuthFailed):
            self.password.forget()


class ConsoleReader:
    """Sends what only reads, over one connection that is opened when needed. Raises only `DflyError`s.

    Attributes:
        database: The one the commands are for.
        table: What the server says of its commands; of an empty one nothing only reads.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        *,
        timeout_seconds: float,
        database: int | None = None,
    ) -> None:
        self._dialler = _Dialler(config, password, timeout_seconds=timeout_seconds)
        self.database = self._dialler.address.database if database is None else database
        self.table = CommandTable(untold="the server was not asked yet")
        self._line: _Line | None = None
        self._turn = asyncio.Lock()

    async def learn(self) -> CommandTable:
        """Ask the server for its commands. One that does not tell them gets a table without any."""
        connection = await self._dialler.connect(0)
        try:
            async with asyncio.timeout(self._dialler.timeout_seconds):
                [reply] = await connection.ask(("COMMAND",))
        except TimeoutError:
            raise connection.timed_out("COMMAND", self._dialler.timeout_seconds) from None
        finally:
            connection.close()
        if isinstance(reply, NotPermitted | NotSupported | ServerError):
            self.table = CommandTable(untold=f"the server does not tell its commands ({reply.detail})")
        elif isinstance(reply, DflyError):
            raise reply
        else:
            self.table = CommandTable.of(command_facts(items(reply)))
        return self.table

    async def ask(self, words: Words) -> ReplyNode:
        """Send a line that only reads.

        Returns:
            Its reply, as far as it was read, without secrets. An error reply is one, too.

        Raises:
            Refused: It does not only read, by the server's own table.
        """
        judged = judge(words, self.table, spare=True)
        if judged.changes or judged.kind is CommandClass.REFUSED:
            raise Refused(f"{judged.name} is not a command that only reads", judged.hint)
        return masked_reply(words, await self._ask(words, PATIENCE_SECONDS + judged.wait_seconds))

    async def select(self, database: int) -> ReplyNode:
        """Use another database from now on, if the server has it."""
        reply = await self._ask((b"SELECT", b"%d" % database), self._dialler.timeout_seconds)
        if reply.kind is not ReplyKind.ERROR:
            self.database = database
        return reply

    async def names(self, pattern: bytes, *, most: int) -> Names:
        """Names of keys, by some calls of SCAN and no more; in no order, each once."""
        found: dict[bytes, None] = {}
        cursor = b"0"
        for _ in range(MOST_CALLS):
            words = (b"SCAN", cursor, b"MATCH", pattern, b"COUNT", b"%d" % SCAN_COUNT)
            reply = await self._ask(words, self._dialler.timeout_seconds)
            cursor, names, is_whole = _page(reply)
            found.update(dict.fromkeys(names))
            if cursor == b"0":
                return Names(list(found)[:most], is_whole and len(found) <= most)
            if len(found) >= most:
                break
        return Names(list(found)[:most], False)

    async def names_beginning(self, start: bytes, *, most: int) -> Names:
        """Names of keys that begin so."""
        return await self.names(literal(start) + b"*", most=most)

    async def docs(self, name: str) -> ReplyNode | None:
        """What COMMAND DOCS says of a command; None where the server has no such thing."""
        words = (b"COMMAND", b"DOCS", name.replace(" ", "|").encode())
        reply = await self._ask(words, self._dialler.timeout_seconds)
        return None if reply.kind is ReplyKind.ERROR or not reply.items else reply

    async def _ask(self, words: Words, seconds: float) -> ReplyNode:
        async with self._turn:
            reused = self._line is not None and self._line.is_open
            try:
                return await self._attempt(words, seconds)
            except Unreachable:
                if not reused:
                    raise
            # The server closed a connection that was idle, or restarted. What is sent here only reads: ask again.
            return await self._attempt(words, seconds)

    async def _attempt(self, words: Words, seconds: float) -> ReplyNode:
        if self._line is None or not self._line.is_open:
            self._line = await self._dialler.line(self.database)
        line = self._line
        try:
            async with asyncio.timeout(seconds):
                reply = await line.exchange(words)
        except TimeoutError:
            raise line.timed_out(words, seconds) from None
        self._dialler.judge_login(reply)
        return reply

    async def aclose(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None


class ConsoleWriter:
    """Sends what changes something: each line once, on a connection of its own. Raises only `DflyError`s.

    `OutcomeUnknown`: it was sent and no answer came. Any other: it was not sent.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self._dialler = _Dialler(config, password, timeout_seconds=timeout_seconds)
        self._clock = clock

    async def send(self, words: Words, *, database: int, wait_seconds: float = 0.0) -> ReplyNode:
        """Send a line once.

        Args:
            wait_seconds: How long the server may wait by itself before it answers.

        Returns:
            The reply without secrets; when it is an error the server refused.

        Raises:
            OutcomeUnknown: It was sent, and nobody knows what came of it.
        """
        line = await self._dialler.line(database)
        at = f"sent at {self._clock.now():%H:%M:%S} UTC"
        seconds = PATIENCE_SECONDS + wait_seconds
        try:
            async with asyncio.timeout(seconds):
                reply = await line.exchange(words)
        except TimeoutError:
            raise self._unknown(words, f"{at}, was not answered within {duration_text(seconds)}") from None
        except (Timeout, Unreachable, TlsFailed, NotAServer) as error:
            raise self._unknown(words, f"{at}, was not answered: {error.detail}") from None
        finally:
            line.close()
        self._dialler.judge_login(reply)
        return masked_reply(words, reply)

    def _unknown(self, words: Words, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{shown_line(words)} to {safe(str(self._dialler.address))}, {what}",
            "look at what it was to change before sending it again: it may have been carried out, or still be",
        )


def shown_line(words: Words, limit: int = 200) -> str:
    """A line for a message or a record: its secrets hidden, long words and many of them cut."""
    masked = [word.encode("utf-8", "surrogateescape") for word in masked_command(text_words(words))]
    return safe(" ".join(_shown_word(word) for word in masked), limit=limit)


_BARE = re.compile(rb"[^\x00-\x20\"'\\\x7f-\xff]+|(?:\xe2\x80\xa2)+")


def _shown_word(word: bytes) -> str:
    return word.decode() if _BARE.fullmatch(word) else shown(word)


def _packed(words: Words) -> bytes:
    packed: bytes = hiredis.pack_command(tuple(words))  # type: ignore[arg-type]
    return packed


def _page(reply: ReplyNode) -> tuple[bytes, list[bytes], bool]:
    """Cursor, names, and whether all of them were read."""
    if reply.kind is ReplyKind.ERROR:
        raise from_reply(reply.text.decode("utf-8", "replace"))
    if len(reply.items) != 2 or not reply.items[1].is_aggregate:
        raise NotAServer("SCAN was answered with something else than a cursor and names")
    cursor, names = reply.items
    return cursor.text, [name.text for name in names.items if not name.left_out], not names.is_cut


def command_facts(entries: Iterable[Reply], above: str = "") -> Iterable[CommandFacts]:
    """What COMMAND tells; subcommands (Redis 7) are called by both names."""
    for entry in entries:
        parts = list(items(entry))
        if len(parts) < 6:
            continue
        name = _upper(parts[0]).replace("|", " ")
        arity, first, last, step = (part if isinstance(part, int) else 0 for part in (parts[1], *parts[3:6]))
        yield CommandFacts(
            name=name,
            arity=arity,
            flags=frozenset(_upper(flag).lower() for flag in items(parts[2])),
            categories=frozenset(
                _upper(each).lstrip("@").lower() for each in items(parts[6] if len(parts) > 6 else ())
            ),
            first=first,
            last=last,
            step=step,
        )
        if len(parts) > 9:
            yield from command_facts(items(parts[9]), name)


def _upper(reply: Reply) -> str:
    return safe(raw(reply), limit=80).upper()
