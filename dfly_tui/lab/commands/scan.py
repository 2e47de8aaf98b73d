"""SCAN, KEYS, RM, TYPE."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.protocol import NOT_AN_INTEGER, SYNTAX_ERROR, Failure, Reply, Simple, error

if TYPE_CHECKING:
    from dfly_tui.lab.fake import Store
    from dfly_tui.lab.keyspace import Keyspace

KEYS_LIMIT = 8192
LOOKED_AT = 50_000
"""Keys looked at per call, as the real ones stop after some milliseconds: few or no keys may come of it."""
OPEN_SCANS = 64
LARGEST_COUNT = 4096
TYPES = {"string", "list", "set", "zset", "hash", "stream", "rejson-rl", "mbbloom--"}
INVALID_CURSOR = error("invalid cursor")


class Cursors:
    """Where scans are. A cursor means nothing to anybody else; an unknown one is at the end."""

    def __init__(self) -> None:
        self._scans: OrderedDict[int, list[bytes]] = OrderedDict()
        self._next = 1

    def open(self, keys: list[bytes]) -> int:
        """Begin a scan over these keys."""
        number, self._next = self._next, self._next + 1
        self._scans[number] = keys
        while len(self._scans) > OPEN_SCANS:
            self._scans.popitem(last=False)
        return number

    def keys(self, number: int) -> list[bytes]:
        """The keys of a scan, none when it is over."""
        return self._scans.get(number, [])

    def close(self, number: int) -> None:
        self._scans.pop(number, None)


@dataclass
class Filter:
    """What a SCAN wants."""

    pattern: re.Pattern[bytes] | None = None
    count: int = 10
    kind: str = ""
    attribute: str = ""
    smallest: int = 0

    def takes(self, space: "Keyspace", store: "Store", key: bytes) -> bool:
        """Whether this key is wanted."""
        if self.pattern is not None and not self.pattern.fullmatch(key):
            return False
        kind, size = store.sizes.get(key, ("", 0))
        if self.kind and kind.lower() != self.kind:
            return False
        if self.smallest and size < self.smallest:
            return False
        match self.attribute:
            case "v":
                return key in store.expiring
            case "p":
                return key not in store.expiring
            case "a":
                return False  # the lab does not track accesses
        del space
        return True


def glob(pattern: bytes) -> re.Pattern[bytes]:
    """A Redis glob as a regular expression."""
    out, position = b"", 0
    while position < len(pattern):
        letter = pattern[position : position + 1]
        position += 1
        if letter == b"*":
            out += b".*"
        elif letter == b"?":
            out += b"."
        elif letter == b"[" and (end := pattern.find(b"]", position)) > 0:
            body = pattern[position:end]
            inverted = body[:1] == b"^"
            out += b"[" + (b"^" if inverted else b"") + body[inverted:].replace(b"\\", b"\\\\") + b"]"
            position = end + 1
        elif letter == b"\\" and position < len(pattern):
            out += re.escape(pattern[position : position + 1])
            position += 1
        else:
            out += re.escape(letter)
    return re.compile(out, re.DOTALL)


def parse_filter(words: list[bytes], *, new: bool) -> Filter | Failure:
    """The options behind a cursor."""
    wanted = Filter()
    if len(words) % 2:
        return SYNTAX_ERROR
    for name, value in zip(words[::2], words[1::2], strict=True):
        word = value.decode("utf-8", "replace").lower()
        match name.upper():
            case b"MATCH":
                wanted.pattern = glob(value)
            case b"COUNT":
                count = integer(value)
                if count is None or count < 0:
                    return NOT_AN_INTEGER
                wanted.count = max(1, count if new else min(count, LARGEST_COUNT))
            case b"TYPE" if word in TYPES:
                wanted.kind = word
            case b"ATTR" if new and word in {"v", "p", "a", "u"}:
                wanted.attribute = word
            case b"MINMSZ" if new and (integer(value) or 0) > 0:
                wanted.smallest = integer(value) or 0
            case _:
                return SYNTAX_ERROR
    return wanted


def step(call: Call, cursor: bytes, wanted: Filter) -> tuple[int, list[bytes]]:
    """One call of a scan: the next cursor and the keys."""
    store, cursors = call.session.socket.store, call.server.cursors
    number, position = divmod(int(cursor), 1 << 32)
    if number == position == 0:
        number = cursors.open(list(store))
    keys = cursors.keys(number)
    found: list[bytes] = []
    last = min(len(keys), position + LOOKED_AT)
    while position < last and len(found) < wanted.count:
        key = keys[position]
        position += 1
        if key in store and wanted.takes(call.server.keyspace, store, key):
            found.append(key)
    if position >= len(keys):
        cursors.close(number)
        return 0, found
    return (number << 32) + position, found


async def scan(call: Call) -> Reply:
    if not re.fullmatch(rb"[0-9]{1,20}", call.words[1]):
        return INVALID_CURSOR
    wanted = parse_filter(call.words[2:], new=call.server.flavour.is_new)
    if isinstance(wanted, Failure):
        return wanted
    cursor, keys = step(call, call.words[1], wanted)
    return [str(cursor), list(keys)]


async def keys_(call: Call) -> Reply:
    """Cut off at 8192 without a word, as the real ones do."""
    store, wanted = call.session.socket.store, glob(call.words[1]).fullmatch
    return list(_first(store, wanted))


def _first(store: "Store", wanted: Callable[[bytes], object]) -> Iterator[bytes]:
    left = KEYS_LIMIT
    for key in list(store):
        if wanted(key):
            yield key
            left -= 1
            if not left:
                return


async def rm(call: Call) -> Reply:
    """v1.40: scan and delete."""
    if not re.fullmatch(rb"[0-9]{1,20}", call.words[1]):
        return INVALID_CURSOR
    wanted = parse_filter(call.words[2:], new=True)
    if isinstance(wanted, Failure):
        return wanted
    cursor, keys = step(call, call.words[1], wanted)
    store = call.session.socket.store
    for key in keys:
        del store[key]
        store.notify_watch(key)
    return [str(cursor), len(keys)]


async def hscan(call: Call) -> Reply:
    if not call.server.flavour.is_new and b"NOVALUES" in {word.upper() for word in call.words[3:]}:
        return SYNTAX_ERROR
    return call.session.run_data(call.words)[0]


async def type_(call: Call) -> Reply:
    store = call.session.socket.store
    if call.words[1] not in store:
        return Simple("none")
    return Simple(call.server.keyspace.fake.type_of(store[call.words[1]].value))


COMMANDS: Handlers = {"SCAN": scan, "KEYS": keys_, "HSCAN": hscan, "RM": rm, "TYPE": type_}
