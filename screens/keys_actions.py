"""What the key browser does with the row under the cursor, beside showing it."""

from textual import work

from dfly_tui.errors import DflyError, Refused
from dfly_tui.models.keys import KeyFilter, literal
from dfly_tui.models.value import ValueFacts
from dfly_tui.text import safe
from screens.base import DashboardScreen
from screens.clipboard import copy
from screens.keys_session import KeySession
from screens.value_pane import LiveValue
from widgets.keytree import KeyTree
from widgets.tree_rows import TreeRow


def keys_below(row: TreeRow, wanted: KeyFilter) -> KeyFilter:
    """The keys of a namespace, as far as they are looked for."""
    return wanted.model_copy(update={"pattern": literal(row.name) + b"*"})


class BrowserActions(DashboardScreen):
    """The part of the key browser that changes keys, and leads to other screens."""

    @property
    def session(self) -> KeySession | None:
        """The database that is browsed."""
        raise NotImplementedError

    @property
    def instance_name(self) -> str | None:
        """The instance that it is of."""
        raise NotImplementedError

    def was_changed(self, name: bytes | None) -> None:
        """A key was changed, or, when it is None, there may be others now."""
        raise NotImplementedError

    async def action_copy(self) -> None:
        """The exact bytes, as far as terminals take them."""
        row = self.query_one(KeyTree).chosen
        if row is None or row.is_more:
            return
        try:
            await copy(self.app, row.name, self.services.environ)
        except Refused as error:
            self.app.notify(f"{error.detail}; {error.hint}", title="Not copied", severity="warning", markup=False)
        else:
            self.app.notify(safe(row.name, limit=80), title="Copied, if your terminal permits it", markup=False)

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_change(self) -> None:
        """Ask what is to happen to the key, or to all keys of the namespace, under the cursor."""
        row, session, instance = self.query_one(KeyTree).chosen, self.session, self.instance_name
        if row is None or session is None or instance is None:
            return
        if not row.is_space and not row.is_more:
            await self._change_key(instance, session.database, row.name)
            return
        from screens.key_bulk import change_many

        wanted, pace = keys_below(row, session.scan.wanted), session.scan.pace
        if await change_many(self.app, self.services, instance, session.database, wanted, pace=pace):
            self.was_changed(None)

    async def _change_key(self, instance: str, database: int, name: bytes) -> None:
        from screens.key_menu import change_key
        from screens.key_work import KeyTarget

        live = self.query_one(LiveValue)
        loaded = live.loaded if live.session is not None and live.session.reader.name == name else None
        facts, element = (
            (loaded.facts, live.element) if loaded is not None else (await self._facts(database, name), None)
        )
        if await change_key(self.app, self.services, KeyTarget(instance, database, name), facts, element):
            self.was_changed(name)

    async def _facts(self, database: int, name: bytes) -> ValueFacts | None:
        """What is to be told of a value that is not shown, such as on a narrow screen."""
        if self.instance_name is None:
            return None
        reader = self.services.value_reader(self.instance_name, database, name)
        try:
            return await reader.facts()
        except DflyError:  # the menu offers what needs no facts, and whatever is chosen tells what is wrong
            return None
        finally:
            await reader.aclose()

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_create(self) -> None:
        """Make a key that is not there yet."""
        from screens.key_edits import create_key

        session, instance = self.session, self.instance_name
        if session is None or instance is None:
            return
        if await create_key(self.app, self.services, instance, session.database) is not None:
            self.was_changed(None)

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_undo(self) -> None:
        """Restore what the trash holds of this database."""
        from screens.key_undo import undo_changes

        session, instance = self.session, self.instance_name
        if session is None or instance is None:
            return
        if await undo_changes(self.app, self.services, instance, session.database):
            self.was_changed(None)

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_export(self) -> None:
        """Write the key or the namespace under the cursor to a file; else all keys that are looked for."""
        from screens.key_export import export_some

        row, session, instance = self.query_one(KeyTree).chosen, self.session, self.instance_name
        if session is None or instance is None:
            return
        wanted: KeyFilter | tuple[bytes, ...] = session.scan.wanted
        if row is not None and not row.is_more:
            wanted = keys_below(row, session.scan.wanted) if row.is_space else (row.name,)
        await export_some(self.app, self.services, instance, session.database, wanted, pace=session.scan.pace)

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_import(self) -> None:
        """Read keys from such a file."""
        from screens.key_export import import_some

        session, instance = self.session, self.instance_name
        if session is None or instance is None:
            return
        if await import_some(self.app, self.services, instance, session.database):
            self.was_changed(None)

    @work(exclusive=True, group="view", exit_on_error=False)
    async def action_view(self) -> None:
        """Open one of the prepared views."""
        from screens.picker import PickerDialog
        from screens.views import ViewScreen

        session, instance = self.session, self.instance_name
        names = [safe(view.name) for view in self.services.settings.all_views]
        chosen = await self.app.push_screen_wait(PickerDialog("Open a view", names))
        if chosen is not None and session is not None and instance is not None:
            self.app.push_screen(ViewScreen(self.services, instance, session.database, chosen))

    def action_console(self) -> None:
        """Type commands for this database."""
        from screens.console import ConsoleScreen

        session, instance = self.session, self.instance_name
        if session is not None and instance is not None:
            self.app.push_screen(ConsoleScreen(self.services, instance, session.database))
