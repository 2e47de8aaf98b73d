"""Changes the keys of one instance. Each change is one transaction, sent once, of what was seen and nothing else.

WATCH guards the key while it is looked at once more and kept in the trash; when anybody writes to it meanwhile, or did
since the person looked, nothing is written. Both versions of Dragonfly and Redis do it alike (facts §7).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol

from dfly_tui.clients.address import Address
from dfly_tui.clients.connection import Command
from dfly_tui.clients.key_bulk import BulkChanges
from dfly_tui.clients.key_edit import Edit, Seen, Words, command_text
from dfly_tui.clients.key_talk import NO_ANSWER, Dump, Talk, look, talking
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.replies import items, raw
from dfly_tui.clock import Clock
from dfly_tui.errors import (
    DflyError,
    NotPermitted,
    NotSupported,
    OutcomeUnknown,
    Refused,
    ServerError,
)
from dfly_tui.models.keys import NO_KIND, kind_name
from dfly_tui.settings import InstanceConfig
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

__all__ = ["NO_ANSWER", "Changed", "Keeper", "KeyLooker", "KeyWriter"]

KINDS_AT_ONCE = 500


class Changed(DflyError):
    """Somebody else changed what would have been replaced; nothing was written.

    Attributes:
        was: As the person saw it.
        now: As it is.
    """

    code: ClassVar[str] = "changed"
    title: ClassVar[str] = "It changed under you"

    def __init__(self, edit: Edit, was: Seen, now: Seen) -> None:
        super().__init__(f"{safe(edit.name, limit=80)}: {_difference(edit, was, now)}", "nothing was written")
        self.was = was
        self.now = now


def _difference(edit: Edit, was: Seen, now: Seen) -> str:
    if not now.exists:
        return "it is gone"
    if was.kind != now.kind:
        return f"it was {_kind_words(was.kind)} and is {_kind_words(now.kind)}"
    if was.parts != now.parts:
        return "what would be replaced is not what was shown"
    return "it expires at another time than was shown" if edit.is_about_ttl else "it was written to at this moment"


def _kind_words(kind: str) -> str:
    return "not there" if kind == NO_KIND else f"of type {safe(kind_name(kind), limit=40)}"


class Keeper(Protocol):
    """Where a key is kept before it is changed.

    Attributes:
        most_bytes: What is larger is not kept.
    """

    @property
    def most_bytes(self) -> int: ...

    async def keep(self, dumps: Sequence[Dump]) -> None:
        """Keep keys, safe from a loss of power; raises OSError."""


class KeyLooker:
    """Looks at keys for those who mean to change them. It sends nothing that changes them."""

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self._config = config
        self._password = password
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def look(self, database: int, edit: Edit) -> Seen:
        """The key as it is, as far as the change is concerned.

        Raises:
            DflyError: It cannot be read.
        """
        async with self._talk(database) as talk:
            return await look(talk, edit, self._clock)

    async def kind(self, database: int, name: bytes) -> str:
        """What TYPE says of a key."""
        [kind] = await self.kinds(database, [name])
        return kind

    async def kinds(self, database: int, names: Sequence[bytes]) -> list[str]:
        """What TYPE says of many keys."""
        found: list[str] = []
        async with self._talk(database) as talk:
            for at in range(0, len(names), KINDS_AT_ONCE):
                for reply in await talk.ask(*(("TYPE", name) for name in names[at : at + KINDS_AT_ONCE])):
                    if isinstance(reply, DflyError):
                        raise reply
                    found.append(raw(reply).decode("ascii", "backslashreplace"))
        return found

    async def why_not_kept(self, database: int, name: bytes, most_bytes: int) -> str:
        """Why a key cannot be kept in the trash, in a few words; empty when it can. A small one is tried."""
        async with self._talk(database) as talk:
            try:
                await _dump(talk, Edit("", name, frozenset(), lambda seen: ()), Seen(""), most_bytes)
            except (Refused, NotPermitted, NotSupported, ServerError) as error:
                return error.detail
        return ""

    def _talk(self, database: int) -> AbstractAsyncContextManager[Talk]:
        return talking(self._config, self._password, database=database, timeout_seconds=self._timeout_seconds)


class KeyWriter:
    """Changes keys. Every change is sent once, on a connection of its own.

    All methods raise only `DflyError`s. `OutcomeUnknown`: it was sent and no answer came. Any other: nothing was
    changed.

    Args:
        password: Asked for each change.
        timeout_seconds: To connect and log in, and as long again for each answer.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self._config = config
        self._address = Address.parse(config.url)
        self._password = password
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def apply(self, database: int, edit: Edit, seen: Seen, keeper: Keeper | None = None) -> Dump | None:
        """Make a change of a key that is still as it was seen.

        Args:
            seen: What the person saw.
            keeper: Where the key is kept first; None to keep nothing.

        Returns:
            What was kept.

        Raises:
            Changed: Somebody else changed what would have been replaced.
            Refused: It would not be what was meant: the other name is taken, the key cannot be kept.
        """
        watched = (edit.name,) if edit.other is None else (edit.name, edit.other)
        async with talking(
            self._config, self._password, database=database, timeout_seconds=self._timeout_seconds
        ) as talk:
            [reply] = await talk.ask(("WATCH", *watched))
            if isinstance(reply, DflyError):
                raise reply
            now = await look(talk, edit, self._clock)
            if not edit.same(seen, now):
                raise Changed(edit, seen, now)
            await self._insist_it_fits(talk, edit, now)
            kept = None
            if keeper is not None and now.exists:
                kept = await _dump(talk, edit, now, keeper.most_bytes)
                await _keep(keeper, kept)
            await self._commit(talk, database, edit, now)
        return kept

    async def _insist_it_fits(self, talk: Talk, edit: Edit, now: Seen) -> None:
        if not edit.fits(now.kind):
            wanted = " or ".join(_kind_words(kind) for kind in sorted(edit.kinds)) or "there"
            raise Refused(f"{safe(edit.name, limit=80)} is {_kind_words(now.kind)}, not {wanted}")
        if edit.other is not None and await _kind(talk, edit.other) != NO_KIND:
            raise Refused(f"there is a key {safe(edit.other, limit=80)} already", "choose another name, or delete it")

    async def _commit(self, talk: Talk, database: int, edit: Edit, now: Seen) -> None:
        """Send the change: all of it or nothing is carried out."""
        writes = edit.writes(now)
        transaction: list[Command] = [("MULTI",), *writes, ("EXEC",)]
        at = f"sent at {self._clock.now():%H:%M:%S} UTC"
        try:
            begun, *queued, executed = await talk.ask(*transaction)
        except NO_ANSWER as error:
            raise self._unknown(database, edit, writes, f"{at}, was not answered: {error.detail}") from None
        for refused in (begun, *queued, executed):
            if isinstance(refused, DflyError):
                raise refused
        if executed is None:
            raise Changed(edit, now, now)
        for reply in items(executed):
            if isinstance(reply, DflyError):
                raise reply

    def _unknown(self, database: int, edit: Edit, writes: tuple[Words, ...], what: str) -> OutcomeUnknown:
        sent = " ; ".join(map(command_text, writes))
        host, port = safe(self._address.host), self._address.port
        where = f"redis-cli -h {host} -p {port} -n {database}"
        return OutcomeUnknown(
            f"{sent} to {safe(str(self._address))}, {what}",
            f"look again before doing anything: {where} {command_text(edit.look)}",
        )

    def bulk(self, database: int) -> BulkChanges:
        """What changes very many keys; to be opened by `async with`."""
        return BulkChanges(self._config, self._password, database=database, clock=self._clock)


