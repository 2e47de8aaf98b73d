"""Running commands in process, beside scripted servers."""

from pathlib import Path

import pytest

from tests.cli.support import Cli


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `dfly-tui` with a home of its own, and keeps what it prints."""
    return Cli(tmp_path, capsys)
