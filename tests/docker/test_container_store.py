"""Backups in the folder of a server in a container, on a real Docker engine: what all containers have in common."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from docker import DockerClient
from docker.models.containers import Container

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.errors import Refused, StoreFailed
from tests.docker.stored import AT, FILES, FOLDER, bare, entries, has_programs, idle, packed, store_of
from tests.support.eventually import eventually
from tests.support.stores import content, read, some_bytes

pytestmark = pytest.mark.docker

KINDS = ("running", "stopped", "without programs")


@pytest.fixture(params=KINDS)
def container(request: pytest.FixtureRequest, engine: DockerClient, name: str) -> Iterator[Container]:
    made = bare(engine, name) if request.param == "without programs" else idle(engine, name)
    made.put_archive("/data", packed())
    if request.param != "stopped":
        made.start()
    yield made
    made.remove(force=True, v=True)


class TestAnyContainer:
    async def test_listing(self, container: Container) -> None:
        files = {file.name: file for file in await store_of(str(container.name)).files()}
        assert {name: file.size_bytes for name, file in files.items()} == {
            name: len(data) for name, data in FILES.items() if name[0] != "."
        }
        assert {file.modified_at for file in files.values()} == {AT}

    async def test_reading(self, container: Container) -> None:
        store = store_of(str(container.name))
        assert [await read(store, name) for name in ("dump-0000.dfs", "-rf.rdb")] == [b"12345", b"2"]
        for name, words in (("link.rdb", "no plain file"), ("folder.rdb", "no plain file"), ("no.rdb", "is not there")):
            with pytest.raises(StoreFailed, match=words):
                await read(store, name)

    async def test_writing(self, container: Container) -> None:
        store, data = store_of(str(container.name)), some_bytes(3_000_001)
        at = datetime(2027, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
        await store.write("new.rdb", content(data[:77], data[77:]), len(data), modified_at=at)
        assert await read(store, "new.rdb") == data
        (file,) = [file for file in await store.files() if file.name == "new.rdb"]
        assert (file.size_bytes, file.modified_at) == (len(data), at)
        there = entries(container)
        assert (there["new.rdb"].uid, there["new.rdb"].gid, there["new.rdb"].mode & 0o777) == (999, 999, 0o640)
        left = there.get("new.rdb.part")
        assert (left is None) if has_programs(container) else (left is not None and left.size == 0)

    async def test_never_over_another(self, container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
        store = store_of(str(container.name))
        with pytest.raises(Refused, match=r"dump-summary\.dfs is in container .* already"):
            await store.write("dump-summary.dfs", content(b"new"), 3)

        real, calls = ContainerStore._not_there_yet, []

        def overtaken(self: ContainerStore, api: Any, place: Any, name: str) -> None:
            calls.append(name)
            if len(calls) == 2:  # all of it was sent, and is about to get its name
                container.put_archive("/data", packed({"b.rdb": b"theirs"}))
            real(self, api, place, name)

        monkeypatch.setattr(ContainerStore, "_not_there_yet", overtaken)
        with pytest.raises(Refused, match=r"b\.rdb is in container .* already"):
            await store.write("b.rdb", content(b"ours"), 4)
        assert [await read(store, name) for name in ("dump-summary.dfs", "b.rdb")] == [b"1", b"theirs"]

    async def test_what_ends_in_the_middle_leaves_nothing(self, container: Container) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield some_bytes(1 << 20)
            raise StoreFailed("the source is gone")

        store = store_of(str(container.name))
        for pieces, size, words in ((broken(), 2 << 20, "the source is gone"), (content(b"12"), 3, "has 2 bytes")):
            with pytest.raises(StoreFailed, match=words):
                await store.write("new.rdb", pieces, size)
        there = entries(container)
        assert "new.rdb" not in there
        assert "new.rdb.part" not in there or there["new.rdb.part"].size == 0

    async def test_given_up(self, container: Container) -> None:
        sent = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield some_bytes(1 << 20)
            sent.set()
            await asyncio.Event().wait()

        writing = asyncio.create_task(store_of(str(container.name)).write("new.rdb", endless(), 9 << 20))
        await sent.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

        async def tidied() -> bool:
            there = await asyncio.to_thread(entries, container)
            assert "new.rdb" not in there
            return "new.rdb.part" not in there or there["new.rdb.part"].size == 0

        await eventually(tidied)

    async def test_removing(self, container: Container) -> None:
        store = store_of(str(container.name))
        await store.remove("gone.rdb")
        if not has_programs(container):
            with pytest.raises(StoreFailed, match="nothing can be removed from") as caught:
                await store.remove("-rf.rdb")
            command = shlex.split(caught.value.hint.partition("by hand: ")[2])
            assert command[:5] == ["docker", "run", "--rm", "--volumes-from", container.name]
            assert command[-1] == f"{FOLDER}/-rf.rdb"
            return
        await store.remove("-rf.rdb")
        assert "-rf.rdb" not in entries(container)
        with pytest.raises(StoreFailed, match="no plain file"):
            await store.remove("link.rdb")

    async def test_room(self, container: Container) -> None:
        space = await store_of(str(container.name)).space()
        if has_programs(container):
            assert space is not None
            assert 0 < space.free_bytes < space.total_bytes
        else:
            assert space is None
