"""Copying and saving from the value screen."""

import stat
from pathlib import Path

import pytest

from dfly_tui.errors import Refused
from screens import clipboard
from tests.screens.value_stage import KeyStage, opened, shown, typed
from tests.support.values import PLAIN_TYPES


@pytest.fixture
def stage(tmp_path: Path) -> KeyStage:
    return KeyStage(tmp_path)


async def test_copies_go_through_the_terminal(stage: KeyStage, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[bytes] = []

    async def copy(app: object, data: bytes, environ: object) -> None:
        copied.append(data)

    monkeypatch.setattr("screens.value_actions.copy", copy)
    binary = ("HSET", "h", b"field", b"\x00\xff", b"text", b"plain")
    async with stage.server(binary), stage.running() as pilot:
        await opened(pilot, "h", "2 of 2")
        for words in ("value", "name", "reads", "make it anew"):
            await pilot.press("y")
            await shown(pilot, "Copy")
            await typed(pilot, words)
            await pilot.press("enter")
            await pilot.pause()
        await shown(pilot, "Copied")
    assert copied == [b'"\\x00\\xff"', b"h", b"HGETALL h", b'HSET h field "\\x00\\xff" text plain']


def test_what_is_written_to_the_terminal_for_a_copy() -> None:
    plain = "\x1b]52;c;aGVsbG8=\x07"
    assert clipboard.sequences(b"hello", {}) == plain
    wrapped = clipboard.sequences(b"hello", {"TMUX": "/tmp/tmux-1/default,1,0"})
    assert wrapped == plain + "\x1bPtmux;\x1b\x1b]52;c;aGVsbG8=\x07\x1b\\"


async def test_a_copy_is_written_and_tmux_is_asked(
    stage: KeyStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmux = tmp_path / "bin" / "tmux"
    tmux.parent.mkdir()
    tmux.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\ncat >> {tmp_path}/said\n')
    tmux.chmod(0o700)
    environ = {"TMUX": "/tmp/x,1,0", "PATH": f"{tmux.parent}:/usr/bin:/bin"}
    app = stage.app()
    written: list[str] = []
    async with stage.running(app):
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await clipboard.copy(app, b"\xffvalue", environ)
        assert clipboard.sequences(b"\xffvalue", environ) in written
        assert (tmp_path / "said").read_bytes() == b"load-buffer -w -\n\xffvalue"
        with pytest.raises(Refused, match="more than a terminal takes"):
            await clipboard.copy(app, bytes(2 << 20), environ)
        tmux.write_text("no program")
        tmux.chmod(0o700)
        await clipboard.copy(app, b"x", environ)


async def test_one_element_is_saved_and_what_has_no_bytes_is_not(stage: KeyStage, tmp_path: Path) -> None:
    async with stage.server(*PLAIN_TYPES), stage.running() as pilot:
        await opened(pilot, "session:0", "3 of 3")
        await pilot.press("s")
        await shown(pilot, "Save the exact bytes")
        await typed(pilot, str(tmp_path / "element"))
        await pilot.press("enter")
        await shown(pilot, "Saved")
        assert (tmp_path / "element").read_bytes() == b'{"name": "curl", "version": [8, 1]}'
        await pilot.press("escape")
        await opened(pilot, "nosuch", "gone since")
        await pilot.press("s")
        await shown(pilot, "nothing here has bytes of its own")


async def test_exact_bytes_are_saved_to_a_new_private_file(stage: KeyStage, tmp_path: Path) -> None:
    value = bytes(range(256)) * 10_000
    async with stage.server(("SET", "s", value)), stage.running() as pilot:
        await opened(pilot, "s", "bytes 0 to 65,536")
        target = tmp_path / "x.bin"
        for expected in ("Saved", "Not saved"):
            await pilot.press("s")
            await shown(pilot, "Save the exact bytes")
            await typed(pilot, str(target))
            await pilot.press("enter")
            await shown(pilot, expected)
        assert target.read_bytes() == value
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
