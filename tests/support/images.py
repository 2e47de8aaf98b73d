"""A Docker image made of this machine's own redis-server, without any network."""

import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from docker import DockerClient
from docker.errors import ImageNotFound

TAG = "dfly-tui-test/redis"


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
