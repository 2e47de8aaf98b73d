"""A set that was chosen, encrypted or not."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dfly_tui.clients.stores.folder import FolderStore
from dfly_tui.errors import StoreFailed
from dfly_tui.models.backup import BackupRecord, Copy, FileSum
from dfly_tui.models.snapshots import SnapshotFormat, listing
from dfly_tui.operations.backup import chosen as module
from dfly_tui.operations.backup.chosen import Chosen

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLAIN = b"REDIS0009 and some more"


async def turned(content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """As a program that decrypts: what was written from behind."""
    whole = b"".join([piece async for piece in content])
    yield whole[::-1]


async def choose(folder: Path, record: BackupRecord | None = None, *, encrypted: bool = True) -> Chosen:
    (folder / ("dump.rdb.age" if encrypted else "dump.rdb")).write_bytes(PLAIN[::-1] if encrypted else PLAIN)
    store = FolderStore("nas", folder)
    [found] = listing(await store.files()).sets
    return Chosen(store, found, record, turned if encrypted else None)


def record(*files: FileSum, copies: tuple[Copy, ...] = ()) -> BackupRecord:
    return BackupRecord(
        instance="alpha", base="dump", format=SnapshotFormat.RDB, began_at=NOW, files=files, copies=copies
    )


async def test_one_that_is_encrypted(tmp_path: Path) -> None:
    chosen, other = await choose(tmp_path), tmp_path / "other"
    other.mkdir()
    assert await chosen.head(chosen.looked_for, 9) == b"REDIS0009"
    assert await chosen.size(chosen.looked_for) == len(PLAIN)
    await chosen.send(chosen.looked_for, FolderStore("x", other), chosen.name_in("new", chosen.looked_for))
    assert (other / "new.rdb").read_bytes() == PLAIN
    known = await choose(tmp_path, record(FileSum(name="dump.rdb", size_bytes=99)))
    assert await known.size(known.looked_for) == 99, "it need not be read for that"
    other_set = await choose(tmp_path, record(FileSum(name="x.rdb", size_bytes=99)))
    assert await other_set.size(other_set.looked_for) == len(PLAIN)


async def test_one_that_is_not(tmp_path: Path) -> None:
    chosen = await choose(tmp_path, encrypted=False)
    assert (chosen.shown, chosen.others) == ("dump from nas", ())
    assert await chosen.head(chosen.looked_for, 5) == b"REDIS"
    assert await chosen.head(chosen.looked_for, 500) == PLAIN
    assert chosen.recorded(chosen.looked_for) is None


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_was_recorded_of_this_very_copy_counts(tmp_path: Path, at_once: bool) -> None:
    other = tmp_path / "other"
    other.mkdir()
    there = FileSum(name="dump.rdb", size_bytes=len(PLAIN))
    copies = (Copy(store="nas", at=NOW, files=(there,)), Copy(store="x", at=NOW, files=()))
    chosen = await choose(tmp_path, record(FileSum(name="dump.rdb", size_bytes=1), copies=copies), encrypted=False)
    assert chosen.recorded(chosen.looked_for) == there
    await chosen.send(chosen.looked_for, FolderStore("x", other), "a.rdb", at_once=at_once, modified_at=NOW)
    assert (other / "a.rdb").read_bytes() == PLAIN
    assert (other / "a.rdb").stat().st_mtime == NOW.timestamp()
    wrong = await choose(tmp_path, record(FileSum(name="dump.rdb", size_bytes=1)), encrypted=False)
    with pytest.raises(StoreFailed, match="not the 1 it was recorded with"):
        await wrong.send(wrong.looked_for, FolderStore("x", other), "b.rdb", at_once=at_once)
    assert not (other / "b.rdb").exists()


async def test_what_is_no_generator_need_not_be_closed() -> None:
    class Once:
        def __aiter__(self) -> "Once":
            return self

        async def __anext__(self) -> bytes:
            raise StopAsyncIteration

    async with module._closed(Once()) as pieces:
        assert [piece async for piece in pieces] == []
