"""An emergency promotion says what is lost before it is done: never less than a writer then misses."""

import asyncio
import json
import math
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.models.reading import Reading
from dfly_tui.operations.access import Access
from dfly_tui.operations.failover.choose import change_of_roles
from dfly_tui.operations.failover.emergency import LastSeen
from dfly_tui.pollers.history import StatusHistory
from tests.support.eventually import eventually
from tests.support.group import Group, group, outcome, told
from tests.support.hurry import hurried
from tests.support.lab import Client, in_sync

EVERY_SECONDS = 0.2
"""Between two looks of whoever watches."""


@dataclass
class Writer:
    """Writes to a primary for as long as it answers, and keeps when each write was acknowledged.

    Attributes:
        pause_seconds: Between two writes; may be changed meanwhile, as `value` may.
    """

    port: int
    password: str | None
    clock: Clock
    pause_seconds: float = 0.01
    value: str = "x"
    acknowledged: dict[str, float] = field(default_factory=dict)

    async def write(self) -> None:
        with suppress(OSError, TimeoutError):
            async with Client(self.port, self.password) as client:
                while await client("SET", f"mine:{len(self.acknowledged)}", self.value) == "OK":
                    self.acknowledged[f"mine:{len(self.acknowledged)}"] = self.clock.monotonic()
                    await asyncio.sleep(self.pause_seconds)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        writing = asyncio.ensure_future(self.write())
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def lost(self, servers: Group) -> list[float]:
        """When the writes were acknowledged that the new primary does not have."""
        async with Client(servers.servers["beta"].port, servers.password) as client:
            there = [await client("EXISTS", key) for key in self.acknowledged]
        return [at for at, has in zip(self.acknowledged.values(), there, strict=True) if not has]


class Watcher:
    """Looks at the primary again and again, as the dashboard does, until it is gone."""

    def __init__(self, servers: Group) -> None:
        self._servers = servers
        self._history = StatusHistory(1000)
        self._lag: tuple[float, float, float] | None = None
        self._at = 0.0

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        async with self._servers.access() as access:
            watching = asyncio.ensure_future(self._watch(access))
            try:
                yield
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, access: Access) -> None:
        clock, seq = self._servers.clock, 0
        with suppress(DflyError):
            while seq := seq + 1:
                seen, now = await access.reader("alpha").snapshot(), clock.monotonic()
                self._history.note(Reading(seq=seq, value=seen, value_at=now), now)
                seconds, records = self._history.lag_seconds(now), self._history.series.latest("lag_records")
                if seconds is not None:
                    self._lag = now, seconds, records
                self._at = now
                await clock.sleep(EVERY_SECONDS)

    def last_seen(self) -> LastSeen:
        """What there is to say of the primary now."""
        now, writes = self._servers.clock.monotonic(), self._history.series.latest("writes")
        at, seconds, records = self._lag or (math.nan, None, None)
        return LastSeen(
            now - self._at, None if records is None else int(records), seconds,
            None if math.isnan(writes) else writes, None if self._lag is None else now - at,
        )  # fmt: skip


@dataclass(frozen=True)
class Promise:
    """What was announced: every write of so many seconds, counted back from `at`, is lost at most."""

    seconds: float
    at: float


async def promoted(servers: Group, last_seen: LastSeen) -> Promise:
    """Promote the replica; what was said of the loss before that. To those who did not watch it says that it does not
    know."""
    async with servers.access() as access:
        plan = change_of_roles(await servers.scene(access), servers.wish())
        assert loss(await servers.run(plan, access, dry_run=True)).startswith("not known, as nobody saw")
        plan = change_of_roles(await servers.scene(access), servers.wish(last_seen=last_seen))
        at = servers.clock.monotonic()
        events = await servers.run(plan, access)
    assert outcome(events) is Outcome.DONE, told(events)
    assert await servers.leaders() == ["beta"]
    text = loss(events)
    assert text.startswith("every write alpha acknowledged in the last ")
    number, unit = text.partition("in the last ")[2].split(" ")[:2]
    assert unit.rstrip(",;") == "s", text
    return Promise(float(number), at)


