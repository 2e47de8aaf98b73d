"""A schedule that survives a restart: the flag in the compose file, or the variable of its `.env`, where both are ours.

Ours is a file of this machine that we may write, in which the running container's own flag stands exactly once. In any
other case a person is told what to write where.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfly_tui.clients.container_writer import LOCAL_ENGINE
from dfly_tui.errors import StoreFailed
from dfly_tui.models.container import ContainerInfo
from dfly_tui.paths import write_private
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe

FLAG = "snapshot_cron"
_MOST_BYTES = 1 << 20
_FLAG = re.compile(
    r"""--?snapshot_cron=(?P<quote>["']?)(?P<value>[^"'\n$]*|\$\{[^}\n]*\})(?P=quote)(?=["'\s\],]|$)""", re.MULTILINE
)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:?-(?P<default>[^}]*))?\}")


@dataclass(frozen=True)
class Place:
    """Where the flag is written.

    Attributes:
        path: The file.
        before, after: Its text as it is, and as it would be.
        line: What changes, for a person.
    """

    path: Path
    before: str
    after: str
    line: str

    def write(self, aside: str) -> str:
        """Change it, with its old text kept beside it.

        Args:
            aside: The ending of the copy's name.

        Raises:
            StoreFailed: It cannot be written, or was changed since.
        """
        try:
            if _read(self.path) != self.before:
                raise StoreFailed(f"{self.path} was changed since it was looked at", "nothing was written: look again")
            mode = self.path.stat().st_mode & 0o777
            copy = self.path.with_name(f"{self.path.name}.{aside}")
            write_private(copy, self.before)
            write_private(self.path, self.after)
            self.path.chmod(mode)
        except OSError as error:
            raise StoreFailed(f"{self.path} could not be written: {error}", "write it by hand") from error
        return f"written; {copy.name} has it as it was"

    @property
    def is_written(self) -> bool:
        """Whether it is as it is to be."""
        return _read(self.path) == self.after


def place_of(docker: DockerConfig | None, container: ContainerInfo | None, old: str, new: str) -> Place | None:
    """Where the flag stands that this container was started with; None where it is not ours to change.

    Args:
        old: The schedule as the flag says it.
        new: What it is to be.
    """
    if docker is None or container is None or docker.host != LOCAL_ENGINE or old != flag_of(container.command):
        return None
    found = [place for file in container.compose_files for place in _places(Path(file), old, new)]
    return found[0] if len(found) == 1 else None


def flag_of(command: Sequence[str]) -> str | None:
    """The schedule on a command line; None when there is none."""
    for word in command:
        name, found, value = word.lstrip("-").partition("=")
        if found and word.startswith("-") and name == FLAG:
            return value
    return None


def by_hand(container: ContainerInfo | None, new: str) -> str:
    """What a person has to write so that a restart keeps it."""
    files = container.compose_files if container is not None else ()
    where = f" in {', '.join(files)}" if files else " where it is started"
    return f"a restart forgets it: write --{FLAG}={new or '(nothing)'}{where}"


def _places(path: Path, old: str, new: str) -> Iterator[Place]:
    text = _read(path)
    for match in _FLAG.finditer(text):
        value = match["value"]
        variable = _VARIABLE.fullmatch(value)
        if variable is not None:
            yield from _variable(path.parent / ".env", variable["name"], old, new)
        elif value.strip() == old and _fits(text, match, new):
            at, end = match.span("value")
            yield _changed(path, text, at, end, new)


def _fits(text: str, match: "re.Match[str]", new: str) -> bool:
    """Whether the new one can stand where the old one does: in YAML a comma between brackets ends a value."""
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    return bool(match["quote"]) or '"' in line or "'" in line or not ("[" in line and "," in new)


def _variable(path: Path, name: str, old: str, new: str) -> Iterator[Place]:
    text = _read(path)
    for match in re.finditer(rf"^\s*{name}=(?P<quote>[\"']?)(?P<value>[^\"'\n]*)(?P=quote)\s*$", text, re.MULTILINE):
        if match["value"].strip() == old:
            at, end = match.span("value")
            yield _changed(path, text, at, end, new)


def _changed(path: Path, text: str, at: int, end: int, new: str) -> Place:
    after = text[:at] + new + text[end:]
    first = after.rfind("\n", 0, at) + 1
    last = after.find("\n", at)
    line = after[first : last if last >= 0 else len(after)].strip()
    return Place(path, text, after, f"{safe(str(path), limit=200)}: {safe(line, limit=200)}")


def _read(path: Path) -> str:
    """A file's text; empty when it is none of ours to write."""
    try:
        if not path.is_absolute() or path.stat().st_size > _MOST_BYTES or not os.access(path, os.R_OK | os.W_OK):
            return ""
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
