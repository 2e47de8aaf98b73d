"""What the two versions differ in: most of it recorded from the real servers, the rest in a few flags."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dfly_tui.lab.protocol import Reply, Simple


@dataclass(frozen=True)
class CommandSpec:
    """One line of `COMMAND`.

    Attributes:
        name: In capitals; `ACL SETUSER` and its like are entries of their own.
        arity: Number of words with the name; negative for "at least".
        flags: As the server spells them.
        first, last, step: Positions of the keys.
        categories: ACL categories; None in 1.22, which does not tell.
    """

    name: str
    arity: int
    flags: tuple[str, ...]
    first: int = 0
    last: int = 0
    step: int = 0
    categories: tuple[str, ...] | None = None
    hidden: bool = False

    @property
    def is_write(self) -> bool:
        return "write" in self.flags

    @property
    def is_admin(self) -> bool:
        return "admin" in self.flags

    @property
    def during_loading(self) -> bool:
        return "loading" in self.flags

    @property
    def needs_memory(self) -> bool:
        return "denyoom" in self.flags

    def takes(self, words: int) -> bool:
        """Whether a command of that many words has the right number of arguments."""
        return words == self.arity if self.arity > 0 else words >= -self.arity

    def keys(self, words: list[bytes]) -> list[bytes]:
        """The keys among the words of a command."""
        if not self.first:
            return []
        last = self.last if self.last >= 0 else len(words) + self.last
        return words[self.first : last + 1 : self.step or 1]

    def entry(self) -> Reply:
        """Its element in the reply to COMMAND."""
        flags: list[Reply] = [Simple(flag) for flag in self.flags]
        entry: list[Reply] = [Simple(self.name), self.arity, flags, self.first, self.last, self.step]
        if self.categories is not None:
            entry.append([Simple(category) for category in self.categories])
        return entry


@dataclass(frozen=True)
class Flavour:
    """One version of Dragonfly.

    Attributes:
        name: `1.22` or `1.40`.
        version: What `dragonfly_version` and the file names of reports say.
        redis_version: What `redis_version` says.
        commands: Its command table.
        config: Its CONFIG registry with the defaults.
        help: The lines of `X HELP` per command.
        info: Template of `INFO ALL`.
        metrics: Template of `/metrics`.
        page: The HTML status page.
        empty_memory: Bytes an empty server of this version uses.
    """

    name: str
    version: str
    redis_version: str
    commands: dict[str, CommandSpec]
    config: dict[str, str]
    help: dict[str, list[str]]
    info: str
    metrics: str
    page: str
    empty_memory: int
    table_memory: int

    @property
    def is_new(self) -> bool:
        """Whether this is v1.40: partial sync, a dial before the flush, several INFO sections, SCAN filters, …"""
        return self.name == "1.40"


HIDDEN = (
    # Registered, but not listed by COMMAND.
    CommandSpec("DFLY", -2, ("admin", "loading"), hidden=True),
    CommandSpec("DFLYCLUSTER", -2, ("admin",), hidden=True),
    CommandSpec("DFLYMIGRATE", -2, ("admin",), hidden=True),
    CommandSpec("QUIT", 1, ("loading",), hidden=True),
    CommandSpec("LABSYNC", -2, ("admin", "loading"), hidden=True),
    CommandSpec("LABTAKEOVER", -2, ("admin", "loading"), hidden=True),
)


@cache
def flavour(name: str) -> Flavour:
    """The flavour of that name, `1.22` or `1.40`."""
    folder = resources.files("dfly_tui.lab") / "recorded" / name

    def text(file: str) -> str:
        return (folder / file).read_text(encoding="utf-8")

    commands = {
        command: CommandSpec(
            command, line[0], tuple(line[1]), line[2], line[3], line[4], tuple(line[5]) if len(line) > 5 else None
        )
        for command, line in json.loads(text("commands.json")).items()
    }
    commands |= {spec.name: spec for spec in HIDDEN if spec.name not in commands}
    new = name == "1.40"
    return Flavour(
        name=name,
        version="df-v1.40.1" if new else "df-v1.22.2",
        redis_version="7.4.0" if new else "6.2.11",
        commands=commands,
        config=json.loads(text("config.json")),
        help=json.loads(text("help.json")),
        info=text("info.txt"),
        metrics=text("metrics.txt"),
        page=text("page.html"),
        empty_memory=565392 if new else 614576,
        table_memory=516864 if new else 563808,
    )
