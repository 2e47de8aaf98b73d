"""What the failover wizard looks like in emergencies, after a cut-off run, and where not all is allowed."""

import pytest

from dfly_tui.settings import Defaults
from tests.screens.conftest import SnapCompare
from tests.screens.failover_stage import Troupe, at_plan, checked, cut_off, gone, primary_text
from tests.screens.stage import Stage, down

NARROW, WIDE = (80, 24), (120, 40)


@pytest.fixture
def troupe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Troupe:
    return Troupe(stage, monkeypatch)


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_emergency(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    gone(troupe)
    assert snap_compare(troupe.app(), terminal_size=size, run_before=checked(troupe))


def test_emergency_plan(snap_compare: SnapCompare, troupe: Troupe) -> None:
    gone(troupe)
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe))


def test_emergency_question(snap_compare: SnapCompare, troupe: Troupe) -> None:
    gone(troupe)
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe, "enter"))


def test_refused(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.stage.actors["beta"].text = primary_text("beta", replication_id="0b" * 20)
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe))


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
def test_unfinished_and_not_begun_to_change(snap_compare: SnapCompare, troupe: Troupe, size: tuple[int, int]) -> None:
    troupe.cast("alpha", "beta")
    cut_off(troupe, pause="done", takeover="intended")
    assert snap_compare(troupe.app(), terminal_size=size, run_before=at_plan(troupe))


def test_unfinished_plan(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    cut_off(troupe, takeover="intended")
    troupe.promote("beta", None)
    troupe.stage.actors["alpha"].error = down()
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe, "f"))


def test_read_only(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.stage.defaults = Defaults(read_only=True)
    troupe.cast("alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe))


def test_dry_run(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.stage.defaults = Defaults(dry_run=True)
    troupe.cast("alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=checked(troupe))


def test_locked(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", environment="production")
    assert snap_compare(troupe.app(), terminal_size=NARROW, run_before=at_plan(troupe))


def test_help(snap_compare: SnapCompare, troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    assert snap_compare(troupe.app(), terminal_size=WIDE, run_before=at_plan(troupe, "question_mark"))
