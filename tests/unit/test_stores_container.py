"""What programs and tar streams of a container say of the files in a folder."""

import asyncio
import io
import tarfile
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dfly_tui.clients.stores.container import ContainerStore
from dfly_tui.clients.stores.container_listing import LIST, Seen, listed, owner
from dfly_tui.clients.stores.packing import PutFile, content_of, named
from dfly_tui.clients.stores.pump import GivenUp, fed
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DockerFailed, StoreFailed
from dfly_tui.settings import DockerConfig
from tests.support.stores import content

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class TestListing:
    def test_as_gnu_writes_it(self) -> None:
        output = (
            b"/4096 2026-01-02 03:04:05.000000000 +0000 999 998 755/.\n"
            b"/5 2026-01-02 03:04:05.678901234 +0000 999 999 600/./a\nb /c.rdb\n"
            b"/5 2026-01-02 03:04:05.678901234 +0000 999 999 600/./a\nb\n.rdb\n"
            b"/0 2026-01-02 03:04:05.678901234 +0000 999 999 640/./-n\n"
            b"/1 2026-01-02 03:04:05.678901234 +0000 999 999 600/./\xff.rdb\n"
        ).replace(b"a\nb /c.rdb", b"plain.rdb")
        folder, *files = listed(output)
        assert folder == Seen("", 4096, AT.replace(microsecond=0), 999, 998, 0o755)
        assert files == [
            Seen("plain.rdb", 5, AT, 999, 999, 0o600),
            Seen("a\nb\n.rdb", 5, AT, 999, 999, 0o600),
            Seen("-n", 0, AT, 999, 999, 0o640),
        ]

    def test_as_busybox_writes_it(self) -> None:
        (file,) = listed(b"/5 2026-01-02 03:04:05.000000000 0 0 644/./dump-summary.dfs\n")
        assert file == Seen("dump-summary.dfs", 5, AT.replace(microsecond=0), 0, 0, 0o644)

    @pytest.mark.parametrize(
        "output",
        [b"", b"find: 'stat': No such file or directory\n", b"OCI runtime exec failed: /find/: no such file\n"],
    )
    def test_what_is_no_listing(self, output: bytes) -> None:
        assert listed(output) == ()

    def test_times_that_are_none(self) -> None:
        (file,) = listed(b"/5 99999-01-02 03:04:05 0 0 644/./a\n")
        assert file.modified_at == datetime(1970, 1, 1, tzinfo=UTC)

    def test_this_machines_own_tools(self, tmp_path: Path) -> None:
        import subprocess

        for name in ("a\nb.rdb", "-x", ".hidden"):
            (tmp_path / name).write_text("12")
        (tmp_path / "link").symlink_to("a")
        output = subprocess.run(LIST, cwd=tmp_path, check=True, capture_output=True).stdout
        assert sorted((each.name, each.size_bytes) for each in listed(output) if each.name) == [
            ("-x", 2),
            ("a\nb.rdb", 2),
        ]

    def test_whose_a_new_file_shall_be(self) -> None:
        folder = Seen("", 0, AT, 1, 1, 0o755)
        old = Seen("a.rdb", 0, AT.replace(year=2025), 2, 2, 0o600)
        new = Seen("b-summary.dfs", 0, AT, 3, 3, 0o4440)
        other = Seen("newest.txt", 0, AT.replace(year=2027), 4, 4, 0o600)
        assert owner([folder, old, new, other]) == new._replace(mode=0o640)
        assert owner([folder, other]) == folder._replace(mode=0o600)
        assert owner([]) is None


class TestStreams:
    FILE = PutFile("a.rdb", 5, AT, 999, 998, 0o600)

    def unpacked(self, pieces: Iterator[bytes]) -> list[tuple[str, bytes, int, float, bytes]]:
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces)), mode="r:") as archive:
            return [
                (each.name, each.type, each.size, each.mtime, archive.extractfile(each).read() if each.isreg() else b"")  # type: ignore[union-attr]
                for each in archive
            ]

    def test_content_comes_under_another_name(self) -> None:
        assert self.unpacked(content_of(self.FILE, iter([b"12", b"345"]))) == [
            ("a.rdb.part", tarfile.REGTYPE, 5, AT.timestamp(), b"12345")
        ]

    def test_then_its_own(self) -> None:
        names = [(name, kind, size) for name, kind, size, _, _ in self.unpacked(named(self.FILE))]
        assert names == [("a.rdb", tarfile.LNKTYPE, 0), ("a.rdb.part", tarfile.REGTYPE, 0)]

    @pytest.mark.parametrize("data", [b"", b"1234", b"123456"])
    def test_other_than_was_said(self, data: bytes) -> None:
        sent: list[bytes] = []
        with pytest.raises(StoreFailed, match=f"has {len(data)} bytes, where it should have 5"):
            sent.extend(content_of(self.FILE, iter([data])))
        assert len(b"".join(sent)) <= tarfile.BLOCKSIZE * 4 + 5

    def test_more_than_eight_gigabytes(self) -> None:
        large = self.FILE._replace(size_bytes=1 << 40)
        header = next(content_of(large, iter([])))
        with tarfile.open(fileobj=io.BytesIO(header + bytes(1024)), mode="r:") as archive:
            entry = archive.next()
        assert entry is not None
        assert entry.size == 1 << 40


class TestFeeding:
    async def test_a_thread_that_fails_stops_the_source(self) -> None:
        closed = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"1"
                    await asyncio.sleep(0)
            finally:
                closed.set()

        def work(pieces: Iterator[bytes]) -> None:
            next(pieces)
            raise StoreFailed("full")

        source = endless()
        with pytest.raises(StoreFailed, match="full"):
            await fed(work, source)
        await source.aclose()  # type: ignore[attr-defined]
        assert closed.is_set()

    async def test_a_thread_learns_that_it_was_not_the_end(self) -> None:
        heard: list[str] = []
        done = threading.Event()

        async def broken() -> AsyncIterator[bytes]:
            yield b"1"
            raise StoreFailed("gone")

        def work(pieces: Iterator[bytes]) -> None:
            try:
                heard.extend("piece" for _ in pieces)
            except GivenUp:
                heard.append("given up")
                raise
            finally:
                done.set()

        with pytest.raises(StoreFailed, match="gone"):
            await fed(work, broken())
        assert done.is_set()
        assert heard[-1] == "given up"


class TestWithoutAnEngine:
    def store(self, folder: Path) -> ContainerStore:
        config = DockerConfig(host=f"unix://{folder / 'docker.sock'}", container="alpha")
        return ContainerStore(config, "/data", clock=SystemClock(), timeout_seconds=1.0)

    async def test_everything_says_so(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        for attempt in (store.files(), store.write("a", content(b"1"), 1), store.remove("a"), store.space()):
            with pytest.raises(DockerFailed, match="there is no Docker engine"):
                await attempt
        with pytest.raises(DockerFailed, match="there is no Docker engine"):
            await anext(store.read("a"))

    async def test_what_is_refused_before_anybody_is_asked(self, tmp_path: Path) -> None:
        store = self.store(tmp_path)
        with pytest.raises(StoreFailed, match="its size is not known"):
            await store.write("a", content(b"1"), -1)
        for name in ("", "../a", ".hidden", "a\nb"):
            with pytest.raises(StoreFailed):
                await store.write(name, content(b"1"), 1)
            with pytest.raises(StoreFailed):
                await store.remove(name)
            with pytest.raises(StoreFailed):
                store.read(name)
