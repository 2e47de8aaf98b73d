"""Reads one instance over the Redis protocol. A closed list of harmless commands; there is no generic execute."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from dfly_tui.clients.address import Address
from dfly_tui.clients.connection import CLIENT_NAME, Command, Connection, Reply
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.redact import masked_command, masked_settings
from dfly_tui.clients.stream import MAX_POLL_BYTES, MAX_REPLY_BYTES
from dfly_tui.clients.tls import tls_context
from dfly_tui.clock import Clock
from dfly_tui.errors import AuthFailed, DflyError, NotAServer, Unreachable
from dfly_tui.models.clients import ClientConnection
from dfly_tui.models.info import Info, whole
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.replication import RoleReply
from dfly_tui.models.slowlog import SlowlogEntry
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe

_VERSIONS = ("dragonfly_version", "redis_version", "valkey_version")


class DragonflyReader:
    """Reads an instance over one connection, opened by the first call and again after a failure.

    Every method takes at most `timeout_seconds` (the wait for another call on the same connection, and for the
    password, not counted) and raises only `DflyError`s.

    Args:
        config: Its address, user and TLS files.
        password: Asked whenever a connection is opened.
        clock: For the times in what is returned.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self._config = config
        self._address = Address.parse(config.url)
        self._password = password
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._name = CLIENT_NAME
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def snapshot(self) -> InstanceSnapshot:
        """One look: INFO ALL and ROLE in one round trip. A user that may not call ROLE gets `role_reply=None`."""
        (reply, role), seconds = await self._ask(("INFO", "ALL"), ("ROLE",), limit=MAX_POLL_BYTES)
        if isinstance(reply, DflyError):
            raise reply
        text = _text(reply) if isinstance(reply, bytes | str) else ""
        info = Info.parse(text.removeprefix("txt:"))  # RESP3's mark of verbatim text; old parsers leave it
        if not any(info.has(key) for key in _VERSIONS):
            self._hang_up()
            what = f"something that names no version: “{safe(text, limit=60)}”" if text else "nothing"
            raise NotAServer(
                f"{safe(str(self._address))} answered INFO with {what}",
                "ask it by hand: redis-cli INFO; a proxy may stand in between",
            )
        return InstanceSnapshot.from_info(
            info,
            taken_at=self._clock.now(),
            latency_seconds=seconds,
            role_reply=None if isinstance(role, DflyError) else RoleReply.from_reply(role),
        )

    async def role(self) -> RoleReply:
        """Who it is, by ROLE alone: cheap, and answered while loading."""
        return RoleReply.from_reply(await self._one("ROLE"))

    async def config(self) -> Mapping[str, str]:
        """`CONFIG GET *` in the server's order, secrets masked."""
        return masked_settings(_text_pairs(await self._one("CONFIG", "GET", "*")))

    async def slowlog(self, count: int = 128) -> tuple[SlowlogEntry, ...]:
        """The newest slow commands, at most `count` (Dragonfly gives all when none is asked for)."""
        entries = await self._one("SLOWLOG", "GET", count)
        return tuple(_slowlog_entry(entry) for entry in _items(entries) if len(_items(entry)) >= 4)

    async def client_list(self) -> tuple[ClientConnection, ...]:
        """All connections, in the server's order."""
        lines = _text(await self._one("CLIENT", "LIST")).splitlines()
        return tuple(_client(line) for line in lines if line.strip())

    async def command_names(self) -> frozenset[str]:
        """Every command the server has, in upper case."""
        entries = _items(await self._one("COMMAND"))
        return frozenset(_text(_items(entry)[0]).upper() for entry in entries if _items(entry))

    async def database_size(self) -> int | None:
        """Keys in database 0."""
        size = await self._one("DBSIZE")
        return size if isinstance(size, int) else None

    async def last_save(self) -> datetime | None:
        """When the last successful save began. Before the first one Dragonfly gives its own start (facts §3.1)."""
        seconds = _whole(await self._one("LASTSAVE"))
        return _time(seconds) if seconds > 0 else None

    async def journal_offsets(self) -> tuple[int, ...]:
        """How many records a primary has written to its journal, per shard (facts §1.10).

        Equal to a replica's `executed_offsets()`, shard by shard: it has everything.
        """
        return self._counts(await self._one("DFLY", "REPLICAOFFSET"), "DFLY REPLICAOFFSET")

    async def executed_offsets(self) -> tuple[int, ...]:
        """How many records of its primary's journal a replica has carried out, per shard (facts §1.10).

        Raises:
            ServerError: It is a primary.
        """
        reply = _items(await self._one("DEBUG", "REPLICA", "OFFSET"))
        return self._counts(reply[1] if len(reply) == 2 else None, "DEBUG REPLICA OFFSET")

    async def server_time(self) -> datetime:
        """The server's clock."""
        reply = _items(await self._one("TIME"))
        numbers = [whole(_text(item)) for item in reply]  # Redis gives them as text
        if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
            raise self._unfit("TIME", "seconds and microseconds")
        return _time(numbers[0]) + timedelta(microseconds=min(max(numbers[1], 0), 999_999))

    async def text_of(self, key: str) -> str | None:
        """A string's value, made displayable; None when there is no such key."""
        reply = await self._one("GET", key)
        return None if reply is None else safe(_text(reply))

    async def present_as(self, name: str) -> None:
        """Be called `name` in CLIENT LIST from now on, by a new connection, too.

        Raises:
            ServerError: It holds blanks or the like.
        """
        await self._one("CLIENT", "SETNAME", name)
        self._name = name

    @property
    def resp3(self) -> bool:
        """Whether the server agreed to RESP3; False while there is no connection."""
        return self._connection is not None and self._connection.resp3

    async def aclose(self) -> None:
        """Close the connection, after the call that is using it; a later call opens it again."""
        async with self._turn:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _counts(self, reply: Reply, command: str) -> tuple[int, ...]:
        """One number for each shard. None at all would equal none at all, so that is an error."""
        items = _items(reply)
        counts = tuple(item for item in items if isinstance(item, int))
        if not counts or len(counts) != len(items):
            raise self._unfit(command, "a number for each shard")
        return counts

    def _unfit(self, command: str, wanted: str) -> NotAServer:
        return NotAServer(f"{safe(str(self._address))} answered {command} with something else than {wanted}")

    async def _one(self, *command: bytes | str | int) -> Reply:
        (reply,), _ = await self._ask(command)
        if isinstance(reply, DflyError):
            raise reply
        return reply

    async def _ask(self, *commands: Command, limit: int = MAX_REPLY_BYTES) -> tuple[list[Reply], float]:
        """The replies, and the seconds the round trip took."""
        async with self._turn:
            reused = self._connection is not None
            try:
                return await self._attempt(commands, limit)
            except Unreachable:
                if not reused:
                    raise
            # The server closed a connection that was idle, or restarted. What is sent here only reads: ask again.
            return await self._attempt(commands, limit)

    async def _attempt(self, commands: Sequence[Command], limit: int) -> tuple[list[Reply], float]:
        connection, self._connection = self._connection, None
        password = await self._password.get() if connection is None else None
        context = tls_context(self._config) if connection is None and self._address.tls else None
        opened = connection or Connection(self._address, context, self._name)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                if connection is None:
                    await opened.open(self._config.username, password)
                started = self._clock.monotonic()
                replies = await opened.ask(*commands, limit=limit)
            if isinstance(replies[0], AuthFailed):
                opened.close()
                raise replies[0]
        except TimeoutError:
            asked = " and ".join(str(command[0]) for command in commands)
            raise opened.timed_out(asked, self._timeout_seconds) from None
        except AuthFailed:
            self._password.forget()
            raise
        self._connection = opened
        return replies, self._clock.monotonic() - started


