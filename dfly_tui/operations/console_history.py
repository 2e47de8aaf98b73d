"""The lines typed at the console of one instance, kept in a file that only the user can read; never a secret."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from dfly_tui.clients.console_masks import text_words
from dfly_tui.clients.redact import is_secret_name, masked_command
from dfly_tui.models.console_commands import CommandTable, names_of
from dfly_tui.models.console_risks import CARRIERS, READS
from dfly_tui.paths import make_private_dir, write_private

MOST_LINES = 1000
MOST_CHARACTERS = 4096
_MOST_BYTES = 8 << 20


class ConsoleHistory:
    """Lines in the order they were typed.

    Args:
        folder: Where histories are kept; made with mode 0700.
        instance: Whose.

    Attributes:
        lines: The newest last; those of this session among them that may not be written to the disk.
        unwritten: Why the last line could not be written; empty when it was, or was not to be.
    """

    def __init__(self, folder: Path, instance: str) -> None:
        readable = re.sub(r"[^A-Za-z0-9._-]", "_", instance)
        self.path = folder / f"{readable}-{hashlib.sha256(instance.encode()).hexdigest()[:8]}.jsonl"
        self.unwritten = ""
        self.lines = self._load()

    def add(self, line: str, words: Sequence[bytes], table: CommandTable) -> None:
        """Keep a line: not at all when there is a password in it, on the disk only when there cannot be one."""
        if not line.isprintable() or len(line) > MOST_CHARACTERS or _holds_secret(words):
            return
        if self.lines[-1:] == [line]:
            return
        self.lines = [*self.lines, line][-MOST_LINES:]
        if may_be_written(words, table):
            self._append(line)

    def _append(self, line: str) -> None:
        self.unwritten = ""
        try:
            make_private_dir(self.path.parent)
            file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(file, 0o600)
                os.write(file, json.dumps(line).encode() + b"\n")
            finally:
                os.close(file)
        except OSError as error:
            self.unwritten = f"the history is not written: {error.strerror or error}"

    def _load(self) -> list[str]:
        """What is in the file; what is no line of ours is left out, and a file that grew too long is cut."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MOST_BYTES).splitlines()
        except OSError:
            return []
        lines = [line for each in raw if (line := _line(each))]
        if len(raw) > 2 * MOST_LINES:
            self._rewrite(lines[-MOST_LINES:])
        return lines[-MOST_LINES:]

    def _rewrite(self, lines: Sequence[str]) -> None:
        try:
            write_private(self.path, "".join(json.dumps(line) + "\n" for line in lines))
        except OSError as error:
            self.unwritten = f"the history is not written: {error.strerror or error}"


def _line(raw: bytes) -> str:
    """A line of the file; empty when it is none."""
    try:
        line = json.loads(raw)
    except ValueError:
        return ""
    return line if isinstance(line, str) and line.isprintable() and len(line) <= MOST_CHARACTERS else ""


def _holds_secret(words: Sequence[bytes]) -> bool:
    text = text_words(words)
    return masked_command(text) != tuple(text)


def may_be_written(words: Sequence[bytes], table: CommandTable) -> bool:
    """Whether no password can be in a line: the server knows the command (AUHT is a mistyped AUTH), and nothing in it
    is called by a secret's name, unless it only reads."""
    facts = table.find(words)
    if facts is None or _holds_secret(words):
        return False
    names, text = names_of(words), text_words(words)
    if any(name in CARRIERS for name in names):
        return not any(is_secret_name(word) or "auth" in word.lower() for word in text[1:])
    reads = "readonly" in facts.flags or any(name in READS for name in names)
    return reads or not any(is_secret_name(word) for word in text[1:-1])
