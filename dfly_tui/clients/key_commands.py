"""The commands that write a key again, from the parts it was read in."""

from collections.abc import Iterator

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Command
from dfly_tui.errors import NotSupported, Refused
from dfly_tui.models.instance import Flavour
from dfly_tui.models.key_parts import MOST_WHOLE_BYTES, Item, Part, Tail
from dfly_tui.models.keys import HASH, JSON, SET, STREAM, STRING, ZSET
from dfly_tui.units import bytes_text

MOST_TTL_MS = ((1 << 28) - 1) * 1000
"""Of a Dragonfly: SET cuts what is later, PEXPIREAT refuses it (generic_family.cc, `kMaxExpireDeadlineSec`)."""


def set_command(part: Part, *, overwrite: bool = False) -> Command:
    """Write a string that is whole, in one command: unless there is a key of that name, or instead of it."""
    assert isinstance(part.value, bytes)
    expiry = () if part.expires_at_ms is None else ("PXAT", part.expires_at_ms)
    return ("SET", part.name, part.value, *expiry, *(() if overwrite else ("NX",)))


class Rewriter:
    """Writes one key under another name, part by part.

    Args:
        server: What the target can do.
        into: The name it is written under. Nothing may be there.
        now_ms: The target's time.
    """

    def __init__(self, server: Capabilities, into: bytes, now_ms: int) -> None:
        self._server = server
        self._into = into
        self._now_ms = now_ms
        self._pieces: list[bytes] = []
        self._groups: list[bytes] = []
        self._deleted: list[bytes] = []

    def commands(self, part: Part) -> list[Command]:
        """What writes this part; with the last one the key is whole, and expires when it should.

        Raises:
            NotSupported: The target cannot keep it as it is.
            Refused: It is larger than a server takes.
        """
        found = list(self._content(part))
        if part.is_last and part.expires_at_ms is not None:
            require_expiry(self._server, part.expires_at_ms, self._now_ms)
            found.append(("PEXPIREAT", self._into, part.expires_at_ms))
        return found

    def _content(self, part: Part) -> Iterator[Command]:
        value, into = part.value, self._into
        if isinstance(value, bytes):
            yield from self._bytes(part, value)
        elif part.kind == STREAM:
            yield from self._stream(part, value)
        elif part.kind == HASH:
            yield from self._with_expiries(part, value, "HSET", "HSETEX")
        elif part.kind == SET:
            yield from self._with_expiries(part, value, "SADD", "SADDEX")
        elif part.kind == ZSET and value:
            yield ("ZADD", into, *(word for item in value for word in reversed(_words(item))))
        elif value:
            yield ("RPUSH", into, *(word for item in value for word in _words(item)))

    def _bytes(self, part: Part, value: bytes) -> Iterator[Command]:
        if part.kind == STRING and not part.is_dump:
            yield ("SET" if part.number == 0 else "APPEND", self._into, value)
            return
        self._pieces.append(value)
        if sum(map(len, self._pieces)) > MOST_WHOLE_BYTES:
            raise Refused(f"it has more than the {bytes_text(MOST_WHOLE_BYTES)} that a server takes at once")
        if part.is_last:
            whole = b"".join(self._pieces)
            self._pieces.clear()
            if part.kind == JSON and not part.is_dump:
                yield ("JSON.SET", self._into, "$", whole)
            else:
                yield ("RESTORE", self._into, 0, whole)

    def _with_expiries(self, part: Part, value: list[Item], plain: str, expiring: str) -> Iterator[Command]:
        """Elements that expire by themselves come in commands of their own, some together."""
        words = 2 if part.kind == HASH else 1
        kept: list[bytes | int] = []
        by_expiry: dict[int, list[bytes | int]] = {}
        for item in value:
            each = _words(item)
            at = each[words] if len(each) > words else None
            if isinstance(at, int):
                by_expiry.setdefault(at, []).extend(each[:words])
            else:
                kept += each
        if kept:
            yield (plain, self._into, *kept)
        for at, elements in by_expiry.items():
            if at > self._now_ms:
                yield from self._expiring(part.kind, expiring, at, elements)

    def _expiring(self, kind: str, command: str, at: int, elements: list[bytes | int]) -> Iterator[Command]:
        if self._server.flavour is Flavour.DRAGONFLY:
            yield (command, self._into, max(1, round((at - self._now_ms) / 1000)), *elements)
        elif kind == HASH and self._server.can("HPEXPIREAT"):
            yield ("HSET", self._into, *elements)
            yield ("HPEXPIREAT", self._into, at, "FIELDS", len(elements) // 2, *elements[::2])
        else:
            raise NotSupported("it has elements that expire by themselves, which this server does not know")

    def _stream(self, part: Part, value: list[Item]) -> Iterator[Command]:
        for item in value:
            entry, *fields = _words(item)
            if not fields and isinstance(entry, bytes):
                self._deleted.append(entry)
                fields = [b"", b""]
            yield ("XADD", self._into, entry, *fields)
        if part.tail is not None:
            yield from self._tail(part, part.tail)

    def _tail(self, part: Part, tail: Tail) -> Iterator[Command]:
        into, is_redis = self._into, self._server.flavour is not Flavour.DRAGONFLY and self._server.version >= (7,)
        if part.number == 0 and not part.value and not tail.groups:
            yield ("XGROUP", "CREATE", into, "none", "0", "MKSTREAM")
            yield ("XGROUP", "DESTROY", into, "none")
        for group in tail.groups:
            self._groups.append(group.name)
            read = ("ENTRIESREAD", group.entries_read) if is_redis and group.entries_read is not None else ()
            yield ("XGROUP", "CREATE", into, group.name, group.last_delivered_id, "MKSTREAM", *read)
            yield from (("XGROUP", "CREATECONSUMER", into, group.name, each) for each in group.consumers)
        for each in tail.pending:
            if each.group >= len(self._groups):
                raise Refused("it has pending entries of a group it does not have")
            name = self._groups[each.group]
            how = ("TIME", each.delivered_at_ms, "RETRYCOUNT", each.deliveries, "FORCE", "JUSTID")
            yield ("XCLAIM", into, name, each.consumer, 0, each.id, *how)
        if tail.last_id:
            # An entry that is pending although it was deleted had to be there to be claimed.
            yield from (("XDEL", into, each) for each in self._deleted)
            more: Command = ()
            if is_redis and tail.entries_added is not None:
                more = ("ENTRIESADDED", tail.entries_added, "MAXDELETEDID", tail.max_deleted_id or "0-0")
            yield ("XSETID", into, tail.last_id, *more)


def require_expiry(server: Capabilities, expires_at_ms: int, now_ms: int) -> None:
    """Pass, or raise `NotSupported` when a Dragonfly would not keep an expiry that late."""
    if server.flavour is Flavour.DRAGONFLY and expires_at_ms - now_ms > MOST_TTL_MS:
        raise NotSupported("it expires in more than 8.5 years, which Dragonfly does not know")


def _words(item: Item) -> tuple[bytes | int, ...]:
    return item if isinstance(item, tuple) else (item,)
