"""The file of an export: whole, or noticed not to be."""

import gzip
import json
import os
import stat
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from dfly_tui.errors import DflyError, Refused
from dfly_tui.models.key_lines import MOST_LINE_BYTES, Damaged
from dfly_tui.models.key_parts import Part
from dfly_tui.models.keys import HASH, STRING
from dfly_tui.operations.keys.export_file import ExportFile, ExportWriter, Header, new_file

HEADER = Header("2026-01-01T00:00:00+00:00", "dragonfly", "1.40.1", "nas", 3, "user:*")
PARTS = [
    Part(b"a", STRING, None, b"1"),
    Part(b"\xff", HASH, 1234, [(b"f", b"v")], is_last=False),
    Part(b"\xff", HASH, 1234, [(b"g", b"\x80")], 1),
    Part(b"given up", HASH, None, [(b"f", b"v")], is_last=False),
    Part(b"given up", HASH, None, b"", 1, void="it became another type"),
]


def write(path: Path, parts: list[Part] = PARTS, *, overwrite: bool = False) -> None:
    with new_file(path, overwrite=overwrite) as out:
        writer = ExportWriter(out, HEADER)
        writer.add(parts)
        writer.end()


@pytest.fixture(params=["keys.jsonl", "keys.jsonl.gz"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    write(path)
    return path


def test_it_is_read_as_it_was_written(whole: Path) -> None:
    file, told = ExportFile(whole), list[int]()
    assert file.header() == HEADER
    assert list(file.parts(told.append)) == PARTS
    many = [Part(b"%d" % number, STRING, None, b"x" * 100) for number in range(200)]
    write(whole, many, overwrite=True)
    assert list(file.parts(told.append)) == many
    assert len(told) == 3
    assert told == sorted(told)


def test_only_the_user_can_read_it_and_nothing_else_is_left(whole: Path) -> None:
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600
    assert list(whole.parent.iterdir()) == [whole]
    assert (whole.read_bytes()[:2] == b"\x1f\x8b") == (whole.suffix == ".gz")


def test_the_trailer_counts(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    write(path)
    *_, last = path.read_text().splitlines()
    trailer = json.loads(last)
    assert (trailer["keys"], trailer["lines"]) == (2, 6)
    assert trailer["bytes"] == 1 + 1 + 1 + 2 + 2 + len("given up") + 2


def test_nothing_is_overwritten_unless_it_was_said(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    path.write_text("mine")
    with pytest.raises(Refused, match="is there already"):
        write(path)
    assert path.read_text() == "mine"
    write(path, overwrite=True)
    assert list(ExportFile(path).parts()) == PARTS
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refused):
        write(link)
    with pytest.raises(Refused, match="is not a file"):
        write(tmp_path, overwrite=True)


def test_one_that_came_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    with pytest.raises(Refused), new_file(path, overwrite=False):
        path.write_text("mine")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def _full_disk(out: IO[bytes]) -> None:
    out.write(b"half")
    raise OSError(28, "No space left on device")


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "keys.jsonl"
    write(path)
    assert list(ExportFile(path).parts()) == PARTS
    assert list(tmp_path.iterdir()) == [path]


def test_one_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    before = tmp_path / "keys.jsonl"
    before.write_text("mine")
    with pytest.raises(DflyError, match="No space left"), new_file(before, overwrite=True) as out:
        _full_disk(out)
    with pytest.raises(KeyError), new_file(tmp_path / "other", overwrite=True):
        raise KeyError
    assert before.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [before]
    with pytest.raises(DflyError, match="No such file"):
        write(tmp_path / "nosuch" / "keys.jsonl")


def test_one_that_was_cut_off_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    write(path)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(Damaged):
            list(ExportFile(path).parts())


def test_one_that_was_changed_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    write(path)
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(Damaged):
            list(ExportFile(path).parts())


def _line(number: int, change: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    return lambda lines: [change(line) if at == number else line for at, line in enumerate(lines, 1)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines, "{}\n"], "something follows the end"),
        (lambda lines: [lines[0], *lines[2:]], "says keys 2, but it is 1"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 4 begins a key in the middle"),
        (lambda lines: [*lines[:3], lines[-1]], "ends in the middle of a key"),
        (lambda lines: lines[:-1], "it was cut off"),
        (lambda lines: [], "it was cut off"),
        (lambda lines: [lines[0], "garbage\n", *lines[1:]], "line 2 is not JSON"),
        (lambda lines: [lines[0], "\n", *lines[1:]], "line 2 is not JSON"),
        (_line(1, lambda line: line.replace('"version": 1', '"version": 7')), "it is of version 7"),
        (_line(1, lambda line: line.replace("dfly-tui-keys", "other")), "does not begin as an export"),
        (_line(1, lambda line: "garbage\n"), "line 1 is not JSON"),
        (_line(2, lambda line: line.replace('"1"', '"2"')), "says sha256"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, change: Callable[[list[str]], list[str]], said: str) -> None:
    path = tmp_path / "keys.jsonl"
    write(path)
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))
    with pytest.raises(Damaged) as caught:
        list(ExportFile(path).parts())
    assert said in caught.value.detail
    assert caught.value.hint


def test_a_line_of_100_mb_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    write(path)
    lines = path.read_bytes().splitlines(keepends=True)
    with path.open("wb") as file:
        file.write(lines[0] + b'{"key":"k","type":"string","value":"')
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(Damaged, match="line 2 has more than 32 MiB"):
            list(ExportFile(path).parts())
        assert tracemalloc.get_traced_memory()[1] < 4 * MOST_LINE_BYTES
    finally:
        tracemalloc.stop()


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl.gz"
    write(path)
    data = path.read_bytes()
    for harmed in (data[:-9], data[:40], data[:15] + b"\x00" * 20 + data[35:]):
        path.write_bytes(harmed)
        with pytest.raises(Damaged):
            list(ExportFile(path).parts())
    path.write_bytes(data + b"more")
    with pytest.raises(Damaged):
        list(ExportFile(path).parts())
    path.write_bytes(gzip.compress(b"not an export\n"))
    with pytest.raises(Damaged, match="line 1 is not JSON"):
        ExportFile(path).header()


def test_a_file_that_is_not_there_or_not_ours(tmp_path: Path) -> None:
    with pytest.raises(DflyError, match="No such file"):
        ExportFile(tmp_path / "nosuch").identity()
    with pytest.raises(DflyError, match="Is a directory"):
        ExportFile(tmp_path).header()


def test_a_header_from_elsewhere_is_shown_harmlessly(tmp_path: Path) -> None:
    path = tmp_path / "keys.jsonl"
    told = {"format": "dfly-tui-keys", "version": 1, "instance": "\x1b[31m" * 100, "database": "x", "filter": None}
    path.write_text(json.dumps(told) + "\n")
    header = ExportFile(path).header()
    assert header.instance.isprintable()
    assert len(header.instance) == 200
    assert (header.database, header.filter, header.product) == (0, None, "")


def test_another_file_has_another_identity(whole: Path) -> None:
    before = ExportFile(whole).identity()
    assert ExportFile(whole).identity() == before
    os.utime(whole, ns=(0, 0))
    assert ExportFile(whole).identity() != before
