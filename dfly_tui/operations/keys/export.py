"""Exports keys to a file: those that were named, or all that a filter finds. Nothing is changed on the server."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeAlias

from dfly_tui.clients.key_codec import Found, KeyCodec
from dfly_tui.clients.keys import KeyReader, Server
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.scan import Pace
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError
from dfly_tui.models.key_parts import Missed, Part, Why
from dfly_tui.models.key_query import query_text
from dfly_tui.models.keys import KeyFilter
from dfly_tui.operations.keys.export_file import ExportWriter, Header, new_file
from dfly_tui.settings import InstanceConfig

NAMED = 100
"""So many names of failures are kept; all are counted."""
_TURN_SECONDS = 0.01
"""After so long others have their turn: a screen lives in the same loop."""

Wanted: TypeAlias = KeyFilter | Sequence[bytes]


@dataclass
class Failures:
    """What could not be done: how often, and the first hundred by name."""

    count: int = 0
    named: list[tuple[bytes, DflyError]] = field(default_factory=list)

    def add(self, name: bytes, error: DflyError) -> None:
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append((name, error))


@dataclass
class ExportReport:
    """How an export went; while it runs, how far it is.

    Attributes:
        expected: Keys there may be: those named, or all of the database; None before that is known.
        keys: Written whole.
        size_bytes: Of their names and values.
        written_bytes: Of the file before it is packed.
        gone, changed: Keys that expired or were deleted, or became another type, between listing and reading.
        restless: Large keys that were written to while they were read; the first hundred.
        elements_unread: Why the expiry of elements could not be told, where that is so.
        stopped: Somebody stopped it; there is no file then.
    """

    expected: int | None = None
    keys: int = 0
    size_bytes: int = 0
    written_bytes: int = 0
    gone: int = 0
    changed: int = 0
    failures: Failures = field(default_factory=Failures)
    restless: list[bytes] = field(default_factory=list)
    elements_unread: DflyError | None = None
    seconds: float = 0.0
    stopped: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether everything that was there is in the file as it was."""
        return not (self.stopped or self.failures.count or self.restless or self.elements_unread)


class Exporter:
    """One export.

    Args:
        wanted: A filter, or names.
        pace: How much of the server's time looking for keys may take.

    Attributes:
        report: How far it is.
        told: Called with the report as it grows.
    """

    def __init__(
        self,
        config: InstanceConfig,
        password: PasswordProvider,
        wanted: Wanted,
        *,
        database: int,
        clock: Clock,
        timeout_seconds: float,
        pace: Pace = Pace.FAST,
        told: Callable[[ExportReport], None] = lambda report: None,
    ) -> None:
        self.report = ExportReport()
        self._config, self._password = config, password
        self._wanted = wanted
        self._database = database
        self._clock = clock
        self._pace = pace
        self.told = told
        self._reader = KeyReader(config, password, clock=clock, timeout_seconds=timeout_seconds)
        self._stop = False
        self._turn_at = 0.0

    def stop(self) -> None:
        """Stop soon; nothing is left of the file."""
        self._stop = True

    async def to_file(self, path: Path, *, overwrite: bool = False) -> ExportReport:
        """Export to a file, packed when its name ends in `.gz`.

        Raises:
            Refused: There is one already.
            DflyError: The server or the disk failed; nothing is left of the file.
        """
        try:
            with new_file(path, overwrite=overwrite) as out:
                await self._run(out)
                if self._stop:
                    raise _Stopped
        except _Stopped:
            self.report.stopped = True
        return self.report

    async def to_stream(self, out: IO[bytes]) -> ExportReport:
        """Export to a stream; one that was stopped or failed has no trailer."""
        await self._run(out)
        self.report.stopped = self._stop
        return self.report

    async def _run(self, out: IO[bytes]) -> None:
        began = self._clock.monotonic()
        try:
            server = await self._reader.look()
            names = not isinstance(self._wanted, KeyFilter)
            self.report.expected = len(self._wanted) if names else server.keys(self._database)  # type: ignore[arg-type]
            writer = ExportWriter(out, self._header(server))
            codec = KeyCodec(self._config, self._password, database=self._database, capabilities=server.capabilities)
            async with codec, aclosing(self._pages()) as pages:
                async for page in pages:
                    await self._page(codec, page, writer)
                    if self._stop:
                        return
            self.report.restless = codec.restless
            self.report.elements_unread = codec.expiries.unread
            writer.end()
            out.flush()
        finally:
            self.report.seconds = self._clock.monotonic() - began
            await self._reader.aclose()

    def _header(self, server: Server) -> Header:
        seen = server.seen
        return Header(
            created_at=self._clock.now().isoformat(timespec="seconds"),
            product=str(seen.flavour),
            server_version=seen.version or "",
            instance=self._config.name,
            database=self._database,
            filter=query_text(self._wanted) if isinstance(self._wanted, KeyFilter) else None,
        )

    async def _pages(self) -> AsyncGenerator[Sequence[bytes], None]:
        if not isinstance(self._wanted, KeyFilter):
            yield self._wanted
            return
        found = self._reader.find(self._wanted, database=self._database, pace=self._pace)
        async with aclosing(found) as pages:
            async for keys in pages:
                yield [key.name for key in keys]

    async def _page(self, codec: KeyCodec, names: Sequence[bytes], writer: ExportWriter) -> None:
        async with aclosing(codec.read(names)) as lists:
            async for found in lists:
                writer.add(list(self._parts(found)))
                self._note(writer)
                if self._clock.monotonic() - self._turn_at > _TURN_SECONDS:
                    await self._clock.sleep(0)
                    self._turn_at = self._clock.monotonic()
                if self._stop:
                    return

    def _parts(self, found: Iterable[Found]) -> Iterable[Part]:
        for each in found:
            if isinstance(each, Part):
                yield each
            else:
                self._miss(each)

    def _miss(self, missed: Missed) -> None:
        if missed.error is not None:
            self.report.failures.add(missed.name, missed.error)
        elif missed.why is Why.CHANGED:
            self.report.changed += 1
        else:
            self.report.gone += 1

    def _note(self, writer: ExportWriter) -> None:
        report = self.report
        report.keys, report.size_bytes, report.written_bytes = writer.keys, writer.size, writer.written
        self.told(report)


class _Stopped(Exception):
    """Somebody stopped it."""
