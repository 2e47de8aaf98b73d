"""The composition root: settings → clients → hub → screens."""

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from pydantic import SecretStr
from rich.text import Text
from textual import work
from textual.actions import ActionParseResult
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from dfly_tui.clients.threads import start_daemon
from dfly_tui.clock import SystemClock
from dfly_tui.errors import AuthFailed, ConfigError
from dfly_tui.logs import start_logging
from dfly_tui.paths import Paths
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.text import safe
from dfly_tui.tty import watch_terminal
from dfly_tui.wiring import AskPassword, build_services
from screens.base import DashboardScreen
from screens.commands import EVERYWHERE, bindings, check_keymap
from screens.jump import CommandProvider, jump_targets
from screens.services import Services
from themes import SHEETS, THEMES, VARIABLE_DEFAULTS, register_all

IMPORTED_LATER = (
    "screens.instance",
    "screens.metrics",
    "screens.replication",
    "screens.picker",
    "screens.help",
    "screens.unlock",
    "screens.failover",
    "widgets.dialog",
    "textual.command",
)
"""What the first screen does not need. Imported once it shows: quickly opened then, be there a free file descriptor or
not. The key browser and what comes with it is left out: 3 MiB that many a session never needs."""
IMPORT_AFTER_SECONDS = 3.0
INTERVALS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class DflyApp(App[int]):
    """The dashboard.

    Args:
        build: Makes what the screens need, given the app's way of asking for a password; tests pass fakes.
    """

    TITLE = "dfly-tui"
    CSS_PATH = [*SHEETS]
    BINDINGS = bindings(EVERYWHERE)
    COMMANDS = {CommandProvider}
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (80, "-narrow"), (110, "-normal"), (170, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall"), (34, "-roomy")]

    def __init__(self, build: Callable[[AskPassword], Services]) -> None:
        super().__init__()
        self._typed: dict[str, SecretStr] = {}
        self._asking = asyncio.Lock()
        self.services = build(self.ask_password)
        self.animation_level = "none"
        register_all(self)
        self.theme = self.services.settings.defaults.theme
        self.set_keymap(dict(self.services.settings.keymap))
        self.add_mode("status", self._status_screen)
        self.add_mode("metrics", self._metrics_screen)
        self.add_mode("replication", self._replication_screen)
        self.add_mode("keys", self._keys_screen)
        self.add_mode("backups", self._backups_screen)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return VARIABLE_DEFAULTS

    def _fatal_error(self) -> None:
        """A bug: the log gets the traceback. Textual would print every local variable, and passwords with them."""
        logging.getLogger(__name__).critical("crashed", exc_info=self._exception)
        error = self._exception
        words = safe(f"{type(error).__name__}: {error}")
        self.panic(Text(f"dfly-tui crashed: {words}\nThe traceback is in {self.services.paths.log_file}"))

    def _status_screen(self) -> Screen[None]:
        from screens.status import StatusScreen

        return StatusScreen(self.services)

    def _metrics_screen(self) -> Screen[None]:
        from screens.metrics import MetricsScreen

        return MetricsScreen(self.services)

    def _replication_screen(self) -> Screen[None]:
        from screens.replication import ReplicationScreen

        return ReplicationScreen(self.services)

    def _keys_screen(self) -> Screen[None]:
        from screens.keys import KeysScreen

        return KeysScreen(self.services)

    def _backups_screen(self) -> Screen[None]:
        from screens.backups import BackupsScreen

        return BackupsScreen(self.services)

    async def on_mount(self) -> None:
        self.set_timer(IMPORT_AFTER_SECONDS, lambda: start_daemon(import_the_rest, "imports"))
        if self.services.hub.watched:
            await self.switch_mode("status")
        else:
            self._connect_first()

    @work(exit_on_error=False)
    async def _connect_first(self) -> None:
        """Nothing is configured: ask where the server is."""
        from screens.connect import ConnectScreen

        found = await self.push_screen_wait(ConnectScreen(self.services.attempt))
        if found is None:
            self.exit(0)
            return
        config, password, save = found
        if password:
            self._typed[config.name] = SecretStr(password)
        self.services.hub.add(config)
        self.services.guard.watch(config.name, config.environment)
        if save:
            self._save(config)
        await self.switch_mode("status")

    def _save(self, config: InstanceConfig) -> None:
        from dfly_tui.settings_save import save_instance

        path = self.services.config_file
        try:
            save_instance(path, config)
        except ConfigError as error:
            self.say(f"{path}: {error}", title="Not saved", severity="error")
        else:
            self.say(f"{config.name} is in {path}", title="Saved")

    async def ask_password(self, name: str) -> str | None:
        """The password of an instance, typed now or on the connect screen; None when the user does not want to.

        One question at a time; polling of the other instances goes on behind the dialog.
        """
        from widgets.dialog import AskDialog

        if name in self._typed:
            return self._typed.pop(name).get_secret_value()
        async with self._asking:
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            error = self.services.hub[name].status.reading.error
            why = f"{error}\n\n" if isinstance(error, AuthFailed) else ""
            await self.push_screen(AskDialog("Password", f"{why}Password of {name}:", password=True), answer.set_result)
            return await answer

    def say(self, text: str, *, title: str = "", severity: str = "information") -> None:
        """A toast, without markup."""
        level = "error" if severity == "error" else "warning" if severity == "warning" else "information"
        self.notify(text, title=title, severity=level, markup=False)  # type: ignore[arg-type]

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key stands for. What the system refuses, as to open one file more, is told and is no crash."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except (OSError, ImportError) as error:
            self._refused(error)
            return True

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The same for an action that waits for an answer."""
        if event.state is WorkerState.ERROR and isinstance(event.worker.error, OSError | ImportError):
            self._refused(event.worker.error)

    def _refused(self, error: OSError | ImportError) -> None:
        logging.getLogger(__name__).error("an action failed", exc_info=error)
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        self.say(f"{safe(why)}. The log has the details.", title="That did not work", severity="error")

    async def action_go(self, mode: str) -> None:
        """Show a screen, closing what was opened over the present one."""
        if not self.services.hub.watched:
            return
        if held := self._held():
            self.say(held, title="This screen stays open", severity="warning")
            return
        import_module(f"screens.{mode}")  # before anything is closed: it may fail
        while len(self.screen_stack) > 1 and self.current_mode != "_default":
            await self.pop_screen()
        await self.switch_mode(mode)

    async def action_open_instance(self, name: str) -> None:
        """Open one instance's detail."""
        from screens.instance import InstanceScreen

        self.services.selected = name
        await self.action_go("status")
        await self.push_screen(InstanceScreen(self.services, name))

    @work(exclusive=True, group="jump", exit_on_error=False)
    async def action_jump(self) -> None:
        """Ask where to, and go there."""
        from screens.picker import PickerDialog

        scope = getattr(self.screen, "scope", EVERYWHERE)
        targets = jump_targets(self.services, scope)
        chosen = await self.push_screen_wait(PickerDialog("Go to", list(targets)))
        if chosen is not None:
            await self.screen.run_action(targets[chosen])

    def action_help(self) -> None:
        """The keys of the screen that shows."""
        from screens.help import help_text
        from widgets.dialog import TextDialog

        scope = getattr(self.screen, "scope", None)
        if scope is not None:
            lines = help_text(scope, self.services.settings.keymap)
            self.push_screen(TextDialog("Help", "\n".join(lines)))

    def action_refresh(self) -> None:
        self.services.ask_again()
        if isinstance(self.screen, DashboardScreen):
            self.screen.read_again()
        self.services.hub.refresh_now()

    def action_pause(self) -> None:
        self.services.pause()
        self._show_effect()

    def action_slower(self) -> None:
        self._change_interval(1)

    def action_faster(self) -> None:
        self._change_interval(-1)

    def _change_interval(self, step: int) -> None:
        hub = self.services.hub
        nearest = min(range(len(INTERVALS)), key=lambda at: abs(INTERVALS[at] - hub.interval))
        hub.set_interval(INTERVALS[min(len(INTERVALS) - 1, max(0, nearest + step))])
        self._show_effect()

    def _show_effect(self) -> None:
        """At once: who sees nothing presses the key again."""
        if isinstance(self.screen, DashboardScreen):
            self.screen.repaint()

    def action_theme(self) -> None:
        """The next theme."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    @work(exclusive=True, group="unlock", exit_on_error=False)
    async def action_unlock(self) -> None:
        """Unlock the selected instance for some minutes after its name was typed, or lock it again."""
        from screens.unlock import toggle_lock

        name = self.services.current()
        if name is not None:
            await toggle_lock(self, self.services, name)
            self._show_effect()

    def _held(self) -> str:
        """Why the program cannot be left now, by the screens that are open; empty when it can."""
        open_now = (screen for screen in self.screen_stack if isinstance(screen, DashboardScreen))
        return next((why for screen in open_now if (why := screen.held())), "")

    async def action_quit(self) -> None:
        """Leave; while something is being changed only after a yes."""
        if held := self._held():
            self._leave_anyway(held)
        else:
            self.exit(0)

    @work(exclusive=True, group="quit", exit_on_error=False)
    async def _leave_anyway(self, why: str) -> None:
        from widgets.dialog import ConfirmDialog

        if await self.push_screen_wait(ConfirmDialog("Leave in the middle", why, confirm="Leave")):
            self.exit(0)

    async def on_unmount(self) -> None:
        await self.services.hub.aclose()


def import_the_rest() -> None:
    """Load what screens are made of. One that cannot be loaded now is loaded, or complained of, when it is opened."""
    for name in IMPORTED_LATER:
        try:
            import_module(name)
        except OSError:
            logging.getLogger(__name__).exception("importing %s", name)


def run_dashboard(settings: Settings, paths: Paths, environ: Mapping[str, str]) -> int:
    """Run the dashboard until the user leaves or the terminal is gone.

    Returns:
        The exit code.

    Raises:
        ConfigError: `[keymap]` names a command that does not exist.
    """
    check_keymap(settings.keymap)
    start_logging(paths)
    clock = SystemClock()
    app = DflyApp(lambda ask: build_services(settings, paths, environ, clock, ask))
    watch_terminal(sys.stdin.fileno(), lambda: app.call_from_thread(app.exit, 1))
    # A crash leaves no return value, but a return code.
    return app.run() or app.return_code or 0
