"""Docker images made of this machine's own programs, without any network: redis-server, and the lab."""

import io
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound

from tests.support.eventually import eventually
from tests.support.lab import Client

TAG = "dfly-tui-test/redis"
LAB_TAG = "dfly-tui-test/lab"
PROJECT = Path(__file__).parents[2]
_BORROWED = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime")
"""What a Python of this machine needs of it, besides itself."""


def ensure_image(client: DockerClient) -> str:
    """Import the image unless it is there; returns its name."""
    try:
        client.images.get(f"{TAG}:latest")
    except ImageNotFound:
        client.api.import_image_from_data(root_file_system().getvalue(), repository=TAG, tag="latest")
    return f"{TAG}:latest"


def root_file_system() -> io.BytesIO:
    """A tar with redis-server, the libraries it needs, and the few folders a container wants."""
    server = shutil.which("redis-server")
    assert server is not None, "redis-server is not installed"
    listed = subprocess.run(["ldd", server], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listed)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("tmp", "data", "etc"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(folder)
        for library in dict.fromkeys(libraries):
            archive.add(Path(library).resolve(), arcname=library.lstrip("/"))
        archive.add(Path(server).resolve(), arcname="usr/bin/redis-server")
    return packed


def ensure_lab_image(client: DockerClient) -> str:
    """Import the image of the lab unless it is there; returns its name. It is empty: all is borrowed when it runs."""
    try:
        client.images.get(f"{LAB_TAG}:latest")
    except ImageNotFound:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name in ("tmp", "data"):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode = tarfile.DIRTYPE, 0o777
                archive.addfile(folder)
        client.api.import_image_from_data(packed.getvalue(), repository=LAB_TAG, tag="latest")
    return f"{LAB_TAG}:latest"


def lab_container_settings(
    client: DockerClient, *, port: int, arguments: Sequence[str] = (), restart: str = "unless-stopped"
) -> dict[str, Any]:
    """What to give `client.containers.create()` for a lab server on a port of this machine, its data in /data.

    Args:
        arguments: More flags of `dfly-tui lab`, such as `--flavour=1.22`.
        restart: The restart policy.
    """
    borrowed = dict.fromkeys((*_BORROWED, sys.prefix, sys.base_prefix, str(PROJECT)))
    return {
        "image": ensure_lab_image(client),
        "entrypoint": [sys.executable, "-P", "-m", "dfly_tui.cli.main", "lab"],
        "command": [f"--port={port}", "--host=127.0.0.1", "--data-dir=/data", *arguments],
        "network_mode": "host",
        "environment": {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(PROJECT)},
        "restart_policy": {"Name": restart},
        "volumes": [f"{path}:{path}:ro" for path in borrowed if Path(path).exists()],
    }


@asynccontextmanager
async def lab_container(
    client: DockerClient, *, name: str, port: int, restart: str = "unless-stopped", arguments: Sequence[str] = ()
) -> AsyncIterator[str]:
    """A lab server in a container, which answers; yields the name. Removed at the end, with what was kept of it."""
    settings = lab_container_settings(client, port=port, arguments=arguments, restart=restart)
    try:
        client.containers.create(name=name, **settings).start()
        await answers(port)
        yield name
    finally:
        remove_containers(client, name)


async def answers(port: int, within: float = 30.0) -> None:
    """Wait until a server on a port of this machine answers at all, even that it is loading."""

    async def answered() -> bool:
        try:
            async with Client(port) as ask:
                await ask("PING")
        except OSError:
            return False
        return True

    await eventually(answered, within)


def remove_containers(client: DockerClient, name: str) -> None:
    """Remove a container and those that were kept of it, with their anonymous volumes."""
    for container in client.containers.list(all=True, filters={"name": name}, ignore_removed=True):
        if container.name == name or str(container.name).startswith(f"{name}-before-"):
            try:
                container.remove(force=True, v=True)
            except (NotFound, APIError):
                continue
