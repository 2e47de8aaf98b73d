"""The data: databases, sizes, what changed; commands on keys are fakeredis' work."""

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfly_tui.clock import Clock
from dfly_tui.errors import ConfigError
from dfly_tui.lab.protocol import Reply

if TYPE_CHECKING:
    from dfly_tui.lab.fake import Socket, Store

DATABASES = 16
KEY_OVERHEAD = 48
"""Bytes of the hash table per key, about what Dragonfly's dash table takes."""


@dataclass(frozen=True)
class Change:
    """One key as it is now, for replicas and snapshots.

    Attributes:
        key: None says that everything of this database is gone.
        packed: The value; None when the key is gone.
        expire_at: Unix seconds; None for a key that stays.
    """

    db: int
    key: bytes | None
    packed: bytes | None = None
    expire_at: float | None = None


class Keyspace:
    """All databases of a server.

    Attributes:
        on_change: Called with (database, key) for each key that has been written, None for a whole database.
        mutations: How many writes there were.
        totals: Type → bytes, over all databases.

    Raises:
        ConfigError: fakeredis is not installed.
    """

    def __init__(self, clock: Clock, shards: int) -> None:
        try:
            from dfly_tui.lab import fake
        except ImportError as problem:
            raise ConfigError(
                f"the lab keeps its data in fakeredis, which is not installed ({problem.name})",
                "pip install 'dfly-tui[demo]'",
            ) from problem
        self.fake = fake
        self.shards = shards
        self.on_change: Callable[[int, bytes | None], None] | None = None
        self.mutations = 0
        self.totals: Counter[str] = Counter()
        self.entries = 0
        self.key_bytes = 0
        self._clock = clock
        self._server = fake.make_server(clock)

    def socket(self, deliver: Callable[[Reply], None]) -> "Socket":
        """A connection to the data; pushes and replies go to `deliver`."""
        return self.fake.Socket(self._server, lambda value: deliver(self.fake.reply_of(value)), self._clock)

    def store(self, db: int) -> "Store":
        """One database, which may be empty."""
        store = self._server.dbs[db]
        assert isinstance(store, self.fake.Store)
        return store

    def stores(self) -> Iterator[tuple[int, "Store"]]:
        """The databases that have been used, in order; the first always."""
        yield 0, self.store(0)
        for number in sorted(self._server.dbs):
            if number:
                yield number, self.store(number)

    @property
    def scripts(self) -> dict[bytes, bytes]:
        """SHA-1 → the script, of all that have been run."""
        return self._server.script_cache

    def shard_of(self, key: bytes) -> int:
        """Which shard a key belongs to."""
        return zlib.crc32(key) % self.shards

    def forget_socket(self, socket: "Socket") -> None:
        """A client is gone."""
        if socket.waiting is not None:
            socket.waiting.close()
        socket.close()

    def settle(self) -> None:
        """Account for what the last command changed. To be called after each."""
        for number, store in self._server.dbs.items():
            assert isinstance(store, self.fake.Store)
            if store.emptied:
                self._forget_all(store)
                self._tell(number, None)
            if store.dirty:
                dirty, store.dirty = store.dirty, set()
                for key in dirty:
                    self._measure(store, key)
                    self._tell(number, key)

    def _tell(self, db: int, key: bytes | None) -> None:
        self.mutations += 1
        if self.on_change is not None:
            self.on_change(db, key)

    def _measure(self, store: "Store", key: bytes) -> None:
        before = store.sizes.pop(key, None)
        if before is not None:
            self.totals[before[0]] -= before[1]
            self.entries -= 1
            self.key_bytes -= len(key)
        store.expiring.discard(key)
        item = store.peek(key)
        if item is not None:
            kind, size = self.fake.type_of(item.value), self.fake.size_of(item.value)
            store.sizes[key] = kind, size
            self.totals[kind] += size
            self.entries += 1
            self.key_bytes += len(key)
            if item.expireat is not None:
                store.expiring.add(key)

    def _forget_all(self, store: "Store") -> None:
        store.emptied = False
        for kind, size in store.sizes.values():
            self.totals[kind] -= size
        self.entries -= len(store.sizes)
        self.key_bytes -= sum(len(key) for key in store.sizes)
        store.sizes.clear()
        store.expiring.clear()

    @property
    def object_bytes(self) -> int:
        return sum(self.totals.values())

    @property
    def used_bytes(self) -> int:
        """Bytes of data and of the tables that hold it."""
        return self.object_bytes + self.key_bytes + KEY_OVERHEAD * self.entries

    @property
    def expired_keys(self) -> int:
        return sum(store.expired_keys for _, store in self.stores())

    def expire(self) -> None:
        """Let go of keys whose time is up, as the real one's heartbeat does."""
        for _, store in self.stores():
            len(store)
        self.settle()

    def change(self, db: int, key: bytes | None) -> Change:
        """The key as it is now; None for a database that has been emptied."""
        if key is None:
            return Change(db, None)
        item = self.store(db).peek(key)
        packed = None if item is None else self.fake.pack(item.value)
        return Change(db, key, packed, None if item is None else item.expireat)

    def changes(self) -> Iterator[Change]:
        """Every key as it is now, in the order of databases. Keys may come and go while this is read slowly."""
        for number, store in self.stores():
            for key in list(store):
                change = self.change(number, key)
                if change.packed is not None:
                    yield change

    def apply(self, change: Change) -> None:
        """Make a key what it is elsewhere.

        Raises:
            ValueError: The value is damaged.
        """
        store = self.store(change.db)
        if change.key is None:
            store.clear()
        elif change.packed is not None:
            store[change.key] = self.fake.new_item(self.fake.unpack(change.packed), change.expire_at)
            store.notify_watch(change.key)
        elif store.peek(change.key) is not None:
            del store[change.key]
            store.notify_watch(change.key)
        self.settle()

    def flush(self) -> None:
        """Forget everything."""
        for _, store in self.stores():
            store.clear()
        self.settle()

    def count(self, db: int) -> tuple[int, int]:
        """How many keys a database has, and how many of them will expire."""
        store = self.store(db)
        return len(store), len(store.expiring)
