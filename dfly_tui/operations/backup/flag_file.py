"""A schedule that survives a restart: the flag in the compose file, or the variable of its `.env`, where both are ours.

Ours is a file of this machine that we may write, where the flag is named once in all files of the project, as the
running container has it: which service a line is of is not looked at. In any other case a person is told what to write
where.
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
    r"""snapshot_cron=(?P<quote>["']?)(?P<value>[^"'\r\n$]*|\$\{[^}\r\n]*\})(?P=quote)(?=["'\s\],]|$)""", re.MULTILINE
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
            was = self.path.stat()
            copy = self.path.with_name(f"{self.path.name}.{aside}")
            for path, text in ((copy, self.before), (self.path, self.after)):
                write_private(path, text)
                # First whose it is, then who may read it: there may be secrets in it.
                os.chown(path, was.st_uid, was.st_gid)
                path.chmod(was.st_mode & 0o777)
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
    files = [Path(file) for file in container.compose_files]
    # Compose reads the variables that lie beside the first of its files.
    found = [place for file in files for place in _places(file, files[0].with_name(".env"), old, new)]
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


def _places(path: Path, variables: Path, old: str, new: str) -> Iterator[Place | None]:
    """Where a file names the flag, remarks apart; None where it is not sure that this is the container's own."""
    text = _read(path)
    for named in re.finditer(FLAG, text):
        before = text[text.rfind("\n", 0, named.start()) + 1 : named.start()]
        if before.lstrip().startswith("#"):
            continue
        match = _FLAG.match(text, named.start()) if before.endswith("-") else None
        variable = _VARIABLE.fullmatch(match["value"]) if match is not None else None
        if variable is not None:
            yield _variable(variables, variable["name"], old, new)
        elif match is not None and match["value"].strip() == old and _fits(before, match, new):
            yield _changed(path, text, match.span("value"), new)
        else:
            yield None


def _fits(before: str, match: "re.Match[str]", new: str) -> bool:
    """Whether the new one can stand where the old one does: in YAML a comma between brackets ends a value."""
    return bool(match["quote"]) or '"' in before or "'" in before or not ("[" in before and "," in new)


def _variable(path: Path, name: str, old: str, new: str) -> Place | None:
    """The line of a variable; None when it is not the only one, or says something else."""
    text = _read(path)
    lines = list(re.finditer(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=(?P<rest>[^\r\n]*)", text, re.MULTILINE))
    value = re.fullmatch(r"(?P<quote>[\"']?)(?P<value>[^\"']*)(?P=quote)\s*", lines[0]["rest"]) if lines else None
    if len(lines) != 1 or value is None or value["value"].strip() != old:
        return None
    at = lines[0].start("rest")
    return _changed(path, text, (at + value.start("value"), at + value.end("value")), new)


def _changed(path: Path, text: str, span: tuple[int, int], new: str) -> Place:
    at, end = span
    after = text[:at] + new + text[end:]
    first = after.rfind("\n", 0, at) + 1
    last = after.find("\n", at)
    line = after[first : last if last >= 0 else len(after)].strip()
    return Place(path, text, after, f"{safe(str(path), limit=200)}: {safe(line, limit=200)}")


def _read(path: Path) -> str:
    """A file's text; empty when it is none of ours to write."""
    try:
        if not path.is_absolute() or not _is_ours(path.stat()) or not os.access(path, os.R_OK | os.W_OK):
            return ""
        return path.read_bytes().decode()  # with its line ends as they are
    except (OSError, UnicodeDecodeError):
        return ""


def _is_ours(seen: os.stat_result) -> bool:
    """Whether a file of that size that we replace can belong to the same user and group afterwards."""
    mine = seen.st_uid == os.geteuid() and seen.st_gid in {os.getegid(), *os.getgroups()}
    return seen.st_size <= _MOST_BYTES and (mine or os.geteuid() == 0)
