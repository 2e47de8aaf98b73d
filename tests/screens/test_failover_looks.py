"""What the failover wizard looks like before anything is changed."""

import pytest
from textual.pilot import Pilot

from dfly_tui.models.clients import ClientConnection
from tests.screens.conftest import SnapCompare
from tests.screens.failover_stage import Troupe, at_plan, checked, opened, primary_text
from tests.screens.stage import Stage, down, seconds

NARROW, WIDE = (80, 24), (120, 40)


@pytest.fixture
def troupe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Troupe:
    return Troupe(stage, monkeypatch)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_plan(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=size, run_before=at_plan(troupe))


def test_reading(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()

    async def run(pilot: Pilot[int]) -> None:
        await seconds(troupe.stage, pilot, 3)
        troupe.stage.actors["beta"].silent = True
        await opened(troupe, pilot, wait=0)

    assert snap_compare(app, terminal_size=NARROW, run_before=run)


def test_candidates(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    troupe.stage.actors["gamma"].text = primary_text("gamma")
    troupe.stage.actors["gamma"].error = down()
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe, "down"))


def test_step_with_its_commands(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe, *["down"] * 11))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_blocked(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta")
    bob = "dfly-tui:failover:20260102-030000-0001:bob@laptop"
    troupe.clients = (ClientConnection(id=9, address="10.0.0.9:5", name=bob),)
    assert snap_compare(troupe.app(), terminal_size=size, run_before=checked(troupe))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_checks_are_read(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=size, run_before=checked(troupe))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_question(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=size, run_before=checked(troupe, "enter", *"bet"))


def test_question_scrolled(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, "enter", "pagedown"))
