"""Reads the keys of one instance: what is there and what is to be told of each. It sends nothing that changes them."""

from collections.abc import AsyncGenerator, MutableMapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from dfly_tui.clients.address import Address
from dfly_tui.clients.bulk import BulkLane
from dfly_tui.clients.capabilities import Capabilities, version_numbers
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.scan import ALL_PROBES, Pace, Scanner, ScanPlan, admitted, facts, plan
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, NotPermitted, NotSupported
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.keys import KeyFacts, KeyFilter
from dfly_tui.models.replication import Role
from dfly_tui.settings import InstanceConfig

_UPTIME_TOLERANCE_SECONDS = 3.0
"""INFO gives whole seconds, and the wall clock of the server is not ours."""
SCAN_SECONDS = 30.0
"""A call ends by itself after some 100 ms (facts §7); but a server that saves, or a slow link, may take its time."""


@dataclass(frozen=True)
class Server:
    """Which process a scan is of.

    Attributes:
        at: When it was looked at, in the clock's monotonic seconds.
    """

    seen: InstanceSnapshot
    capabilities: Capabilities
    at: float

    def is_still(self, before: "Server") -> bool:
        """Whether it is the process it was before, in the role it had: there is no run id to tell (facts §1.2)."""
        grown = (self.seen.uptime_seconds or 0) - (before.seen.uptime_seconds or 0)
        return (
            (self.seen.role, self.seen.version) == (before.seen.role, before.seen.version)
            and self.seen.replication.replication_id == before.seen.replication.replication_id
            and abs(grown - (self.at - before.at)) <= _UPTIME_TOLERANCE_SECONDS
        )

    def has_data_of(self, before: "Server") -> bool:
        """Whether the same process, asked on a connection that never ended, still has the data it had: a replica's is
        replaced by a full synchronization; a primary has another id, too, when its first replica comes."""
        if self.seen.role is not before.seen.role:
            return False
        of_other_primary = self.seen.replication.replication_id != before.seen.replication.replication_id
        return self.seen.role is Role.PRIMARY or not of_other_primary

    def keys(self, database: int) -> int:
        """How many keys a database had then."""
        return sum(space.keys for space in self.seen.keyspaces if space.database == database)


class Prober(Protocol):
    """`scan.facts()` on an open lane."""

    def __call__(
        self, names: Sequence[bytes], probes: Sequence[str] = ..., refused: MutableMapping[str, DflyError] | None = ...
    ) -> AsyncGenerator[list[KeyFacts], None]:
        """What is to be told of these keys, in order, some hundred at a time."""


class KeyReader:
    """Looks into the databases of an instance. Raises only `DflyError`s.

    Args:
        timeout_seconds: For small questions; a SCAN may take longer.

    Attributes:
        database: That of the instance's URL.
    """

    def __init__(
        self, config: InstanceConfig, password: PasswordProvider, *, clock: Clock, timeout_seconds: float
    ) -> None:
        self.clock = clock
        self.database = Address.parse(config.url).database
        self._config = config
        self._password = password
        self._reader = DragonflyReader(config, password, clock=clock, timeout_seconds=timeout_seconds)
        self._commands: frozenset[str] | None = None

    async def look(self) -> Server:
        """Which process it is now, what it can do, and how many keys it has."""
        seen = await self._reader.snapshot()
        if self._commands is None:
            try:
                self._commands = await self._reader.command_names()
            except (NotPermitted, NotSupported):
                self._commands = frozenset()
        version = version_numbers(seen.version or "")
        capabilities = Capabilities(seen.flavour, version, self._commands, self._reader.resp3)
        return Server(seen, capabilities, self.clock.monotonic())

    @asynccontextmanager
    async def scanner(
        self, plan: ScanPlan, *, database: int, pace: Pace, cursor: bytes = b"0"
    ) -> AsyncGenerator[Scanner, None]:
        """Begin a scan, or go on with one of the same process."""
        async with self._lane(database) as lane:
            yield Scanner(lane, plan.options, clock=self.clock, pace=pace, cursor=cursor)

    @asynccontextmanager
    async def prober(self, database: int) -> AsyncGenerator[Prober, None]:
        """What asks of keys what is to be told of them."""
        async with self._lane(database) as lane:
            yield partial(facts, lane)

    async def find(
        self, wanted: KeyFilter, *, database: int, pace: Pace, probes: Sequence[str] = ()
    ) -> AsyncGenerator[list[KeyFacts], None]:
        """The keys that are looked for, from the first to the last, some thousand at a time; a name may come twice.

        Args:
            probes: What is to be told of each, beside what the filter makes us ask.

        Raises:
            DflyError: The connection failed, or the filter asks what this server cannot tell, or does not tell this
                user: without it nobody knows which keys are looked for.
        """
        how = plan(wanted, (await self.look()).capabilities)
        asked = [probe for probe in ALL_PROBES if probe in probes or probe in how.probes]
        async with AsyncExitStack() as opened:
            scanner = await opened.enter_async_context(self.scanner(how, database=database, pace=pace))
            prober = await opened.enter_async_context(self.prober(database)) if asked else None
            pages = await opened.enter_async_context(aclosing(scanner.pages()))
            refused: dict[str, DflyError] = {}
            async for page in pages:
                if prober is None:
                    yield [KeyFacts(name) for name in page.names]
                    continue
                async with aclosing(prober(page.names, asked, refused=refused)) as told:
                    async for some in told:
                        for probe in refused.keys() & set(how.probes):
                            raise refused[probe]
                        yield admitted(wanted, some, how.probes)

    def _lane(self, database: int) -> BulkLane:
        return BulkLane(self._config, self._password, timeout_seconds=SCAN_SECONDS, database=database)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._reader.aclose()
