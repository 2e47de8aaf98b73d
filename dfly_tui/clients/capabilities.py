"""What a server can do, asked of it where it can tell, read off its version where only that tells."""

import re
from dataclasses import dataclass

from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.models.instance import Flavour

_DIALS_BEFORE_ERASING = (1, 28)
"""Since this version REPLICAOF reaches the primary before it flushes (server_family.cc, `ReplicaOfInternal`)."""
_INFO_TAKES_MANY = (1, 36)
_SCAN_FILTERS = (1, 31)


@dataclass(frozen=True)
class Capabilities:
    """What a server can do.

    Attributes:
        version: Of the product, as numbers; empty when it could not be read.
        commands: All it knows, in upper case.
    """

    flavour: Flavour
    version: tuple[int, ...]
    commands: frozenset[str]
    resp3: bool

    def can(self, command: str) -> bool:
        """Whether the server knows this command (case-insensitive)."""
        return command.upper() in self.commands

    @property
    def erases_before_dialling(self) -> bool:
        """Whether REPLICAOF deletes the data before it tries to reach the primary (facts §2.2). True when not sure."""
        return self.flavour is Flavour.DRAGONFLY and self.version < _DIALS_BEFORE_ERASING

    @property
    def info_many_sections(self) -> bool:
        """Whether INFO takes several sections at once."""
        return self.version >= (_INFO_TAKES_MANY if self.flavour is Flavour.DRAGONFLY else (7,))

    @property
    def scan_filters(self) -> bool:
        """Whether SCAN knows MINMSZ and ATTR."""
        return self.flavour is Flavour.DRAGONFLY and self.version >= _SCAN_FILTERS


async def probe(reader: DragonflyReader) -> Capabilities:
    """Ask a server what it is and which commands it has. Two round trips; keep the answer."""
    seen = await reader.snapshot()
    commands = await reader.command_names()
    return Capabilities(seen.flavour, version_numbers(seen.version or ""), commands, reader.resp3)


def version_numbers(version: str) -> tuple[int, ...]:
    """`1.40.1` as (1, 40, 1); what follows the numbers (`-rc1`) is left out."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()
