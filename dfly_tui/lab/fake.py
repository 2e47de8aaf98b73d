"""fakeredis, bent to the lab's needs: its time is ours, its replies stay raw, and every changed key is known.

The only module that imports fakeredis (the `demo` extra), and only `dfly_tui.lab.keyspace` imports it.
"""

import asyncio
import io
import pickle
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine

from fakeredis import FakeServer
from fakeredis._core._database import Database, Item
from fakeredis._helpers import NoResponse, SimpleError, SimpleString
from fakeredis._socket import AsyncFakeSocket
from fakeredis.model._stream import StreamEntryKey, XStream

from dfly_tui.clock import Clock
from dfly_tui.lab.protocol import Failure, Reply, Simple

MEMBER_BYTES = {"list": 8, "set": 27, "zset": 55, "hash": 38, "stream": 47, "ReJSON-RL": 52}
"""About what the real ones were seen to take per member."""
EMPTY_BYTES = 16
INLINE = 16
"""Strings up to this size live in the table itself."""

JSON = "ReJSON-RL"
TYPES = {
    "bytes": "string",
    "set": "set",
    "ExpiringMembersSet": "set",
    "ZSet": "zset",
    "Hash": "hash",
    "XStream": "stream",
}
"""Class of a value in fakeredis → what TYPE and INFO call it. JSON documents are plain Python values there."""


class Store(Database):
    """One numbered database.

    Attributes:
        dirty: Keys written since the last `Keyspace.settle()`.
        emptied: Whether it was flushed since.
        expired_keys: How many keys went because their time was up.
        sizes: Key → (type, bytes), as of the last settling.
        expiring: Keys with a time to live, as of then.
    """

    def __init__(self, lock: threading.Lock, clock: Clock) -> None:
        self.clock = clock
        self.dirty: set[bytes] = set()
        self.emptied = False
        self.expired_keys = 0
        self.sizes: dict[bytes, tuple[str, int]] = {}
        self.expiring: set[bytes] = set()
        super().__init__(lock)

    @property
    def time(self) -> float:  # fakeredis sets the machine's time before each command
        return self.clock.now().timestamp()

    @time.setter
    def time(self, value: float) -> None:
        pass

    def notify_watch(self, key: bytes) -> None:
        self.dirty.add(key)
        super().notify_watch(key)

    def wake_all(self) -> None:
        for callback in list(self._change_callbacks):  # no threads here, so nobody waits for the condition
            callback()

    def clear(self) -> None:
        self.emptied = True
        self.dirty.clear()
        for sockets in list(self._watches.values()):
            for socket in sockets:
                socket.notify_watch()
        self._dict.clear()
        self._expiry_heap.clear()

    def __getitem__(self, key: bytes) -> Item:
        item: Item = self._dict[key]
        if item.expireat is not None and item.expireat < self.time:
            self._expire(key)
            raise KeyError(key)
        return item

    def _remove_expired(self) -> None:
        heap = self._expiry_heap
        now = self.time
        while heap and heap[0][0] < now:
            key = heap[0][1]
            item = self._dict.get(key)
            if item is not None and item.expireat is not None and item.expireat < now:
                self._expire(key)
            super()._remove_expired()

    def _expire(self, key: bytes) -> None:
        del self._dict[key]
        self.expired_keys += 1
        self.dirty.add(key)

    def peek(self, key: bytes) -> Item | None:
        """The item as it is, expired or not."""
        item: Item | None = self._dict.get(key)
        return item


def make_server(clock: Clock) -> FakeServer:
    """An empty fakeredis server with our own databases."""
    server = FakeServer(version=(7, 4), server_type="dragonfly")
    server.dbs = defaultdict(lambda: Store(server.lock, clock))
    return server


