"""What the replication screen looks like in the states that somebody on call meets."""

import pytest
from textual.pilot import Pilot

from dfly_tui.settings import Defaults
from tests.screens.conftest import SnapCompare, story
from tests.screens.replication_stage import CUT_LINK, changed
from tests.screens.stage import Stage, down, seconds
from tests.screens.test_status import SIZES

NARROW, WIDE = (80, 24), (120, 40)
both_sizes = pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
Size = tuple[int, int]


@pytest.mark.parametrize("size", SIZES)
def test_fresh(snap_compare: SnapCompare, pair: Stage, size: Size) -> None:
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "3", wait=90))


def test_pending(snap_compare: SnapCompare, pair: Stage) -> None:
    for actor in pair.actors.values():
        actor.silent = True
    assert snap_compare(pair.app(), terminal_size=NARROW, run_before=story(pair, "3", wait=0))


def test_stale(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].fails_after = (3, down())
    assert snap_compare(pair.app(), terminal_size=NARROW, run_before=story(pair, "3", wait=4))


def test_slow(snap_compare: SnapCompare, pair: Stage) -> None:
    async def run(pilot: Pilot[int]) -> None:
        await seconds(pair, pilot, 3)
        pair.actors["nas"].silent = True
        await story(pair, "3", wait=5)(pilot)

    assert snap_compare(pair.app(), terminal_size=NARROW, run_before=run)


@both_sizes
def test_primary_lost(snap_compare: SnapCompare, pair: Stage, size: Size) -> None:
    changed(pair, "workhorse", ("state=online,lag=1", "state=online,lag=983"))
    changed(pair, "nas", *CUT_LINK, ("master_last_io_seconds_ago:0", "master_last_io_seconds_ago:17"))
    pair.actors["workhorse"].fails_after = (12, down())
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "3", wait=30))


@both_sizes
def test_two_primaries(snap_compare: SnapCompare, pair: Stage, size: Size) -> None:
    pair.add("stray", group="main", role="replica", replica_of="workhorse", url="redis://10.0.0.9:6379")
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "3", wait=5))


@both_sizes
def test_unsaved(snap_compare: SnapCompare, pair: Stage, size: Size) -> None:
    """A primary with changes since its last snapshot."""
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "3", "up", wait=5))


def test_all_checks(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=WIDE, run_before=story(pair, "3", "c", wait=5))


def test_read_only(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.defaults = Defaults(read_only=True)
    assert snap_compare(pair.app(), terminal_size=NARROW, run_before=story(pair, "3", wait=5))


@pytest.mark.parametrize("theme", ["dfly-light", "dfly-contrast", "dfly-ansi"])
def test_themes(snap_compare: SnapCompare, pair: Stage, theme: str) -> None:
    pair.defaults = Defaults(theme=theme)
    pair.actors["workhorse"].fails_after = (3, down())
    assert snap_compare(pair.app(), terminal_size=NARROW, run_before=story(pair, "3", wait=12))
