"""One key: everything about it, its value decoded, searched, compared, followed, copied and saved."""

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Input

from dfly_tui.models.health import InstanceStatus
from screens.base import DashboardScreen, filter_box
from screens.commands import VALUE, bindings
from screens.services import Services
from screens.value_actions import choose_decoder, copy_value, save_value
from screens.value_pane import LiveValue, View


class ValueScreen(DashboardScreen):
    """A key on the whole screen.

    Args:
        instance_name: Of a configured instance.
        name: The key's, exactly.
    """

    scope = VALUE
    BINDINGS = bindings(VALUE)

    def __init__(self, services: Services, instance_name: str, database: int, name: bytes) -> None:
        super().__init__(services)
        self.instance_name = instance_name
        self.database = database
        self.key_name = name

    def compose_body(self) -> ComposeResult:
        yield filter_box()
        yield LiveValue(self.services)

    @property
    def live(self) -> LiveValue:
        """The pane."""
        return self.query_one(LiveValue)

    def on_mount(self) -> None:
        self.live.open(self.instance_name, self.database, self.key_name)
        self.focus_body()

    def focus_body(self) -> None:
        self.live.focus_body()

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        self.services.selected = self.instance_name
        self.live.tick()

    def read_again(self) -> None:
        self.live.read_again()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.live.look_for(event.value)

    @on(Input.Submitted, "#filter")
    def _search_on(self) -> None:
        self.live.find_next()

    def action_search(self) -> None:
        self.open_filter()

    @work(exclusive=True, group="change", exit_on_error=False)
    async def action_change(self) -> None:
        """Ask what is to happen to the key, and do it."""
        from screens.key_menu import change_key
        from screens.key_work import KeyTarget

        loaded = self.live.loaded
        target = KeyTarget(self.instance_name, self.database, self.key_name)
        facts = loaded.facts if loaded is not None else None
        if await change_key(self.app, self.services, target, facts, self.live.element):
            self.live.read_again()

    def action_next_match(self) -> None:
        self.live.find_next()

    def action_zoom(self) -> None:
        self.live.zoom()

    def action_plain(self) -> None:
        self.live.toggle_plain()

    def action_changes(self) -> None:
        self.live.show_view(View.CHANGES)

    def action_facts(self) -> None:
        self.live.show_view(View.FACTS)

    def action_follow(self) -> None:
        self.live.follow()

    def action_positions(self) -> None:
        self.live.locate()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_decoder(self) -> None:
        """Choose the decoders."""
        await choose_decoder(self.live)

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_copy(self) -> None:
        """Choose what to copy."""
        await copy_value(self.live)

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_save(self) -> None:
        """Choose where to save it."""
        await save_value(self.live)

    def action_back(self) -> None:
        """End a search, close what is open in the pane, then the filter, then the screen."""
        if self.live.session is not None and self.live.session.searching:
            self.live.back()
        elif not self.close_filter() and not self.live.back():
            super().action_back()
