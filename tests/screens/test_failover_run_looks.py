"""What the failover wizard looks like while a plan runs, and at its end."""

import asyncio

import pytest
from textual.pilot import Pilot

from dfly_tui.errors import OutcomeUnknown
from dfly_tui.settings import Defaults
from tests.screens.conftest import SnapCompare
from tests.screens.failover_stage import Troupe, passing, said_yes
from tests.screens.stage import Stage, down

NARROW, WIDE = (80, 24), (120, 40)


@pytest.fixture
def troupe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Troupe:
    return Troupe(stage, monkeypatch)


def test_running_while_it_can_be_given_up(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.gates["pause_writes"] = asyncio.Event()
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=said_yes(troupe, "w", wait=3))


def test_given_up(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    gate = troupe.gates["pause_writes"] = asyncio.Event()

    async def run(pilot: Pilot[int]) -> None:
        await said_yes(troupe, "w", wait=3, after=("escape",))(pilot)
        gate.set()
        await passing(troupe, pilot, 2)

    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=run)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_no_way_back(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta", "gamma")
    troupe.gates["take_over"] = asyncio.Event()
    assert snap_compare(troupe.app(), terminal_size=size, run_before=said_yes(troupe, wait=2))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_watching(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=size, run_before=said_yes(troupe, wait=6))


@pytest.mark.parametrize("theme", ["dfly-dark", "dfly-light", "dfly-contrast", "dfly-ansi"])
def test_done(snap_compare: SnapCompare, troupe: Troupe, theme: str) -> None:
    troupe.stage.defaults = Defaults(theme=theme)
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=WIDE, run_before=said_yes(troupe, wait=25))


def test_done_narrow(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=said_yes(troupe, wait=25))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_incomplete(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta")
    troupe.comes_back = False
    assert snap_compare(troupe.app(), terminal_size=size, run_before=said_yes(troupe, wait=25))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_unknown(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta")
    gate = troupe.gates["take_over"] = asyncio.Event()
    troupe.harms["take_over"] = OutcomeUnknown("no answer to REPLTAKEOVER within 12 s", "look: redis-cli ROLE")

    async def run(pilot: Pilot[int]) -> None:
        await said_yes(troupe)(pilot)
        troupe.stage.actors["beta"].error = down()
        gate.set()
        await passing(troupe, pilot, 30)

    assert snap_compare(troupe.app(), terminal_size=size, run_before=run)
