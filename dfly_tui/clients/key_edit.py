"""A change of one key, as a value: what shows what it replaces, what is sent, and how to tell that it was done.

What a person is shown of a command is what is sent, but for the data in it: that is told by its size, since what is
shown is also written to the audit log.
"""

from collections.abc import Callable
from dataclasses import dataclass

from dfly_tui.clients.connection import Reply
from dfly_tui.clients.replies import items, raw
from dfly_tui.models.keys import NO_KIND
from dfly_tui.models.redis_cli import quote
from dfly_tui.text import safe

TTL_TOLERANCE_MS = 1000
"""So much later or earlier is the same expiry: servers before Redis 7 tell it relative to their own clock."""
_LONGEST_WORD = 120


class Data(bytes):
    """A word that holds what people store; shown by its size."""


Word = bytes | str | int
Words = tuple[Word, ...]


@dataclass(frozen=True)
class Seen:
    """A key as it was at one moment.

    Attributes:
        kind: As TYPE says it; `none` when there is no such key.
        expires_at_ms: Unix time; None when it does not expire.
        parts: What the change replaces: the replies to `Edit.reads`.
        more: The replies to `Edit.asks`.
    """

    kind: str
    expires_at_ms: int | None = None
    parts: tuple[Reply, ...] = ()
    more: tuple[Reply, ...] = ()

    @property
    def exists(self) -> bool:
        return self.kind != NO_KIND

    @property
    def value(self) -> bytes | None:
        """What would be replaced, for a diff; None when there is no such thing."""
        if not self.parts or self.parts[0] is None or items(self.parts[0]) == []:
            return None
        return b" ".join(_flat(self.parts[0]))


def _flat(reply: Reply) -> list[bytes]:
    inner = items(reply)
    return [word for each in inner for word in _flat(each)] if inner else [raw(reply)]


Writes = Callable[[Seen], tuple[Words, ...]]


@dataclass(frozen=True)
class Edit:
    """A change of one key.

    Attributes:
        title: What it does, in a few words.
        name: The key.
        kinds: The types it may have; `none` among them when the key need not be there. Empty for any type.
        reads: Commands that show what the change replaces: compared with what the person saw.
        asks: Commands whose answers the change needs, and nobody compares.
        writes: What is sent between MULTI and EXEC, given the key as it is.
        done: Whether a key looks as after the change; None where that cannot be told.
        loses: Whether something is gone afterwards, when there was something.
        other: Another key that is made: there must be none of that name.
        is_about_ttl: Whether the expiry is what it replaces.
        value: What takes the place of `Seen.value`, for a diff; None when nothing does.
    """

    title: str
    name: bytes
    kinds: frozenset[str]
    writes: Writes
    reads: tuple[Words, ...] = ()
    asks: tuple[Words, ...] = ()
    done: Callable[[Seen], bool] | None = None
    loses: bool = False
    other: bytes | None = None
    is_about_ttl: bool = False
    value: bytes | None = None

    def same(self, before: Seen, now: Seen) -> bool:
        """Whether what this replaces is still what it was."""
        if before.kind != now.kind or before.parts != now.parts:
            return False
        return not self.is_about_ttl or same_expiry(before.expires_at_ms, now.expires_at_ms)

    def fits(self, kind: str) -> bool:
        """Whether it can be made on a key of this type."""
        return kind in self.kinds if self.kinds else kind != NO_KIND

    def loses_of(self, seen: Seen) -> bool:
        """Whether something of such a key is gone afterwards."""
        return self.loses and seen.exists and (not self.reads or any(part not in (None, 0, []) for part in seen.parts))

    @property
    def look(self) -> Words:
        """A command by which a person sees whether it was done."""
        return self.reads[0] if self.reads else ("PTTL" if self.is_about_ttl else "TYPE", self.other or self.name)


def same_expiry(one: int | None, other: int | None) -> bool:
    """Whether two expiries are the same one."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TTL_TOLERANCE_MS


def command_text(words: Words) -> str:
    """A command for a screen and the audit log."""
    return " ".join(_word_text(word) for word in words)


def _word_text(word: Word) -> str:
    if isinstance(word, Data):
        return f"«{len(word):,} bytes»"
    text = quote(word) if isinstance(word, bytes) else str(word)
    return safe(text if len(text) <= _LONGEST_WORD else f"{text[: _LONGEST_WORD - 1]}…")


def always(*commands: Words) -> Writes:
    """What is sent whatever the key holds."""
    return lambda seen: commands


def first_is(wanted: Reply) -> Callable[[Seen], bool]:
    """Whether the first thing that is read is this afterwards."""
    return lambda seen: bool(seen.parts) and seen.parts[0] == wanted


def expiry_of(name: bytes, seen: Seen) -> tuple[Words, ...]:
    """Sets the expiry that a key had."""
    return (("PEXPIREAT", name, seen.expires_at_ms),) if seen.expires_at_ms is not None else ()


def shown(name: bytes) -> str:
    """For a sentence."""
    return safe(name, limit=80)
