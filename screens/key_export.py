"""Exports and imports of keys from a screen: the file, the question, the progress. To be awaited in a worker."""

from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.widgets import ProgressBar

from dfly_tui.clients.scan import Pace
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError
from dfly_tui.models.key_lines import Damaged
from dfly_tui.models.key_query import query_text
from dfly_tui.models.key_text import counted
from dfly_tui.models.keys import KeyFilter
from dfly_tui.models.operation import Confirmation, Outcome
from dfly_tui.operations.keys.export import Exporter, ExportReport, Wanted
from dfly_tui.operations.keys.export_file import ExportFile
from dfly_tui.operations.keys.import_ import KeyImport
from dfly_tui.operations.keys.import_report import Existing
from dfly_tui.operations.keys.words import export_lines, export_progress, import_lines, import_progress
from dfly_tui.text import safe
from screens.key_dialogs import ProgressDialog
from screens.key_work import KeyJob, at_work
from screens.picker import PickerDialog
from screens.services import Services
from widgets.dialog import AskDialog, TextDialog

TELL_SECONDS = 0.25
"""Between two lines of progress."""
EXISTING = {
    "leave it as it is, and name it if it differs": Existing.FAIL,
    "leave it as it is, without a look": Existing.SKIP,
    "put it into the trash if it differs, and replace it": Existing.REPLACE,
}


async def export_some(
    app: App[int], services: Services, instance: str, database: int, wanted: Wanted, *, pace: Pace = Pace.NORMAL
) -> bool:
    """Ask where to, and export keys: those that are named, or that a filter finds; whether there is a file."""
    which = query_text(wanted) or "all keys" if isinstance(wanted, KeyFilter) else counted(len(wanted), "key")
    prompt = f"{which} of {safe(instance)} db{database}\n\nFile (.gz packs it; nothing is overwritten):"
    proposed = _proposal(services, instance, database)
    typed = await app.push_screen_wait(AskDialog("Export keys", prompt, value=str(proposed), confirm="Export"))
    if not typed:
        return False
    exporter = Exporter(
        services.hub[instance].config,
        services.password_of(services.hub[instance].config),
        wanted,
        database=database,
        clock=services.clock,
        timeout_seconds=services.settings.defaults.timeout_seconds,
        pace=pace,
    )
    path, shown = _path(typed), _Shown(app, services.clock, exporter.stop)
    exporter.told = lambda report: shown.tell(export_progress(report), report.keys, report.expected)
    shown.open(f"Export to {path.name}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        report = await exporter.to_file(path)
    except DflyError as error:
        app.notify(f"{error.detail}\n{error.hint}".strip(), title=error.title, severity="error", markup=False)
        return False
    except OSError as error:
        app.notify(f"{safe(str(path))}: {error.strerror}", title="Not exported", severity="error", markup=False)
        return False
    finally:
        shown.close()
    _tell_export(app, report, path)
    return not report.stopped


def _tell_export(app: App[int], report: ExportReport, path: Path) -> None:
    if report.stopped:
        app.notify("no file was kept", title="Export stopped", markup=False)
        return
    lines = [safe(str(path)), "", *export_lines(report)]
    app.push_screen(TextDialog("Exported" if report.is_exact else "Exported, but not all of it", "\n".join(lines)))


async def import_some(app: App[int], services: Services, instance: str, database: int) -> bool:
    """Ask for the file of an export, and import it; whether something was changed."""
    prompt = f"into {safe(instance)} db{database}\n\nFile of an export:"
    folder = f"{services.paths.exports_dir}/"
    typed = await app.push_screen_wait(AskDialog("Import keys", prompt, value=folder, confirm="Go on"))
    if not typed:
        return False
    chosen = await app.push_screen_wait(PickerDialog("A key that is there already:", list(EXISTING)))
    if chosen is None:
        return False
    file, existing = ExportFile(_path(typed)), EXISTING[chosen]

    async def work(at: KeyJob) -> bool:
        return await at.unlocked() and await _Import(at, file, existing).run()

    return await at_work(app, services, instance, database, work, False)


class _Import:
    """One import; it asks, and shows the progress above whatever is on the screen."""

    def __init__(self, work: KeyJob, file: ExportFile, existing: Existing) -> None:
        self._work = work
        self._wish = KeyImport(work.again(), file, existing, told=self._told)
        self._shown = _Shown(work.app, work.services.clock, self._wish.stop.set)

    async def run(self) -> bool:
        """Read the file, ask, write; whether something was changed."""
        name = safe(self._wish.file.path.name, limit=40)
        try:
            await self._inspect(name)
        except Damaged as error:
            text = f"{error.detail}\n\n{error.hint}\n\nNothing was changed."
            self._work.app.push_screen(TextDialog(error.title, text))
            return False
        try:
            ended = await self._work.run(self._wish.plan(), self)
        finally:
            self._shown.close()
        if ended.outcome is not Outcome.DECLINED:
            lines = [*import_lines(self._wish), ended.said, *(f"left to do: {line}" for line in ended.left)]
            text = "\n".join(dict.fromkeys(filter(None, lines)))
            self._work.app.push_screen(TextDialog(f"{ended.outcome}: import of {name}", text))
        return bool(self._wish.report.done)

    async def _inspect(self, name: str) -> None:
        self._shown.open(f"Reading {name}")
        try:
            await self._wish.inspect()
        finally:
            self._shown.close()

    async def confirm(self, question: Confirmation) -> bool:
        """Ask; after a yes the progress is shown."""
        if not await self._work.confirm(question):
            return False
        self._shown.open(question.title)
        return True

    def _told(self, wish: KeyImport) -> None:
        self._shown.tell(import_progress(wish), wish.report.done, wish.report.keys or None)


class _Shown:
    """The dialog that shows how far something is, while it is open."""

    def __init__(self, app: App[int], clock: Clock, stop: Callable[[], None]) -> None:
        self._app = app
        self._clock = clock
        self._stop = stop
        self._dialog: ProgressDialog | None = None
        self._told_at = 0.0

    def open(self, title: str) -> None:
        """Show it."""
        self._dialog = ProgressDialog(safe(title, limit=60), self._stop)
        self._app.push_screen(self._dialog)

    def tell(self, text: str, done: int, of: int | None) -> None:
        """Say how far it is, a few times a second."""
        dialog, now = self._dialog, self._clock.monotonic()
        if dialog is None or not dialog.is_mounted or now - self._told_at < TELL_SECONDS:
            return
        self._told_at = now
        dialog.query_one("#bar", ProgressBar).update(total=of, progress=done)
        dialog.say(text)

    def close(self) -> None:
        """Take it away."""
        dialog, self._dialog = self._dialog, None
        if dialog is not None:
            dialog.dismiss(None)


def _proposal(services: Services, instance: str, database: int) -> Path:
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in instance)
    moment = f"{services.clock.now():%Y%m%dT%H%M%SZ}"
    return services.paths.exports_dir / f"keys-{letters}-db{database}-{moment}.jsonl.gz"


def _path(typed: str) -> Path:
    """What was typed; `~` is the user's home folder, where that is known."""
    try:
        return Path(typed).expanduser()
    except RuntimeError:
        return Path(typed)
