"""What views look like."""

import pytest

from tests.screens.conftest import SnapCompare
from tests.screens.stage import Stage
from tests.screens.views_stage import story

SIZES = [(80, 24), (120, 40)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", ["Workflows", "Agents", "Sessions", "Queues"])
def test_a_view(snap_compare: SnapCompare, pair: Stage, view: str, size: tuple[int, int]) -> None:
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, view))


def test_folded_and_sorted(snap_compare: SnapCompare, pair: Stage) -> None:
    keys = ("enter", "down", "s", "s")
    assert snap_compare(pair.app(), terminal_size=(100, 30), run_before=story(pair, "Workflows", *keys))


def test_in_a_terminal_that_is_narrow(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=(40, 20), run_before=story(pair, "Workflows"))
