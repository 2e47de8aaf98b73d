"""A scan of a database as a person watches it: begun, paused, resumed, begun anew when the server is another."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing, suppress
from enum import Enum

from dfly_tui.clients.keys import KeyReader, Prober, Server
from dfly_tui.clients.scan import Pace, Scanner, ScanPlan, admitted, plan
from dfly_tui.errors import Bug, DflyError, Loading, ServerError, Timeout, TooManyClients, Unreachable
from dfly_tui.models.keys import KeyFacts, KeyFilter, literal, literal_name
from dfly_tui.models.namespaces import DELIMITER, Namespaces
from dfly_tui.text import safe

RETRIES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait until a server that went away is tried again; the last is repeated."""
PASSING = (Unreachable, Timeout, Loading, TooManyClients)
"""Errors of a server that may be back by and by."""
BUSY = ("BUSY", "TRYAGAIN", "MASTERDOWN", "CLUSTERDOWN")
"""What the errors begin with of a server that runs a script or has lost its primary."""
SLICE = 1024
"""Names counted at a time, so that the screen answers in between."""
SILENT_SECONDS = 2.0
"""A call ends after some 100 ms (facts §7); no answer for so long is worth telling."""
ANEW = "the server is not the one it was (restart or failover): counted anew"

log = logging.getLogger(__name__)


