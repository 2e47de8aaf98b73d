"""Containers with backups in a folder."""

import io
import tarfile
from datetime import UTC, datetime
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clock import SystemClock
from dfly_tui.settings import DockerConfig
from tests.docker.support import make
from tests.support.images import ensure_image
from tests.support.servers import DOCKER_HOST

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
FOLDER = "/data/with blank"
FILES = {"dump-0000.dfs": b"12345", "dump-summary.dfs": b"1", "a\nb.rdb": b"", "-rf.rdb": b"2", ".hidden.rdb": b"3"}


def store_of(container: str, folder: str = FOLDER, **settings: float) -> ContainerStore:
    config = DockerConfig(host=DOCKER_HOST, container=container)
    return ContainerStore(config, folder, clock=SystemClock(), **({"timeout_seconds": 20.0} | settings))


def packed(files: dict[str, bytes] = FILES, *, owner: int = 999) -> bytes:
    """The folder with these files, and some things that are none."""
    kept = io.BytesIO()
    with tarfile.open(fileobj=kept, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind in (("with blank", tarfile.DIRTYPE), ("with blank/folder.rdb", tarfile.DIRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = kind, 0o755, owner, owner
            archive.addfile(entry)
        link = tarfile.TarInfo("with blank/link.rdb")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        archive.addfile(tarfile.TarInfo("with blank/folder.rdb/deep.rdb"))
        for name, data in files.items():
            entry = tarfile.TarInfo(f"with blank/{name}")
            entry.size, entry.mtime, entry.mode, entry.uid, entry.gid = len(data), AT.timestamp(), 0o640, owner, owner
            archive.addfile(entry, io.BytesIO(data))
    return kept.getvalue()


def bare(engine: DockerClient, name: str) -> Container:
    """A container with a server in it and no other program."""
    return engine.containers.create(
        ensure_image(engine), ["redis-server", "--save", ""], name=name, network_mode="none"
    )


def idle(engine: DockerClient, name: str, **settings: Any) -> Container:
    """A container with all of this machine's programs, of which none runs."""
    return make(engine, name, ["infinity"], entrypoint=["sleep"], init=True, **settings)


def runs(container: Container) -> bool:
    container.reload()
    return bool(container.status == "running")


def has_programs(container: Container) -> bool:
    return runs(container) and container.attrs["Path"] != "redis-server"


def entries(container: Container) -> dict[str, tarfile.TarInfo]:
    """What really is in the folder."""
    stream, _ = container.get_archive(f"{FOLDER}/.")
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        return {member.name.removeprefix("./"): member for member in archive if "deep" not in member.name}
