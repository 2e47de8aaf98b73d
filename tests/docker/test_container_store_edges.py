"""Backups in the folder of a server in a container, on a real Docker engine: what is particular to some."""

import asyncio
import io
import os
import tarfile
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from dfly_tui.clients.container_files import put_archive
from dfly_tui.clients.docker import DockerContainers
from dfly_tui.clients.stores.container_listing import walked
from dfly_tui.clients.stores.mounts import mount_of
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DockerFailed, OutcomeUnknown, StoreFailed
from dfly_tui.models.container import ContainerInfo
from dfly_tui.settings import DockerConfig
from tests.docker.stored import FOLDER, entries, idle, packed, store_of
from tests.support.servers import DOCKER_HOST
from tests.support.stores import content, mounted, read, some_bytes

pytestmark = pytest.mark.docker


class TestStopped:
    async def test_it_is_read_whole_only_when_it_has_changed(
        self, engine: DockerClient, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        idle(engine, name).put_archive("/data", packed())
        store = store_of(name)
        walks = 0

        def counted(*args: Any) -> Any:
            nonlocal walks
            walks += 1
            return walked(*args)

        monkeypatch.setattr("dfly_tui.clients.stores.container.walked", counted)
        first = await store.files()
        assert await store.files() == first
        assert walks == 1
        await store_of(name).write("new.rdb", content(b"1"), 1)
        assert {file.name for file in await store.files()} == {file.name for file in first} | {
            "new.rdb",
            "new.rdb.part",
        }

    async def test_too_much_to_be_listed_in_time(self, engine: DockerClient, name: str) -> None:
        idle(engine, name).put_archive("/data", packed())
        with pytest.raises(StoreFailed, match="was not listed within") as caught:
            await store_of(name, walk_seconds=0.0).files()
        assert "backup.folder" in caught.value.hint

    async def test_a_paused_one(self, engine: DockerClient, name: str) -> None:
        container = idle(engine, name)
        container.put_archive("/data", packed())
        container.start()
        container.pause()
        store = store_of(name)
        assert len(await store.files()) == 4
        assert await read(store, "dump-0000.dfs") == b"12345"
        container.unpause()


class TestFolder:
    async def test_one_that_is_a_link_or_relative(self, engine: DockerClient, name: str) -> None:
        container = idle(engine, name, working_dir="/data")
        container.put_archive("/data", packed())
        kept = io.BytesIO()
        with tarfile.open(fileobj=kept, mode="w") as archive:
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, FOLDER
            archive.addfile(link)
        container.put_archive("/data", kept.getvalue())
        for runs in (False, True):
            if runs:
                container.start()
            for folder in ("/data/link", "link", "./with blank/", f"{FOLDER}/"):
                store = store_of(name, folder)
                assert len(await store.files()) == 4
                assert await read(store, "dump-0000.dfs") == b"12345"
        await store_of(name, "link").write("new.rdb", content(b"1"), 1)
        assert "new.rdb" in entries(container)

    async def test_one_that_is_not_there_or_none(self, engine: DockerClient, name: str) -> None:
        idle(engine, name).put_archive("/data", packed())
        for folder in ("/absent", f"{FOLDER}/dump-0000.dfs"):
            with pytest.raises(StoreFailed, match="there is no folder container"):
                await store_of(name, folder).files()

    async def test_a_container_that_does_not_exist(self, engine: DockerClient, name: str) -> None:
        idle(engine, name)
        with pytest.raises(DockerFailed, match="knows no container") as caught:
            await store_of(name + "x").files()
        assert name in caught.value.hint

    async def test_one_that_is_read_only(self, engine: DockerClient, name: str, tmp_path: Path) -> None:
        idle(engine, name, volumes=[f"{tmp_path}:/kept:ro"])
        with pytest.raises(StoreFailed, match=r"refused to put a file into .*read-only"):
            await store_of(name, "/kept").write("a.rdb", content(b"1"), 1)

    async def test_a_disk_that_is_full(
        self, engine: DockerClient, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with mounted(tmp_path, "size=2m"):
            container = idle(engine, name, volumes=[f"{tmp_path}:/small"])
            container.start()
            store = store_of(name, "/small")
            with pytest.raises(StoreFailed, match="no room in"):
                await store.write("a.rdb", content(b"1"), 4 << 20)
            container.kill()
            container.wait()
            with pytest.raises(StoreFailed, match="no space left in"):
                await store.write("a.rdb", content(*[some_bytes(1 << 20)] * 40), 40 << 20)
            assert [(file.name, file.size_bytes) for file in await store.files()] in ([], [("a.rdb.part", 0)])
            container.remove()


class TestMounts:
    async def info(self, name: str) -> ContainerInfo:
        containers = DockerContainers(
            DockerConfig(host=DOCKER_HOST, container=name), clock=SystemClock(), timeout_seconds=20
        )
        try:
            return await containers.container()
        finally:
            await containers.aclose()

    async def test_a_folder_of_this_machine_is_used_as_such(
        self, engine: DockerClient, name: str, tmp_path: Path
    ) -> None:
        (tmp_path / "snapshots").mkdir()
        (tmp_path / "snapshots" / "a.rdb").write_text("1")
        idle(engine, name, volumes=[f"{tmp_path}:/kept"])
        config = DockerConfig(host=DOCKER_HOST, container=name)
        info = await self.info(name)
        store = await mount_of(config, info, "/kept/snapshots", 20)
        assert store is not None
        assert (store.name, store.address) == ("instance", str(tmp_path / "snapshots"))
        assert [file.name for file in await store.files()] == ["a.rdb"]
        for folder in ("/data", "/kept/../data"):
            assert await mount_of(config, info, folder, 20) is None

    async def test_one_of_the_same_name_on_another_machine_is_not(
        self, engine: DockerClient, name: str, tmp_path: Path
    ) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "ours").mkdir()
        os.utime(tmp_path / "ours", (1, 1))
        idle(engine, name, volumes=[f"{tmp_path / 'theirs'}:/kept"])
        info = await self.info(name)
        mounts = [each.model_copy(update={"source": each.source.replace("theirs", "ours")}) for each in info.mounts]
        config = DockerConfig(host=DOCKER_HOST, container=name)
        elsewhere = info.model_copy(update={"mounts": tuple(mounts)})
        assert await mount_of(config, elsewhere, "/kept", 20) is None


class TestAnswers:
    async def test_a_read_holds_up_nobody_who_asks_about_a_running_container(
        self, engine: DockerClient, name: str
    ) -> None:
        container = idle(engine, name)
        container.start()
        store, piece = store_of(name, "/data"), some_bytes(1 << 20)
        await store.write("a.rdb", content(*[piece] * 16), 16 << 20)
        async with aclosing(store.read("a.rdb")) as pieces:
            await anext(pieces)
            await asyncio.wait_for(asyncio.to_thread(container.reload), 5)

    async def test_a_container_that_ends_while_it_is_read(self, engine: DockerClient, name: str) -> None:
        container = idle(engine, name)
        container.start()
        container.exec_run(["truncate", "-s", "8G", "/data/a.rdb"])
        pieces = store_of(name, "/data").read("a.rdb")
        await anext(pieces)
        ending = asyncio.create_task(asyncio.to_thread(container.kill))
        with pytest.raises(StoreFailed, match=r"a\.rdb in container .* was not read"):
            async for _ in pieces:
                pass
        await ending

    @pytest.mark.parametrize("done", [True, False])
    async def test_no_answer_to_what_gives_it_its_name(
        self, engine: DockerClient, name: str, monkeypatch: pytest.MonkeyPatch, done: bool
    ) -> None:
        idle(engine, name)
        calls = 0

        def lost(api: Any, container: str, folder: str, stream: Any) -> None:
            nonlocal calls
            calls += 1
            if calls != 3 or done:
                put_archive(api, container, folder, stream)
            if calls == 3:
                raise ConnectionResetError(104, "Connection reset by peer")

        monkeypatch.setattr("dfly_tui.clients.stores.container.put_archive", lost)
        store = store_of(name, "/data")
        if done:
            await store.write("a.rdb", content(b"1"), 1)
            assert await read(store, "a.rdb") == b"1"
        else:
            with pytest.raises(OutcomeUnknown, match=r"docker cp .* hung up in the middle of a request"):
                await store.write("a.rdb", content(b"1"), 1)


async def test_a_large_file_passes_in_little_memory(engine: DockerClient, name: str) -> None:
    import resource

    idle(engine, name)
    store, piece = store_of(name, "/data"), some_bytes(1 << 20)
    await store.write("warm.rdb", content(piece), len(piece))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await store.write("a.rdb", content(*[piece] * 128), 128 << 20)
    count = 0
    async for each in store.read("a.rdb"):
        count += len(each)
    assert count == 128 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 << 10
