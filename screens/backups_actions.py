"""What the backups screen does with an instance and the set under the cursor, beside showing them."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from textual import work
from textual.widgets import ProgressBar

from dfly_tui.errors import DflyError
from dfly_tui.models.backup import Proof
from dfly_tui.models.backup_view import SetView, Standing
from dfly_tui.models.reading import Freshness
from dfly_tui.operations.journal import Record
from dfly_tui.text import fit, safe
from dfly_tui.units import bytes_text
from screens.backup_dialogs import PruneDialog, RestoreDialog, Said, ScheduleDialog, Source, sources_of
from screens.backup_plan import BackupPlanScreen, MakePlan
from screens.backup_unfinished import restore_notice, unfinished_restore
from screens.backups_view import here
from screens.backups_words import explained
from screens.base import DashboardScreen
from screens.key_dialogs import ProgressDialog
from screens.picker import PickerDialog
from screens.walk_phase import key_of
from widgets.backup_lines import ROUND_UP_SECONDS, Shown
from widgets.dialog import AskDialog, ConfirmDialog
from widgets.header import coarse
from widgets.lines import Line, Run

if TYPE_CHECKING:
    from screens.backup_work import BackupWork

READ_FIRST = "Nothing is begun on what may not be so any more: r reads again."
WHY = "Why? It is kept with the backup, and may be empty."
PIN_WHY = "Why is it kept? Retention never removes a set that is pinned."
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
UNTIL = "How long? 30m, 12h, 3d. Then a timer’s `backup run` puts the schedule back, or you do: an alert says so."


class BackupsActions(DashboardScreen):
    """The part of the backups screen that changes something, or tries a set."""

    _progress: ProgressDialog | None = None

    @property
    def shown(self) -> Shown | None:
        """The chosen instance's backups."""
        raise NotImplementedError

    @property
    def chosen(self) -> SetView | None:
        """The set under the cursor."""
        raise NotImplementedError

    def freshness_of_files(self, name: str) -> Freshness:
        """How far what is listed of an instance may be trusted."""
        raise NotImplementedError

    def schedules_beside(self, name: str) -> dict[str, str]:
        """Of the other instances that hold the same data."""
        raise NotImplementedError

    def look_for_unfinished(self) -> None:
        """Tell of a restore that was cut off."""
        record = unfinished_restore(self.services)
        key = key_of("backups.unfinished", self.services.settings.keymap)
        self.put("#unfinished", restore_notice(record, key) if record is not None else "")
        self.query_one("#unfinished").display = record is not None

    # --- what may be begun

    def _refuse(self, why: str, title: str) -> None:
        self.notify(why, title=title, severity="warning", markup=False)

    def _instance(self, title: str) -> Shown | None:
        """The chosen instance, if it is one to work with and what is shown of it is so; else it is said why not."""
        shown = self.shown
        if shown is None or shown.view.standing is Standing.PENDING:
            self._refuse("Nothing was read yet.", title)
        elif shown.view.standing in {Standing.FOREIGN, Standing.REPLICA}:
            self._refuse(f"{shown.view.name}: {shown.view.why}", title)
        elif self.freshness_of_files(shown.view.name) is not Freshness.FRESH:
            self._refuse(f"{shown.view.name} was read {coarse(shown.age)} ago. {READ_FIRST}", title)
        else:
            return shown
        return None

    def _set(self, title: str) -> tuple[Shown, SetView] | None:
        """The chosen set, likewise."""
        shown = self._instance(title)
        if shown is not None and self.chosen is None:
            self._refuse("There is no set under the cursor.", title)
        return (shown, self.chosen) if shown is not None and self.chosen is not None else None

    @property
    def _work(self) -> "BackupWork":
        return self.services.backup_work()

    def _plan(self, name: str, what: str, make: MakePlan, *, cut_off: Record | None = None) -> None:
        """Show the plan; nothing is done before somebody says yes there."""
        self.app.push_screen(BackupPlanScreen(self.services, name, what, make, done=self.read_again, cut_off=cut_off))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_now(self) -> None:
        """Save, prove and copy."""
        shown = self._instance("Back up")
        if shown is None:
            return
        name = shown.view.name
        why = await self.app.push_screen_wait(AskDialog(f"Back up {name}", WHY, confirm="Go on"))
        if why is not None:
            self._plan(name, "back up", self._work.backup(name, safe(why.strip(), limit=200)))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_drill(self) -> None:
        """Try the set in a throw-away server."""
        found = await self._source("Drill")
        if found is not None:
            name, source = found
            self._plan(name, "restore drill", self._work.drill(name, source))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_restore(self) -> None:
        """Replace what the instance holds; which set, and from where, is chosen first."""
        shown = self._instance("Restore")
        if shown is None:
            return
        name, sources = shown.view.name, sources_of(shown.view.sets)
        at = next((at for at, each in enumerate(sources) if self.chosen and each.each.key == self.chosen.key), 0)
        dialog = RestoreDialog(name, sources, at, self.services.clock.now())
        wish = await self.app.push_screen_wait(dialog)
        if wish is not None:
            self._plan(name, "restore", self._work.restore(name, wish))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_prune(self) -> None:
        """What retention says of each set and why; then the plan that removes what is due."""
        shown = self._instance("Prune")
        if shown is None:
            return
        name, now = shown.view.name, self.services.clock.now()
        due = [each for each in shown.view.sets if each.expiry and each.expiry.at and each.expiry.at <= now]
        goes = [each for each in shown.view.sets if each.expiry and each.expiry.at]
        said = f"{len(shown.view.sets)} sets: {len(due)} would be removed now, {len(goes) - len(due)} later."
        lines = [verdict_line(each, now) for each in shown.view.sets]
        dialog = PruneDialog(f"What retention says of {name}", said, lines, goes=bool(goes or shown.view.leftovers))
        if await self.app.push_screen_wait(dialog):
            self._plan(name, "prune", self._work.prune(name))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_schedule(self) -> None:
        """Another cron, or none."""
        shown = self._instance("Schedule")
        if shown is None:
            return
        name = shown.view.name
        dialog = ScheduleDialog(name, shown.view.cron or "", self._explainer(shown))
        cron = await self.app.push_screen_wait(dialog)
        if cron is not None and cron != shown.view.cron:
            self._plan(name, "schedule", self._work.schedule(name, cron))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_pause_schedule(self) -> None:
        """Pause it for a time, or go on before that is over."""
        shown = self._instance("Pause the schedule")
        if shown is None:
            return
        name = shown.view.name
        if shown.view.paused_until is not None:
            self._plan(name, "go on with the schedule", self._work.resume_schedule(name))
            return
        answer = await self.app.push_screen_wait(AskDialog(f"Pause the schedule of {name}", UNTIL, confirm="Go on"))
        if answer is None:
            return
        seconds = span_seconds(answer)
        if seconds is None:
            self._refuse(f"“{safe(answer, limit=40)}” is no time: 30m, 12h, 3d", "Not paused")
            return
        until = self.services.clock.now() + timedelta(seconds=seconds)
        self._plan(name, "pause the schedule", self._work.pause_schedule(name, until))

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_verify(self) -> None:
        """Read the files and compare them with what was recorded; it changes nothing but the record."""
        found = await self._source("Verify")
        if found is None:
            return
        name, source = found
        try:
            proof = await self._in_sight(source, self._work.verify(name, source, self._tell))
        except (DflyError, OSError) as error:
            self.notify(str(error), title="Not verified", severity="error", markup=False)
        else:
            if proof is not None:
                title, level = ("Verified", "information") if proof.ok else ("✖ It is damaged", "error")
                self.notify(proof.text, title=title, severity=level, markup=False)  # type: ignore[arg-type]
        self.read_again()

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_pin(self) -> None:
        """Keep the set whatever retention says, or no longer."""
        found = self._set("Pin")
        if found is None:
            return
        shown, each = found
        name, why = shown.view.name, None
        if self.services.settings.defaults.read_only:
            self._refuse("The whole program is read-only.", "Pin")
            return
        if each.pinned is None:
            why = await self.app.push_screen_wait(AskDialog(f"Pin {each.shown}", PIN_WHY, confirm="Pin"))
            if why is None or not why.strip():
                return
        elif not await self.app.push_screen_wait(
            ConfirmDialog("Unpin", f"{each.shown} was pinned: {each.pinned}\nRetention may remove it then.",
                          confirm="Unpin")
        ):  # fmt: skip
            return
        try:
            await self._work.pin(name, each, why.strip() if why else None)
        except (DflyError, OSError) as error:
            self.notify(str(error), title="Not recorded", severity="error", markup=False)
        self.read_again()

    def action_unfinished(self) -> None:
        """See what became of a restore that was cut off, and finish it or take it back."""
        record = unfinished_restore(self.services)
        name = record.plan.facts.get("instance") if record is not None else None
        if record is None or name is None or name not in {each.config.name for each in self.services.hub.watched}:
            self._refuse("No restore was cut off here.", "Resume")
            return
        self.services.selected = name
        self._plan(name, "after a restore that was cut off", self._work.resume(name, record), cut_off=record)

    # --- what several of them need

    async def _source(self, title: str) -> tuple[str, Source] | None:
        """The set under the cursor, and which of its places where there are several."""
        found = self._set(title)
        if found is None:
            return None
        shown, each = found
        stores = list(each.stores)
        if not stores:
            self._refuse(f"{each.shown} lies nowhere any more.", title)
            return None
        store: str | None = stores[0]
        if len(stores) > 1:
            store = await self.app.push_screen_wait(PickerDialog(f"{title} {each.shown}: which copy?", stores))
        return None if store is None else (shown.view.name, Source(each, store))

    def _explainer(self, shown: Shown) -> Callable[[str], Said]:
        """What says of a schedule what it means for this instance."""
        now, view = self.services.clock.now(), shown.view
        return partial(
            explained, now=now, zone=view.zone, here=here(now), save_seconds=view.last_seconds,
            others=self.schedules_beside(view.name),
        )  # fmt: skip

    async def _in_sight(self, source: Source, reading: Coroutine[None, None, Proof]) -> Proof | None:
        """Wait for it behind a dialog that can stop it; None when it was stopped."""
        stop = asyncio.Event()
        self._progress = dialog = ProgressDialog(f"Verify {source.each.shown}", stop.set)
        await self.app.push_screen(dialog)
        task, stopped = asyncio.ensure_future(reading), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            self._progress = None
            for each in (task, stopped):
                each.cancel()
            await asyncio.wait({task, stopped})
            if dialog.is_attached:
                await dialog.dismiss(None)

    def _tell(self, done: int, total: int) -> None:
        """How far the reading is, in bytes."""
        if self._progress is not None and self._progress.is_mounted:
            self._progress.query_one("#bar", ProgressBar).update(total=total, progress=done)
            self._progress.say(f"{bytes_text(done)} of {bytes_text(total)} read")


def verdict_line(each: SetView, now: datetime) -> Line:
    """What retention says of a set."""
    expiry = each.expiry
    if each.pinned is not None:
        what, why, style = "pinned", each.pinned, "strong"
    elif expiry is None:
        what, why, style = "stays", "nothing is known of it", "muted"
    elif expiry.at is None:
        what, why, style = "stays", expiry.why, "text"
    else:
        left = (expiry.at - now).total_seconds()
        what, why, style = (
            ("goes now" if left <= 0 else f"goes in {coarse(left + ROUND_UP_SECONDS)}"),
            expiry.why,
            "warning",
        )
    return Run(fit(each.shown, 26) + " "), Run(fit(what, 14) + " ", style), Run(safe(why, limit=200))


def span_seconds(text: str) -> float | None:
    """`90s`, `30m`, `12h`, `3d` as seconds; None for anything else, and for none at all."""
    match = re.fullmatch(r"\s*(\d{1,6})\s*([smhd])\s*", text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    return float(seconds) or None
