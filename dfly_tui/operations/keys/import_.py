"""Importing an export as a plan: the file is read to its end and the server looked at before anybody is asked."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dfly_tui.clients.key_expiry import TIME, server_ms
from dfly_tui.errors import DflyError, OutcomeUnknown, ReadOnly, Refused
from dfly_tui.models.key_parts import Part
from dfly_tui.models.key_text import counted
from dfly_tui.models.operation import Finding, blocked, passed, required, warned
from dfly_tui.operations.access import Hands
from dfly_tui.operations.keys.export_file import ExportFile, Header, Identity
from dfly_tui.operations.keys.import_report import Existing, ImportReport
from dfly_tui.operations.keys.import_run import TEMPORARY, Importer
from dfly_tui.operations.keys.import_windows import Target
from dfly_tui.operations.keys.place import Place, server_check
from dfly_tui.operations.plan import Act, Check, Confirm, Plan, Verify
from dfly_tui.text import safe
from dfly_tui.units import bytes_text

MANY = 1000
"""More keys than this, and the instance's name is typed."""
KIND = "keys-import"
AGAIN = "import the file again: what is there as in the file is left alone"
_TIGHT = 0.9
"""Of the memory limit."""
_TURN_PARTS = 200


@dataclass
class Contents:
    """What a file holds, once it was read to its end."""

    header: Header
    identity: Identity
    keys: int = 0
    size_bytes: int = 0
    dumps: int = 0


