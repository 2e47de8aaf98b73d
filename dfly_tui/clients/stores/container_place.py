"""A folder in a container, as it is now."""

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from dfly_tui.clients.container_files import PathStat, path_stat
from dfly_tui.clients.docker import names_of, unknown_container
from dfly_tui.errors import StoreFailed
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe

if TYPE_CHECKING:
    from docker.api.client import APIClient


class _Inspected(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")


class _Config(_Inspected):
    working_dir: str = ""


class _State(_Inspected):
    status: str = ""


class _Container(_Inspected):
    id: str
    state: _State
    config: _Config = _Config()


class Place(NamedTuple):
    """The folder, as it was a moment ago.

    Attributes:
        path: Ends in `/.`, so that a link is followed.
        runs: Programs can be run in it.
    """

    container: str
    path: str
    runs: bool
    stat: PathStat

    def of(self, name: str) -> str:
        return self.path.removesuffix(".") + name


def address_of(config: DockerConfig, folder: str) -> str:
    """Where it is, for a person."""
    return f"container {safe(config.container, limit=80)}:{safe(folder, limit=200)}"


def found(api: "APIClient", config: DockerConfig, folder: str) -> Place:
    """Look for it.

    Args:
        folder: A relative one is relative to where the container's process is started.

    Raises:
        DockerFailed: The engine does not know the container.
        StoreFailed: There is no such folder in it.
    """
    from docker.errors import APIError, NotFound

    try:
        container = _Container.model_validate(api.inspect_container(config.container))
    except NotFound:
        raise unknown_container(config.container, names_of(api), config.host) from None
    path = posixpath.join(container.config.working_dir or "/", folder).rstrip("/") + "/."
    try:
        stat = path_stat(api, container.id, path)
    except APIError:  # such as for a file, which is no folder
        stat = None
    if stat is None or not stat.is_folder:
        raise StoreFailed(f"there is no folder {address_of(config, folder)}", "is it the server's `dir`?")
    return Place(container.id, path, container.state.status == "running", stat)
