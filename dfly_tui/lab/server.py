"""The lab server: puts the parts together, listens, and does what a real one does in the background."""

import asyncio
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Self

from dfly_tui.clock import Clock
from dfly_tui.lab.commands.clients import client_name
from dfly_tui.lab.commands.scan import Cursors
from dfly_tui.lab.config import Config
from dfly_tui.lab.dispatch import Dispatcher
from dfly_tui.lab.faults import Faults
from dfly_tui.lab.feeder import Feeder
from dfly_tui.lab.flavour import flavour
from dfly_tui.lab.follower import Follower, FollowFailed
from dfly_tui.lab.keyspace import Keyspace
from dfly_tui.lab.listening import stop_accepting
from dfly_tui.lab.options import LabOptions
from dfly_tui.lab.protocol import encode, error
from dfly_tui.lab.saver import Saver
from dfly_tui.lab.seed import seed
from dfly_tui.lab.session import Session
from dfly_tui.lab.state import Pause, State
from dfly_tui.lab.stats import SlowLog, Stats
from dfly_tui.lab.traffic import Traffic
from dfly_tui.lab.users import Users

HEARTBEAT_SECONDS = 1.0
RETRY_SECONDS = 0.5
OOM_DENY_RATIO = 1.1
ACCEPT_TURNS = 10
"""Of the loop, until whoever was just accepted has a session that can be closed."""
"""v1.22 lets memory grow to this many times the limit; v1.40 does not."""


