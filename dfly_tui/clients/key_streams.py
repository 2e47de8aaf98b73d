"""What a stream has: entries, groups, consumers, and what was delivered and not acknowledged."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_expiry import TIME, server_ms
from dfly_tui.clients.replies import items, number, pairs, raw
from dfly_tui.models.key_parts import Group, Item, Pending, Tail

PAGE = 500
_MOST_SEQUENCE = (1 << 64) - 1


class StreamReader:
    """Reads what belongs to one stream.

    Args:
        ask: Sends commands and gives their replies; none is an error.

    Attributes:
        first: Where its entries begin.
        next: Where those that were not seen yet begin.
    """

    first = b"-"

    def __init__(self, name: bytes, ask: Callable[..., Awaitable[list[Reply]]]) -> None:
        self.next = b"-"
        self._name = name
        self._ask = ask
        self._groups: list[Group] = []
        self._deleted: list[tuple[int, int]] = []

    async def begin(self) -> None:
        """Read the groups, and which pending entries were deleted: those are put among the others."""
        [groups] = await self._ask(("XINFO", "GROUPS", self._name))
        deleted: set[tuple[int, int]] = set()
        for listed in items(groups):
            told = {raw(key): value for key, value in pairs(listed)}
            name = raw(told.get(b"name"))
            [consumers] = await self._ask(("XINFO", "CONSUMERS", self._name, name))
            names = tuple(_named(each) for each in items(consumers))
            delivered = raw(told.get(b"last-delivered-id")) or b"0-0"
            self._groups.append(Group(name, delivered, number(told.get(b"entries-read")), names))
            if number(told.get(b"pending")):
                async for page, _ in self._pending(name):
                    deleted |= await self._missing([raw(items(each)[0]) for each in page])
        self._deleted = sorted(deleted)

    def entries(self, reply: Reply, *, is_last: bool) -> list[Item]:
        """A page of XRANGE, with the deleted entries that are pending between its own."""
        found: list[Item] = []
        for entry in items(reply):
            name, fields = (*items(entry), None, None)[:2]
            found += self._deleted_before(entry_id(raw(name)))
            self.next = after(raw(name))
            found.append((raw(name), *(raw(each) for pair in pairs(fields) for each in pair)))
        if is_last:
            found += self._deleted_before((1 << 64, 0))
        return found

    def _deleted_before(self, end: tuple[int, int]) -> list[Item]:
        count = next((at for at, each in enumerate(self._deleted) if each >= end), len(self._deleted))
        taken, self._deleted = self._deleted[:count], self._deleted[count:]
        return [(b"%d-%d" % each,) for each in taken]

    async def tails(self) -> AsyncGenerator[Tail, None]:
        """Groups, pending entries and ids; the last has `last_id`."""
        groups = tuple(self._groups)
        pending: list[Pending] = []
        for at, group in enumerate(self._groups):
            async for page, now in self._pending(group.name):
                if len(pending) >= PAGE:
                    yield Tail(groups, tuple(pending))
                    groups, pending = (), []
                pending += [_pending(at, each, now) for each in page]
        [info] = await self._ask(("XINFO", "STREAM", self._name))
        told = {raw(key): value for key, value in pairs(info)}
        yield Tail(
            groups,
            tuple(pending),
            raw(told.get(b"last-generated-id")) or b"0-0",
            number(told.get(b"entries-added")),
            raw(told.get(b"max-deleted-entry-id")),
        )

    async def _pending(self, group: bytes) -> AsyncGenerator[tuple[Sequence[Reply], int], None]:
        """Pages of a group's pending entries, with the server's time."""
        first = b"-"
        while True:
            command: Command = ("XPENDING", self._name, group, first, "+", PAGE)
            time, reply = await self._ask(TIME, command)
            page = items(reply)
            if page:
                yield page, server_ms(time)
            if len(page) < PAGE:
                return
            first = after(raw(items(page[-1])[0]))

    async def _missing(self, ids: Sequence[bytes]) -> set[tuple[int, int]]:
        replies = await self._ask(*(("XRANGE", self._name, each, each, "COUNT", 1) for each in ids))
        return {entry_id(each) for each, reply in zip(ids, replies, strict=True) if not items(reply)}


def _named(reply: Reply) -> bytes:
    return next((raw(value) for key, value in pairs(reply) if raw(key) == b"name"), b"")


def _pending(group: int, reply: Reply, now_ms: int) -> Pending:
    entry, consumer, idle, count = items(reply)[:4]
    return Pending(group, raw(entry), raw(consumer), max(0, now_ms - (number(idle) or 0)), number(count) or 0)


def entry_id(word: bytes) -> tuple[int, int]:
    """An id as two numbers, which sort as entries do."""
    time, _, sequence = word.partition(b"-")
    return int(time), int(sequence or 0)


def after(word: bytes) -> bytes:
    """The first id that may follow. Not every server knows `(` before an id."""
    time, sequence = entry_id(word)
    return b"%d-0" % (time + 1) if sequence >= _MOST_SEQUENCE else b"%d-%d" % (time, sequence + 1)