def loss(events: list[Event]) -> str:
    return next(found.value for event in events for found in event.findings if found.code == "loss")


@asynccontextmanager
async def primary_in_a_process(servers: Group, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """In place of alpha, on its port, a server that can be killed; beta follows it."""
    port = servers.servers["alpha"].port
    await servers.kill("alpha")
    (folder / "password").write_text(str(servers.password))
    (folder / "password").chmod(0o600)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "dfly_tui.cli.main", "lab", "--port", str(port), "--exit-with-stdin",
        "--password-file", str(folder / "password"),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["port"] == port
        await eventually(lambda: in_sync(servers.servers["beta"]))
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_a_primary_that_is_killed_under_load(tmp_path: Path) -> None:
    """A process of its own, by SIGKILL: what it had in its buffers is gone with it."""
    async with group(1) as servers, primary_in_a_process(servers, tmp_path) as process:
        writer = Writer(servers.servers["alpha"].port, servers.password, servers.clock, pause_seconds=0.0)
        watcher = Watcher(servers)
        async with writer.at_work(), watcher.at_work():
            await asyncio.sleep(1.2)
            process.kill()
            await process.wait()
        said = await promoted(servers, watcher.last_seen())
        assert len(writer.acknowledged) > 100
        assert all(at >= said.at - said.seconds for at in await writer.lost(servers))


async def test_a_primary_that_is_killed_while_its_replica_hangs(tmp_path: Path) -> None:
    """The replica goes on at the end: it has heard the primary this very moment, and yet lacks seconds of it."""
    async with group(1) as servers, primary_in_a_process(servers, tmp_path) as process:
        beta = servers.servers["beta"]
        writer = Writer(servers.servers["alpha"].port, servers.password, servers.clock)
        watcher = Watcher(servers)
        async with writer.at_work(), watcher.at_work():
            await asyncio.sleep(1.0)
            beta.faults.frozen, writer.value = True, "x" * 300_000
            await asyncio.sleep(2.0)
            process.kill()
            await process.wait()
            beta.faults.frozen = False
        await eventually(lambda: out_of_sync(servers))
        said = await promoted(servers, watcher.last_seen())
        lost = await writer.lost(servers)
        assert len(lost) > 20
        assert min(lost) >= said.at - said.seconds


async def out_of_sync(servers: Group) -> bool:
    return not await in_sync(servers.servers["beta"])


async def link_breaks(servers: Group) -> None:
    """The replica reaches the primary no more."""
    servers.servers["alpha"].faults.refuse = True
    hang_up(servers)


async def password_is_wrong(servers: Group) -> None:
    """The replica reaches the primary, which does not let it in: it hears it all the time."""
    async with Client(servers.servers["beta"].port, servers.password) as client:
        assert await client("CONFIG", "SET", "masterauth", "something else") == "OK"
    hang_up(servers)


def hang_up(servers: Group) -> None:
    for peer in list(servers.servers["alpha"].feeder.peers.values()):
        peer.session.kill()


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
@pytest.mark.parametrize("fault", [link_breaks, password_is_wrong])
@hurried
async def test_a_primary_that_goes_on_without_its_replica(
    fault: Callable[[Group], Awaitable[None]], flavour: str
) -> None:
    """Then it is killed, ever faster written to."""
    async with group(1, flavour=flavour) as servers:
        writer = Writer(servers.servers["alpha"].port, servers.password, servers.clock)
        watcher = Watcher(servers)
        async with writer.at_work(), watcher.at_work():
            await asyncio.sleep(3)
            await fault(servers)
            await asyncio.sleep(6)
            writer.pause_seconds = 0.002
            await asyncio.sleep(2)
            await servers.kill("alpha")
        said = await promoted(servers, watcher.last_seen())
        lost = await writer.lost(servers)
        assert max(lost) - min(lost) > 7
        assert min(lost) >= said.at - said.seconds
