"""Names of files as stores take them. They come from servers and disks, and end up in paths, URLs and command lines."""

from dfly_tui.errors import StoreFailed
from dfly_tui.text import safe

INSTANCE = "instance"
"""The store that is the server's own folder."""
MAX_NAME_BYTES = 255
"""What file systems take."""


def checked(name: str) -> str:
    """The name, if it is one of a visible file in a folder, whatever reads it.

    Raises:
        StoreFailed: It is another folder's, hidden, or holds what no name of ours does.
    """
    if not name or name.startswith(".") or not name.isprintable() or "/" in name or "\\" in name:
        raise StoreFailed(f"{shown(name)!r} is no name of a backup's file", "nothing was read or changed")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise StoreFailed(f"{shown(name)} is longer than a file's name may be", "nothing was read or changed")
    return name


def shown(name: str) -> str:
    """For a sentence."""
    return safe(name, limit=120)
