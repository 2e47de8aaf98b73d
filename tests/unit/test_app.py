"""The composition root, as the operating system and the shell see it."""

import subprocess
import sys
from pathlib import Path

import pytest

from dfly_tui import app
from dfly_tui.paths import Paths
from dfly_tui.settings import Settings

WITHOUT_FILES = """
import resource
from dfly_tui import app
app.import_the_rest()
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
import screens.metrics, screens.instance, screens.picker, screens.help, screens.unlock, widgets.dialog
try:
    open("/dev/null")
except OSError:
    print("no file can be opened")
"""


def test_screens_open_when_no_file_can_be_opened_any_more() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_FILES], capture_output=True, text=True, check=False)
    assert done.stdout == "no file can be opened\n", done.stderr


def test_a_module_that_cannot_be_read_now_is_left_for_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(name: str) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(app, "import_module", fail)
    app.import_the_rest()
    assert "Too many open files" in caplog.text


@pytest.mark.parametrize(("returned", "code", "exit_code"), [(None, 0, 0), (0, 0, 0), (1, 0, 1), (None, 1, 1)])
def test_a_crash_is_no_success(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, returned: int | None, code: int, exit_code: int
) -> None:
    monkeypatch.setattr(app.DflyApp, "run", lambda self: returned)
    monkeypatch.setattr(app.DflyApp, "return_code", code)
    monkeypatch.setattr(app, "watch_terminal", lambda *_: None)
    monkeypatch.setattr(app, "start_logging", lambda _: None)
    paths = Paths(tmp_path / "config", tmp_path / "state")
    with Path("/dev/null").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert app.run_dashboard(Settings(), paths, {"HOME": str(tmp_path)}) == exit_code