async def _kind(talk: Talk, name: bytes) -> str:
    [reply] = await talk.ask(("TYPE", name))
    if isinstance(reply, DflyError):
        raise reply
    return raw(reply).decode("ascii", "backslashreplace")


async def _keep(keeper: Keeper, kept: Dump) -> None:
    try:
        await keeper.keep([kept])
    except OSError as error:
        why = safe(error.strerror or str(error))
        raise Refused(f"the key could not be kept in the trash: {why}", "nothing was changed") from None


async def _dump(talk: Talk, edit: Edit, now: Seen, most_bytes: int) -> Dump:
    """The whole key, unless it is too large. A server that dumps a huge key answers nobody else meanwhile."""
    [size] = await talk.ask(("MEMORY", "USAGE", edit.name))
    too_large = f"larger than the {bytes_text(most_bytes)} that the trash takes of one key"
    if isinstance(size, int) and size > most_bytes:
        raise Refused(f"it takes {bytes_text(size)}, {too_large}")
    [payload] = await talk.ask(("DUMP", edit.name))
    if isinstance(payload, DflyError):
        raise payload
    if not isinstance(payload, bytes):
        raise Refused("the server has no DUMP of it")
    if len(payload) > most_bytes:
        raise Refused(f"its DUMP has {bytes_text(len(payload))}, {too_large}")
    return Dump(edit.name, now.kind, now.expires_at_ms, payload)
