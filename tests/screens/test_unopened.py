"""A screen whose code cannot be read now, as when no file can be opened any more, is told of; the dashboard goes on."""

import errno
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

import screens
from dfly_tui.errors import Unreachable
from tests.screens.stage import Stage, screen_text, seconds


class NoFile(MetaPathFinder):
    """Refuses to load some modules, as Python's own finder does when the process has no file descriptor left."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self.names:
            raise OSError(errno.EMFILE, "Too many open files", "/somewhere/module.py")
        return None


@pytest.fixture
def no_file(monkeypatch: pytest.MonkeyPatch) -> NoFile:
    """Nothing is refused until its `names` say so."""
    finder = NoFile()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    return finder


def forget(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As if it had not been imported yet; the module of the other tests comes back afterwards."""
    module = importlib.import_module(f"screens.{name}")
    monkeypatch.setattr(screens, name, module)
    monkeypatch.delitem(sys.modules, module.__name__)


async def until(pilot: Pilot[int], check: Callable[[], bool]) -> None:
    """Let the app work off what it was told, until this is so."""
    for _ in range(20):
        await pilot.pause()
        if check():
            return
    raise AssertionError("not so after twenty rounds")


@pytest.mark.parametrize(
    ("keys", "name", "scope"),
    [
        (("2",), "metrics", "metrics"),
        (("3",), "replication", "replication"),
        (("enter",), "instance", "instance"),
        (("3", "f"), "failover", "failover"),
        (("colon",), "picker", None),
        (("question_mark",), "help", None),
        (("U",), "unlock", None),
    ],
)
async def test_it_is_told_and_opens_once_a_file_is_free(
    pair: Stage, monkeypatch: pytest.MonkeyPatch, no_file: NoFile, keys: tuple[str, ...], name: str, scope: str | None
) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press(*keys[:-1])
        before: Screen[object] = app.screen
        forget(monkeypatch, name)
        no_file.names = (f"screens.{name}",)
        await pilot.press(keys[-1])
        await until(pilot, lambda: "Too many open files" in screen_text(app))
        assert app.screen is before
        await seconds(pair, pilot, 2)
        assert "● fresh" in screen_text(app)
        no_file.names = ()
        await pilot.press(keys[-1])
        await until(pilot, lambda: app.screen is not before)
        assert getattr(app.screen, "scope", None) == scope


async def test_the_screen_left_behind_goes_on(pair: Stage, monkeypatch: pytest.MonkeyPatch, no_file: NoFile) -> None:
    """One that could not be replaced was not put to sleep either."""
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        forget(monkeypatch, "metrics")
        no_file.names = ("screens.metrics",)
        await pilot.press("2")
        pair.actors["workhorse"].error = Unreachable("connection refused by 10.0.0.1:6379")
        await seconds(pair, pilot, 30)
        assert "connection refused" in screen_text(app)
