"""An image that holds the lab whole, as Dragonfly's holds Dragonfly: started with Dragonfly's own flags, it needs
nothing of the machine it was made on."""

import fcntl
import hashlib
import io
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docker import DockerClient
from docker.errors import APIError, ImageNotFound

from tests.support.images import PROJECT

REPOSITORY = "dfly-tui-test/standalone"
_USED = """
import json, sys
import dfly_tui.cli.main, dfly_tui.cli.lab, dfly_tui.lab.server, dfly_tui.lab.fake, rdb, anycrc
print(json.dumps(sorted({each.__file__ for each in list(sys.modules.values()) if getattr(each, "__file__", None)})))
"""
_PROGRAMS = ("bash", "cat", "df", "find", "rm", "stat", "sync")
"""What Dragonfly's own image has, too."""
_NOT_NEEDED = {"test", "tests", "site-packages", "dist-packages", "idlelib", "ensurepip", "tkinter", "turtledemo",
               "lib2to3", "pydoc_data", "distutils"}  # fmt: skip


def ensure_standalone_image(client: DockerClient, flavour: str = "1.40") -> str:
    """Make the image of the program as it is now, unless it is there; returns its name."""
    files = list(_program())
    digest = hashlib.sha256(sys.version.encode())
    for file in (*files, Path(__file__)):
        digest.update(str(file.relative_to(PROJECT)).encode() + b"\0" + file.read_bytes())
    name = f"{REPOSITORY}:{flavour}-{digest.hexdigest()[:12]}"
    with _one_at_a_time():
        try:
            client.images.get(name)
        except ImageNotFound:
            _remove_older(client, flavour)
            _make(client, name, flavour, files)
    return name


def _make(client: DockerClient, name: str, flavour: str, program: list[Path]) -> None:
    packed = io.BytesIO()
    # Links to libraries become the files they lead to.
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, dereference=True) as archive:
        for folder in ("tmp", "data", "usr", "usr/local", "usr/local/bin"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            archive.addfile(entry)
        for file in program:
            archive.add(file, arcname=f"app/{file.relative_to(PROJECT)}")
        packages = _packages()
        for path in packages:
            archive.add(path, arcname=f"app/{path.name}", filter=_slim)
        for path in _interpreter(packages):
            archive.add(path, arcname=str(path).lstrip("/"), filter=_slim)
        python = tarfile.TarInfo("usr/local/bin/python3")
        python.type, python.linkname = tarfile.SYMTYPE, str(_executable())
        archive.addfile(python)
    # Without a volume, so that its files are told of while it does not run, too.
    entrypoint = ["/usr/local/bin/python3", "-P", "-m", "dfly_tui.cli.main", "lab"]
    client.api.import_image_from_data(
        packed.getvalue(),
        repository=REPOSITORY,
        tag=name.rpartition(":")[2],
        changes=[
            f"ENTRYPOINT {json.dumps(entrypoint)}", "ENV PYTHONPATH=/app", "ENV PYTHONDONTWRITEBYTECODE=1",
            f"ENV DFLY_flavour={flavour}", "WORKDIR /data",
            "ENV PATH=/usr/local/bin:/usr/bin:/bin",
        ],
    )  # fmt: skip


def _program() -> Iterator[Path]:
    package = PROJECT / "dfly_tui"
    yield from (file for file in sorted(package.rglob("*")) if file.is_file() and file.suffix != ".pyc")


def _packages() -> list[Path]:
    """The packages that the lab imports, each whole, and what is told of them."""
    listed = subprocess.run(
        [sys.executable, "-P", "-c", _USED], capture_output=True, text=True, check=True, cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    roots = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    found = set()
    for used in map(Path, json.loads(listed.stdout)):
        for root in roots:
            if used.is_relative_to(root):
                name = used.relative_to(root).parts[0]
                found |= {root / name, *root.glob(f"{name}-*.dist-info")}
    return sorted(found)


def _executable() -> Path:
    return Path(sys.executable).resolve()


def _interpreter(packages: list[Path]) -> Iterator[Path]:
    """Python, its library, and the shared libraries that these need."""
    programs = [Path(found).resolve() for each in _PROGRAMS if (found := shutil.which(each)) is not None]
    yield from (_executable(), *programs)
    standard = Path(sysconfig.get_path("stdlib"))
    yield standard
    modules = [file for root in (standard / "lib-dynload", *packages) for file in root.rglob("*.so")]
    needed: set[str] = set()
    listed = subprocess.run(["ldd", _executable(), *programs, *modules], capture_output=True, text=True, check=False)
    for line in listed.stdout.splitlines():
        name = line.partition("=> ")[2] or line.strip()
        path = name.split(" (")[0].strip()
        if path.startswith("/") and not line.endswith(":"):
            needed.add(path)
    yield from (Path(each) for each in sorted(needed))


def _slim(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Nothing that a server does not use."""
    parts = Path(entry.name).parts
    if _NOT_NEEDED & set(parts[:-1] if entry.isfile() else parts) or any(part.startswith("config-") for part in parts):
        return None
    return entry


def _remove_older(client: DockerClient, flavour: str) -> None:
    for image in client.images.list(REPOSITORY):
        for tag in image.tags:
            if tag.startswith(f"{REPOSITORY}:{flavour}-"):
                try:
                    client.images.remove(tag)
                except APIError:
                    continue  # a container of another test runs from it


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / "dfly-tui-test-image.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
