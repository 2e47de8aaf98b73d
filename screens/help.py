"""The help of a screen: its keys, as they are bound now, and what its words and colours mean."""

import textwrap
from collections.abc import Mapping

from screens.commands import SCOPE_TITLES, commands_for, keys_of

WIDTH = 68
"""Cells of text in the dialog where the terminal has 80."""
INDENT = " " * 20

LEGENDS = {
    "status": (
        "● ok   ▲ warning   ✖ critical   ? unknown",
        "A stale row is dimmed and says how old it is; a lost one says why. “–” means not known.",
        "Lag is counted in journal records by the primary, and means something only in stable sync.",
    ),
    "instance": ("A setting marked with * differs from the server's default. Passwords are never shown.",),
    "metrics": (
        "Counters are drawn as rates; a restart or a failed read is a gap. Axes begin at zero.",
        "Use ← and → to put a cursor on a moment and read the values there.",
    ),
    "keys": (
        "A namespace has all keys whose names begin with it; the first line says whether all were seen.",
        "∞ does not expire. “inline”: Dragonfly keeps a small value in the table itself, without memory of its own.",
        "/ finds by words that must all hold: user:* type:hash ttl<1h ttl>5m ttl:none size>64k used unused",
    ),
    "value": (
        "What the bytes are is guessed, step by step (base64 → gzip → json); d chooses. Pickles are never run.",
        "Elements are read as you scroll. + is new, ~ is changed since the reading before.",
        "“Kept in the table itself”: Dragonfly needs no memory of its own for small values.",
    ),
    "views": (
        "✗ another type, or not what the column tells   – no such field   ! expires within a minute   ∞ never",
        "A field of more than 4 KiB is not read. Ages are as of now; the first line says when the keys were read.",
    ),
    "console": (
        "Lines are read as redis-cli reads them, and answers shown as it shows them. help, clear, exit are our own.",
        "Before Enter the line below the answers says whether a command reads, writes, is dangerous, or is refused.",
        "A write needs an unlocked instance; a dangerous one is asked about. Each is sent once and recorded.",
    ),
    "backups": (
        "objective: how old the last snapshot is, as a part of what is allowed. * lies encrypted there.",
        "whole: no file is missing; sums: its bytes are those that were recorded; restored: a server loaded it.",
        "A set that retention no longer wants goes when the delay is over, unless it is pinned.",
    ),
    "backup-plan": (
        "✔ pass/done   ▲ warning   ✖ block/failed   ? unknown   ▶ running   ○ waiting   – skipped   ← taken back",
        "Nothing is changed before you said yes. Esc gives up and takes back what was done, while that can be.",
    ),
    "failover": (
        "✔ pass/done   ▲ warning   ✖ block/failed   ? unknown   ▶ running   ○ waiting   – skipped   ← taken back",
        "Nothing is changed before you said yes to the last question, mostly by typing a name.",
        "Above the line “no way back” Esc gives up and takes back what was done; below it nothing can be taken back.",
    ),
}


def help_text(scope: str, keymap: Mapping[str, str]) -> list[str]:
    """The lines of the help dialog for one screen."""
    lines = [*LEGENDS.get(scope, ()), ""]
    last = ""
    for command in commands_for(scope):
        if command.scope != last:
            lines += [SCOPE_TITLES[command.scope]]
            last = command.scope
        keys = " ".join(keys_of(command, keymap))
        lines += textwrap.wrap(
            command.help, WIDTH, initial_indent=f"  {keys:<7} {command.title:<9} ", subsequent_indent=INDENT
        )
    return [*lines, "", "Arrows, Page Up/Down, Home and End move; a mouse works but is never needed."]
