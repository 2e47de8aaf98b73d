"""When keys and their elements expire, as a time: asked with whatever the server has."""

from collections.abc import Sequence

from dfly_tui.clients.capabilities import Capabilities
from dfly_tui.clients.connection import Command, Reply
from dfly_tui.clients.key_lane import ReadLane
from dfly_tui.clients.replies import items
from dfly_tui.errors import DflyError
from dfly_tui.models.instance import Flavour
from dfly_tui.models.key_parts import Item
from dfly_tui.models.keys import GONE, HASH, SET

TIME: Command = ("TIME",)


class Expiries:
    """How one server is asked.

    Attributes:
        unread: Why the expiries of elements could not be read, when that is so.
    """

    def __init__(self, server: Capabilities) -> None:
        self.unread: DflyError | None = None
        self._server = server
        self._command = "PTTL"
        for command in ("PEXPIRETIME", "EXPIRETIME"):
            if server.can(command):
                self._command = command
                break

    def question(self, name: bytes) -> Command:
        """What tells when a key expires."""
        return (self._command, name)

    def at_ms(self, reply: Reply, time: Reply) -> int | None:
        """The answer as milliseconds since 1970; None for a key that does not expire, `GONE` for one that is gone.

        Args:
            time: What was answered to TIME just before; raised if it is an error and matters.
        """
        if not isinstance(reply, int) or reply < 0:
            return GONE if reply == GONE else None
        match self._command:
            case "PEXPIRETIME":
                return reply
            case "EXPIRETIME":
                return reply * 1000
        return server_ms(time) + reply

    async def of_elements(self, lane: ReadLane, name: bytes, kind: str, elements: Sequence[Item]) -> list[Item]:
        """Elements of a hash or set, with the expiry of those that have one (Redis 7.4, Dragonfly; facts §8)."""
        names = [each[0] if isinstance(each, tuple) else each for each in elements]
        questions = self._questions(name, kind, [each for each in names if isinstance(each, bytes)])
        if not questions or self.unread is not None:
            return list(elements)
        time, *replies = await lane.ask(TIME, *questions)
        by_clock = questions[0][0] == "FIELDTTL"
        asked = (time, *replies) if by_clock else replies
        failed = next((reply for reply in asked if isinstance(reply, DflyError)), None)
        if failed is not None:
            self.unread = failed
            return list(elements)
        if by_clock:
            now = server_ms(time)
            times = [now + reply * 1000 if isinstance(reply, int) and reply >= 0 else None for reply in replies]
        else:
            times = [each if isinstance(each, int) and each >= 0 else None for each in items(replies[0])]
        return [_with(each, at) for each, at in zip(elements, times, strict=True)]

    def _questions(self, name: bytes, kind: str, elements: Sequence[bytes]) -> list[Command]:
        if kind not in {HASH, SET}:
            return []
        if kind == HASH and self._server.can("HPEXPIRETIME"):
            return [("HPEXPIRETIME", name, "FIELDS", len(elements), *elements)]
        if self._server.flavour is Flavour.DRAGONFLY:
            return [("FIELDTTL", name, element) for element in elements]
        return []


def _with(element: Item, at_ms: int | None) -> Item:
    if at_ms is None:
        return element
    return (*element, at_ms) if isinstance(element, tuple) else (element, at_ms)


def server_ms(reply: Reply) -> int:
    """The answer to TIME in milliseconds since 1970; raises the error it may be."""
    if isinstance(reply, DflyError):
        raise reply
    seconds, micros = (int(each) if isinstance(each, bytes | int) else 0 for each in items(reply)[:2])
    return seconds * 1000 + micros // 1000
