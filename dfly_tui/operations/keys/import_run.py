"""Writes the keys of an export, each whole or not at all, in windows that are sent once.

A string is one command. Every other key is written under a temporary name beside its own and renamed when all of it was
accepted, in a later window. What is there already is compared first: equal keys are left alone, so that an import that
was interrupted goes on where it stopped.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import Enum

from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_commands import Rewriter, require_expiry, set_command
from dfly_tui.clients.key_lane import FATAL
from dfly_tui.clients.key_talk import Dump
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, OutOfMemory, Refused
from dfly_tui.models.key_parts import Digest, Part, same_expiry
from dfly_tui.models.keys import STRING
from dfly_tui.operations.keys.import_report import Existing, ImportReport, differs
from dfly_tui.operations.keys.import_windows import Job, Role, Sent, Target, Windows
from dfly_tui.text import safe

TEMPORARY_SECONDS = 86_400
"""A large key that was begun and never finished goes by itself after a day."""
TEMPORARY = ":dfly-tui-import:"
"""In the name of a key that is not whole yet."""
_CONFLICTS = 200
_CONFLICT_BYTES = 16 << 20
_TURN_SECONDS = 0.01


class _Mode(Enum):
    """What is done with the parts of a key that comes in several."""

    WRITE = "write"
    COMPARE = "compare"
    IGNORE = "ignore"


@dataclass
class _Large:
    """A key in several parts, as far as it came."""

    mode: _Mode
    job: Job
    writer: Rewriter
    digest: Digest = field(default_factory=Digest)


class Importer:
    """One import.

    Args:
        parts: Gives the parts of the file from the beginning; asked again when large keys are to be replaced.
        report: Filled as it goes on.
        stop: Set by whoever wants it to end soon.
        told: Called with the report after each window.
    """

    def __init__(
        self,
        parts: Callable[[], Iterator[Part]],
        target: Target,
        *,
        existing: Existing,
        clock: Clock,
        report: ImportReport,
        stop: asyncio.Event,
        told: Callable[[ImportReport], None] = lambda report: None,
    ) -> None:
        self._parts = parts
        self._target = target
        self._existing = existing
        self._suffix = f"{TEMPORARY}{target.token}".encode()
        self._clock = clock
        self._ahead_ms = target.now_ms - clock.monotonic() * 1000
        self._report = report
        self._stop = stop
        self._told = told
        self._windows = Windows(target.changes, clock)
        self._conflicts: list[Job] = []
        self._conflict_bytes = 0
        self._again: set[bytes] = set()
        self._large: _Large | None = None
        self._turn_at = 0.0

    async def run(self) -> None:
        """Import all of it, or as much as can be.

        Raises:
            OutcomeUnknown: A window was sent and not answered.
            DflyError: What is there could not be read, or the file not to its end; what was written by then is whole.
        """
        began = self._clock.monotonic()
        try:
            await self._pass(again=False)
            if self._again and not self._report.stopped:
                await self._pass(again=True)
        finally:
            self._report.seconds = self._clock.monotonic() - began
            self._windows.give_up()

    def _now_ms(self) -> int:
        return round(self._clock.monotonic() * 1000 + self._ahead_ms)

    async def _pass(self, *, again: bool) -> None:
        for part in self._parts():
            if not again or part.name in self._again:
                await self._take(part, again=again)
            if self._stop.is_set():
                self._report.stopped = self._report.stopped or "it was stopped"
            if self._report.stopped:
                self._forget()
                break
            if self._clock.monotonic() - self._turn_at > _TURN_SECONDS:
                await self._clock.sleep(0)  # others have their turn: a screen lives in the same loop
                self._turn_at = self._clock.monotonic()
        await self._finish()

    async def _take(self, part: Part, *, again: bool) -> None:
        self._report.size_bytes += 0 if again else part.size
        if not part.is_whole or part.void:
            await self._take_large(part, again=again)
        elif self._is_over(part.expires_at_ms):
            self._report.expired += 1
        else:
            self._take_small(part)
        if self._windows.is_full:
            await self._send()
        if len(self._conflicts) >= _CONFLICTS or self._conflict_bytes >= _CONFLICT_BYTES:
            await self._settle()

    def _is_over(self, expires_at_ms: int | None) -> bool:
        return expires_at_ms is not None and expires_at_ms <= self._now_ms()

    # Keys that come in one part

    def _take_small(self, part: Part) -> None:
        job = Job(part.name, part.expires_at_ms, whole=part, is_complete=True)
        server, now = self._target.server, self._now_ms()
        try:
            if part.kind == STRING and not part.is_dump:
                if part.expires_at_ms is not None:
                    require_expiry(server, part.expires_at_ms, now)
                self._windows.put(job, set_command(part), Role.SET, part.size)
                return
            job.temporary = part.name + self._suffix
            commands = Rewriter(server, job.temporary, now).commands(part)
        except DflyError as error:
            self._report.failures.add(part.name, error)
            return
        if commands:
            self._put(job, commands, part.weight)
        else:
            self._report.expired += 1  # all of its elements did

    def _put(self, job: Job, commands: Sequence[Command], size: int) -> None:
        """Queue what writes a part; the reply to the last command of the last part tells that the key is written."""
        for at, command in enumerate(commands, 1):
            is_end = job.is_complete and at == len(commands)
            self._windows.put(job, command, Role.LAST if is_end else Role.WRITE, size // len(commands))

    # Keys that come in several parts

    async def _take_large(self, part: Part, *, again: bool) -> None:
        if part.number == 0:
            self._large = await self._begin(part, again=again)
        large = self._large
        assert large is not None, "the parts of a key follow one another"
        if part.void:
            self._forget()
        elif large.mode is _Mode.COMPARE:
            large.digest.add(part)
            if part.is_last:
                await self._compare(large)
        elif large.mode is _Mode.WRITE:
            self._write(large, part)
        if part.is_last:
            self._large = None

    async def _begin(self, part: Part, *, again: bool) -> _Large:
        job = Job(part.name, part.expires_at_ms, part.name + self._suffix, overwrite=again)
        writer = Rewriter(self._target.server, job.temporary, self._now_ms())
        mode = _Mode.WRITE
        if self._is_over(part.expires_at_ms):
            self._report.expired += 1
            mode = _Mode.IGNORE
        elif not again and await self._exists(part.name):
            mode = _Mode.IGNORE if self._existing is Existing.SKIP else _Mode.COMPARE
            self._report.skipped += mode is _Mode.IGNORE
        return _Large(mode, job, writer)

    async def _exists(self, name: bytes) -> bool:
        """Whether there is such a key, when all that was sent before is done."""
        await self._finish()
        [reply] = await self._target.changes.each([("EXISTS", name)])
        if isinstance(reply, DflyError):
            raise reply
        return reply != 0

    def _write(self, large: _Large, part: Part) -> None:
        job = large.job
        if job.failed is not None:
            return
        try:
            commands = large.writer.commands(part)
        except DflyError as error:
            job.failed = error
            self._drop(job, error)
            return
        if part.number == 0 and commands:
            commands.insert(1, ("EXPIRE", job.temporary, TEMPORARY_SECONDS))
        if part.is_last and part.expires_at_ms is None:
            commands.append(("PERSIST", job.temporary))
        job.is_complete = part.is_last
        self._put(job, commands, part.weight)

    def _forget(self) -> None:
        """The key that was begun does not come to its end."""
        large, self._large = self._large, None
        if large is not None and large.mode is _Mode.WRITE and large.job.failed is None:
            self._leave(large.job)

    async def _compare(self, large: _Large) -> None:
        digest, expiry = await self._digest_of(large.job.name)
        if digest == large.digest.value() and same_expiry(expiry, large.job.expires_at_ms):
            self._report.equal += 1
        elif self._existing is Existing.REPLACE:
            self._again.add(large.job.name)
        else:
            self._report.failures.add(large.job.name, differs())

    async def _digest_of(self, name: bytes) -> tuple[object, int | None]:
        """Of a key that is there; what is gone meanwhile is like no other."""
        digest, expiry = Digest(), None
        async with aclosing(self._target.codec.read([name])) as lists:
            async for found in lists:
                for part in found:
                    if not isinstance(part, Part):
                        return None, None
                    digest = Digest() if part.number == 0 else digest
                    digest.add(part)
                    expiry = part.expires_at_ms
        return digest.value(), expiry

    # Windows and what is answered to them

    async def _send(self) -> None:
        await self._receive()
        await self._windows.send()

    async def _receive(self) -> None:
        answers = await self._windows.receive()
        for sent, reply in answers:
            self._judge(sent, reply)
        if answers:
            self._told(self._report)

    async def _finish(self) -> None:
        """Send what is left, until nothing is under way."""
        while not self._windows.is_idle or self._conflicts:
            await self._send()
            await self._receive()
            await self._settle()

    def _judge(self, sent: Sent, reply: Reply) -> None:
        job, role = sent.job, sent.role
        error = reply if isinstance(reply, DflyError) else None
        if error is not None and _is_about_server(error):
            self._report.stopped = self._report.stopped or str(error)
        if role is Role.SET:
            self._set(job, reply, error)
        elif role is Role.RENAME:
            self._renamed(job, reply, error)
        elif role is not Role.CLEAN:
            if error is not None and job.failed is None:
                job.failed = error
                self._drop(job, error)
            if role is Role.LAST and job.failed is None:
                self._written(job)

    def _set(self, job: Job, reply: Reply, error: DflyError | None) -> None:
        if error is not None:
            self._report.failures.add(job.name, error)
        elif reply is None:
            self._conflict(job)
        else:
            self._count(job)

    def _written(self, job: Job) -> None:
        """All of a key is under its temporary name."""
        if job.overwrite:
            self._conflict(job)
        else:
            self._windows.put(job, ("RENAMENX", job.temporary, job.name), Role.RENAME)

    def _renamed(self, job: Job, reply: Reply, error: DflyError | None) -> None:
        if error is not None and self._is_over(job.expires_at_ms):
            self._report.expired += 1
        elif error is not None:
            self._drop(job, error)
        elif reply == 0:
            self._conflict(job)
        else:
            self._count(job)

    def _count(self, job: Job) -> None:
        self._report.replaced += job.overwrite
        self._report.written += not job.overwrite

    def _drop(self, job: Job, error: DflyError) -> None:
        """It cannot be had, and nothing of it stays."""
        self._report.failures.add(job.name, error)
        self._leave(job)

    def _leave(self, job: Job) -> None:
        if job.temporary:
            self._windows.put(job, ("UNLINK", job.temporary), Role.CLEAN)

    # Keys that are there already

    def _conflict(self, job: Job) -> None:
        if self._existing is Existing.SKIP:
            self._report.skipped += 1
            self._leave(job)
            return
        self._conflicts.append(job)
        self._conflict_bytes += job.whole.size if job.whole is not None else 0

    async def _settle(self) -> None:
        """Compare keys that were there with those of the file."""
        jobs, self._conflicts, self._conflict_bytes = self._conflicts, [], 0
        there = await self._there([job.name for job in jobs if job.whole is not None])
        replaced: list[Job] = []
        for job in jobs:
            if job.whole is not None and _same(job.whole, there.get(job.name)):
                self._report.equal += 1
                self._leave(job)
            elif self._existing is Existing.REPLACE:
                replaced.append(job)
            else:
                self._drop(job, differs())
        if replaced:
            await self._replace(replaced)

    async def _there(self, names: Sequence[bytes]) -> dict[bytes, Part]:
        """Those of the keys that are small, too: a large one is another."""
        found: dict[bytes, Part] = {}
        async with aclosing(self._target.codec.read(names)) as lists:
            async for parts in lists:
                found |= {part.name: part for part in parts if isinstance(part, Part) and part.is_whole}
        return found

    async def _replace(self, jobs: Sequence[Job]) -> None:
        """Keep what is there in the trash, then put the other in its place."""
        keeper = self._target.keeper
        assert keeper is not None, "a plan that replaces has one"
        await self._receive()  # the connection is asked for the dumps now
        dumps = await self._target.changes.dumps([job.name for job in jobs], keeper.most_bytes)
        kept = [dump for dump in dumps if isinstance(dump, Dump)]
        failed: DflyError | None = None
        try:
            await keeper.keep(kept)
        except OSError as error:
            failed = Refused(f"the trash cannot be written: {safe(error.strerror or str(error))}")
        for job, dump in zip(jobs, dumps, strict=True):
            job.overwrite = True
            if isinstance(dump, DflyError) or failed is not None:
                self._drop(job, dump if isinstance(dump, DflyError) else failed or differs())
            elif job.temporary:
                self._windows.put(job, ("RENAME", job.temporary, job.name), Role.RENAME)
            else:
                assert job.whole is not None, "a string in one command"
                self._windows.put(job, set_command(job.whole, overwrite=True), Role.SET, job.whole.size)


def _same(wanted: Part, there: Part | None) -> bool:
    if there is None or not same_expiry(wanted.expires_at_ms, there.expires_at_ms):
        return False
    digests = Digest(), Digest()
    for digest, part in zip(digests, (wanted, there), strict=True):
        digest.add(part)
    return digests[0].value() == digests[1].value()


def _is_about_server(error: DflyError) -> bool:
    """Whether every other key would be refused as well."""
    return isinstance(error, (*FATAL, OutOfMemory)) or error.detail.startswith("READONLY")
