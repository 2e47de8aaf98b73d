"""What every screen of the dashboard shares: header, footer, and painting only when something changed."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.events import ScreenResume
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from dfly_tui.models.health import InstanceStatus
from screens.commands import footer_hints
from screens.services import Services
from widgets.footer import Hint, KeyHints
from widgets.header import HeaderData, StatusHeader

PAINT_EVERY_SECONDS = 0.25
"""With many instances readings come all the time; they are painted at most this often."""


class DashboardScreen(Screen[None]):
    """A screen of the dashboard.

    Subclasses set `scope`, yield their widgets in `compose_body()`, and paint in `paint(statuses)`, which is called
    when a reading came in and the screen is the one that shows. Polling goes on under a modal; painting does not.
    """

    AUTO_FOCUS = ""  # by `focus_body()`; Textual would put it into the filter, hidden as it is
    scope: str

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self._leave: Callable[[], None] = lambda: None
        self._pending: Timer | None = None
        self._painted_at = float("-inf")
        self._texts: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield StatusHeader()
        yield from self.compose_body()
        yield Static("A terminal of 80×24 or more shows everything.", id="small", markup=False)
        yield KeyHints()

    def compose_body(self) -> ComposeResult:
        """The widgets between header and footer."""
        raise NotImplementedError

    def paint(self, statuses: tuple[InstanceStatus, ...]) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def read_again(self) -> None:
        """Read, on the user's request, what this screen shows and no feed reads."""

    def held(self) -> str:
        """Why this screen cannot be left now, in a sentence; empty when it can."""
        return ""

    def subscribe(self) -> Callable[[], None]:
        """Start what the screen needs; returns how to leave it."""
        return self.services.hub.subscribe(self.changed)

    def on_mount(self) -> None:
        self._leave = self.subscribe()
        hints = footer_hints(self.scope, self.services.settings.keymap)
        self.query_one(KeyHints).show([Hint(*hint) for hint in hints])
        self.set_interval(1.0, self.repaint)
        self.repaint()

    def on_unmount(self) -> None:
        self._leave()

    @on(ScreenResume)
    def _resumed(self) -> None:
        self.repaint()

    def changed(self) -> None:
        """Something was read: paint soon, and not more often than the eye can follow."""
        if self._pending is None and self.is_attached:
            elapsed = self.services.clock.monotonic() - self._painted_at
            self._pending = self.set_timer(max(0.01, PAINT_EVERY_SECONDS - elapsed), self._paint_pending)

    def _paint_pending(self) -> None:
        self._pending = None
        self.repaint()

    def repaint(self) -> None:
        """Paint now if this screen is the one that shows."""
        if self.app.screen is not self or not self.is_mounted:
            return
        self._painted_at = self.services.clock.monotonic()
        statuses = self.services.hub.statuses()
        self.services.worst = statuses[0].name if statuses else None
        with self.app.batch_update():
            self.paint(statuses)
            self.query_one(StatusHeader).show(self._header(statuses))

    def _header(self, statuses: tuple[InstanceStatus, ...]) -> HeaderData:
        services = self.services
        name = services.current()
        status = next((item for item in statuses if item.name == name), None)
        snapshot = status.snapshot if status else None
        reading = status.observation.status if status else None
        return HeaderData(
            simulation=any(item.snapshot is not None and item.snapshot.simulated for item in statuses),
            instance=name,
            environment=status.config.environment if status else None,
            role=snapshot.role if snapshot else None,
            freshness=status.freshness if status else None,
            age=reading.age(services.clock.monotonic()) if reading else None,
            paused=services.hub.paused,
            read_only=name is not None and services.guard.is_read_only(name),
            unlocked_seconds=services.guard.remaining(name) if name else None,
            interval=services.hub.interval,
        )

    def put(self, selector: str, text: str) -> None:
        """Set the text of a Static, unless it stands there already: Textual would write it again."""
        if self._texts.get(selector) != text:
            self._texts[selector] = text
            self.query_one(selector, Static).update(text)

    def open_filter(self) -> None:
        """Show the filter line and put the cursor in it."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()

    def close_filter(self) -> bool:
        """Empty and hide the filter line; whether there was one."""
        box = self.query("#filter").results(Input)
        for found in box:
            if found.display:
                found.value = ""
                found.display = False
                self.focus_body()
                return True
        return False

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.focus_body()

    def focus_body(self) -> None:
        """Put the keyboard's focus where the screen's own keys work."""
        self.set_focus(None)

    def action_back(self) -> None:
        """Close the filter, or the screen if it was opened from another."""
        if not self.close_filter() and len(self.app.screen_stack) > 1:
            self.app.pop_screen()


def filter_box() -> Input:
    """The hidden one-line filter of a screen; no blinking cursor, which would write to the terminal for ever."""
    box = Input(placeholder="filter: type, Enter to keep, Esc to clear", id="filter", compact=True)
    box.cursor_blink = False
    box.display = False
    return box
