"""Files that were not there before."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dfly_tui.clients.new_file import save_new
from dfly_tui.errors import DflyError, Refused, Unreachable


async def pieces(*parts: bytes, error: DflyError | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if error is not None:
        raise error


async def test_a_new_file_is_private_and_whole(tmp_path: Path) -> None:
    told: list[int] = []
    path = tmp_path / "new" / "x.bin"
    assert await save_new(path, pieces(b"\0\xff", b"abc"), told.append) == 5
    assert path.read_bytes() == b"\0\xffabc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert told == [2, 5]


async def test_nothing_is_overwritten_nor_written_through_a_link(tmp_path: Path) -> None:
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_text("mine")
    link.symlink_to(tmp_path / "elsewhere")
    for path in (there, link):
        with pytest.raises(Refused, match="is there already"):
            await save_new(path, pieces(b"x"))
    assert there.read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


async def test_half_a_file_is_not_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    with pytest.raises(Unreachable):
        await save_new(path, pieces(b"half", error=Unreachable("gone")))
    assert not path.exists()


async def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DflyError, match="File exists"):
        await save_new(tmp_path / "file" / "x.bin", pieces(b"x"))