class Socket(AsyncFakeSocket):
    """A client's connection to the data.

    Attributes:
        waiting: What has to be awaited for the reply of a command that blocks, such as BLPOP.
    """

    waiting: Coroutine[None, None, object] | None = None

    def __init__(self, server: FakeServer, deliver: Callable[[object], None], clock: Clock) -> None:
        self._deliver = deliver
        self._clock = clock
        super().__init__(server, 0, client_class=Socket)

    @property
    def db(self) -> int:
        return self._db_num

    @property
    def is_subscribed(self) -> bool:
        return bool(self._pubsub)

    @property
    def watch_broken(self) -> bool:
        return bool(self._watch_notified)

    @property
    def store(self) -> Store:
        store = self._db
        assert isinstance(store, Store)
        return store

    def speak(self, protocol: int) -> None:
        """The client said HELLO."""
        self._client_info["resp"] = protocol

    def run(self, words: list[bytes]) -> None:
        """Run a data command; the reply is delivered, unless `waiting` is set."""
        self._process_command(words)

    def forget_watches(self) -> None:
        self._clear_watches()

    def put_response(self, msg: object) -> None:
        self._deliver(msg)

    def _decode_result(self, result: object) -> object:
        return result  # keep the difference between simple and bulk strings

    def _blocking(
        self,
        timeout: float | None,
        func: Callable[[bool], object],
        shape: Callable[[object], object] | None = None,
    ) -> object:
        answer = func(True)
        if answer is not None or self._in_transaction:
            return answer if shape is None else shape(answer)
        self.waiting = self._wait(timeout, func, shape)
        return NoResponse()

    async def _wait(
        self, timeout: float | None, func: Callable[[bool], object], shape: Callable[[object], object] | None
    ) -> object:
        changed = asyncio.Event()
        self._db.add_change_callback(changed.set)
        self._blocked = True
        limit = asyncio.ensure_future(self._clock.sleep(timeout)) if timeout else None
        try:
            while True:
                change = asyncio.ensure_future(changed.wait())
                await asyncio.wait({change, limit} if limit else {change}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                changed.clear()
                try:
                    answer = func(False)
                except SimpleError as problem:
                    return problem
                if answer is not None or (limit is not None and limit.done()):
                    return answer if shape is None else shape(answer)
        finally:
            if limit is not None:
                limit.cancel()
            self._blocked = False
            self._db.remove_change_callback(changed.set)


def reply_of(value: object) -> Reply:
    """A reply of fakeredis as one of ours."""
    match value:
        case None | bytes() | int() | float() | str():
            return value
        case SimpleString():
            return Simple(value.value.decode())
        case SimpleError():
            return Failure(value.value)
        case dict():
            return {_word(key): reply_of(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [reply_of(item) for item in value]
    raise TypeError(f"fakeredis answered with a {type(value).__name__}")


def _word(key: object) -> str:
    return key.decode("utf-8", "surrogateescape") if isinstance(key, bytes) else str(key)


def type_of(value: object) -> str:
    """What INFO calls the type of a value."""
    if isinstance(value, list):  # a JSON array, or a list: that is never empty and holds bytes
        return "list" if value and isinstance(value[0], bytes) else JSON
    if isinstance(value, dict | str | int | float | None):
        return JSON
    return TYPES.get(type(value).__name__, "MBbloom--")


def size_of(value: object) -> int:
    """Bytes a value takes: exact for strings, by the number of members for collections, as Dragonfly estimates."""
    if isinstance(value, bytes):
        return len(value) if len(value) > INLINE else 0
    return EMPTY_BYTES + MEMBER_BYTES.get(type_of(value), 136) * members_of(value)


def members_of(value: object) -> int:
    """How many members a collection has; 1 for a string."""
    if isinstance(value, bytes):
        return 1
    try:
        return len(value)  # type: ignore[arg-type]
    except TypeError:
        return 1


def stream_ids(stream: object) -> tuple[tuple[int, int], tuple[int, int]]:
    """The ids of a stream's top entry and of the last that was deleted; 0-0 where there is none."""
    assert isinstance(stream, XStream)
    top, deleted = stream._ids[-1] if stream._ids else StreamEntryKey(0, 0), stream.max_deleted_id
    return (top.ts, top.seq), (deleted.ts, deleted.seq)


def set_last_id(stream: object, wanted: tuple[int, int]) -> None:
    """Let a stream's next entry come after this id."""
    assert isinstance(stream, XStream)
    stream._last_id = StreamEntryKey(*wanted)


def new_item(value: object, expire_at: float | None) -> Item:
    """An item to put into a store."""
    item = Item(value)
    item.expireat = expire_at  # type: ignore[assignment]  # fakeredis types it None
    return item


def pack(value: object) -> bytes | None:
    """A value for a snapshot, a replica or DUMP; None for the few kinds fakeredis makes that cannot be packed."""
    try:
        return pickle.dumps(value, protocol=5)
    except (pickle.PicklingError, TypeError, AttributeError):
        return None


def unpack(data: bytes) -> object:
    """The value again; `ValueError` when the bytes are anything but a value of ours."""
    try:
        return _ValuesOnly(io.BytesIO(data)).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError) as problem:
        raise ValueError("not a packed value") from problem


class _ValuesOnly(pickle.Unpickler):
    """Knows the classes fakeredis keeps data in and nothing else, so that a hostile file cannot run code."""

    _modules = ("fakeredis.model.", "fakeredis._helpers", "probables.", "sortedcontainers.", "bitarray")
    _others = frozenset(
        {
            ("builtins", "set"),
            ("builtins", "frozenset"),
            ("builtins", "bytearray"),
            ("collections", "OrderedDict"),
            ("collections", "defaultdict"),
            ("array", "array"),
            ("array", "_array_reconstructor"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> object:
        if module.startswith(self._modules) or (module, name) in self._others:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no value")
