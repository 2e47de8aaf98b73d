"""From a command's words to its replies: is it known, may it run now, who answers it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dfly_tui.lab.commands import Call, Handler
from dfly_tui.lab.commands.acl import COMMANDS as ACL
from dfly_tui.lab.commands.clients import COMMANDS as CLIENTS
from dfly_tui.lab.commands.config import COMMANDS as CONFIG
from dfly_tui.lab.commands.connection import COMMANDS as CONNECTION
from dfly_tui.lab.commands.data import COMMANDS as DATA
from dfly_tui.lab.commands.debug import COMMANDS as DEBUG
from dfly_tui.lab.commands.elements import COMMANDS as ELEMENTS
from dfly_tui.lab.commands.inspect import COMMANDS as INSPECT
from dfly_tui.lab.commands.persistence import COMMANDS as PERSISTENCE
from dfly_tui.lab.commands.replication import COMMANDS as REPLICATION
from dfly_tui.lab.commands.scan import COMMANDS as SCAN
from dfly_tui.lab.commands.server import COMMANDS as SERVER
from dfly_tui.lab.flavour import CommandSpec
from dfly_tui.lab.protocol import OK, Failure, Reply, Simple, error, wrong_arity
from dfly_tui.lab.state import State

if TYPE_CHECKING:
    from dfly_tui.lab.fake import Socket
    from dfly_tui.lab.server import LabServer
    from dfly_tui.lab.session import Session

HANDLERS: Mapping[str, Handler] = {
    **ACL, **CLIENTS, **CONFIG, **CONNECTION, **DATA, **DEBUG, **ELEMENTS, **INSPECT, **PERSISTENCE, **REPLICATION,
    **SCAN, **SERVER,
}  # fmt: skip

LOADING = Failure("LOADING Dragonfly is loading the dataset in memory")
NO_AUTH = Failure("NOAUTH Authentication required.")
READ_ONLY = Failure("READONLY You can't write against a read only replica.")
OUT_OF_MEMORY = error("Out of memory")
WITHOUT_AUTH = {"AUTH", "HELLO", "QUIT", "RESET"}
FAKEREDIS_STUMBLES = (
    AssertionError, AttributeError, IndexError, KeyError, NotImplementedError, TypeError, ValueError,
)  # fmt: skip
"""What comes out of fakeredis where it is not finished."""


class Dispatcher:
    """Runs the commands of all sessions."""

    def __init__(self, server: "LabServer") -> None:
        self._server = server

    def find(self, words: list[bytes]) -> CommandSpec | None:
        """The command these words begin with."""
        name = words[0].decode("utf-8", "replace").upper()
        table = self._server.flavour.commands
        if name == "ACL" and len(words) > 1:
            longer = f"ACL {words[1].decode('utf-8', 'replace').upper()}"
            if longer in table:
                return table[longer]
        return table.get(name)

    async def run(self, session: "Session", words: list[bytes]) -> list[Reply]:
        """Run one command.

        Returns:
            Its replies: one, except for the SUBSCRIBE family.
        """
        session.commands += 1
        spec = self.find(words)
        if spec is None:
            replies: list[Reply] = [self._unknown(words[0])]
        else:
            replies = await self._known(session, spec, words)
        if replies and isinstance(replies[0], Failure):
            self._server.stats.failed(replies[0], self._server.flavour.is_new)
            if session.queued is not None and spec is not None and spec.name not in {"MULTI", "WATCH"}:
                session.abort_exec = True
        return replies

    def _unknown(self, word: bytes) -> Failure:
        name = word.decode("utf-8", "replace").upper()[:20]
        if len(self._server.stats.unknown) < 64:
            self._server.stats.unknown[name] += 1
        return error(f"unknown command `{name}`")

    async def _known(self, session: "Session", spec: CommandSpec, words: list[bytes]) -> list[Reply]:
        length = len(words) - 1 if " " in spec.name else len(words)
        if not spec.takes(length):
            return [wrong_arity(spec.name)]
        if not session.authenticated and spec.name not in WITHOUT_AUTH:
            return [NO_AUTH]
        if session.queued is not None and spec.name not in {"EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET"}:
            session.queued.append(words)
            return [Simple("QUEUED")]
        if spec.name in {"MULTI", "EXEC", "DISCARD"}:
            return [await self._transaction(session, spec)]
        return await self.execute(session, spec, words)

    async def execute(self, session: "Session", spec: CommandSpec, words: list[bytes]) -> list[Reply]:
        """Run a command that is known and complete, if the server's state allows."""
        await self._server.pause.wait(session, spec)
        refusal = self._refusal(spec, admin=session.admin)
        if refusal is not None:
            return [refusal]
        clock = self._server.clock
        started = clock.monotonic()
        handler = HANDLERS.get(spec.name)
        if handler is not None:
            replies = [await handler(Call(self._server, session, spec, words))]
        else:
            replies = await self._data(session, spec, words)
        self._server.keyspace.settle()
        usec = max(1, int((clock.monotonic() - started) * 1e6))
        self._server.stats.ran(spec.name.lower(), usec)
        self._server.note_slow(session, words, usec)
        return replies

    def run_invented(self, socket: "Socket", words: list[bytes]) -> None:
        """Run a data command of a client there is none of; whether it may run is the same question."""
        spec = self.find(words)
        assert spec is not None, "invented commands are known"
        if self._refusal(spec, admin=False) is None:
            self._count_hits(socket, spec, words)
            socket.run(words)
            self._server.keyspace.settle()
        self._server.stats.ran(spec.name.lower(), 20)

    def _refusal(self, spec: CommandSpec, *, admin: bool) -> Failure | None:
        server = self._server
        if server.is_loading and not spec.during_loading:
            return LOADING
        if server.state is State.TAKEN_OVER and not admin:
            if not server.flavour.is_new:
                return error("Can not execute during TAKEN OVER") if spec.is_write else None
            if not spec.is_admin and spec.name != "PING":
                return LOADING
        if spec.is_write and server.follower is not None:
            return READ_ONLY
        if spec.needs_memory and server.memory_is_full():
            server.stats.oom_rejections += 1
            return OUT_OF_MEMORY
        return None

    async def _data(self, session: "Session", spec: CommandSpec, words: list[bytes]) -> list[Reply]:
        self._count_hits(session.socket, spec, words)
        try:
            replies = session.run_data(words)
            waiting, session.socket.waiting = session.socket.waiting, None
            if waiting is not None:
                self._server.blocked_clients += 1
                try:
                    replies = [self._server.keyspace.fake.reply_of(await session.while_connected(waiting))]
                finally:
                    self._server.blocked_clients -= 1
        except FAKEREDIS_STUMBLES as problem:
            self._server.log(f"fakeredis cannot do {spec.name}: {type(problem).__name__} {problem}")
            return [error(f"{spec.name} is not simulated")]
        if replies and isinstance(replies[0], Failure) and replies[0].text.startswith("ERR unknown command"):
            return [error(f"{spec.name} is not simulated")]  # COMMAND lists it, so it is not unknown
        return replies

    def _count_hits(self, socket: "Socket", spec: CommandSpec, words: list[bytes]) -> None:
        if "readonly" not in spec.flags or not spec.first:
            return
        store, stats = socket.store, self._server.stats
        for key in spec.keys(words):
            item = store.peek(key)
            if item is not None and (item.expireat is None or item.expireat > store.time):
                stats.db_hits[socket.db] += 1
            else:
                stats.db_misses[socket.db] += 1

    async def _transaction(self, session: "Session", spec: CommandSpec) -> Reply:
        if spec.name == "MULTI":
            if session.queued is not None:
                return error("MULTI calls can not be nested")
            session.queued, session.abort_exec = [], False
            return OK
        queued, session.queued = session.queued, None
        if queued is None:
            return error(f"{spec.name} without MULTI")
        broken = session.socket.watch_broken
        session.socket.forget_watches()
        if spec.name == "DISCARD":
            return OK
        if session.abort_exec:
            return Failure("EXECABORT Transaction discarded because of previous errors")
        if broken:
            return None
        replies: list[Reply] = []
        for words in queued:
            command = self.find(words)
            assert command is not None, "it was known when it was queued"
            replies += (await self.execute(session, command, words))[:1]
        return replies
