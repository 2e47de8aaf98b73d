"""An instance in a container of the image that holds the lab whole, with snapshots to try and to restore."""

import asyncio
import io
import random
import tarfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.clients.stores.port import Store
from dfly_tui.clock import SystemClock
from dfly_tui.models.backup import BackupRecord, FileSum
from dfly_tui.models.operation import Event
from dfly_tui.models.snapshots import SnapshotFormat, listing
from dfly_tui.operations.access import Access
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.operations.plan import Plan
from dfly_tui.settings import DockerConfig, InstanceConfig
from tests.docker.group import PORTS
from tests.support.backups import Kept
from tests.support.eventually import eventually
from tests.support.group import Group, Yes
from tests.support.images import answers, remove_containers
from tests.support.lab import Client
from tests.support.servers import DOCKER_HOST
from tests.support.standalone import ensure_standalone_image
from tests.support.supervised import Servers


@dataclass
class Instance:
    """One server in a container.

    Attributes:
        folder: Where this machine sees its data; None if it does not.
    """

    docker: DockerClient
    name: str
    port: int
    folder: Path | None
    group: Group

    @property
    def container(self) -> Container:
        return self.docker.containers.get(self.name)

    @property
    def config(self) -> InstanceConfig:
        return self.group.configs[0]

    def store(self) -> Store:
        if self.folder is not None:
            return FolderStore("instance", self.folder)
        assert self.config.docker is not None
        return ContainerStore(self.config.docker, "/data", clock=SystemClock(), timeout_seconds=20)

    def kept(self, access: Access, **more: Any) -> Kept:
        run = new_run_id(datetime.now(UTC), random.Random())
        return Kept(access, self.config.name, self.store(), run, **more)

    async def ask(self, *words: str | int) -> Any:
        async with Client(self.port) as client:
            return await client(*words)

    async def save(self, base: str, kind: str = "DF") -> BackupRecord:
        """A snapshot of what is there now, and the record of it."""
        assert await self.ask("SAVE", kind, base) == "OK"
        found = next(each for each in listing(await self.store().files()).sets if each.base == base)
        return BackupRecord(
            instance=self.config.name, base=base, format=SnapshotFormat(kind.lower()), version="1.40.1",
            began_at=datetime.now(UTC), keys={0: await self.ask("DBSIZE")},
            files=tuple(FileSum(name=file.name, size_bytes=file.size_bytes) for file in found.files),
        )  # fmt: skip

    async def run(self, plan: Plan, access: Access, **more: Any) -> list[Event]:
        return await self.group.run(plan, access, Yes(), **more)

    def throwaways(self) -> list[str]:
        """The names of those that are left of drills."""
        return [
            str(each.name) for each in self.docker.containers.list(all=True, filters={"label": "dfly-tui.throwaway"})
        ]

    async def restarts(self) -> None:
        """Stop its container, start it again, and wait until it answers."""
        await asyncio.to_thread(self.container.restart)
        await answers(self.port)

    def cut_off(self, file: str) -> None:
        """Shorten a file of a set."""
        stream, _ = self.container.get_archive(f"/data/{file}")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            entry = archive.next()
            content = archive.extractfile(entry) if entry is not None else None
            assert entry is not None
            assert content is not None
            entry.size -= 7
            kept = io.BytesIO()
            with tarfile.open(fileobj=kept, mode="w") as shorter:
                shorter.addfile(entry, io.BytesIO(content.read()[:-7]))
        self.container.put_archive("/data", kept.getvalue())


@asynccontextmanager
async def instance(
    engine: DockerClient,
    name: str,
    tmp_path: Path,
    *flags: str,
    flavour: str = "1.40",
    bound: bool = False,
    volume: str = "",
) -> AsyncIterator[Instance]:
    """A server with some keys; nothing is left of it at the end.

    Args:
        bound: Its data lies in a folder of this machine.
        volume: In which its data lies.
    """
    port, folder = next(PORTS), tmp_path / "data"
    more: dict[str, Any] = {"restart_policy": {"Name": "unless-stopped"}}
    if bound:
        folder.mkdir()
        more["volumes"] = [f"{folder}:/data"]
    elif volume:
        more["volumes"] = [f"{volume}:/data"]
    async with AsyncExitStack() as stack:
        stack.callback(remove_containers, engine, name)
        image = await asyncio.to_thread(ensure_standalone_image, engine, flavour)
        made = engine.containers.create(
            image, [f"--port={port}", "--dir=/data", "--keys=300", *flags], name=name, network_mode="host", **more,
        )  # fmt: skip
        made.start()
        await answers(port)
        docker = DockerConfig(host=DOCKER_HOST, container=name)
        config = InstanceConfig(name="alpha", url=f"redis://127.0.0.1:{port}", docker=docker)
        state = tmp_path / "state"
        servers = Servers(state, None, restarts=False, options={})
        group = Group(servers, {}, (config,), state, None, timeout_seconds=2.0, clock=SystemClock())
        yield Instance(engine, name, port, folder if bound else None, group)


async def keys_of(found: Instance) -> int:
    """How many keys it has, once it answers."""

    async def loaded() -> bool:
        return isinstance(await found.ask("DBSIZE"), int) and "loading:0" in await found.ask("INFO", "PERSISTENCE")

    await eventually(loaded)
    count: int = await found.ask("DBSIZE")
    return count


def texts(events: Sequence[Event], step: str) -> list[str]:
    """What was told of a step."""
    return [event.text for event in events if event.step == step]


def fill(keeper: Container) -> None:
    """No room is left on the disk it keeps."""
    code, output = keeper.exec_run(["bash", "-c", "cat /dev/zero > /data/filler"])
    assert code, output
