"""One change of many keys as a plan: previewed, asked for, made in windows that heed the server, verified.

SCAN finds the keys while they are changed; its cursor means nothing to another run, so a run that was cut off is made
anew from the first key on. That does no harm: what is gone stays gone, and the same expiry, or a new name that is
there already, is not set twice. A database is never flushed.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from dfly_tui.clients.connection import Reply
from dfly_tui.clients.key_bulk import BulkChanges
from dfly_tui.clients.scan import LEAST_COUNT, MOST_COUNT, QUICK_SECONDS, SLOW_SECONDS
from dfly_tui.errors import AuthFailed, DflyError, Loading, OutcomeUnknown, OutOfMemory
from dfly_tui.models.base import Frozen
from dfly_tui.models.key_query import query_text
from dfly_tui.models.key_text import counted
from dfly_tui.models.operation import Finding, Verdict, blocked, passed, warned
from dfly_tui.operations.access import Hands
from dfly_tui.operations.keys.place import BULK, Place, same_server, server_check
from dfly_tui.operations.keys.trash import TrashKeeper
from dfly_tui.operations.keys.wish import MOST_KEPT, Preview, What, Wish, count, find
from dfly_tui.operations.plan import Act, Check, Confirm, Plan, Verify
from dfly_tui.text import safe
from dfly_tui.units import bytes_text, duration_text

GROWTH = 0.10
GROWTH_KEYS = 100
"""More keys than were previewed by both of these, and nothing is done."""
MANY = 1000
"""More than so many are confirmed by the instance's name."""
MOST_FAILURES = 100
KEPT_WINDOW = 200
LOOK_SECONDS = 2.0
"""Between two looks at who the server is."""
TELL_SECONDS = 0.25
AGAIN = "run it again: it looks for what is left from the first key on, and what was done stays done"


class Progress(Frozen):
    """How far a change of many keys is.

    Attributes:
        seen: Keys it went through.
        changed, missing, failed: Of these: what was done, what was gone or so already, what could not be.
        total: Of the preview.
        latency_seconds: What the server took for the last window.
        window: Keys in the next.
    """

    seen: int
    changed: int
    missing: int
    failed: int
    total: int
    seconds: float
    latency_seconds: float
    window: int

    @property
    def rate(self) -> float:
        """Keys a second."""
        return self.seen / self.seconds if self.seconds else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """About how long it will take still."""
        return max(0, self.total - self.seen) / self.rate if self.rate else None

    @property
    def text(self) -> str:
        """In a sentence."""
        left = f", {duration_text(round(self.eta_seconds))} left" if self.eta_seconds is not None else ""
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{self.seen:,} of {counted(self.total, 'key')}{failed}, {self.rate:,.0f}/s{left}"


