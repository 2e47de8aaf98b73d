"""Folders of containers that are folders of this machine, too."""

import os
from datetime import datetime
from pathlib import Path, PurePosixPath

from dfly_tui.clients.engine import Engine
from dfly_tui.clients.stores.container_place import found
from dfly_tui.clients.stores.folder import FolderStore, moment
from dfly_tui.clients.stores.names import INSTANCE
from dfly_tui.clients.stores.pump import in_thread
from dfly_tui.errors import StoreFailed
from dfly_tui.models.container import ContainerInfo
from dfly_tui.settings import DockerConfig

_LOOKS = 3


async def mount_of(
    config: DockerConfig, container: ContainerInfo, folder: str, timeout_seconds: float
) -> FolderStore | None:
    """The same folder as this machine sees it, if it is on a disk of this machine and this process may do all in it.

    Raises:
        DockerFailed: The engine does not answer.
    """
    if not config.host.startswith("unix://"):
        return None
    for _ in range(_LOOKS):  # a file may come or go between the two looks
        async with Engine(config, timeout_seconds) as engine:
            try:
                place = await engine.ask(lambda api: found(api, config, folder))
            except StoreFailed:  # there is no such folder now; whoever looks into it says so
                return None
        path = _behind(container, place.path.removesuffix("/.") or "/")
        # An engine in a virtual machine has folders of the same names.
        if path is not None and await in_thread(lambda path=path: _ours_as_of(path)) == place.stat.modified_at:  # type: ignore[misc]
            return FolderStore(INSTANCE, path)
    return None


def _behind(container: ContainerInfo, path: str) -> Path | None:
    """Where a path of a container comes from."""
    whole = PurePosixPath(path)
    if ".." in whole.parts:
        return None
    mounts = [
        each for each in container.mounts if each.kind in {"bind", "volume"} and whole.is_relative_to(each.target)
    ]
    mount = max(mounts, key=lambda each: len(each.target), default=None)
    return None if mount is None else Path(mount.source) / whole.relative_to(mount.target)


def _ours_as_of(path: Path) -> datetime | None:
    """When a folder last changed; None if we may not do everything in it that its server does."""
    try:
        seen = path.stat()
    except OSError:
        return None
    user = os.geteuid()
    return (
        moment(seen.st_mtime_ns) if user in {0, seen.st_uid} and os.access(path, os.R_OK | os.W_OK | os.X_OK) else None
    )
