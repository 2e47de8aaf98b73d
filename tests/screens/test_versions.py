"""The screens on what real servers of each kind answered."""

import pytest

from tests.screens.conftest import SnapCompare, story
from tests.screens.stage import Stage, screen_text, seconds

RECORDINGS = ["v1.22.2", "v1.40.1", "redis-7.0"]


@pytest.fixture(params=RECORDINGS)
def recorded_pair(request: pytest.FixtureRequest, stage: Stage) -> Stage:
    """A primary and its replica, as recorded."""
    stage.add("workhorse", f"{request.param}-primary", group="main", role="primary")
    stage.add("nas", f"{request.param}-replica", group="main", role="replica", replica_of="workhorse")
    return stage


def test_status(snap_compare: SnapCompare, recorded_pair: Stage) -> None:
    assert snap_compare(recorded_pair.app(), terminal_size=(200, 50), run_before=story(recorded_pair, wait=20))


def test_metrics(snap_compare: SnapCompare, recorded_pair: Stage) -> None:
    assert snap_compare(recorded_pair.app(), terminal_size=(120, 40), run_before=story(recorded_pair, "2", wait=60))


async def test_a_healthy_pair_is_healthy(recorded_pair: Stage) -> None:
    app = recorded_pair.app()
    async with app.run_test(size=(200, 50)) as pilot:
        await seconds(recorded_pair, pilot, 20)
        text = screen_text(app)
        assert text.count("● ok") == 2
        assert "nothing is wrong" in text
        assert "≠" not in text
