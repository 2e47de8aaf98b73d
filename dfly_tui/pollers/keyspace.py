"""A scan of a database as a person watches it: begun, paused, resumed, begun anew when the server is another."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from enum import Enum

from dfly_tui.clients.keys import KeyReader, Prober, Server
from dfly_tui.clients.scan import Pace, Scanner, ScanPlan, admitted, plan
from dfly_tui.errors import Bug, DflyError, Loading, Timeout, TooManyClients, Unreachable
from dfly_tui.models.keys import KeyFacts, KeyFilter, literal
from dfly_tui.models.namespaces import DELIMITER, Namespaces
from dfly_tui.text import safe

RETRIES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait until a server that went away is tried again; the last is repeated."""
PASSING = (Unreachable, Timeout, Loading, TooManyClients)
"""Errors of a server that may be back by and by."""
ANEW = "the server is not the one it was (restart or failover): counted anew"

log = logging.getLogger(__name__)


class ScanState(Enum):
    """How far a scan is."""

    SCANNING = "scanning"
    PAUSED = "paused"
    WAITING = "waiting"
    """The server went away; it is tried again."""
    COMPLETE = "complete"
    FAILED = "failed"


class KeyspaceScan:
    """Counts the keys of a database, or those looked for, by namespace.

    Args:
        prefix: Count only below this namespace.
        changed: Called when there is something new to show.

    Attributes:
        spaces: What was counted so far.
        facts: What was told of keys, where the filter made us ask.
        state, error: How far it is; the error while it waits, or that ended it.
        note: Something to tell, such as that it was begun anew.
        plan: How keys are found; None until the server was looked at.
        scanned: Names that the server gave, matching or not told to match by us.
        pages, seconds: SCAN calls that were answered, and how long they took, in seconds.
    """

    def __init__(
        self,
        reader: KeyReader,
        *,
        database: int = 0,
        wanted: KeyFilter | None = None,
        prefix: bytes = b"",
        delimiter: bytes = DELIMITER,
        pace: Pace = Pace.NORMAL,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.database = database
        self.wanted = wanted or KeyFilter()
        self.server: Server | None = None
        self.plan: ScanPlan | None = None
        self.state = ScanState.SCANNING
        self.error: DflyError | None = None
        self.note = ""
        self._reader = reader
        self._prefix = prefix
        self._delimiter = delimiter
        self._pace = pace
        self._changed = changed
        self._scanner: Scanner | None = None
        self._going = asyncio.Event()
        self._going.set()
        self._task: asyncio.Task[None] | None = None
        self._begin()

    def _begin(self) -> None:
        """From the first key on."""
        self.spaces = Namespaces(self._delimiter, prefix=self._prefix)
        self.facts: dict[bytes, KeyFacts] = {}
        self.scanned = 0
        self.pages = 0
        self.seconds = 0.0
        self._cursor = b"0"

    @property
    def total(self) -> int | None:
        """Keys of the database when the server was last looked at."""
        return self.server.keys(self.database) if self.server is not None else None

    @property
    def pace(self) -> Pace:
        return self._pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._pace = pace
        if self._scanner is not None:
            self._scanner.pace = pace

    def start(self) -> None:
        """Begin, in the background."""
        self._task = asyncio.create_task(self._run(), name=f"scan db{self.database}")

    def pause(self, paused: bool) -> None:
        """Stop asking, or go on where it stopped."""
        if paused and self.state is ScanState.SCANNING:
            self._going.clear()
            self._show(ScanState.PAUSED)
        elif not paused and self.state is ScanState.PAUSED:
            self._going.set()
            self._show(ScanState.SCANNING)

    async def aclose(self) -> None:
        """Stop for good; what was counted stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def wait(self) -> None:
        """Until it is complete or failed."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        failures = 0
        while True:
            before = self.pages
            try:
                await self._scan()
            except PASSING as error:
                failures = 1 if self.pages > before else failures + 1
                self._show(ScanState.WAITING, error)
                await self._reader.clock.sleep(RETRIES_SECONDS[min(failures, len(RETRIES_SECONDS)) - 1])
            except DflyError as error:
                self._show(ScanState.FAILED, error)
                return
            except Exception as bug:
                log.exception("a scan failed in a way it must not")
                what = safe(f"{type(bug).__name__}: {bug}", limit=200)
                self._show(ScanState.FAILED, Bug(what, "the log has the details; please report it"))
                raise
            else:
                return

    async def _scan(self) -> None:
        """From where it stopped to the end."""
        server = await self._reader.look()
        if self.server is not None and not server.is_still(self.server):
            self._begin()
            self.note = ANEW
        self.server = server
        self.plan = plan(self._filter(), server.capabilities)
        self._show(ScanState.SCANNING)
        async with AsyncExitStack() as opened:
            scanner = self._scanner = await opened.enter_async_context(
                self._reader.scanner(self.plan, database=self.database, pace=self._pace, cursor=self._cursor)
            )
            prober = await opened.enter_async_context(self._reader.prober(self.database)) if self.plan.probes else None
            pages = await opened.enter_async_context(aclosing(scanner.pages()))
            async for page in pages:
                await self._take(page.names, prober)
                self._cursor = page.cursor
                self.pages += 1
                self.seconds += page.seconds
                self._changed()
                await self._going.wait()
        self.server = await self._reader.look()
        self._show(ScanState.COMPLETE)

    def _filter(self) -> KeyFilter:
        if not self._prefix or self.wanted.pattern:
            return self.wanted
        return self.wanted.model_copy(update={"pattern": literal(self._prefix) + b"*"})

    async def _take(self, names: list[bytes], prober: Prober | None) -> None:
        """Count what was found, if it is looked for."""
        found = names
        if self._prefix and self.wanted.pattern:
            found = [name for name in found if name.startswith(self._prefix)]
        if prober is not None and self.plan is not None and found:
            keys: list[KeyFacts] = []
            async with aclosing(prober(found, self.plan.probes)) as told:
                async for some in told:
                    keys += admitted(self.wanted, some, self.plan.probes)
            found = [key.name for key in keys]
            if self.spaces.has_all_names:
                self.facts.update((key.name, key) for key in keys)
        self.spaces.add(found)
        self.scanned += len(names)

    def _show(self, state: ScanState, error: DflyError | None = None) -> None:
        self.state, self.error = state, error
        self._changed()