class LabServer:
    """A simulated Dragonfly.

    Args:
        options: What it is started with.
        clock: Its time: uptime, times to live, delays.
        rng: Its chance: replication ids, invented keys.
        on_exit: Told the exit code when the real one's process would end, after SHUTDOWN or a takeover.

    Attributes:
        port: The real port once started.
        admin_port: The real admin port once started, 0 without one.
        faults: What is to go wrong.
        follower: The link to a primary; None on a primary.
    """

    def __init__(
        self,
        options: LabOptions,
        *,
        clock: Clock,
        rng: random.Random,
        on_exit: Callable[[int], None] | None = None,
    ) -> None:
        self.options = options
        self.clock = clock
        self.rng = rng
        self.flavour = flavour(options.flavour)
        self.port = options.port
        self.admin_port = 0
        self.config = Config(options, self.flavour)
        self.users = Users(self.config, names_databases=self.flavour.is_new)
        self.keyspace = Keyspace(clock, options.shards)
        self.faults = Faults(clock)
        self.stats = Stats()
        self.slow_log = SlowLog()
        self.pause = Pause(clock)
        self.state = State.ACTIVE
        self.replid = f"{rng.getrandbits(160):040x}"
        self.feeder = Feeder(self)
        self.follower: Follower | None = None
        self.role_lock = asyncio.Lock()
        self.saver = Saver(self)
        self.dispatcher = Dispatcher(self)
        self.sessions: dict[int, Session] = {}
        self.cursors = Cursors()
        self.blocked_clients = 0
        self.peak_bytes = 0
        self.started = clock.monotonic()
        self.started_at = clock.now()
        self._on_exit = on_exit
        self._client_ids = 0
        self._listeners: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._exited = False

    async def start(self) -> None:
        """Load what there is, listen, follow a primary if there is one to follow.

        Raises:
            OSError: The port is taken.
        """
        self.started, self.started_at = self.clock.monotonic(), self.clock.now()
        listener = await asyncio.start_server(partial(self._accept, admin=False), self.options.host, self.port)
        self._listeners.append(listener)
        self.port = listener.sockets[0].getsockname()[1]
        if self.options.admin_port is not None:
            admin = await asyncio.start_server(
                partial(self._accept, admin=True), self.options.host, self.options.admin_port
            )
            self._listeners.append(admin)
            self.admin_port = admin.sockets[0].getsockname()[1]
        loaded = False
        if self.options.replicaof is None:
            loaded = await self.saver.load_at_start()
        if self.options.keys and not loaded and self.options.replicaof is None:
            seed(self, self.options.keys)
        self.saver.forget_changes()
        self.keyspace.mutations = 0
        self.spawn(self._heartbeat())
        if self.options.replicaof is not None:
            self.spawn(self._follow_from_start(*self.options.replicaof))
        if self.options.traffic:
            self.spawn(Traffic(self, self.options.traffic_ops, self.rng, self.clock).run())

    async def stop(self) -> None:
        """Close everything, keep nothing."""
        for listener in self._listeners:
            stop_accepting(listener)
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)  # noqa: TID251 (a turn of the loop, no time)
        for listener in self._listeners:
            listener.close()
        if self.follower is not None:
            await self.follower.stop()
        sessions = list(self.sessions.values())
        served = {session.task for session in sessions}
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for session in sessions:
            session.kill()
        for task in tasks:
            if task not in served:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listener in self._listeners:
            with suppress(OSError):
                await listener.wait_closed()
        self._listeners.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def save_at_end(self) -> None:
        """What comes before the end by SHUTDOWN or SIGTERM, if there is where to save.

        It does not end while CLIENT PAUSE holds a command back: dragonfly#8270.
        """
        if not self.config["dbfilename"] or self.options.data_dir is None:
            return
        while self.pause.held:
            await self.clock.sleep(0.05)
        await self.saver.save_by_itself()

    def exit(self, code: int) -> None:
        """The process would end now: stop listening, close all connections, tell whoever started us."""
        if self._exited:
            return
        self._exited = True
        self.state = State.SHUTTING_DOWN
        for listener in self._listeners:
            stop_accepting(listener)
        for session in list(self.sessions.values()):
            session.closing = True
        asyncio.get_running_loop().call_soon(self._exit_now, code)

    def _exit_now(self, code: int) -> None:
        for listener in self._listeners:
            listener.close()
        for session in list(self.sessions.values()):
            session.kill()
        if self._on_exit is not None:
            self._on_exit(code)

    def spawn(self, work: "asyncio._CoroutineLike[None]") -> asyncio.Task[None]:
        """Run something in the background until it ends or the server stops."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def log(self, words: str) -> None:
        """A line for people, on stderr."""
        sys.stderr.write(f"{self.options.name}: {words}\n")

    def next_client_id(self) -> int:
        """Ids count from 1 and are never used again."""
        self._client_ids += 1
        return self._client_ids

    # -- what commands ask for --

    @property
    def uptime_seconds(self) -> int:
        return int(self.clock.monotonic() - self.started)

    @property
    def is_loading(self) -> bool:
        return self.state is State.LOADING or self.faults.loading

    @property
    def used_memory(self) -> int:
        used = self.flavour.empty_memory + self.keyspace.used_bytes
        self.peak_bytes = max(self.peak_bytes, used)
        return used

    def memory_is_full(self) -> bool:
        """Whether a write that needs memory is refused."""
        if self.faults.oom:
            return True
        limit = self.config.maxmemory * (1 if self.flavour.is_new else OOM_DENY_RATIO)
        if self.used_memory <= limit:
            return False
        if self.options.cache_mode:
            self._evict()
        return self.used_memory > limit

    def _evict(self) -> None:
        store = self.keyspace.store(0)
        for key in list(store)[:100]:
            store.pop(key)
            store.notify_watch(key)
            self.stats.evicted += 1
        self.keyspace.settle()

    def note_slow(self, session: Session, words: list[bytes], usec: int) -> None:
        """Keep the command for SLOWLOG if it was slow enough."""
        threshold = self.config.number("slowlog_log_slower_than")
        if threshold < 0 or usec < threshold:
            return
        longest = self.config.number("slowlog_max_len") * self.options.shards
        at = int(self.clock.now().timestamp())
        self.slow_log.add(at, usec, words, session.address, client_name(self, session), longest)

    # -- roles --

    async def follow(self, host: str, port: int) -> None:
        """REPLICAOF host port.

        Raises:
            FollowFailed: In Dragonfly's words. v1.22 has erased everything by then, v1.40 nothing.
        """
        if not self.flavour.is_new:
            await self.stop_following()
            self.keyspace.flush()
        fresh = Follower(self, host, port)
        try:
            await fresh.connect()
        except (FollowFailed, asyncio.CancelledError):
            await fresh.stop()
            raise
        await self.stop_following()
        self.follower = fresh
        self.spawn(fresh.run())

    async def stop_following(self) -> None:
        """REPLICAOF NO ONE: keep the data, take writes."""
        if self.follower is None:
            return
        follower, self.follower = self.follower, None
        await follower.stop()
        if self.flavour.is_new:
            self.feeder.continue_from(follower.replid, follower.executed)
        if self.state is State.LOADING:
            self.state = State.ACTIVE

    async def _follow_from_start(self, host: str, port: int) -> None:
        follower = Follower(self, host, port)
        self.follower = follower
        await follower.run()

    # -- connections --

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, admin: bool) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.faults.refuse or self._exited:
            writer.transport.abort()
            return
        try:
            await self.faults.thawed()
        except asyncio.CancelledError:  # stopped while frozen
            writer.transport.abort()
            raise
        self.stats.connections += 1
        if not admin and len(self.sessions) >= self.config.number("maxclients"):
            self.stats.limit_reached += 1
            writer.write(encode(error("max number of clients reached"), 2))
            writer.close()
            return
        session = Session(self, reader, writer, admin=admin)
        session.task = task
        self.sessions[session.id] = session
        try:
            with suppress(ConnectionError, asyncio.CancelledError):  # cancelled by kill()
                await session.serve()
        finally:
            del self.sessions[session.id]
            self.feeder.forget(session)
            await session.finish()

    # -- background --

    async def _heartbeat(self) -> None:
        while True:
            await self.faults.thawed()
            self.stats.sample(self.clock.monotonic())
            self.keyspace.expire()
            self.peak_bytes = max(self.peak_bytes, self.used_memory)
            self.saver.tick()
            self.feeder.ping()
            await self.clock.sleep(HEARTBEAT_SECONDS)