def _text(reply: Reply) -> str:
    if isinstance(reply, bytes):
        return reply.decode("utf-8", "backslashreplace")
    return reply if isinstance(reply, str) else "" if reply is None else str(reply)


def _items(reply: Reply) -> Sequence[Reply]:
    return reply if isinstance(reply, list | tuple) else ()


def _text_pairs(reply: Reply) -> dict[str, str]:
    """A map of RESP3, or the flat list of RESP2."""
    if isinstance(reply, Mapping):
        return {safe(_text(key)): safe(_text(value)) for key, value in reply.items()}
    words = [safe(_text(item)) for item in _items(reply)]
    return dict(zip(words[::2], words[1::2], strict=False))


def _slowlog_entry(reply: Reply) -> SlowlogEntry:
    number, at, microseconds, words, *who = _items(reply)
    command = masked_command([_text(word) for word in _items(words)])
    return SlowlogEntry(
        id=_whole(number),
        at=_time(_whole(at)),
        duration_seconds=_whole(microseconds) / 1e6,
        command=tuple(safe(word) for word in command),
        client=safe(_text(who[0])) if who else "",
        client_name=safe(_text(who[1])) if len(who) > 1 else "",
    )


def _whole(reply: Reply) -> int:
    return reply if isinstance(reply, int) else 0


def _time(seconds: int) -> datetime:
    """A Unix time; an absurd one is cut to what a datetime can hold."""
    return datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC)


def _client(line: str) -> ClientConnection:
    pairs = [(key, safe(value)) for key, _, value in (word.partition("=") for word in line.split(" ")) if key]
    fields = dict(pairs)
    return ClientConnection(
        id=whole(fields.get("id")),
        address=fields.get("addr", ""),
        name=fields.get("name", ""),
        age_seconds=whole(fields.get("age")),
        idle_seconds=whole(fields.get("idle")),
        database=whole(fields.get("db")),
        fields=tuple((safe(key), value) for key, value in pairs),
    )
