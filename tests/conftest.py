"""What every test gets: an empty home, a still cursor, no animation; and what CI must not skip."""

import os
import tomllib
from collections.abc import Generator
from importlib import metadata
from pathlib import Path

import hypothesis
import pytest
import pytest_textual_snapshot
from packaging.requirements import Requirement
from textual.widgets import Input, TextArea

pytest.register_assert_rewrite("tests.support")

pytest_plugins = ["tests.contract.plugin"]

ROOT = Path(__file__).parents[1]
SNAPSHOT_MAKERS = ("rich", "syrupy", "textual", "pytest-textual-snapshot")
REQUIRED_BY = {"docker": "DFLY_REQUIRE_DOCKER", "redis_server": "DFLY_REQUIRE_REDIS"}
"""Marker → the variable that turns its skips into failures."""

# Repeatable: the same examples each time, however slow the machine.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

_Diff = pytest_textual_snapshot.SvgSnapshotDiff


def _diff_without_environment(**fields: object) -> object:
    """The plugin's report prints every environment variable, passwords too, into a file that CI keeps."""
    return _Diff(**{**fields, "environment": {}})


def pytest_configure(config: pytest.Config) -> None:
    pytest_textual_snapshot.SvgSnapshotDiff = _diff_without_environment
    if config.getoption("update_snapshots"):
        _insist_on_pinned_versions()


def _insist_on_pinned_versions() -> None:
    """Snapshots made with other versions would differ on everybody else's machine."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {pin.name: pin for pin in map(Requirement, project["optional-dependencies"]["dev"])}
    for name in SNAPSHOT_MAKERS:
        if metadata.version(name) not in pins[name].specifier:
            raise pytest.UsageError(f"snapshots are made with {pins[name]}, not with {metadata.version(name)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI says that a server is there, a test that does not find it has failed."""
    report = yield
    for marker, variable in REQUIRED_BY.items():
        if report.skipped and item.get_closest_marker(marker) and os.environ.get(variable):
            report.outcome = "failed"
            report.longrepr = f"{variable} is set, but: {call.excinfo.value if call.excinfo else 'skipped'}"
    return report


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own configuration, colours and passwords never reach a test."""
    for name in list(os.environ):
        ours = name.startswith(("DFLY_", "TEXTUAL_")) and not name.startswith(("DFLY_REQUIRE_", "TEXTUAL_SNAPSHOT_"))
        if ours or name in {"NO_COLOR", "FORCE_COLOR", "SSH_CONNECTION", "SSH_TTY"}:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name, folder in (
        ("CONFIG", ".config"),
        ("STATE", ".local/state"),
        ("DATA", ".local/share"),
        ("CACHE", ".cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))


@pytest.fixture(autouse=True)
def _stillness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves by itself in a snapshot. (The variable of this name would be read too early.)"""
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda self: None)