def is_passing(error: DflyError) -> bool:
    """Whether the same question may be answered by and by."""
    return isinstance(error, PASSING) or (isinstance(error, ServerError) and error.detail.startswith(BUSY))


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
        pages: SCAN calls that were answered.
        refused: What keys may not be asked for, by the command, and why.
        left_out: Keys that may be looked for, but what the filter asks of them was refused.
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
        self.refused: dict[str, DflyError] = {}
        self._begin()

    def _begin(self) -> None:
        """From the first key on."""
        self.spaces = Namespaces(self._delimiter, prefix=self._prefix)
        self.facts: dict[bytes, KeyFacts] = {}
        self.scanned = 0
        self.pages = 0
        self.left_out = 0
        self.refused.clear()
        self._cursor = b"0"
        self._is_over = False
        self._at_once: bytes | None = None

    @property
    def total(self) -> int | None:
        """Keys of the database when the server was last looked at."""
        return self.server.keys(self.database) if self.server is not None else None

    @property
    def silent_seconds(self) -> float:
        """For how long the server has not answered; 0 while nothing is asked, or for no time worth telling."""
        asked_at = self._scanner.asked_at if self._scanner is not None else None
        if asked_at is None or self.state is not ScanState.SCANNING:
            return 0.0
        silent = self._reader.clock.monotonic() - asked_at
        return silent if silent >= SILENT_SECONDS else 0.0

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
        """Stop asking, or go on where it stopped; a server that is away is not tried meanwhile."""
        if paused and self.state in {ScanState.SCANNING, ScanState.WAITING}:
            self._going.clear()
            self._show(ScanState.PAUSED, self.error)
        elif not paused and self.state is ScanState.PAUSED:
            self._going.set()
            self._show(ScanState.SCANNING if self.error is None else ScanState.WAITING, self.error)

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
                if await self._scan():
                    return
            except DflyError as error:
                if not is_passing(error):
                    self._show(ScanState.FAILED, error)
                    return
                failures = 1 if self.pages > before else failures + 1
                await self._rest(error, RETRIES_SECONDS[min(failures, len(RETRIES_SECONDS)) - 1])
            except Exception as bug:
                log.exception("a scan failed in a way it must not")
                what = safe(f"{type(bug).__name__}: {bug}", limit=200)
                self._show(ScanState.FAILED, Bug(what, "the log has the details; please report it"))
                raise

    async def _rest(self, error: DflyError, seconds: float) -> None:
        """Before the server is tried again; as long as it is paused."""
        self._show(ScanState.WAITING if self._going.is_set() else ScanState.PAUSED, error)
        await self._reader.clock.sleep(seconds)
        await self._going.wait()

    async def _scan(self) -> bool:
        """From where it stopped to the end; whether that was reached with the data it began with."""
        server = await self._reader.look()
        if self.server is not None and not server.is_still(self.server):
            self._begin()
            self.note = ANEW
        self.server = server
        self.plan = plan(self._filter(), server.capabilities)
        self._show(ScanState.SCANNING)
        if not self._is_over:
            await self._pages(self.plan)
        after = await self._reader.look()
        if not after.has_data_of(server):
            self._begin()
            self.server, self.note = None, ANEW
            return False
        self.server = after
        self._show(ScanState.COMPLETE)
        return True

    async def _pages(self, how: ScanPlan) -> None:
        async with AsyncExitStack() as opened:
            if not self.pages and self._at_once is None:
                await self._look_at_once(how)
            scanner = self._scanner = await opened.enter_async_context(
                self._reader.scanner(how, database=self.database, pace=self._pace, cursor=self._cursor)
            )
            prober = await opened.enter_async_context(self._reader.prober(self.database)) if how.probes else None
            pages = await opened.enter_async_context(aclosing(scanner.pages()))
            async for page in pages:
                await self._take(page.names, how, prober)
                self._cursor, self._is_over = page.cursor, page.is_last
                self.pages += 1
                self._changed()
                await self._going.wait()

    async def _look_at_once(self, how: ScanPlan) -> None:
        """A key whose whole name was typed is there without looking through all of them, or being let SCAN at all."""
        name = literal_name(self.wanted.pattern)
        if name is None or not name.startswith(self._prefix):
            return
        with suppress(DflyError):  # the scan tells it, or finds the key
            async with self._reader.prober(self.database) as prober:
                async with aclosing(prober([name], tuple({"TYPE", *how.probes}))) as told:
                    [[key]] = [some async for some in told]
                if key.kind is None or key.is_gone or self.wanted.kind not in {"", key.kind}:
                    return
                if self._admitted([key], how) and not {"MINMSZ", "ATTR"} & set(how.options):
                    self._at_once = name
                    self.spaces.add([name])
                    self._changed()

    def _filter(self) -> KeyFilter:
        if not self._prefix or self.wanted.pattern:
            return self.wanted
        return self.wanted.model_copy(update={"pattern": literal(self._prefix) + b"*"})

    async def _take(self, names: list[bytes], how: ScanPlan, prober: Prober | None) -> None:
        """Count what was found, if it is looked for."""
        found = names
        if self._prefix and self.wanted.pattern:
            found = [name for name in found if name.startswith(self._prefix)]
        if prober is not None and found:
            keys: list[KeyFacts] = []
            async with aclosing(prober(found, how.probes, refused=self.refused)) as told:
                async for some in told:
                    keys += self._admitted(some, how)
            found = [key.name for key in keys]
            if self.spaces.has_all_names:
                self.facts.update((key.name, key) for key in keys)
        if self._at_once is not None:
            found = [name for name in found if name != self._at_once]
        for at in range(0, len(found), SLICE):
            self.spaces.add(found[at : at + SLICE])
            await self._reader.clock.sleep(0)
        self.scanned += len(names)

    def _admitted(self, keys: list[KeyFacts], how: ScanPlan) -> list[KeyFacts]:
        """Those that are looked for; of which that cannot be told are counted."""
        if "PTTL" in self.refused or "MEMORY USAGE" in self.refused:
            self.left_out += sum(
                not key.is_gone
                and (
                    ("PTTL" in how.probes and key.ttl_ms is None)
                    or ("MEMORY USAGE" in how.probes and key.size_bytes is None)
                )
                for key in keys
            )
        return admitted(self.wanted, keys, how.probes)

    def _show(self, state: ScanState, error: DflyError | None = None) -> None:
        self.state, self.error = state, error
        self._changed()
