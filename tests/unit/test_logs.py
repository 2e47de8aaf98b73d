"""The log file: private, also after a rotation, and silent when it cannot be written."""

import errno
import io
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dfly_tui import logs
from dfly_tui.logs import start_logging
from dfly_tui.paths import Paths


class _Full(io.StringIO):
    """What a file on a full disk does."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, raises = logging.getLogger(), logging.raiseExceptions
    before, level = list(root.handlers), root.level
    yield
    for handler in [handler for handler in root.handlers if handler not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.raiseExceptions = raises


def test_every_file_is_private_also_after_a_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 200)
    paths = Paths(tmp_path, tmp_path / "state")
    paths.state_dir.mkdir()
    paths.log_file.touch(0o644)
    start_logging(paths)

    for number in range(20):
        logging.getLogger("test").info("line %d", number)

    files = sorted(paths.state_dir.iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_a_full_disk_paints_nothing_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = Paths(tmp_path, tmp_path / "state")
    paths.state_dir.mkdir()
    start_logging(paths)
    handler = logging.getLogger().handlers[-1]
    assert isinstance(handler, logging.FileHandler)
    file = handler.setStream(_Full())  # type: ignore[arg-type]
    assert file is not None
    file.close()

    logging.getLogger("test").error("cannot be written")

    assert capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_made_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    start_logging(Paths(tmp_path, tmp_path / "file" / "state"))
    logging.getLogger("test").error("goes nowhere")