@dataclass
class KeyImport:
    """An import, from the file to what became of it.

    Attributes:
        contents: Of the file, once it was checked.
        report: How far it is.
        read: Bytes of the file that were read so far, in the pass under way.
        stop: Set to end soon; what is whole by then stays.
        told: Called as it goes on.
    """

    place: Place
    file: ExportFile
    existing: Existing
    told: Callable[["KeyImport"], None] = lambda self: None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    contents: Contents | None = None
    report: ImportReport = field(default_factory=ImportReport)
    read: int = 0

    async def inspect(self) -> Contents:
        """Read the file to its end, before a plan is made of it.

        Raises:
            Damaged: It is not a whole export.
            DflyError: It cannot be read.
        """
        found = Contents(self.file.header(), self.file.identity())
        for at, part in enumerate(self.file.parts(self._at)):
            found.keys += part.is_last and not part.void
            found.size_bytes += part.size + (len(part.name) if part.number == 0 else 0)
            found.dumps += part.is_dump and part.is_last
            if at % _TURN_PARTS == 0:
                await self.place.access.clock.sleep(0)
                self.told(self)
                if self.stop.is_set():
                    raise Refused("it was stopped while the file was read")
        self.contents = found
        self.report.keys = found.keys
        return found

    def _at(self, position: int) -> None:
        self.read = position

    def plan(self) -> Plan:
        """What is going to happen; the file was inspected."""
        place, found = self.place, self.contents
        assert found is not None, "the file was inspected"
        title = f"import {counted(found.keys, 'key')} into {place.shown}"
        act = Act(
            "write", title, place.instance, self._commands(), self._act, final=True, left_to_do=AGAIN,
        )  # fmt: skip
        return Plan(
            id=place.run,
            kind=KIND,
            title=title,
            group=place.instance,
            steps=(
                Check("file", "the file is whole", self._check_file),
                Check("allowed", "the instance may be changed", self._check_allowed, again=False),
                server_check(place),
                Check("memory", "there is room", self._check_memory),
                Confirm("confirm", title, self.consequence(), place.level(grave=self.is_grave), place.instance),
                act,
                Verify("all", "every key is there", self._verify, 0.0, of="write", left_to_do=AGAIN),
            ),
            facts={
                "instance": place.instance,
                "database": str(place.database),
                "file": str(self.file.path),
                "existing": str(self.existing),
            },
            look_with=(place.look_with("DBSIZE"),),
        )

    @property
    def is_grave(self) -> bool:
        """Whether the instance's name has to be typed."""
        return self.existing is Existing.REPLACE or self.contents is None or self.contents.keys > MANY

    def _commands(self) -> tuple[str, ...]:
        writes = "HSET | RPUSH | SADD | ZADD | XADD | JSON.SET | RESTORE"
        rename = "DUMP into the trash, RENAME" if self.existing is Existing.REPLACE else "RENAMENX"
        return (
            "SET … NX [PXAT …]   for each string",
            f"{writes} …{TEMPORARY}{self.place.run}, PEXPIREAT, {rename}   for each other key",
        )

    def consequence(self) -> str:
        """What a person is told before they say yes."""
        found = self.contents
        assert found is not None, "the file was inspected"
        header = found.header
        server = f"{header.product} {header.server_version}".strip()
        source = f"{header.instance or 'somewhere'} db{header.database} ({server}) at {header.created_at}"
        lines = [
            f"{counted(found.keys, 'key')}, {bytes_text(found.size_bytes)} of names and values, from {source}.",
            {
                Existing.FAIL: "A key that is there already and is another one stays as it is, and is reported.",
                Existing.SKIP: "A key that is there already stays as it is.",
                Existing.REPLACE: "A key that is there already and is another one is kept in the trash and replaced.",
            }[self.existing],
        ]
        return "\n".join(lines)

    # Checks

    async def _check_file(self) -> list[Finding]:
        found = self.contents
        assert found is not None, "the file was inspected"
        if self.file.identity() != found.identity:
            return [blocked("file", "file", "it was changed since it was read", "the same", "look at it again")]
        findings = [passed("file", "file", f"{counted(found.keys, 'key')}, {bytes_text(found.size_bytes)}, whole")]
        seen = self.place.server.seen
        other = (found.header.product, found.header.server_version) != (str(seen.flavour), seen.version or "")
        if found.dumps and other:
            was = f"{found.header.product} {found.header.server_version}".strip()
            value = f"{counted(found.dumps, 'dump')} of {was}"
            findings.append(warned("dumps", "keys that only such a server takes", value, advice="others refuse them"))
        return findings

    async def _check_allowed(self) -> list[Finding]:
        guard, title = self.place.access.guard, f"{safe(self.place.instance)} may be changed"
        why = guard.why(self.place.instance)
        try:
            guard.require_unlockable(self.place.instance)
        except ReadOnly as error:
            return [blocked("read-only", title, error.detail, advice=error.hint)]
        if why:
            return [passed("read-only", title, f"{why}: its name unlocks it")]
        return [passed("read-only", title, "yes")]

    async def _check_memory(self) -> list[Finding]:
        assert self.contents is not None, "the file was inspected"
        seen = (await self.place.access.key_reader(self.place.instance).look()).seen
        most, used, more = seen.max_memory_bytes, seen.used_memory_bytes, self.contents.size_bytes
        if not most or used is None:
            return [passed("memory", "memory", "the server tells of no limit")]
        value = f"{bytes_text(used)} of {bytes_text(most)} are used, and {bytes_text(more)} come"
        fits = required(
            used + more <= most, "memory", "memory", value, "room for all", "raise maxmemory, or delete keys"
        )
        if used + more <= most and used + more > most * _TIGHT:
            return [warned("memory", "memory", value, "room to spare", "a key takes more than its name and value have")]
        return [fits]

    async def _verify(self) -> Finding:
        report, title = self.report, "keys of the file that are not there"
        if report.is_complete:
            return passed("complete", title, "none")
        named = ", ".join(f"{safe(name, limit=60)} ({error.detail})" for name, error in report.failures.named[:3])
        value = f"{report.keys - report.done + report.failures.count:,} of {report.keys:,}"
        return blocked("complete", title, f"{value}{f': {named}' if named else ''}")

    # The change

    async def _act(self, hands: Hands) -> str:
        place = self.place
        keeper = None
        if self.existing is Existing.REPLACE:
            keeper = place.trash.keeper(
                instance=place.instance, database=place.database, run=place.run, why=f"import {self.file.path.name}"
            )
        server = place.server.capabilities
        codec = place.access.key_codec(place.instance, place.database, server)
        try:
            async with codec, hands.keys[place.instance].bulk(place.database) as changes:
                [time] = await changes.each([TIME])
                target = Target(changes, codec, server, server_ms(time), keeper, place.run)
                await Importer(
                    self._parts, target, existing=self.existing, clock=place.access.clock, report=self.report,
                    stop=self.stop, told=lambda report: self.told(self),
                ).run()  # fmt: skip
        except OutcomeUnknown as error:
            temporary = f"names with {TEMPORARY}{place.run} are keys that are not whole: delete them"
            look = place.look_with("DBSIZE")
            raise OutcomeUnknown(f"{self.done_text}; then {error.detail}", f"{look}; {AGAIN}; {temporary}") from None
        except DflyError as error:
            if not self.report.done:
                raise
            self.report.stopped = str(error)
        return f"{self.done_text}{f'; stopped: {self.report.stopped}' if self.report.stopped else ''}"

    def _parts(self) -> Iterator[Part]:
        assert self.contents is not None, "the file was inspected"
        if self.file.identity() != self.contents.identity:
            raise Refused("the file was changed since it was checked")
        return self.file.parts(self._at)

    @property
    def done_text(self) -> str:
        """What was done so far."""
        report = self.report
        words = [
            (report.written, "written"),
            (report.replaced, "replaced"),
            (report.equal, "there as in the file"),
            (report.skipped, "there and left alone"),
            (report.expired, "expired by now"),
            (report.failures.count, "failed"),
        ]
        return ", ".join(
            [f"{report.done:,} of {counted(report.keys, 'key')}", *(f"{n:,} {what}" for n, what in words if n)]
        )
