"""What the console says: of the line being typed, of an answer, of what went wrong."""

from collections.abc import Iterator, Sequence

from dfly_tui.clients.console import Names, Words, shown_line
from dfly_tui.clients.console_masks import secrets_of
from dfly_tui.errors import BadInput, DflyError
from dfly_tui.models.console import ReplyKind, ReplyNode, reply_lines, shown, split_line
from dfly_tui.models.console_commands import CommandClass, Judgement, names_of
from dfly_tui.models.console_help import CommandHelp
from dfly_tui.operations.console import Answer
from dfly_tui.text import safe
from dfly_tui.units import duration_text
from widgets.console import Said
from widgets.lines import Line, Run

STYLES = {
    CommandClass.READ: "ok",
    CommandClass.WRITE: "warning",
    CommandClass.DANGEROUS: "critical",
    CommandClass.REFUSED: "unknown",
}
SLOW_SECONDS = 0.5
"""Faster answers go without saying how long they took, as in redis-cli."""
KEYS_LIMIT = 8000
"""Of so many names it is time to say that Dragonfly ends somewhere about 8,192 (facts §7)."""
INTRO = (
    Said("One command a line, as in redis-cli. Tab completes, help <command> explains, Esc leaves.", "muted"),
)  # fmt: skip
HELP = (
    Said("help <command>   what it takes and does", "muted"),
    Said("clear            forget the answers", "muted"),
    Said("exit             leave, as Esc does", "muted"),
    Said("Quotes, \\n and \\xff are read as in redis-cli. A write needs an instance that may be changed", "muted"),
    Said("(F2 unlocks production), a dangerous one a yes; each is sent once and written to the audit log.", "muted"),
)  # fmt: skip
_RAW = frozenset(
    {
        "INFO", "LOLWUT", "CLIENT LIST", "CLIENT INFO", "CLUSTER NODES", "CLUSTER INFO", "MEMORY DOCTOR",
        "MEMORY MALLOC-STATS", "MEMORY ARENA", "LATENCY DOCTOR", "LATENCY GRAPH", "LATENCY HISTOGRAM",
    }
)  # fmt: skip
"""Whose text redis-cli prints as it is."""


def echo(prompt: str, line: str) -> Said:
    """What was typed, without the secrets in it."""
    try:
        words = split_line(line)
    except BadInput:
        words = ()
    shown_as = shown_line(words, limit=4096) if words and secrets_of(words) else safe(line)
    return Said(f"{prompt}{shown_as}", "title")


def judged_line(judged: Judgement | None, running: str, *, begun: int = 0, locked: bool = False) -> Line:
    """Of the line being typed: the class in a word, and why.

    Args:
        running: What is waited for; empty while nothing is.
        begun: How many commands begin with what may be but half a name.
        locked: Whether the instance is read-only now.
    """
    if running:
        return (Run(running, "strong"),)
    if begun and judged is not None and judged.why.endswith("counts as a write"):
        return (Run(f"{begun} commands begin with {judged.name}", "muted"),)
    if judged is None:
        return (Run("nothing typed", "muted"),)
    why = judged.consequence if judged.kind in {CommandClass.DANGEROUS, CommandClass.REFUSED} else judged.why
    if locked and judged.changes and judged.kind is not CommandClass.REFUSED:
        why = "not sent while the instance is read-only"
    return (Run(f"{judged.kind} ", STYLES[judged.kind]), Run(f" {judged.name}: {why}" if why else f" {judged.name}"))


def usage_line(found: CommandHelp | None) -> Line:
    """What a command takes and does."""
    if found is None:
        return ()
    return (Run(found.usage, "strong"), Run(f"  {found.summary}", "muted"))


def offers_line(offers: Sequence[str]) -> Line:
    """What Tab found."""
    return (Run(f"{len(offers)}: ", "muted"), Run("  ".join(offers[:50])))


def help_lines(found: CommandHelp | None, name: str) -> Iterator[Said]:
    """An answer to `help <command>`."""
    if found is None:
        yield Said(f"nothing is known of {safe(name, limit=60)}", "muted")
        return
    yield Said(f"  {found.usage}", "strong")
    yield Said(f"  {found.summary}")
    yield Said(f"  (from {found.source})", "muted")


def answer_lines(words: Words, answer: Answer) -> Iterator[Said]:
    """What came of a line that was sent, or not."""
    if answer.reply is None:
        yield Said("not sent", "muted")
        return
    style = "critical" if answer.reply.kind is ReplyKind.ERROR else "text"
    for line in reply_lines(answer.reply, raw=any(name in _RAW for name in names_of(words))):
        yield Said(line, style)
    yield from _remarks(words, answer.reply)
    if answer.warning:
        yield Said(answer.warning, "warning")
    if answer.seconds >= SLOW_SECONDS:
        yield Said(f"({duration_text(answer.seconds)})", "muted")


def _remarks(words: Words, reply: ReplyNode) -> Iterator[Said]:
    if reply.is_cut:
        yield Said(
            "The answer is cut: more was not read. Ask for a part of it, or open the key in the browser.", "warning"
        )
    if names_of(words)[-1] == "KEYS" and reply.size >= KEYS_LIMIT:
        yield Said("A Dragonfly leaves out names beyond about 8,192 without saying so; SCAN finds all.", "warning")


def error_lines(error: DflyError) -> Iterator[Said]:
    """What went wrong."""
    yield Said(str(error), "critical")
    if error.hint:
        yield Said(error.hint, "muted")


def names_lines(pattern: bytes, found: Names) -> Iterator[Said]:
    """What SCAN found in the place of KEYS."""
    digits = len(str(len(found.names)))
    for number, name in enumerate(found.names, 1):
        yield Said(f"{number:>{digits}}) {shown(name)}")
    if not found.names:
        yield Said("(empty array)")
    more = "all there are" if found.is_complete else "not all: SCAN was ended here; the key browser (4) goes on"
    yield Said(f"SCAN MATCH {shown(pattern)}: {len(found.names):,} names, {more}", "muted")
