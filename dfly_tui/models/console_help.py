"""What a command takes and does, in two lines: from the server's COMMAND DOCS, else from our own small table.

`console_help.tsv` has a line for each command: name, arguments, one sentence, and where these are from. `redis-7.0`:
read off the COMMAND DOCS of redis-server 7.0, by `tests/support/console_docs.py`. `ours`: written by hand, for the
commands of Dragonfly and of the modules it has built in. Dragonfly has no COMMAND DOCS (facts §7).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dfly_tui.models.console import ReplyNode
from dfly_tui.text import safe

_MOST_ARGUMENTS = 400


@dataclass(frozen=True)
class CommandHelp:
    """A command in two lines.

    Attributes:
        name: In capitals, a subcommand behind a blank.
        arguments: What follows the name, as redis-cli writes it.
        summary: One sentence.
        source: Where it is from: `redis-7.0`, `ours`, or `the server`.
    """

    name: str
    arguments: str
    summary: str
    source: str

    @property
    def usage(self) -> str:
        """The command with its arguments."""
        return f"{self.name} {self.arguments}".strip()


@cache
def help_table() -> Mapping[str, CommandHelp]:
    """All we know, by name."""
    text = (resources.files("dfly_tui.models") / "console_help.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: CommandHelp(name, arguments, summary, source) for name, arguments, summary, source in rows}


def help_from(docs: ReplyNode) -> Iterator[CommandHelp]:
    """What a reply to COMMAND DOCS says, its subcommands among it."""
    for name, entry in _pairs(docs):
        fields = dict(_pairs(entry))
        arguments = fields.get("arguments")
        usage = " ".join(_argument(each) for each in arguments.items) if arguments is not None else ""
        summary = safe(fields["summary"].text.strip(b" ."), limit=200) + "." if "summary" in fields else ""
        shown = safe(name.replace("|", " "), limit=80).upper()
        yield CommandHelp(shown, safe(usage, limit=_MOST_ARGUMENTS), summary, "the server")
        if "subcommands" in fields:
            yield from help_from(fields["subcommands"])


def _pairs(node: ReplyNode) -> Iterator[tuple[str, ReplyNode]]:
    """Of a map, or a flat list in RESP2."""
    names = (item.text.decode("utf-8", "backslashreplace") for item in node.items[::2])
    return zip(names, node.items[1::2], strict=False)


def _argument(node: ReplyNode) -> str:
    """One argument: `key`, `[EX seconds]`, `[NX|XX]`, `key [key ...]`."""
    fields = dict(_pairs(node))
    parts = [_argument(each) for each in fields["arguments"].items] if "arguments" in fields else []
    name, token, kind = (_text(fields, key) for key in ("name", "token", "type"))
    flags = {flag.text for flag in fields["flags"].items} if "flags" in fields else set()
    match kind:
        case "pure-token":
            words, token = token or '""', ""
        case "oneof":
            words = "|".join(parts)
        case "block":
            words = " ".join(parts)
        case _:
            words = name
    if b"multiple" in flags:
        again = f"{token} {words}" if b"multiple_token" in flags else words
        words = f"{words} [{again} ...]"
    words = f"{token} {words}" if token else words
    if b"optional" in flags:
        return f"[{words}]"
    return f"<{words}>" if kind == "oneof" else words


def _text(fields: Mapping[str, ReplyNode], key: str) -> str:
    return fields[key].text.decode("utf-8", "backslashreplace") if key in fields else ""
