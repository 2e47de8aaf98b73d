"""One save by a name of its own, proven by what INFO says of it, not by OK or LASTSAVE (facts §3.1)."""

from dataclasses import dataclass, field
from datetime import datetime

from dfly_tui.clients import writer
from dfly_tui.errors import DflyError
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.operation import Finding, passed, required
from dfly_tui.models.save_errors import advice_on_save
from dfly_tui.models.snapshots import SUMMARY
from dfly_tui.operations.access import Access, Hands
from dfly_tui.operations.failover.steps import cli_line
from dfly_tui.operations.plan import Act, Hopeless, Verify
from dfly_tui.units import count_text, duration_text, percent_text

QUIET_SECONDS = 15.0
"""A server that has saved nothing of ours, nor failed, nor is at it for so long, will not."""
SETTLE_SECONDS = 15.0


@dataclass
class Saving:
    """A save under way.

    Attributes:
        base: What its files are called; of no other set.
        rdb: In Redis's format.
        limit_seconds: What it may take.
        before: The server as it was right before; None until then.
        after: As it was when it had saved; None until then.
    """

    access: Access
    name: str
    base: str
    rdb: bool
    limit_seconds: float
    before: InstanceSnapshot | None = None
    after: InstanceSnapshot | None = None
    _quiet_since: float | None = field(default=None, init=False)

    async def begin(self, hands: Hands) -> str:
        """Send it, once."""
        self.before = await self.access.reader(self.name).snapshot()
        await hands.dragonflies[self.name].begin_save(self.base, rdb=self.rdb)
        return f"saving {self.base}"

    def act(self) -> Act:
        """It as a step."""
        line = cli_line(self.access.configs[self.name], writer.begin_save_words(self.base, rdb=self.rdb))
        return Act(
            id="save", title=f"snapshot {self.name} as it is now", target=self.name, commands=(line,), run=self.begin,
            holds=self._was_begun, settle_seconds=SETTLE_SECONDS,
        )  # fmt: skip

    def verify(self, *, essential: bool = False) -> Verify:
        """That it ends well."""
        return Verify(
            id="saved", title=f"snapshot {self.base} is on disk", probe=self.look, timeout_seconds=self.limit_seconds,
            essential=essential, of="save", long=True,
            given_up=f"given up; {self.name} saves {self.base} to its end all the same",
        )  # fmt: skip

    async def look(self) -> Finding:
        """How far it is.

        Raises:
            Hopeless: It failed, or the server was restarted.
            DflyError: The server does not answer now.
        """
        now = await self.access.reader(self.name).snapshot()
        kept, title = now.persistence, f"snapshot {self.base} is on disk"
        if not kept.saving and self._is_ours(now):
            self.after = now
            return passed("saved", title, f"{count_text(now.keys or 0)} keys in {self._took(now)}")
        before = self.before
        if before is not None and kept.last_failed_at != before.persistence.last_failed_at:
            error = kept.last_error or "the server does not say why"
            raise Hopeless(f"the save failed: {error}", f"{advice_on_save(error)}; what it left, prune removes")
        if before is not None and (now.uptime_seconds or 0) < (before.uptime_seconds or 0):
            raise Hopeless("the server was restarted in the middle of the save", "see why in its log, and try again")
        self._require_at_it(kept.saving is True)
        return required(False, "saved", title, progress_text(now) if kept.saving else "waiting for it")

    def _require_at_it(self, saving: bool) -> None:
        """Give up on a server that says nothing of the save at all."""
        now = self.access.clock.monotonic()
        self._quiet_since = None if saving else self._quiet_since if self._quiet_since is not None else now
        if self._quiet_since is not None and now - self._quiet_since > QUIET_SECONDS:
            raise Hopeless("it neither saves nor says how the save ended", "see the server's log")

    async def _was_begun(self) -> bool | None:
        try:
            now = await self.access.reader(self.name).snapshot()
        except DflyError:
            return None
        # Another save may run by now, of somebody else: that tells nothing.
        return True if self._is_ours(now) else None if now.persistence.saving else False

    def _is_ours(self, now: InstanceSnapshot) -> bool:
        """By the name of what was saved last; of an RDB file it is told without its ending (recording 05)."""
        file = (now.persistence.last_snapshot_file or "").rpartition("/")[2]
        return file in {self.base, f"{self.base}.rdb", f"{self.base}{SUMMARY}"}

    def _took(self, now: InstanceSnapshot) -> str:
        return duration_text(float(now.persistence.last_snapshot_seconds or 0))

    @property
    def began_at(self) -> datetime | None:
        """By the server's clock."""
        return self.after.persistence.last_snapshot_at if self.after is not None else None


def progress_text(now: InstanceSnapshot) -> str:
    """How far a running save is, in words: `42 %, 1,200 of 3,000 keys, 40 s left`."""
    kept = now.persistence
    fraction, seconds = kept.snapshot_fraction, kept.save_seconds
    words = [percent_text(fraction or 0.0)]
    if kept.save_keys_total:
        words.append(f"{count_text(kept.save_keys_processed or 0)} of {count_text(kept.save_keys_total)} keys")
    if fraction and seconds:
        words.append(f"{duration_text(seconds * (1 - fraction) / fraction)} left")
    return ", ".join(words)
