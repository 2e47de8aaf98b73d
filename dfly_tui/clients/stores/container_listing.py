"""Which files are in a folder of a container: told by programs in it, or by the stream of all that is there."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from dfly_tui.clients.container_files import archive
from dfly_tui.clients.stores.folder import EPOCH, SNAPSHOTS, moment

if TYPE_CHECKING:
    from docker.api.client import APIClient

LIST = (
    *("find", ".", "-maxdepth", "1", "(", "-name", ".", "-o", "-type", "f", "!", "-name", ".*", ")"),
    *("-exec", "stat", "-c", "/%s %y %u %g %a/%n", "{}", "+"),
)
"""Lists the folder it runs in; for the tools of GNU and of busybox."""
# No name holds a slash, so one begins each line that is not the rest of a name.
_LINE = re.compile(
    rb"/(?P<size>\d+) (?P<at>\d+-[\d-]+ [\d:]+)(?P<fraction>\.\d+)?(?: [+-]\d+)? (?P<user>\d+) (?P<group>\d+)"
    rb" (?P<mode>[0-7]+)/\.(?:/(?P<name>[^/]*))?\n"
)


class Seen(NamedTuple):
    """A file, or the folder itself, which has no name."""

    name: str
    size_bytes: int
    modified_at: datetime
    user: int
    group: int
    mode: int


def listed(output: bytes) -> tuple[Seen, ...]:
    """What `LIST` wrote, by a clock of UTC. The folder itself is in it, unless something is amiss."""
    found = [_seen(match) for match in _LINE.finditer(output)]
    return tuple(each for each in found if each is not None)


def walked(api: "APIClient", container: str, folder: str, until: Callable[[], None]) -> tuple[Seen, ...]:
    """The same of any container, its files' times in whole seconds. The engine sends the content of every file.

    Args:
        until: Called now and then; raises when it has taken too long.
    """
    found = []
    with archive(api, container, folder, until) as opened:
        for member in opened:
            _, _, name = member.name.partition("/")
            if (
                "/" in name
                or name.startswith(".")
                or not _is_text(name)
                or not (member.isreg() or member.islnk() or not name)
            ):
                continue
            at = moment(int(member.mtime) * 10**9)
            found.append(Seen(name, member.size, at, member.uid, member.gid, member.mode & 0o7777))
    return tuple(found)


def owner(seen: Sequence[Seen]) -> Seen | None:
    """Whose a new file shall be: the newest snapshot, else the folder."""
    snapshots = [each for each in seen if each.name.endswith(SNAPSHOTS)]
    newest = max(snapshots, key=lambda each: each.modified_at, default=None)
    if newest is not None:
        return newest._replace(mode=newest.mode & 0o666 | 0o600)
    return next((each._replace(mode=0o600) for each in seen if not each.name), None)


def _seen(match: re.Match[bytes]) -> Seen | None:
    name = (match["name"] or b"").decode(errors="surrogateescape")
    if not _is_text(name):
        return None
    fraction = match["fraction"] or b""
    try:
        at = datetime.strptime(match["at"].decode(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        at = at.replace(microsecond=int(fraction[1:7].ljust(6, b"0") or b"0"))
    except ValueError:
        at = EPOCH
    return Seen(name, int(match["size"]), at, int(match["user"]), int(match["group"]), int(match["mode"], 8))


def _is_text(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)
