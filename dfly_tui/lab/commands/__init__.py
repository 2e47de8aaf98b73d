"""The commands the lab answers itself; all others are fakeredis' work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from dfly_tui.lab.flavour import CommandSpec
from dfly_tui.lab.protocol import Reply

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer
    from dfly_tui.lab.session import Session


@dataclass(frozen=True)
class Call:
    """A command on its way.

    Attributes:
        words: All of it, the name first.
    """

    server: "LabServer"
    session: "Session"
    spec: CommandSpec
    words: list[bytes]

    @property
    def args(self) -> list[bytes]:
        return self.words[1:]

    def text(self, position: int) -> str:
        """A word as text; empty when there is none."""
        return self.words[position].decode("utf-8", "replace") if position < len(self.words) else ""

    def upper(self, position: int) -> str:
        """A word in capitals; empty when there is none."""
        return self.text(position).upper()


Handler: TypeAlias = Callable[[Call], Awaitable[Reply]]
Handlers: TypeAlias = Mapping[str, Handler]


def integer(word: bytes) -> int | None:
    """A word as a 64-bit integer; None when it is none."""
    try:
        number = int(word)
    except ValueError:
        return None
    return number if -(1 << 63) <= number < 1 << 63 else None
