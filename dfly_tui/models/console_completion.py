"""What could stand where the cursor is: a command, a subcommand, or the name of a key."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from dfly_tui.models.console import shown, typed
from dfly_tui.models.console_commands import CommandTable
from dfly_tui.models.console_help import help_table
from dfly_tui.models.redis_cli import quote

LOCAL = ("CLEAR", "EXIT", "HELP")
"""What the console does itself; nothing of it is sent."""

_KEY_BEHIND_SUBCOMMAND = frozenset({"DEBUG", "MEMORY", "OBJECT", "XGROUP", "XINFO"})
_UNKNOWN_PLACES = frozenset({"movablekeys", "variadic-keys"})


class Wanted(StrEnum):
    """What could stand there."""

    COMMAND = "command"
    SUBCOMMAND = "subcommand"
    KEY = "key"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Gap:
    """The place under the cursor.

    Attributes:
        start: Where what is typed of it begins, in characters of the line.
        prefix: What is typed of it.
        command: For a subcommand, of which.
    """

    wanted: Wanted
    start: int
    prefix: bytes
    command: str = ""


def gap(line: str, table: CommandTable) -> Gap:
    """What could stand at the end of a line (of the part before the cursor)."""
    found = typed(line)
    data = line.encode("utf-8", "surrogateescape")
    is_new = found.start == len(data)
    words = (*found.words, b"") if is_new else found.words
    start = len(data[: found.start].decode("utf-8", "surrogateescape"))
    index, prefix = len(words) - 1, words[-1]
    first = words[0].decode("ascii", "backslashreplace").upper()
    if index == 0:
        return Gap(Wanted.COMMAND, start, prefix)
    if index == 1 and first == "HELP":
        return Gap(Wanted.COMMAND, start, prefix)
    if index == 1 and any(True for _ in _subcommands(first, table)):
        return Gap(Wanted.SUBCOMMAND, start, prefix, first)
    return Gap(Wanted.KEY if _may_be_key(words, index, table) else Wanted.NOTHING, start, prefix)


def choices(place: Gap, table: CommandTable) -> list[str]:
    """The commands or subcommands that begin with what is typed, in its case."""
    prefix = place.prefix.decode("ascii", "backslashreplace")
    if place.wanted is Wanted.COMMAND:
        names = {name for name in table.known if " " not in name} | set(LOCAL)
    elif place.wanted is Wanted.SUBCOMMAND:
        names = set(_subcommands(place.command, table))
    else:
        return []
    found = sorted(name for name in names if name.startswith(prefix.upper()))
    return [name.lower() for name in found] if prefix.islower() else found


def key_word(name: bytes) -> str:
    """The name of a key as it is typed: in quotes only where it needs them, and readable where it can be."""
    bare = quote(name)
    return shown(name) if bare.startswith('"') else bare


def common_start(words: Iterable[str]) -> str:
    """What all of them begin with."""
    first, *rest = words
    for word in rest:
        while not word.startswith(first):
            first = first[:-1]
    return first


def _subcommands(command: str, table: CommandTable) -> Iterable[str]:
    """Those the server lists, else those we know of a command that it has."""
    own = [name.partition(" ")[2] for name in table.known if name.startswith(f"{command} ")]
    if own or command not in table.known:
        return own
    return [name.partition(" ")[2] for name in help_table() if name.startswith(f"{command} ")]


def _may_be_key(words: tuple[bytes, ...], index: int, table: CommandTable) -> bool:
    facts = table.find(words)
    first = words[0].decode("ascii", "backslashreplace").upper()
    if first in _KEY_BEHIND_SUBCOMMAND:
        return index == 2
    if facts is None:
        return True
    if not facts.first:
        return bool(facts.flags & _UNKNOWN_PLACES)
    if index < facts.first or (index - facts.first) % (facts.step or 1):
        return bool(facts.flags & _UNKNOWN_PLACES)
    return facts.last < 0 or index <= facts.last
