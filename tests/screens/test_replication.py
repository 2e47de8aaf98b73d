"""The replication screen: who follows whom, drawn as it is and not as it is meant."""

from dfly_tui.errors import Loading
from dfly_tui.models.operation import PlanView
from dfly_tui.operations.journal import Journal
from tests.screens.replication_stage import CUT_LINK, changed, text_of
from tests.screens.stage import Stage, down, screen_text, seconds


async def test_a_replica_in_sync_may_be_promoted(pair: Stage) -> None:
    text = await text_of(pair)
    assert "main: workhorse leads" in text
    assert "└▶ " in text
    assert "▲ yes, but: last snapshot: none is known" in text
    assert "1 record, 0 s behind" in text
    assert "workhorse 127.0.0.1:17379, as meant; heard 0 s ago; masterauth works" in text
    assert "connecting → preparation → full sync → catching up → [stable]" in text


async def test_a_full_sync_says_how_far_it_is_and_bars_promotion(pair: Stage) -> None:
    changed(pair, "nas", ("master_sync_in_progress:0", "master_sync_in_progress:1"))
    text = await text_of(pair)
    assert "→ [full sync 1.00M of 1.00M keys] →" in text
    assert "✖ no: state of the link: full sync" in text
    assert "promote: no" in text


async def test_a_link_that_is_down_keeps_the_last_offset(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 4)
        await pilot.press("3")
        await seconds(pair, pilot, 1)
        changed(pair, "nas", *CUT_LINK)
        await seconds(pair, pilot, 2)
        text = screen_text(app)
    assert "down: [connecting] → preparation" in text
    assert "3 (last told)" in text
    assert "look at masterauth" in text


async def test_a_primary_that_came_back_empty_is_shouted_about(pair: Stage) -> None:
    text = pair.actors["workhorse"].text
    pair.actors["workhorse"].text = "\r\n".join(
        "db0:keys=0,expires=0" if line.startswith(("db0:", "db3:")) else line for line in text.splitlines()
    )
    text = await text_of(pair)
    assert "DANGER   workhorse holds 0 keys and nas 1.00M" in text
    assert "D makes it a primary of its own at once" in " ".join(text.split())


async def test_a_stale_number_promotes_nobody(pair: Stage) -> None:
    pair.actors["nas"].fails_after = (3, down())
    text = await text_of(pair)
    assert "✖ no: it does not answer" in text
    assert "as of    3 s ago" in text
    assert "promote: yes" not in text


async def test_the_keys_choose_an_instance_and_open_the_wizard(pair: Stage) -> None:
    from screens.failover import FailoverScreen

    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("up", "up")
        await seconds(pair, pilot, 1)
        assert "replicas nas stable, 1 record behind" in screen_text(app)
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


async def test_a_primary_says_what_a_restart_would_lose(pair: Stage) -> None:
    text = await text_of(pair, "up")
    assert "1.00M changes unsaved" in text
    assert "saved    no snapshot is known of; 1.00M changes since: if it restarts, it comes back without them" in text
    assert "Lag of nas, the slowest, in seconds, estimated 0 s" in text


async def test_a_loading_replica_says_so(pair: Stage) -> None:
    pair.actors["nas"].error = Loading("loading its snapshot", "wait")
    text = await text_of(pair)
    assert "loading its snapshot" in text
    assert "promote: yes" not in text


async def test_a_click_chooses_and_pages_scroll(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 4)
        await pilot.press("3", "c")
        await seconds(pair, pilot, 1)
        assert "promote  ▲" in screen_text(app)
        await pilot.press("pagedown")
        await pilot.pause()
        assert "promote  ▲" not in screen_text(app)
        await pilot.press("pageup")
        await pilot.pause()
        assert "promote  ▲" in screen_text(app)
        await pilot.click("Topology", offset=(6, 1))
        await pilot.pause()
        assert "▸ ● workhorse" in screen_text(app)
        assert app.services.selected == "workhorse"
