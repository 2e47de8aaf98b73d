"""Whether a command reads, writes or is dangerous, by the server's own flags and by what we know beside them.

When in doubt it writes: a command the server does not list, or of which it does not say that it only reads, counts as
one that changes something.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dfly_tui.models.console_risks import (
    CARRIERS,
    CONTAINERS,
    DANGERS,
    FLUSHES,
    HARMLESS_DANGERS,
    READS,
    REFUSALS,
    WRITES,
)
from dfly_tui.text import safe
from dfly_tui.units import duration_text

MOST_WAIT_SECONDS = 30.0
"""A command may make the console wait that long."""
LEAST_WAIT_SECONDS = 0.01
"""Less is rounded to nothing by some servers, and nothing means for ever."""

_NAME = re.compile(rb"[A-Za-z0-9_.\-]{1,60}")
_PLAIN_NUMBER = re.compile(rb"\d{1,12}(\.\d{1,6})?")
_FLUSH = re.compile(rb"flush[\"'\s.+\\\[\](){}]*(all|db)", re.IGNORECASE)


class CommandClass(StrEnum):
    """What a command is, in a word."""

    READ = "read"
    WRITE = "write"
    DANGEROUS = "dangerous"
    REFUSED = "refused"


@dataclass(frozen=True)
class CommandFacts:
    """What the server says of a command.

    Attributes:
        name: In capitals; of a subcommand with a blank, `CONFIG GET`.
        arity: Words with the name; negative for "at least".
        flags: In small letters, as `readonly`, `write`, `admin`, `dangerous`.
        categories: Of its ACL, without the @; empty where the server does not tell (v1.22).
        first, last, step: Which words are keys; 0 for none.
    """

    name: str
    arity: int = 0
    flags: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    first: int = 0
    last: int = 0
    step: int = 0

    @property
    def marks(self) -> frozenset[str]:
        """Of `admin` and `dangerous`, what the server says it is. The category counts only where it writes: Redis has
        INFO and ROLE among the dangerous ones."""
        return self.flags & {"admin", "dangerous"} | (
            self.categories & {"dangerous"} if "write" in self.flags else set()
        )

    @property
    def wipes(self) -> bool:
        """Whether it is like FLUSHALL, be it renamed: it writes, is dangerous, and names no key."""
        return "write" in self.flags and "dangerous" in self.marks and not self.first


@dataclass(frozen=True)
class CommandTable:
    """All commands of a server.

    Attributes:
        known: By name.
        untold: Why the server does not tell them; empty when it does.
    """

    known: Mapping[str, CommandFacts] = field(default_factory=dict)
    untold: str = ""

    @classmethod
    def of(cls, facts: Iterable[CommandFacts]) -> "CommandTable":
        """From what was told."""
        return cls({each.name: each for each in facts})

    def find(self, words: Sequence[bytes]) -> CommandFacts | None:
        """What is known of the command of a line: of its subcommand, else of the whole."""
        for name in names_of(words):
            if name in self.known:
                return self.known[name]
        return None


@dataclass(frozen=True)
class Judgement:
    """What becomes of a line.

    Attributes:
        name: Of the command, with its subcommand where that matters.
        changes: Whether it needs the guard.
        why: What it is judged by, in a few words.
        consequence: What it does, for who is to confirm it; why it is not sent, for one that is refused.
        hint: What to do instead.
        wait_seconds: How long the server may wait before it answers, as the command says.
        scan_for: The pattern of KEYS, which SCAN finds as well.
    """

    name: str
    kind: CommandClass
    changes: bool = True
    why: str = ""
    consequence: str = ""
    hint: str = ""
    wait_seconds: float = 0.0
    scan_for: bytes | None = None


def names_of(words: Sequence[bytes]) -> list[str]:
    """The names a line may go by, the longest first: `CONFIG SET`, `CONFIG`."""
    first, second = (safe(word, limit=60).upper() for word in (*words[:2], b"", b"")[:2])
    if (first, second) == ("ACL", "LOG") and b"RESET" in {word.upper() for word in words[2:]}:
        second = "LOG RESET"
    return [f"{first} {second}", first] if second else [first]


def judge(words: Sequence[bytes], table: CommandTable, *, spare: bool) -> Judgement:
    """Judge a line.

    Args:
        words: Not empty.
        table: What the server says of its commands.
        spare: Whether the instance is production, or may be: then nothing that empties it is sent.
    """
    names = names_of(words)
    facts = table.find(words)
    refused = _refused(words, names) or (_spared(words, names, facts) if spare else None)
    if refused is not None:
        return refused
    waits = _waiting(words)
    if isinstance(waits, Judgement):
        return waits
    kind, why = _kind(words, names, facts, table)
    danger = next((name for name in names if name in DANGERS), None) if kind is CommandClass.DANGEROUS else None
    marked = "The server marks it so, and we know no more of it." if kind is CommandClass.DANGEROUS else ""
    return Judgement(
        name=next((each for each in names if each in READS | WRITES | DANGERS.keys() | table.known.keys()), names[-1]),
        kind=kind,
        changes=kind is not CommandClass.READ and danger not in HARMLESS_DANGERS,
        why=why,
        consequence=DANGERS[danger] if danger else marked,
        wait_seconds=waits,
        scan_for=words[1] if danger == "KEYS" and len(words) == 2 else None,
    )


def _kind(
    words: Sequence[bytes], names: Sequence[str], facts: CommandFacts | None, table: CommandTable
) -> tuple[CommandClass, str]:
    """What it is, and by what that is known. We know better than the server, but for its saying that it writes."""
    if names[-1] == "SELECT":
        return CommandClass.READ, "the console goes to another database"
    ours = _ours(words, names, facts)
    if ours is CommandClass.DANGEROUS:
        return ours, _told(facts)
    if facts is None:
        unknown = table.untold or f"the server does not list {names[-1]}"
        return CommandClass.WRITE, f"{unknown}: what is not known counts as a write"
    if ours is not None and not (ours is CommandClass.READ and "write" in facts.flags):
        return ours, _told(facts) or ("it changes something" if ours is CommandClass.WRITE else "")
    if facts.marks:
        return CommandClass.DANGEROUS, _told(facts)
    if facts.flags & {"readonly", "write"}:
        return CommandClass.WRITE if "write" in facts.flags else CommandClass.READ, _told(facts)
    return CommandClass.WRITE, "the server does not say that it only reads"


def _ours(words: Sequence[bytes], names: Sequence[str], facts: CommandFacts | None) -> CommandClass | None:
    """What we know of it; None when nothing. Of several subcommands only those that are listed read."""
    upper = {word.upper() for word in words[1:]}
    if names[-1] == "SORT" and facts is not None and "readonly" in facts.flags and b"STORE" not in upper:
        return CommandClass.READ
    for name in names:
        if name == names[-1] in CONTAINERS and len(words) > 1:
            return CommandClass.DANGEROUS if name in DANGERS else CommandClass.WRITE
        for kind, known in _KNOWN:
            if name in known:
                return kind
    return None


_KNOWN: tuple[tuple[CommandClass, Container[str]], ...] = (
    (CommandClass.DANGEROUS, DANGERS),
    (CommandClass.WRITE, WRITES),
    (CommandClass.READ, READS),
)


def _told(facts: CommandFacts | None) -> str:
    """The flags it is known by."""
    told = sorted(facts.flags & {"readonly", "write", "admin", "dangerous"}) if facts is not None else []
    return f"the server flags it {' and '.join(told)}" if told else ""


def _refused(words: Sequence[bytes], names: Sequence[str]) -> Judgement | None:
    if not _NAME.fullmatch(words[0]):
        return _refusal(
            names[-1], "that is no command's name: letters, digits, dots, - and _", "quotes belong to arguments"
        )
    if words[0].isdigit():
        return _refusal(names[-1], "redis-cli would send the rest so many times; here a command is sent once", "")
    for name in names:
        if name in REFUSALS:
            return _refusal(name, *REFUSALS[name])
    return None


def _spared(words: Sequence[bytes], names: Sequence[str], facts: CommandFacts | None) -> Judgement | None:
    """What empties a production instance, by itself or in a script."""
    hint = "a database that may go is not configured as production; delete by pattern in the key browser (4)"
    if names[-1] in FLUSHES or (facts is not None and facts.wipes and names[-1] not in DANGERS):
        return _refusal(names[-1], "it deletes everything, which is not offered where production is or may be", hint)
    if any(name in CARRIERS for name in names) and any(_FLUSH.search(word) for word in words[1:]):
        return _refusal(names[-1], "it speaks of FLUSHALL or FLUSHDB, not offered where production is or may be", hint)
    return None


def _refusal(name: str, why: str, hint: str) -> Judgement:
    return Judgement(name, CommandClass.REFUSED, True, "not sent from here", why, hint)


_WAIT_LAST = frozenset({"BLPOP", "BRPOP", "BRPOPLPUSH", "BLMOVE", "BZPOPMIN", "BZPOPMAX"})
_WAIT_FIRST = frozenset({"BLMPOP", "BZMPOP"})
_WAIT_MILLISECONDS_LAST = frozenset({"WAIT", "WAITAOF"})
_WAIT_BLOCK = frozenset({"XREAD", "XREADGROUP"})


def _waiting(words: Sequence[bytes]) -> float | Judgement:
    """How long the server may wait before it answers, in seconds; or why it may not."""
    name = names_of(words)[-1]
    told: bytes | None = None
    per_second = 1000.0 if name in _WAIT_MILLISECONDS_LAST | _WAIT_BLOCK else 1.0
    if name in _WAIT_LAST | _WAIT_MILLISECONDS_LAST and len(words) > 1:
        told = words[-1]
    elif name in _WAIT_FIRST and len(words) > 1:
        told = words[1]
    elif name in _WAIT_BLOCK:
        told = _block_option(words)
    elif name == "REPLTAKEOVER" and len(words) > 1 and words[1].isdigit():
        return min(float(words[1][:6]), 3600.0)
    if told is None:
        return 0.0
    if not _PLAIN_NUMBER.fullmatch(told):
        return _refusal(name, f"“{safe(told, limit=20)}” is no plain number, and may mean to wait for ever", "")
    seconds = float(told) / per_second
    if LEAST_WAIT_SECONDS <= seconds <= MOST_WAIT_SECONDS:
        return seconds
    long = "for ever" if seconds < LEAST_WAIT_SECONDS else duration_text(seconds)
    most = duration_text(MOST_WAIT_SECONDS)
    return _refusal(name, f"it would wait {long}, and the console with it", f"wait {most} at most")


def _block_option(words: Sequence[bytes]) -> bytes | None:
    """What XREAD's BLOCK says, before STREAMS, behind which everything is a name."""
    for at, word in enumerate(words[1:], 1):
        if word.upper() == b"STREAMS":
            return None
        if word.upper() == b"BLOCK":
            return words[at + 1] if at + 1 < len(words) else None
    return None
