"""A proxy before a server: writes down every command that passes, and harms a chosen one on its way."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import Self

import hiredis

from dfly_tui.lab.listening import stop_accepting
from tests.support.clock import settle


class Harm(StrEnum):
    """What happens to the chosen command."""

    LOST = "the connection drops before the command arrives"
    DROPPED = "the connection drops after the command arrived"
    SILENT = "the command arrives, its answer never comes"
    REFUSED = "the command is refused and does not arrive"
    FROZEN = "the server stops when the command arrives"


class Proxy:
    """Listens on a port of its own and passes everything on.

    Attributes:
        commands: Every command that came in, its words as text, in order.
        harm: What happens to a command that `chosen` says yes to; only once.
        struck: Called when that happens.
        arrived: Called with every command before it is passed on.
        withheld: Called when an answer came that is not passed on.
    """

    def __init__(self, port: int, freeze: Callable[[], None]) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.harm: Harm | None = None
        self.chosen: Callable[[tuple[str, ...]], bool] = lambda words: False
        self.arrived: Callable[[tuple[str, ...]], None] = lambda words: None
        self.struck: Callable[[], None] = lambda: None
        self.withheld: Callable[[], None] = lambda: None
        self.port = 0
        self._cut = False
        self._target = port
        self._freeze = freeze
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        stop_accepting(self._server)
        await settle()  # whoever was just accepted reaches us, or nobody would hang up on them
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def sent(self, *begins: str) -> list[tuple[str, ...]]:
        """The commands that begin with these words."""
        wanted = tuple(word.upper() for word in begins)
        return [words for words in self.commands if tuple(word.upper() for word in words[: len(wanted)]) == wanted]

    def cut(self) -> None:
        """Hang up on everybody and take nobody until `mend()`: whoever was connected is gone, as after SIGKILL."""
        self._cut = True
        for task in self._tasks:
            task.cancel()

    def mend(self) -> None:
        self._cut = False

    def lead_to(self, port: int) -> None:
        """Hang up on everybody, and lead to another server from now on, as a name or a balancer does in a failover."""
        self.cut()
        self.mend()
        self._target = port

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._cut:
            writer.transport.abort()
            return
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._target)
        silent = asyncio.Event()
        back = asyncio.ensure_future(self._pass_back(theirs, writer, silent))
        parser = hiredis.Reader(encoding="utf-8", errors="surrogateescape")  # what is passed on is exact
        try:
            while data := await reader.read(65536):
                parser.feed(data)
                while (words := parser.gets()) is not False:
                    if not await self._pass(tuple(map(str, words)), ours, writer, silent):
                        return
        finally:
            back.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await back
            ours.close()

    async def _pass(
        self, words: tuple[str, ...], ours: asyncio.StreamWriter, writer: asyncio.StreamWriter, silent: asyncio.Event
    ) -> bool:
        """Whether the connection goes on."""
        self.commands.append(words)
        self.arrived(words)
        harm, self.harm = (self.harm, None) if self.harm and self.chosen(words) else (None, self.harm)
        if harm is not None:
            self.struck()
        match harm:
            case Harm.LOST:
                return False
            case Harm.REFUSED:
                writer.write(b"-ERR this was refused\r\n")
                return True
            case Harm.FROZEN:
                self._freeze()
            case Harm.SILENT | Harm.DROPPED:
                silent.set()
        ours.write(_packed(words))
        await ours.drain()
        if harm is Harm.DROPPED:
            await asyncio.sleep(0.3)
            return False
        return True

    async def _pass_back(
        self, theirs: asyncio.StreamReader, writer: asyncio.StreamWriter, silent: asyncio.Event
    ) -> None:
        while data := await theirs.read(65536):
            if silent.is_set():
                self.withheld()
            else:
                writer.write(data)
        writer.close()


def _packed(words: tuple[str, ...]) -> bytes:
    data = [word.encode("utf-8", "surrogateescape") for word in words]
    return b"*%d\r\n%b" % (len(data), b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in data))
