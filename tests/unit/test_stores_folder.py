"""Backups in a folder of this machine."""

import asyncio
import os
import shlex
import subprocess
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import Busy, Refused, StoreFailed
from tests.support.eventually import eventually
from tests.support.stores import content, mounted, read, some_bytes

BASE = "dump-2026-01-02T03:04:05"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore("nas", tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestListing:
    async def test_files_with_their_sizes_and_times(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / f"{BASE}-0000.dfs").write_bytes(b"12345")
        at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        os.utime(tmp_path / f"{BASE}-0000.dfs", ns=(0, int(at.timestamp()) * 10**9 + 678_901_000))
        (file,) = await store.files()
        assert (file.name, file.size_bytes, file.modified_at) == (f"{BASE}-0000.dfs", 5, at)

    async def test_links_folders_pipes_and_hidden_files_are_none(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "real.rdb").write_bytes(b"1")
        (tmp_path / "link.rdb").symlink_to(tmp_path / "real.rdb")
        (tmp_path / "folder.rdb").mkdir()
        (tmp_path / ".hidden.rdb").write_bytes(b"1")
        os.mkfifo(tmp_path / "pipe.rdb")
        assert [file.name for file in await store.files()] == ["real.rdb"]

    async def test_names_of_any_kind(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a\nb\x1b[31m.rdb").write_bytes(b"1")
        (tmp_path / "ünï.rdb").write_bytes(b"1")
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.rdb")).write_bytes(b"1")
        assert sorted(file.name for file in await store.files()) == ["a\nb\x1b[31m.rdb", "ünï.rdb"]

    async def test_a_time_that_no_calendar_has(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "old.rdb").write_bytes(b"1")
        os.utime(tmp_path / "old.rdb", (-(2**31), -(2**31)))
        (file,) = await store.files()
        assert file.modified_at.year == 1901

    async def test_a_folder_that_is_absent_or_none(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for path, words in ((tmp_path / "absent", "is not there"), (tmp_path / "file", "is no folder")):
            with pytest.raises(StoreFailed, match=words) as caught:
                await FolderStore("nas", path).files()
            assert "mounted" in caught.value.hint
            with pytest.raises(StoreFailed, match=words):
                await FolderStore("nas", path).write("a.rdb", content(b"1"), 1)
            with pytest.raises(StoreFailed, match=words):
                await FolderStore("nas", path).space()


class TestReading:
    async def test_in_pieces(self, store: FolderStore, tmp_path: Path) -> None:
        data = some_bytes(5 << 20)
        (tmp_path / "a.rdb").write_bytes(data)
        pieces = [piece async for piece in store.read("a.rdb")]
        assert b"".join(pieces) == data
        assert max(map(len, pieces)) <= 4 << 20

    async def test_the_file_is_closed_when_nobody_wants_more(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a.rdb").write_bytes(some_bytes(5 << 20))
        async with aclosing(store.read("a.rdb")) as pieces:
            await anext(pieces)

        async def closed() -> bool:
            return not any("a.rdb" in target for target in open_files())

        assert await eventually(closed)

    async def test_what_is_no_plain_file(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        (tmp_path / "link.rdb").symlink_to(tmp_path / "secret")
        os.mkfifo(tmp_path / "pipe.rdb")
        for name, words in (("link.rdb", "is a link"), ("pipe.rdb", "no plain file"), ("gone.rdb", "is not there")):
            with pytest.raises(StoreFailed, match=words):
                await read(store, name)

    @pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "../a", "/etc/passwd", "a/b", "a\0", "a\nb", "x" * 256])
    async def test_names_that_lead_elsewhere(self, store: FolderStore, name: str) -> None:
        with pytest.raises(StoreFailed):
            await read(store, name)
        with pytest.raises(StoreFailed):
            await store.write(name, content(b"1"), 1)
        with pytest.raises(StoreFailed):
            await store.remove(name)


class TestWriting:
    async def test_a_new_file(self, store: FolderStore, tmp_path: Path) -> None:
        data = some_bytes(3 << 20)
        at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        await store.write("a.rdb", content(data[:1000], data[1000:]), len(data), modified_at=at)
        assert (tmp_path / "a.rdb").read_bytes() == data
        assert (await store.files())[0].modified_at == at
        assert names(tmp_path) == ["a.rdb"]
        assert (tmp_path / "a.rdb").stat().st_mode & 0o777 == 0o600

    async def test_it_is_not_seen_under_its_name_before_it_is_whole(self, store: FolderStore, tmp_path: Path) -> None:
        seen = []

        async def slowly() -> AsyncIterator[bytes]:
            yield b"1" * (1 << 20)
            seen.append(names(tmp_path))
            yield b"2"

        await store.write("a.rdb", slowly(), -1)
        assert all("a.rdb" not in each for each in seen)
        assert names(tmp_path) == ["a.rdb"]

    async def test_never_over_another(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a.rdb").write_text("old")
        with pytest.raises(Refused, match=r"a\.rdb is in .* already"):
            await store.write("a.rdb", content(b"new"), 3)

        async def overtaken() -> AsyncIterator[bytes]:
            yield b"new"
            (tmp_path / "b.rdb").write_text("theirs")

        with pytest.raises(Refused, match=r"b\.rdb is in .* already"):
            await store.write("b.rdb", overtaken(), 3)
        assert [(tmp_path / name).read_text() for name in names(tmp_path)] == ["old", "theirs"]

    async def test_a_source_that_fails_leaves_nothing(self, store: FolderStore, tmp_path: Path) -> None:
        async def broken() -> AsyncIterator[bytes]:
            yield b"1" * (1 << 20)
            raise StoreFailed("the source is gone")

        with pytest.raises(StoreFailed, match="the source is gone"):
            await store.write("a.rdb", broken(), 2 << 20)
        assert names(tmp_path) == []

    @pytest.mark.parametrize("size", [3, 5])
    async def test_other_than_the_size_that_was_said(self, store: FolderStore, tmp_path: Path, size: int) -> None:
        with pytest.raises(StoreFailed, match=f"has 4 bytes, where it should have {size}"):
            await store.write("a.rdb", content(b"1234"), size)
        assert names(tmp_path) == []

    async def test_given_up(self, store: FolderStore, tmp_path: Path) -> None:
        began = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            yield b"1"
            began.set()
            await asyncio.Event().wait()

        writing = asyncio.create_task(store.write("a.rdb", endless(), -1))
        await began.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert names(tmp_path) == []

    async def test_two_at_once(self, store: FolderStore, tmp_path: Path) -> None:
        async def meanwhile() -> AsyncIterator[bytes]:
            yield b"first"
            await eventually(opened)
            with pytest.raises(Busy, match=r"somebody else is writing a\.rdb"):
                await store.write("a.rdb", content(b"second"), 6)

        async def opened() -> bool:
            return (tmp_path / "a.rdb.part").exists()

        await store.write("a.rdb", meanwhile(), 5)
        assert (tmp_path / "a.rdb").read_text() == "first"

    async def test_after_one_that_was_cut_off(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a.rdb.part").write_text("longer than what comes now")
        await store.write("a.rdb", content(b"1"), 1)
        assert (tmp_path / "a.rdb").read_text() == "1"
        assert names(tmp_path) == ["a.rdb"]

    async def test_a_file_system_without_hard_links(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def link(*_: object, **__: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)
        await store.write("a.rdb", content(b"1"), 1)
        assert names(tmp_path) == ["a.rdb"]

        async def overtaken() -> AsyncIterator[bytes]:
            yield b"new"
            (tmp_path / "b.rdb").write_text("theirs")

        with pytest.raises(Refused):
            await store.write("b.rdb", overtaken(), 3)
        assert (tmp_path / "b.rdb").read_text() == "theirs"

    async def test_no_room(self, store: FolderStore, tmp_path: Path) -> None:
        with pytest.raises(StoreFailed, match="no room in") as caught:
            await store.write("a.rdb", content(b"1"), 1 << 60)
        assert "make room" in caught.value.hint
        assert names(tmp_path) == []

    async def test_a_gigabyte_in_little_memory(self, store: FolderStore) -> None:
        """Pieces that a store would hold on to would add up."""
        held: list[int] = []
        alive = 0

        class Piece(bytes):
            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        async def much() -> AsyncIterator[bytes]:
            nonlocal alive
            for _ in range(64):
                alive += 1
                held.append(alive)
                yield Piece(1 << 16)

        await store.write("a.rdb", much(), 64 << 16)
        assert max(held) <= 6


class TestOwner:
    @pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
    async def test_a_new_file_is_whose_the_newest_snapshot_is(self, store: FolderStore, tmp_path: Path) -> None:
        for age, (name, owner) in enumerate([("new.rdb", 999), ("old.rdb", 998)]):
            (tmp_path / name).write_text("1")
            (tmp_path / name).chmod(0o640)
            os.chown(tmp_path / name, owner, owner)
            os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
        await store.write("a.rdb", content(b"1"), 1)
        seen = (tmp_path / "a.rdb").stat()
        assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o777) == (999, 999, 0o640)

    @pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
    async def test_else_whose_the_folder_is(self, store: FolderStore, tmp_path: Path) -> None:
        os.chown(tmp_path, 999, 998)
        await store.write("a.rdb", content(b"1"), 1)
        seen = (tmp_path / "a.rdb").stat()
        assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o777) == (999, 998, 0o600)

    async def test_what_the_server_could_not_read_is_not_put_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fchown(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        (tmp_path / "old.rdb").write_text("1")
        monkeypatch.setattr(os, "fchown", fchown)
        real = FolderStore._owner
        monkeypatch.setattr(FolderStore, "_owner", lambda self: real(self)._replace(user=999))
        with pytest.raises(StoreFailed, match="would not be the server's own") as caught:
            await FolderStore("instance", tmp_path).write("a.rdb", content(b"1"), 1)
        assert "user 999" in caught.value.hint
        await FolderStore("nas", tmp_path).write("a.rdb", content(b"1"), 1)
        assert names(tmp_path) == ["a.rdb", "old.rdb"]


class TestRemoving:
    async def test_one_that_is_there_and_one_that_is_gone(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "a.rdb").write_text("1")
        (tmp_path / "b.rdb").write_text("1")
        await store.remove("a.rdb")
        await store.remove("a.rdb")
        assert names(tmp_path) == ["b.rdb"]

    async def test_only_plain_files(self, store: FolderStore, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "folder")
        for name in ("folder", "link"):
            with pytest.raises(StoreFailed, match="no plain file"):
                await store.remove(name)
        assert names(tmp_path) == ["folder", "link"]


def test_the_command_lines_do_what_they_say(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "with blank", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "a 'b'.rdb").write_text("1")
    store = FolderStore("nas", folder)
    subprocess.run(shlex.split(store.read_text("a 'b'.rdb")), cwd=elsewhere, check=True)
    assert names(elsewhere) == ["a 'b'.rdb"]
    subprocess.run(store.remove_text("a 'b'.rdb"), shell=True, check=True)
    assert names(folder) == []


async def test_room(store: FolderStore, tmp_path: Path) -> None:
    space = await store.space()
    assert 0 < space.free_bytes < space.total_bytes


class TestDisks:
    """What a disk answers that cannot be had in a test without being root."""

    @pytest.mark.parametrize(
        ("number", "words"),
        [
            (28, "no space left in"), (122, "no space left in"), (30, "read-only"), (13, "you may not write"),
            (5, "cannot write .*Input/output error"), (116, "cannot write .*Stale file handle"),
        ],
    )  # fmt: skip
    async def test_what_a_write_meets(
        self, store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
    ) -> None:
        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(StoreFailed, match=words):
            await store.write("a.rdb", content(b"1"), 1)
        assert names(tmp_path) == []

    @pytest.mark.skipif(os.getuid() != 0, reason="only root mounts")
    async def test_a_disk_that_is_full(self, tmp_path: Path) -> None:
        with mounted(tmp_path, "size=1m"):
            store = FolderStore("nas", tmp_path)
            with pytest.raises(StoreFailed, match="no space left in"):
                await store.write("a.rdb", content(*[b"1" * (1 << 18)] * 8), -1)
            assert names(tmp_path) == []

    @pytest.mark.skipif(os.getuid() != 0, reason="only root mounts")
    async def test_a_disk_that_is_read_only(self, tmp_path: Path) -> None:
        with mounted(tmp_path, "ro"):
            store = FolderStore("nas", tmp_path)
            with pytest.raises(StoreFailed, match="read-only") as caught:
                await store.write("a.rdb", content(b"1"), 1)
            assert "mount it writable" in caught.value.hint
            assert await store.files() == ()


def open_files() -> Iterable[str]:
    for each in Path("/proc/self/fd").iterdir():
        try:
            yield str(each.readlink())
        except OSError:
            continue
