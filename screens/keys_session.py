"""One database as it is browsed: the scan that is looked at, those it was narrowed from, and what is told of keys."""

from collections.abc import Callable

from dfly_tui.clients.keys import KeyReader
from dfly_tui.clients.scan import Pace
from dfly_tui.models.keys import KeyFilter
from dfly_tui.pollers.key_facts import KeyFactsFeed
from dfly_tui.pollers.keyspace import KeyspaceScan, ScanState


class KeySession:
    """Scans a database from the first key on, as soon as it is made. To be closed.

    Args:
        reader: Closed with the session.
        database: By default that of the instance's URL.
        changed: Called when there is something new to show.

    Attributes:
        facts: Types, times to live and sizes.
    """

    def __init__(
        self,
        reader: KeyReader,
        *,
        database: int | None,
        wanted: KeyFilter | None,
        delimiter: bytes,
        pace: Pace,
        changed: Callable[[], None],
    ) -> None:
        self._reader = reader
        self.database = reader.database if database is None else database
        self._delimiter = delimiter
        self._pace = pace
        self._changed = changed
        self.facts = KeyFactsFeed(reader, database=self.database, changed=changed)
        self._scans: list[KeyspaceScan] = []
        self._rested: list[bool] = []
        self._begin(wanted, b"")

    def _begin(self, wanted: KeyFilter | None, prefix: bytes) -> None:
        scan = KeyspaceScan(
            self._reader,
            database=self.database,
            wanted=wanted,
            prefix=prefix,
            delimiter=self._delimiter,
            pace=self._pace,
            changed=self._changed,
        )
        self._scans.append(scan)
        scan.start()

    @property
    def scan(self) -> KeyspaceScan:
        """The one that is looked at."""
        return self._scans[-1]

    @property
    def is_narrowed(self) -> bool:
        """Whether `widen()` leads back to more."""
        return len(self._scans) > 1

    def narrow(self, prefix: bytes) -> None:
        """Count what is below a namespace by itself, with room for as many names again; the scan before rests."""
        self._rested.append(self.scan.state is ScanState.PAUSED)
        self.scan.pause(True)
        self._begin(self.scan.wanted, prefix)

    async def widen(self) -> None:
        """Go on with the scan that was narrowed, unless it was paused before."""
        await self._scans.pop().aclose()
        self.scan.pause(self._rested.pop())

    def set_pace(self, pace: Pace) -> None:
        """How much of the server's time scans may take from now on."""
        self._pace = pace
        for scan in self._scans:
            scan.pace = pace

    async def aclose(self) -> None:
        """Stop, and close the connections."""
        for scan in self._scans:
            await scan.aclose()
        await self.facts.aclose()
        await self._reader.aclose()
