"""The replication screen: who follows whom, drawn as it is and not as it is meant."""

import pytest

from dfly_tui.models.operation import PlanView
from dfly_tui.operations.journal import Journal
from dfly_tui.settings import Defaults
from tests.screens.conftest import SnapCompare, story
from tests.screens.stage import Stage, down, screen_text, seconds
from tests.screens.test_status import SIZES

CUT_LINK = (("master_link_status:up", "master_link_status:down"), ("slave_repl_offset", "x_offset"))


def changed(stage: Stage, name: str, *pairs: tuple[str, str]) -> None:
    """Replace words in what an instance answers."""
    actor = stage.actors[name]
    for old, new in pairs:
        assert old in actor.text, old
        actor.text = actor.text.replace(old, new)


@pytest.mark.parametrize("size", SIZES)
def test_fresh(snap_compare: SnapCompare, pair: Stage, size: tuple[int, int]) -> None:
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "3", wait=90))


def test_pending(snap_compare: SnapCompare, pair: Stage) -> None:
    for actor in pair.actors.values():
        actor.silent = True
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "3", wait=0))


def test_stale(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].fails_after = (3, down())
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "3", wait=4))


def test_lost(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].error = down()
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "3", wait=20))


def test_all_checks(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=story(pair, "3", "c", wait=5))


def test_read_only(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.defaults = Defaults(read_only=True)
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "3", wait=5))


def test_two_primaries(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.add("stray", group="main", role="replica", replica_of="workhorse", url="redis://10.0.0.9:6379")
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "3", wait=5))


async def text_of(stage: Stage, *keys: str, size: tuple[int, int] = (120, 40)) -> str:
    app = stage.app()
    async with app.run_test(size=size) as pilot:
        await seconds(stage, pilot, 4)
        await pilot.press("3", *keys)
        await seconds(stage, pilot, 1)
        return screen_text(app)


async def test_a_replica_in_sync_may_be_promoted(pair: Stage) -> None:
    text = await text_of(pair)
    assert "main: workhorse leads" in text
    assert "└▶ " in text
    assert "Safe to promote now: yes, but" in text
    assert "connecting → preparation → full sync → catching up → [stable]" in text


async def test_a_full_sync_says_how_far_it_is_and_bars_promotion(pair: Stage) -> None:
    changed(pair, "nas", ("master_sync_in_progress:0", "master_sync_in_progress:1"))
    text = await text_of(pair)
    assert "[full sync, " in text
    assert "Safe to promote now: no" in text


async def test_a_link_that_is_down_keeps_the_last_offset(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 4)
        await pilot.press("3")
        await seconds(pair, pilot, 1)
        changed(pair, "nas", *CUT_LINK)
        await seconds(pair, pilot, 2)
        text = screen_text(app)
    assert "[down] → connecting" in text
    assert "(last told)" in text
    assert "the link is not up: check masterauth" in text


async def test_a_primary_that_came_back_empty_is_shouted_about(pair: Stage) -> None:
    text = pair.actors["workhorse"].text
    pair.actors["workhorse"].text = "\r\n".join(
        "db0:keys=0,expires=0" if line.startswith(("db0:", "db3:")) else line for line in text.splitlines()
    )
    assert "DANGER: workhorse holds 0 keys" in await text_of(pair)


async def test_a_stale_number_promotes_nobody(pair: Stage) -> None:
    pair.actors["nas"].fails_after = (3, down())
    text = await text_of(pair)
    assert "Safe to promote now: yes" not in text


async def test_the_keys_choose_an_instance_and_open_the_wizard(pair: Stage) -> None:
    from screens.failover import FailoverScreen

    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("up", "up")
        await seconds(pair, pilot, 1)
        assert "workhorse leads; connected: 127.0.0.1" in screen_text(app)
        await pilot.press("down", "f")
        await pilot.pause()
        assert isinstance(app.screen, FailoverScreen)
        await pilot.press("escape")


async def test_a_filter_and_an_instance_without_a_group(pair: Stage) -> None:
    pair.add("alone", url="redis://10.0.0.7:6379")
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("3", "slash", *"alon", "enter")
        await seconds(pair, pilot, 1)
        assert "alone: alone leads" in screen_text(app)
        assert "main:" not in screen_text(app)
        await pilot.press("f")
        await pilot.pause()
        assert [note.message for note in app._notifications] == [
            "alone belongs to no group: give it one in the configuration"
        ]
        await pilot.press("slash", *"zzz", "enter")
        await seconds(pair, pilot, 1)
        assert "No instance has that" in screen_text(app)


async def test_a_run_that_was_killed_is_told_of(pair: Stage) -> None:
    plan = PlanView(id="r-1", kind="switchover", title="nas takes over", group="main", facts={}, steps=())
    Journal(pair.paths.journal_dir, plan, clock=pair.clock).note("takeover", "intended")
    text = await text_of(pair)
    assert "nas takes over" in text
