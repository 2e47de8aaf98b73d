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
REPLICATION = "replication"
FAILOVER = "failover"
PLAN = "plan"
"""Every screen that runs a plan, beside its own."""
BACKUPS = "backups"
BACKUP_PLAN = "backup-plan"
KEYS = "keys"
VALUE = "value"
VIEWS = "views"
CONSOLE = "console"
PLANS = (FAILOVER, BACKUP_PLAN)
"""Screens that run a plan."""
MODES = (STATUS, METRICS, REPLICATION, KEYS, BACKUPS)
"""Screens reached by a digit; the others are opened over one of them."""

SCOPE_TITLES = {
    EVERYWHERE: "Everywhere",
    STATUS: "Status",
    INSTANCE: "Instance",
    METRICS: "Metrics",
    REPLICATION: "Replication",
    FAILOVER: "Failover",
    PLAN: "A plan, in the wizard and wherever else one is run",
    KEYS: "Keys",
    VALUE: "Value",
    VIEWS: "Views",
    CONSOLE: "Console",
    BACKUPS: "Backups",
    BACKUP_PLAN: "A backup, a restore or another change of backups",
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
    Command("go.replication", "3", "Replication", "Who follows whom, how far behind, who is safe to promote.",
            action="go('replication')", footer=48),
    Command("go.keys", "4", "Keys", "What is in an instance: namespaces, keys, values.", action="go('keys')",
            footer=47),
    Command("go.backups", "5", "Backups", "What was saved, where it lies, whether it was proven to restore.",
            action="go('backups')", footer=46),
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
    Command("replication.up", "up,k", "Up", "Choose the instance above.", REPLICATION),
    Command("replication.down", "down,j", "Down", "Choose the instance below.", REPLICATION),
    Command("replication.more", "pagedown", "More", "Show more of the details.", REPLICATION, action="scroll(1)"),
    Command("replication.back", "pageup", "Back", "Show the details from before.", REPLICATION, action="scroll(-1)"),
    Command("replication.failover", "f", "Failover",
            "Switch over to the chosen replica, or promote one when the primary is gone.", REPLICATION,
            action="change('change')", footer=80),
    Command("replication.checks", "c", "Checks", "All that was looked at, or only what is not as it should be.",
            REPLICATION, footer=75),
    Command("replication.swap-back", "b", "Swap back", "Restore the intended roles.", REPLICATION,
            action="change('swap-back')", footer=54),
    Command("replication.rejoin", "o", "Rejoin", "Bring an old primary back as a replica, its own data kept aside.",
            REPLICATION, action="change('rejoin')", footer=53),
    Command("replication.resume", "u", "Resume", "Finish, or take back, what a killed program began.", REPLICATION,
            action="change('resume')"),
    Command("replication.attach", "A", "Attach", "Make the chosen instance a replica of the group's primary.",
            REPLICATION, action="change('attach')", footer=52),
    Command("replication.detach", "D", "Detach", "Make the chosen replica a primary of its own, with its data.",
            REPLICATION, action="change('detach')", footer=51),
    Command("replication.filter", "slash", "Filter", "Show groups with this text in their name or an instance's.",
            REPLICATION, footer=60),
    Command("keys.open", "enter", "Open", "Open a namespace or a key; count by itself what is not listed.", KEYS,
            footer=85),
    Command("keys.right", "right,l", "Open", "Open the namespace under the cursor.", KEYS),
    Command("keys.left", "left,h", "Close", "Close the namespace, or go to the one it is in.", KEYS),
    Command("keys.filter", "slash", "Find", "Look for keys by pattern, type, TTL, size: user:* type:hash ttl<1h "
            "size>64k.", KEYS, footer=80),
    Command("keys.pause-scan", "space", "Pause", "Pause the scan, or go on with it.", KEYS, footer=62),
    Command("keys.scan", "R", "Again", "Scan again from the first key on.", KEYS, footer=35),
    Command("keys.pace", "w", "Pace", "How much of the server's time a scan may take: gentle, normal, fast.", KEYS,
            footer=58),
    Command("keys.sort", "s", "Sort", "By count, name, TTL, size or type.", KEYS, footer=64),
    Command("keys.flat", "f", "Flat", "All names in one list, or as a tree again.", KEYS, footer=63),
    Command("keys.database", "d", "Database", "Choose another database.", KEYS, footer=56),
    Command("keys.change", "e", "Change", "Edit, expire, rename, duplicate or delete the key under the cursor, or all "
            "keys of the namespace; what would be hit is shown first.", KEYS, footer=65),
    Command("keys.create", "c", "Create", "Make a key that is not there yet.", KEYS, footer=42),
    Command("keys.undo", "u", "Undo", "Restore what was changed or deleted here, from the trash.", KEYS, footer=43),
    Command("keys.export", "x", "Export", "Write the key or namespace under the cursor to a file, exactly.", KEYS,
            footer=41),
    Command("keys.import", "i", "Import", "Read keys from an exported file.", KEYS, footer=40),
    Command("keys.view", "v", "Views", "Prepared views: workflows, agents, sessions, queues, and your own.", KEYS,
            footer=60),
    Command("keys.console", "exclamation_mark", "Console", "Type commands for this database.", KEYS, footer=59),
    Command("keys.instance", "n", "Next", "The next instance.", KEYS, footer=34),
    Command("keys.previous", "N", "Previous", "The previous instance.", KEYS),
    Command("keys.copy", "y", "Copy", "Copy the name under the cursor.", KEYS, footer=57),
    Command("value.open", "enter", "Zoom", "What the element under the cursor decodes to on the whole screen; look "
            "into a part of a JSON document.", VALUE, action="zoom", footer=60),
    Command("value.zoom", "z", "Zoom", "The decoded element on the whole screen, or the list again.", VALUE),
    Command("value.search", "slash", "Search", "Show elements with this text, or go to it; Enter reads on until there "
            "is one.", VALUE, footer=85),
    Command("value.next-match", "n", "Next", "The next place of what was searched.", VALUE),
    Command("value.decoder", "d", "Decode", "Choose the decoders: JSON, msgpack, gzip, base64, …, or several.", VALUE,
            footer=80),
    Command("value.plain", "v", "Raw", "The exact bytes, everything that is not seen made visible, or decoded.", VALUE,
            footer=75),
    Command("value.copy", "y", "Copy", "Copy the value, the name, or redis-cli commands.", VALUE, footer=78),
    Command("value.change", "e", "Change", "Edit the element under the cursor, add or remove one; set the expiry, "
            "rename, duplicate or delete the key.", VALUE, footer=77),
    Command("value.save", "s", "Save", "Write the exact bytes to a new file.", VALUE, footer=65),
    Command("value.follow", "f", "Follow", "Read it each second while it is shown, or stop.", VALUE, footer=72),
    Command("value.changes", "c", "Changes", "What is different since the reading before, or the value.", VALUE,
            footer=68),
    Command("value.facts", "i", "Facts", "All that is told: groups of a stream, a filter's numbers, what was refused.",
            VALUE, footer=62),
    Command("value.positions", "o", "Places", "Longitude and latitude of the members of a geo set.", VALUE),
    Command("views.open", "enter", "Open", "Open the key under the cursor; fold or unfold a group.", VIEWS, footer=85),
    Command("views.filter", "slash", "Filter", "Show keys with this text in their name or a column.", VIEWS, footer=80),
    Command("views.next", "v,tab", "View", "The next view.", VIEWS, footer=78),
    Command("views.previous", "V,shift+tab", "Previous", "The previous view.", VIEWS),
    Command("views.sort", "s", "Sort", "By the next column, smallest or largest first, or by name.", VIEWS, footer=64),
    Command("views.clean-up", "x", "Clean up", "Delete all keys of the group under the cursor, such as an issue's "
            "state; what would go is shown first.", VIEWS, footer=62),
    Command("views.copy", "y", "Copy", "Copy the name under the cursor.", VIEWS, footer=57),
    Command("backups.now", "b", "Back up", "Save a snapshot now, prove it and copy it.", BACKUPS, footer=85),
    Command("backups.verify", "v", "Verify", "Read the set under the cursor: is it whole, are its sums right?", BACKUPS,
            footer=82),
    Command("backups.drill", "d", "Drill", "Restore the set under the cursor in a throw-away server and count keys.",
            BACKUPS, footer=80),
    Command("backups.restore", "R", "Restore", "Replace the data of the instance by a set.", BACKUPS, footer=78),
    Command("backups.prune", "x", "Prune", "What retention would remove and why; then remove it.", BACKUPS, footer=62),
    Command("backups.pin", "y", "Pin", "Keep the set under the cursor whatever retention says, or no longer.", BACKUPS,
            footer=61),
    Command("backups.schedule", "e", "Schedule", "When the server saves by itself: edit its cron.", BACKUPS, footer=64),
    Command("backups.pause-schedule", "z", "Pause", "Pause the schedule until a time, or go on with it.", BACKUPS),
    Command("backups.open", "enter", "Open", "All that is known of the set under the cursor.", BACKUPS, footer=76),
    Command("backups.filter", "slash", "Filter", "Show sets with this text in their name, proof or place.", BACKUPS,
            footer=60),
    Command("backups.instance", "n", "Next", "The next instance.", BACKUPS, footer=74),
    Command("backups.previous", "N", "Previous", "The previous instance.", BACKUPS),
    Command("backups.switch", "tab", "Table", "Move between the instances and the sets.", BACKUPS),
    Command("backups.unfinished", "u", "Resume", "What a killed program began here, and what is left to do.", BACKUPS),
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
    Command("plan.next", "enter", "Go on", "Choose what is under the cursor, run the checks, go on to the question, "
            "or look again: the line above the list says which.", PLAN, footer=95),
    Command("failover.snapshot", "s", "Snapshot", "Save a snapshot on the old primary before anything else, or not.",
            FAILOVER, action="option('snapshot_first')"),
    Command("failover.pause-writes", "w", "Pause", "Pause clients' writes before the takeover, or not.", FAILOVER,
            action="option('pause_writes')"),
    Command("failover.canary", "v", "Canary", "Write, read and delete a key on the new primary afterwards, or not.",
            FAILOVER, action="option('canary')"),
    Command("failover.cooldown", "o", "Cool-down", "Mean it although the last change of roles was a moment ago.",
            FAILOVER, action="option('override_cooldown')"),
    Command("failover.dry-run", "d", "Dry run", "Run the checks and stop before the question.", FAILOVER,
            action="option('dry_run')"),
    Command("failover.change", "c", "Roles", "Plan a change of roles: a switchover, or an emergency promotion.",
            FAILOVER, action="aim('change')"),
    Command("failover.swap-back", "b", "Swap back", "Plan the switchover back to the intended roles.", FAILOVER,
            action="aim('swap-back')"),
    Command("failover.rejoin", "R", "Rejoin", "Plan how the old primary comes back as a replica.", FAILOVER,
            action="aim('rejoin')"),
    Command("failover.finish", "f", "Finish", "Plan what is left of a run that was cut off.", FAILOVER),
    Command("failover.undo", "u", "Take back", "Plan how what was begun by it is taken back.", FAILOVER),
    Command("failover.settle", "x", "Settled", "Close the record of a run that was cut off: you saw to it.", FAILOVER),
    Command("plan.findings", "a", "Findings", "All findings, or only those that are not as they should be.",
            PLAN),
    Command("plan.whole", "z", "Whole", "What the cursor is on, in full.", PLAN, footer=60),
    Command("plan.copy", "y", "Copy", "Copy the commands under the cursor.", PLAN, footer=58),
    Command("console.run", "enter", "Run", "Send the line; what changes something is asked for, guarded and recorded.",
            CONSOLE, footer=90),
    Command("console.complete", "tab", "Complete", "Complete a command, or the name of a key; again for the next one.",
            CONSOLE, footer=85),
    Command("console.older", "up", "Older", "The line before, of those typed on this instance.", CONSOLE, footer=80),
    Command("console.newer", "down", "Newer", "The line after.", CONSOLE),
    Command("console.search", "ctrl+r", "Search", "Find a line typed before.", CONSOLE, footer=75),
    Command("console.page-up", "pageup", "Scroll", "Answers from before.", CONSOLE, action="page(-1)", footer=70),
    Command("console.page-down", "pagedown", "Scroll", "Later answers.", CONSOLE, action="page(1)"),
    Command("console.stop", "ctrl+c", "Stop", "Give up the command that runs, or empty the line.", CONSOLE, footer=65),
    Command("console.copy", "ctrl+y", "Copy", "Copy the last answer.", CONSOLE, footer=60),
    Command("console.clear", "ctrl+l", "Clear", "Forget the answers.", CONSOLE, footer=55),
    Command("console.unlock", "f2", "Unlock", "Let a production instance be changed for some minutes, or lock it "
            "again.", CONSOLE, action="app.unlock", footer=58),
)  # fmt: skip


def bindings(scope: str) -> list[BindingType]:
    """The bindings of one scope, for a screen's or the app's `BINDINGS`."""
    return [command.binding for command in COMMANDS if command.scope == scope]


def commands_for(scope: str) -> list[Command]:
    """What works on a screen: its own commands first, then those that work everywhere."""
    scopes = {scope, PLAN} if scope in PLANS else {scope}
    own = [command for command in COMMANDS if command.scope in scopes]
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
    "question_mark": "?", "exclamation_mark": "!",
    "colon": ":", "slash": "/", "minus": "-", "plus": "+", "equals_sign": "=",
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
