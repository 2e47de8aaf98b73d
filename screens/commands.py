"""Every command of the dashboard, once: bindings, palette, help, footer and the README's key table come from here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from dfly_tui.errors import ConfigError
from dfly_tui.settings_load import nearest
from dfly_tui.text import safe

EVERYWHERE = "everywhere"
STATUS = "status"
INSTANCE = "instance"
METRICS = "metrics"
MODES = (STATUS, METRICS)
"""Screens reached by a digit; the others are opened over one of them."""

SCOPE_TITLES = {
    EVERYWHERE: "Everywhere",
    STATUS: "Status",
    INSTANCE: "Instance",
    METRICS: "Metrics",
}


@dataclass(frozen=True)
class Command:
    """One thing a key does.

    Attributes:
        id: Name in `[keymap]` of the configuration.
        keys: Default keys in Textual's names, comma separated.
        title: A word or two, for footer and palette.
        help: One sentence.
        scope: Where it works: everywhere, or one screen.
        action: Textual action; by default named after the id.
        footer: How early it deserves a place in the footer; 0 is never.
    """

    id: str
    keys: str
    title: str
    help: str
    scope: str = EVERYWHERE
    action: str = ""
    footer: int = 0

    @property
    def binding(self) -> Binding:
        """The Textual binding; its id lets `[keymap]` replace the keys."""
        action = self.action or self.id.rpartition(".")[2].replace("-", "_")
        return Binding(self.keys, action, self.title, show=False, id=self.id, tooltip=self.help)


COMMANDS: tuple[Command, ...] = (
    Command("go.status", "1", "Status", "The fleet: who is healthy, and what is wrong.", action="go('status')",
            footer=66),
    Command("go.metrics", "2", "Metrics", "Charts of one instance, or of two compared.", action="go('metrics')",
            footer=50),
    Command("app.jump", "colon", "Jump", "Type the first letters of a screen, an instance or a command.", footer=40),
    Command("app.palette", "ctrl+p", "Palette", "Search everything that can be done.", action="command_palette"),
    Command("app.help", "question_mark,f1", "Help", "The keys of this screen, and what it shows.", footer=90),
    Command("app.refresh", "r", "Refresh", "Read everything now, also while paused.", footer=20),
    Command("app.pause", "p", "Pause", "Stop or resume reading; the header says so.", footer=30),
    Command("app.slower", "minus", "Slower", "Read less often."),
    Command("app.faster", "plus,equals_sign", "Faster", "Read more often."),
    Command("app.theme", "t", "Theme", "The next colour theme: dark, light, high contrast, ANSI-16."),
    Command("app.unlock", "U", "Unlock", "Let a production instance be changed for some minutes, or lock it again."),
    Command("app.back", "escape", "Back", "Close what is open: a filter, a zoomed panel, a detail, a dialog.",
            action="screen.back", footer=70),
    Command("app.quit", "q,ctrl+q", "Quit", "Leave.", footer=45),
    Command("status.filter", "slash", "Filter", "Show instances whose name, group or state has this text.", STATUS,
            footer=60),
    Command("status.open", "enter", "Open", "Everything about the instance under the cursor.", STATUS, footer=80),
    Command("status.metrics", "m", "Charts", "The charts of the instance under the cursor.", STATUS, footer=55),
    Command("instance.view", "tab", "View", "The next view: INFO, configuration, container.", INSTANCE, footer=80),
    Command("instance.filter", "slash", "Filter", "Show fields with this text in name, value or explanation.",
            INSTANCE, footer=60),
    Command("metrics.window", "w", "Window", "The span shown: 1, 5, 15 or 60 minutes.", METRICS, footer=80),
    Command("metrics.instance", "n", "Next", "The next instance.", METRICS, footer=70),
    Command("metrics.previous", "N", "Previous", "The previous instance.", METRICS),
    Command("metrics.compare", "c", "Compare", "Draw a second instance beside it, or none.", METRICS, footer=60),
    Command("metrics.filter", "slash", "Filter", "Show panels with this text in their title.", METRICS, footer=55),
    Command("metrics.pin", "a", "Pin", "Add any series of /metrics as a panel.", METRICS, footer=65),
    Command("metrics.unpin", "x", "Unpin", "Remove the chosen panel if it was pinned, else the one pinned last.",
            METRICS),
    Command("metrics.up", "up", "Panel", "Choose the panel above.", METRICS, action="row(-1)"),
    Command("metrics.down", "down", "Panel", "Choose the panel below.", METRICS, action="row(1)"),
    Command("metrics.panel", "tab", "Panel", "Choose the next panel; while zoomed, show it.", METRICS,
            action="panel(1)", footer=46),
    Command("metrics.panel-before", "shift+tab", "Panel", "Choose the panel before.", METRICS, action="panel(-1)"),
    Command("metrics.left", "left", "Cursor", "Move the cursor back in time.", METRICS, action="cursor(-1)"),
    Command("metrics.right", "right", "Cursor", "Move the cursor forward in time.", METRICS, action="cursor(1)"),
    Command("metrics.zoom", "z,enter", "Zoom", "The chosen panel on the whole screen, or all again.", METRICS,
            footer=75),
    Command("metrics.export", "e", "Export", "Write what is shown to a CSV file.", METRICS, footer=35),
)  # fmt: skip


def bindings(scope: str) -> list[BindingType]:
    """The bindings of one scope, for a screen's or the app's `BINDINGS`."""
    return [command.binding for command in COMMANDS if command.scope == scope]


def commands_for(scope: str) -> list[Command]:
    """What works on a screen: its own commands first, then those that work everywhere."""
    own = [command for command in COMMANDS if command.scope == scope]
    return own + [command for command in COMMANDS if command.scope == EVERYWHERE]


def footer_hints(scope: str, keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """(key, label) pairs for a footer, the most deserving first; without the ways to where one is."""
    needless = {f"go.{scope}", "app.back"} if scope in MODES else {"go.status"}
    shown = [command for command in commands_for(scope) if command.footer and command.id not in needless]
    shown.sort(key=lambda command: -command.footer)
    return [(first_key(command, keymap), command.title) for command in shown]


def keys_of(command: Command, keymap: Mapping[str, str]) -> list[str]:
    """The keys of a command as printed on a keyboard, the user's own where remapped."""
    return [key_name(key.strip()) for key in keymap.get(command.id, command.keys).split(",")]


def first_key(command: Command, keymap: Mapping[str, str]) -> str:
    """The key to show where there is room for one."""
    return keys_of(command, keymap)[0]


_KEY_NAMES = {
    "question_mark": "?", "colon": ":", "slash": "/", "minus": "-", "plus": "+", "equals_sign": "=",
    "escape": "esc", "left": "←", "right": "→", "up": "↑", "down": "↓",
}  # fmt: skip


def key_name(key: str) -> str:
    """A Textual key name as it is printed on a keyboard."""
    return _KEY_NAMES.get(key, key)


def check_keymap(keymap: Iterable[str]) -> None:
    """See that every name in `[keymap]` is a command's id.

    Raises:
        ConfigError: One is not; the detail names the nearest that is.
    """
    known = [command.id for command in COMMANDS]
    for name in keymap:
        if name not in known:
            raise ConfigError(f"keymap: there is no command {safe(name)}{nearest(name, known)}", "the help lists them")
