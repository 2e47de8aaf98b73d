"""The replica's side of replication: dial, greet, load everything, then follow the journal."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import hiredis

from dfly_tui.clock import Clock
from dfly_tui.lab.link import change_of, message, numbers
from dfly_tui.lab.state import State

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer

ACK_SECONDS = 1.0
ACK_RECORDS = 1024
RETRY_SECONDS = 0.5
CONNECT_SECONDS = 20.0
SOCKET_GRACE_SECONDS = 10.0
"""v1.40 gives up on a primary that does not answer a takeover this long after its timeout; v1.22 never does."""


_T = TypeVar("_T")


async def within(clock: Clock, seconds: float, work: Awaitable[_T]) -> _T:
    """Wait for something, so many seconds of the clock at most.

    Raises:
        TimeoutError: It took longer.
    """
    task, limit = asyncio.ensure_future(work), asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({task, limit}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
        limit.cancel()


class FollowFailed(Exception):
    """Why REPLICAOF was refused, in the words of the flavour."""


class Follower:
    """The link to a primary.

    Attributes:
        replid: The primary's replication id; empty before the first sync.
        executed: Per shard, the last journal record that was carried out.
        phase: `connecting`, `preparation`, `full_sync` or `online`.
        reconnects, psync_attempts, psync_successes: Counters.
    """

    def __init__(self, server: "LabServer", host: str, port: int) -> None:
        self.host, self.port = host, port
        self.replid = ""
        self.sync_id = 0
        self.executed = [0] * server.options.shards
        self.phase = "connecting"
        self.reconnects = 0
        self.psync_attempts = 0
        self.psync_successes = 0
        self._server = server
        self._last_io = server.clock.monotonic()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._messages = hiredis.Reader()
        self._taken: asyncio.Future[str] | None = None
        self._was_online = False
        self._stopped = False
        self._unacked = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_up(self) -> bool:
        return self._writer is not None

    @property
    def is_syncing(self) -> bool:
        return self.phase == "full_sync"

    @property
    def idle_seconds(self) -> int:
        return int(self._server.clock.monotonic() - self._last_io)

    @property
    def offset(self) -> int | None:
        """Records carried out, of all shards; None while not known. v1.40 still knows when the link is down."""
        if self.phase == "online" or (self._server.flavour.is_new and self._was_online and not self.is_up):
            return sum(self.executed)
        return None

    @property
    def local_address(self) -> str:
        """Our end of the link, as the primary's CLIENT LIST shows it."""
        name = self._writer.get_extra_info("sockname") if self._writer else None
        return f"{name[0]}:{name[1]}" if name else ""

    async def connect(self) -> None:
        """Dial and greet.

        Raises:
            FollowFailed: In Dragonfly's words.
        """
        clock = self._server.clock
        try:
            await within(clock, CONNECT_SECONDS, self._dial())
        except socket.gaierror:
            raise self._failure("could not resolve master dnsNo route to host") from None
        except (OSError, TimeoutError) as problem:
            why = "Connection refused" if isinstance(problem, ConnectionRefusedError) else "Operation timed out"
            raise self._failure(f"could not connect to master: {why}") from None
        try:
            await within(clock, CONNECT_SECONDS, self._greet())
        except (OSError, TimeoutError, hiredis.HiredisError, ValueError):
            raise self._failure("could not greet master Bad message") from None

    async def _dial(self) -> None:
        """Keeps what it opens at once: whoever waits may be cancelled in the turn in which it is open."""
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port)

    def _failure(self, words: str) -> FollowFailed:
        self._hang_up()
        return FollowFailed("replication cancelled" if self._server.flavour.is_new else words)

    async def _greet(self) -> None:
        self._messages = hiredis.Reader()
        user, password = self._server.config["masteruser"], self._server.config["masterauth"]
        if password and not await self._ask(*(["AUTH", user, password] if user else ["AUTH", password])):
            raise self._failure("could not connect to master: Bad message")
        own = (self.host, self.port) == (self._server.options.host, self._server.port)
        if own or not await self._ask("REPLCONF", "LISTENING-PORT", self._server.port):
            raise self._failure("could not greet master Bad message")
        tried = self._server.flavour.is_new and self._was_online
        self.psync_attempts += tried
        known = [self.replid, *self.executed] if tried else [""]
        self._write(message("LABSYNC", "FROM", *known))
        self.phase = "preparation"

    async def _ask(self, *words: str | int) -> bool:
        """Send a command of the greeting; returns whether the answer is no error."""
        self._write(message(*words))
        async for reply in self._replies():
            return not isinstance(reply, hiredis.ReplyError)
        raise ConnectionResetError

    def _write(self, data: bytes) -> None:
        if self._writer is not None:
            self._writer.write(data)

    async def _replies(self) -> AsyncIterator[object]:
        """What the primary sends, until it hangs up."""
        while True:
            reply = self._messages.gets()
            if reply is not False:
                yield reply
                continue
            chunk = await self._reader.read(65536) if self._reader is not None else b""
            if not chunk:
                return
            await self._server.faults.thawed()
            self._last_io = self._server.clock.monotonic()
            self._messages.feed(chunk)

    async def run(self) -> None:
        """Follow until stopped or cancelled; a lost link is dialled again for ever."""
        self._tasks = [self._server.spawn(self._acknowledge())]
        try:
            await self._follow_for_ever()
        finally:
            self._hang_up()

    async def _follow_for_ever(self) -> None:
        while not self._stopped:
            try:
                if not self.is_up:
                    await self.connect()
                await self._follow()
            except (FollowFailed, OSError, hiredis.HiredisError, ValueError) as problem:
                self._server.log(f"replication: {problem}")
            if self._stopped:
                return
            self._hang_up()
            self.reconnects += 1
            await self._server.clock.sleep(RETRY_SECONDS)
            await self._server.faults.thawed()

    async def _follow(self) -> None:
        async for reply in self._replies():
            if isinstance(reply, hiredis.ReplyError):
                raise FollowFailed(str(reply))
            if not isinstance(reply, list):
                raise ValueError("not what a lab primary says")
            await self._obey(reply[0].decode(), reply[1:])
            if self._stopped:
                return

    async def _obey(self, what: str, words: list[bytes]) -> None:
        match what:
            case "full":
                self._begin_full_sync(words)
            case "partial":
                self.psync_successes += 1
                self.sync_id, self.replid = int(words[0]), words[1].decode()
            case "item":
                self._server.keyspace.apply(change_of(words))
            case "record":
                self._server.keyspace.apply(change_of(words[2:]))
                self.executed[int(words[0])] = int(words[1])
                self._unacked += 1
                if self._unacked > ACK_RECORDS:
                    self._send_ack()
            case "stable":
                self._begin_stable_sync(numbers(words))
            case "ack?":
                self._send_ack()
            case "taken" if self._taken is not None and not self._taken.done():
                self._taken.set_result(words[0].decode())

    def _begin_full_sync(self, words: list[bytes]) -> None:
        self.sync_id, self.replid = int(words[0]), words[1].decode()
        self.phase = "full_sync"
        self._server.state = State.LOADING
        self._server.feeder.drop_all()
        self._server.keyspace.flush()

    def _begin_stable_sync(self, executed: list[int]) -> None:
        self.executed = executed
        self.phase = "online"
        self._was_online = True
        self._server.saver.forget_changes()
        if self._server.state is State.LOADING:
            self._server.state = State.ACTIVE
        self._send_ack()

    def _send_ack(self) -> None:
        self._unacked = 0
        self._write(message("REPLCONF", "ACK", *self.executed))

    async def _acknowledge(self) -> None:
        while not self._stopped:
            await self._server.clock.sleep(ACK_SECONDS)
            await self._server.faults.thawed()
            if self.phase == "online":
                self._send_ack()

    async def take_over(self, seconds: int, *, save: bool) -> str:
        """Ask the primary to hand over.

        Returns:
            `OK`, or why not. v1.22 waits for ever for a primary that does not answer.
        """
        taken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._taken = taken
        self._write(message("LABTAKEOVER", seconds, *(["SAVE"] if save else [])))
        try:
            if not self._server.flavour.is_new:
                return await taken
            return await within(self._server.clock, seconds + SOCKET_GRACE_SECONDS, taken)
        except TimeoutError:
            return "Operation timed out"
        finally:
            self._taken = None

    def _hang_up(self) -> None:
        if self._taken is not None and not self._taken.done():
            self._taken.set_result("Connection reset by peer")
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
        self._reader = self._writer = None
        self.phase = "connecting"

    async def stop(self) -> None:
        """Hang up for good."""
        self._stopped = True
        self._hang_up()
        for task in self._tasks:
            task.cancel()
