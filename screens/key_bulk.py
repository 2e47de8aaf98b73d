"""Changes of many keys from a screen: what it would hit, the question, the progress. To be awaited in a worker."""

from textual.app import App

from dfly_tui.clients.scan import Pace
from dfly_tui.models.key_query import query_text
from dfly_tui.models.key_text import EXPIRY_HINT, counted, editable, edited, parse_expiry
from dfly_tui.models.keys import KeyFilter, literal
from dfly_tui.models.operation import Confirmation, Outcome
from dfly_tui.operations.keys.bulk import BulkChange, Progress
from dfly_tui.operations.keys.wish import Preview, What, Wish, persisting, preview, renaming
from dfly_tui.text import safe
from screens.key_dialogs import ProgressDialog
from screens.key_work import KeyJob, at_work
from screens.picker import PickerDialog
from screens.services import Services
from widgets.dialog import AskDialog, TextDialog

DELETE, EXPIRE, PERSIST, RENAME = "delete them", "let them expire", "let them stay for ever", "rename their prefix"


async def change_many(
    app: App[int], services: Services, instance: str, database: int, wanted: KeyFilter, *, pace: Pace = Pace.NORMAL
) -> bool:
    """Delete, expire, persist or rename all keys that are looked for; whether something was changed."""

    async def work(at: KeyJob) -> bool:
        wish = await _wished(at, wanted, pace)
        return wish is not None and await at.unlocked() and await _Run(at, wish).run()

    return await at_work(app, services, instance, database, work, False)


async def delete_many(
    app: App[int], services: Services, instance: str, database: int, wanted: KeyFilter, *, pace: Pace = Pace.NORMAL
) -> bool:
    """Delete all keys that are looked for; whether something was changed."""

    async def work(at: KeyJob) -> bool:
        return await at.unlocked() and await _Run(at, Wish(What.DELETE, wanted, pace=pace)).run()

    return await at_work(app, services, instance, database, work, False)


async def _wished(work: KeyJob, wanted: KeyFilter, pace: Pace) -> Wish | None:
    """Ask what is to happen; raises `BadInput`."""
    which = query_text(wanted) or "all keys"
    prefix = _prefix(wanted)
    choices = [DELETE, EXPIRE, PERSIST, *([RENAME] if prefix else [])]
    chosen = await work.app.push_screen_wait(PickerDialog(f"{safe(which, limit=60)}: what is to happen?", choices))
    match chosen:
        case None:
            return None
        case "delete them":
            return Wish(What.DELETE, wanted, pace=pace)
        case "let them stay for ever":
            return persisting(wanted, pace=pace, rate=None)
        case "let them expire":
            typed = await work.app.push_screen_wait(AskDialog("Let them expire", f"When?\n{EXPIRY_HINT}"))
            at_ms = parse_expiry(typed, work.services.clock.now()) if typed else None
            return Wish(What.EXPIRE, wanted, expires_at_ms=at_ms, pace=pace) if at_ms is not None else None
    text, escaped = editable(prefix)
    typed = await work.app.push_screen_wait(AskDialog("Rename their prefix", f"{text} becomes:", value=text))
    if typed is None:
        return None
    rest = wanted.model_copy(update={"pattern": b""})
    return renaming(prefix, edited(typed, escaped=escaped), rest, pace=pace, rate=None)


def _prefix(wanted: KeyFilter) -> bytes:
    """What the names begin with, where the pattern says just that: the way `literal()` writes it."""
    stem = wanted.pattern.removesuffix(b"*")
    plain = stem.replace(b"\\\\", b"\0").replace(b"\\", b"").replace(b"\0", b"\\")
    return plain if wanted.pattern.endswith(b"*") and literal(plain) == stem else b""


class _Run:
    """One change of many keys; it asks, and shows the progress above whatever is on the screen."""

    def __init__(self, work: KeyJob, wish: Wish) -> None:
        self._work = work
        self._wish = wish
        self._given_up = False
        self._dialog: ProgressDialog | None = None
        self._title = ""

    async def run(self) -> bool:
        """Preview, ask, change; whether something was changed."""
        found = await self._previewed()
        if found is None:
            return False
        job = BulkChange(self._work.again(), self._wish, found, told=self._told, stop=lambda: self._given_up)
        self._title = job.title
        try:
            ended = await self._work.run(job.plan(), self)
        finally:
            self._close()
        lines = [ended.said, *(f"left to do: {line}" for line in ended.left)]
        lines += [f"failed: {safe(name)}: {why}" for name, why in job.failures.items()]
        if job.failed > len(job.failures):
            lines.append(f"… and {job.failed - len(job.failures):,} more")
        if ended.outcome is not Outcome.DECLINED:
            self._work.app.push_screen(TextDialog(f"{ended.outcome}: {safe(job.title, limit=60)}", "\n".join(lines)))
        return job.seen > 0

    async def _previewed(self) -> Preview | None:
        """Count what it hits, with a way out; None when it was given up."""
        self._show("What it would hit")

        def told(keys: int) -> None:
            if self._dialog is not None and self._dialog.is_mounted:
                self._dialog.say(f"{counted(keys, 'key')} so far …")
            if self._given_up:
                raise _GivenUp

        try:
            return await preview(self._work.place, self._wish, rng=self._work.rng, told=told)
        except _GivenUp:
            return None
        finally:
            self._close()

    async def confirm(self, question: Confirmation) -> bool:
        """Ask; after a yes the progress is shown."""
        if not await self._work.confirm(question):
            return False
        self._show(self._title)
        return True

    def _show(self, title: str) -> None:
        self._dialog = ProgressDialog(safe(title, limit=60), self._give_up)
        self._work.app.push_screen(self._dialog)

    def _give_up(self) -> None:
        self._given_up = True

    def _told(self, progress: Progress) -> None:
        if self._dialog is not None and self._dialog.is_mounted:
            self._dialog.show(progress)

    def _close(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.dismiss(None)


class _GivenUp(Exception):
    """The person wants no more of it counted."""