@dataclass
class BulkChange:
    """A change of many keys.

    Attributes:
        told: Called with the progress, a few times a second.
        stop: Whether it is to end after the window that is under way.
        failures: Name → why it was not changed; the first hundred.
        stopped: Why it ended before its end; empty when it did not.
    """

    place: Place
    wish: Wish
    preview: Preview
    told: Callable[[Progress], None] = lambda progress: None
    stop: Callable[[], bool] = lambda: False
    failures: dict[bytes, str] = field(default_factory=dict)
    stopped: str = ""
    seen: int = 0
    changed: int = 0
    missing: int = 0
    failed: int = 0
    window: int = MOST_COUNT // 8
    latency_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._clock = self.place.access.clock
        self._previewed = False
        self._began = self._told_at = self._looked_at = self._clock.monotonic()
        self._keeper: TrashKeeper | None = None

    @property
    def why_not_kept(self) -> str:
        """Why this cannot be undone, in a few words; empty when it can, or nothing is lost."""
        if not self.wish.loses or not self.preview.keys:
            return ""
        if not self.wish.undoable:
            return "it was chosen so"
        limits, size = self.place.trash.limits, self.preview.estimated_bytes
        if self.preview.keys > MOST_KEPT:
            return f"the trash takes {MOST_KEPT:,} keys of one change"
        if size is None:
            return "the server does not tell how large the keys are"
        if size > limits.total_bytes // 2 or self.preview.largest_bytes > limits.key_bytes:
            of_key = bytes_text(limits.key_bytes)
            return f"the trash takes {bytes_text(limits.total_bytes // 2)} of one change, {of_key} of one key"
        return ""

    @property
    def is_grave(self) -> bool:
        """Whether the instance's name has to be typed."""
        hits_all = self.wish.is_of_all or self.preview.keys >= self.preview.database_keys > 1
        return self.preview.keys > MANY or hits_all or bool(self.why_not_kept)

    @property
    def title(self) -> str:
        """In a few words."""
        which = query_text(self.wish.wanted) or "all keys"
        verb = {What.DELETE: "delete", What.EXPIRE: "expire", What.PERSIST: "persist", What.RENAME: "rename"}
        to = f" to {safe(self.wish.new_prefix, limit=80)}*" if self.wish.what is What.RENAME else ""
        return f"{verb[self.wish.what]} {which}{to}"

    def plan(self) -> Plan:
        """What is going to happen."""
        place = self.place
        found_by = query_text(self.wish.wanted) or "*"
        commands = (
            f"{self.wish.shown}   for each of {counted(self.preview.keys, 'key')} that SCAN finds by: {found_by}",
        )
        act = Act("change", self.title, place.instance, commands, self._act, final=True, left_to_do=AGAIN)
        title = f"{self.title} in {place.shown}"
        return Plan(
            id=place.run,
            kind=BULK,
            title=title,
            group=place.instance,
            steps=(
                server_check(place),
                Check("hits", "what it hits", self._hits),
                Confirm("confirm", title, self.consequence(), place.level(grave=self.is_grave), place.instance),
                act,
                Verify("rest", "nothing is left", self._rest, 0.0, of="change", left_to_do=AGAIN),
            ),
            facts={"instance": place.instance, "database": str(place.database), **self.wish.facts()},
            look_with=(place.look_with("DBSIZE"),),
        )

    def consequence(self) -> str:
        """What a person is told before they say yes."""
        seen = self.preview
        size = seen.estimated_bytes
        share = f", of {seen.database_keys:,} in the database" if seen.database_keys else ""
        kinds = ", ".join(f"{kind} {number:,}" for kind, number in seen.kinds.items())
        lines = [f"{counted(seen.keys, 'key')}{share}; about {bytes_text(size)} of memory."]
        lines += [f"types, by a sample of {len(seen.sample):,}: {kinds}"] if kinds else []
        lines += [f"such as {', '.join(seen.names[:8])}"] if seen.sample else []
        if self.why_not_kept:
            lines.append(f"This cannot be undone: {self.why_not_kept}.")
        elif self.wish.loses:
            lines.append(
                f"Each key is kept in the trash first; for {self.place.trash.limits.hours:g} h it can be restored."
            )
        return "\n".join(lines)

    # Checks

    async def _hits(self) -> list[Finding]:
        """What the preview found; when asked again, whether there are many more by now."""
        before, title = self.preview.keys, "keys that match"
        if not before:
            return [blocked("hits", title, "none", "some", "there is nothing to do")]
        if not self._previewed:
            self._previewed = True
            if self.why_not_kept:
                return [warned("hits", title, f"{before:,}", advice=f"this cannot be undone: {self.why_not_kept}")]
            return [passed("hits", title, f"{before:,}")]
        now = await count(self.place, self.wish)
        if now > before * (1 + GROWTH) and now - before > GROWTH_KEYS:
            value = f"{now:,}, and {before:,} when it was previewed"
            return [blocked("growth", title, value, "about as many", "look at what was added, then decide")]
        return [passed("hits", title, f"{now:,}")]

    # The change

    async def _act(self, hands: Hands) -> str:
        place = self.place
        if self.wish.loses and not self.why_not_kept:
            self._keeper = place.trash.keeper(
                instance=place.instance, database=place.database, run=place.run, why=self.title
            )
        self._began = self._looked_at = self._clock.monotonic()
        try:
            async with hands.keys[place.instance].bulk(place.database) as changes, aclosing(self._lots()) as lots:
                async for names in lots:
                    await self._lot(changes, names)
        except OutcomeUnknown as error:
            self._tell(at_once=True)
            raise OutcomeUnknown(f"{self._done}; then {error.detail}", AGAIN) from None
        except DflyError as error:
            if not self.seen:
                raise
            self.stopped = str(error)
        self._tell(at_once=True)
        return f"{self._done}{f'; stopped: {self.stopped}' if self.stopped else ''}"

    @property
    def _done(self) -> str:
        missing = f", {self.missing:,} were gone or so already" if self.missing else ""
        return f"{counted(self.changed, 'key')} changed{missing}, {self.failed:,} failed"

    async def _lots(self) -> AsyncGenerator[Sequence[bytes], None]:
        """The names, a window at a time, until the end or something speaks against it."""
        async with aclosing(find(self.place, self.wish)) as pages:
            async for names in pages:
                at = 0
                while at < len(names):
                    await self._look_around()
                    if self.stopped:
                        return
                    window = min(self.window, KEPT_WINDOW) if self._keeper else self.window
                    yield names[at : at + window]
                    at += window

    async def _look_around(self) -> None:
        """See whether it is to stop: by whoever watches, or because the server is another one."""
        if self.stop():
            self.stopped = "it was given up"
        elif self._clock.monotonic() - self._looked_at >= LOOK_SECONDS:
            finding = await same_server(self.place)
            self._looked_at = self._clock.monotonic()
            if finding.verdict is Verdict.BLOCK:
                self.stopped = f"{finding.title}: {finding.value}"
        if self._keeper is not None and self._keeper.kept_bytes > self.place.trash.limits.total_bytes // 2:
            self.stopped = "the keys are larger than the preview told, and the trash is full"

    async def _lot(self, changes: BulkChanges, names: Sequence[bytes]) -> None:
        self.seen += len(names)
        if self._keeper is not None:
            names = await self._kept(self._keeper, changes, names)
        before = self._clock.monotonic()
        if self.wish.what is What.DELETE:
            for lot, reply in await changes.unlink(names):
                await self._note_lot(changes, lot, reply)
        else:
            replies = await changes.each([self.wish.command(name) for name in names])
            for name, reply in zip(names, replies, strict=True):
                self._note(name, reply)
        self.latency_seconds = self._clock.monotonic() - before
        self._adapt()
        self._tell()
        await self._clock.sleep(self._pause())

    async def _kept(self, keeper: TrashKeeper, changes: BulkChanges, names: Sequence[bytes]) -> list[bytes]:
        """Keep them in the trash; returns those that are."""
        kept = []
        for name, dump in zip(names, await changes.dumps(names, keeper.most_bytes), strict=True):
            if dump is None:
                self.missing += 1
            elif isinstance(dump, DflyError):
                self._fail(name, f"not kept in the trash, so not touched: {dump.detail}")
            else:
                kept.append(dump)
        try:
            await keeper.keep(kept)
        except OSError as error:
            self.stopped = f"the trash cannot be written: {error.strerror or error}"
            return []
        return [dump.name for dump in kept]

    async def _note_lot(self, changes: BulkChanges, names: Sequence[bytes], reply: Reply) -> None:
        """What became of several deletions; where they were refused together, each is tried by itself."""
        if isinstance(reply, int):
            self.changed += reply
            self.missing += len(names) - reply
            return
        if isinstance(reply, DflyError) and self._is_about_all(reply):
            self._note(names[0], reply)
            return
        for name, each in zip(names, await changes.each([("UNLINK", name) for name in names]), strict=True):
            self._note(name, each)

    def _note(self, name: bytes, reply: Reply) -> None:
        if isinstance(reply, DflyError):
            if self._is_about_all(reply):
                self.stopped = reply.detail
            if "no such key" in reply.detail:
                self.missing += 1
            else:
                self._fail(name, reply.detail)
        elif reply:
            self.changed += 1
        elif self.wish.what is What.RENAME:
            self._fail(name, "there is a key of the new name already")
        else:
            self.missing += 1

    def _fail(self, name: bytes, why: str) -> None:
        self.failed += 1
        if len(self.failures) < MOST_FAILURES:
            self.failures[name] = why

    @staticmethod
    def _is_about_all(error: DflyError) -> bool:
        """Whether no key at all can be changed now."""
        return isinstance(error, AuthFailed | Loading | OutOfMemory) or error.detail.startswith("READONLY")

    def _adapt(self) -> None:
        """The next window: others wait while the server works on one."""
        if self.latency_seconds > SLOW_SECONDS:
            self.window = max(LEAST_COUNT, self.window // 2)
        elif self.latency_seconds < QUICK_SECONDS:
            self.window = min(MOST_COUNT, self.window * 2)

    def _pause(self) -> float:
        """How long to rest, for the pace and for the rate."""
        rest = self.wish.pace.pause(self.latency_seconds)
        if self.wish.rate:
            self.window = max(1, min(self.window, int(self.wish.rate)))
            rest = max(rest, self._began + self.seen / self.wish.rate - self._clock.monotonic())
        return rest

    def _tell(self, *, at_once: bool = False) -> None:
        now = self._clock.monotonic()
        if at_once or now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self.told(self.progress)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(
            seen=self.seen, changed=self.changed, missing=self.missing, failed=self.failed, total=self.preview.keys,
            seconds=self._clock.monotonic() - self._began, latency_seconds=self.latency_seconds, window=self.window,
        )  # fmt: skip

    # Afterwards

    async def _rest(self) -> Finding:
        title = "keys that are left"
        if self.stopped:
            return blocked("rest", title, f"{max(0, self.preview.keys - self.seen):,} or so: {self.stopped}", "none")
        if self.failed:
            named = "; ".join(f"{safe(name, limit=80)}: {why}" for name, why in list(self.failures.items())[:5])
            return blocked("rest", title, f"{self.failed:,} failed, such as {named}", "none")
        left = await count(self.place, self.wish) if self.wish.what is not What.EXPIRE else 0
        if left:
            return blocked("rest", title, f"{left:,} match: they were written meanwhile", "none")
        return passed("rest", title, "none")
