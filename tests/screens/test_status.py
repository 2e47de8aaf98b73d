"""The status screen: what somebody on call sees, in every state, and what their keys do."""

from collections.abc import Callable

import pytest

from dfly_tui.app import DflyApp
from dfly_tui.errors import AuthFailed, Loading
from dfly_tui.settings import Defaults
from tests.screens.conftest import SnapCompare, story
from tests.screens.stage import Stage, down, screen_text, seconds

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 40), id="120x40"), pytest.param((200, 50), id="200x50")]


def test_pending(snap_compare: SnapCompare, pair: Stage) -> None:
    for actor in pair.actors.values():
        actor.silent = True
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, wait=0))


@pytest.mark.parametrize("size", SIZES)
def test_fresh(snap_compare: SnapCompare, pair: Stage, size: tuple[int, int]) -> None:
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, wait=20))


@pytest.mark.parametrize("theme", ["dfly-light", "dfly-contrast", "dfly-ansi"])
def test_themes(snap_compare: SnapCompare, pair: Stage, theme: str) -> None:
    pair.defaults = Defaults(theme=theme)
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, wait=5))


def test_stale(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["nas"].fails_after = (3, down())
    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=story(pair, wait=3))


def test_lost(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.actors["workhorse"].fails_after = (3, down())
    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=story(pair, wait=14))


def test_read_only(snap_compare: SnapCompare, pair: Stage) -> None:
    pair.defaults = Defaults(read_only=True)
    assert snap_compare(pair.app(), terminal_size=(80, 24), run_before=story(pair, "down", wait=5))


def test_too_narrow(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=(46, 14), run_before=story(pair, wait=5))


def test_many(snap_compare: SnapCompare, stage: Stage) -> None:
    for number in range(40):
        stage.add(f"cache-{number:02}")
    stage.actors["cache-17"].error = down()
    assert snap_compare(stage.app(), terminal_size=(80, 24), run_before=story(stage, wait=6))


async def test_problems_come_first_and_say_what_to_do(pair: Stage) -> None:
    pair.actors["nas"].error = AuthFailed("10.0.0.2:6379 refused the password", "check password_env")
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 12)
        text = screen_text(app)
        table = text.split("snapshot", 1)[1]
        assert table.index("nas") < table.index("workhorse")
        await pilot.press("home")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
        assert "10.0.0.2:6379 refused the password" in text
        assert "check password_env" in text


async def test_a_server_that_comes_back_recovers_by_itself(pair: Stage) -> None:
    actor = pair.actors["workhorse"]
    actor.error = Loading("Dragonfly is loading the dataset in memory")
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 8)
        assert "lost" in screen_text(app)
        actor.error = None
        await seconds(pair, pilot, 30)
        assert "lost" not in screen_text(app)


async def test_filter_shows_what_matches_and_escape_shows_all(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("slash", "n", "a", "s", "enter")
        await seconds(pair, pilot, 1)
        table = screen_text(app).split("snapshot", 1)[1].split("────", 1)[0]
        assert "nas" in table
        assert "workhorse" not in table
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert "workhorse" in screen_text(app).split("snapshot", 1)[1].split("────", 1)[0]


async def test_a_filter_that_matches_nothing_says_so(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("slash", *"zzz")
        await seconds(pair, pilot, 1)
        text = screen_text(app)
        assert "no instance has “zzz”" in text
        assert "nothing is wrong" not in text
        assert "Commands" not in text
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert "no instance has" not in screen_text(app)
        assert "nothing is wrong" in screen_text(app)


def under_the_cursor(app: DflyApp) -> str:
    return next(line for line in screen_text(app).splitlines() if line.startswith("▸"))


async def test_the_cursor_is_on_the_worst_until_another_is_chosen(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 3)
        assert "workhorse" in under_the_cursor(app)
        pair.actors["nas"].error = down()
        await seconds(pair, pilot, 12)
        assert "nas" in under_the_cursor(app)
        assert "connection refused by 10.0.0.1:6379" in screen_text(app)
        assert "STAGING" in screen_text(app).splitlines()[0]
        await pilot.press("down")
        pair.actors["nas"].error = None
        await seconds(pair, pilot, 40)
        pair.actors["nas"].error = down()
        await seconds(pair, pilot, 12)
        assert "workhorse" in under_the_cursor(app)


async def test_the_cursor_goes_where_another_screen_went(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("2", "n")
        await seconds(pair, pilot, 1)
        await pilot.press("1")
        await seconds(pair, pilot, 1)
        assert "nas" in under_the_cursor(app)


async def test_what_the_table_has_no_room_for_stands_below_it(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 3)
        text = screen_text(app)
        for fact in ("version 1.40.1", "uptime", "used/max", "hits 90.0%", "clients 4", "snapshot never"):
            assert fact in text


@pytest.mark.parametrize(
    ("key", "effect"), [("p", "‖ paused"), ("minus", "every 2 s"), ("plus", "every 500 ms")], ids=["p", "-", "+"]
)
async def test_the_effect_of_a_key_is_visible_at_once(pair: Stage, key: str, effect: str) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press(key)
        assert effect in screen_text(app)


async def test_pause_says_so_and_reads_nothing_until_asked(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("p")
        await seconds(pair, pilot, 1)
        read = pair.actors["nas"].polls
        assert "‖ paused" in screen_text(app)
        await seconds(pair, pilot, 10)
        assert pair.actors["nas"].polls == read
        await pilot.press("r")
        await seconds(pair, pilot, 3)
        assert pair.actors["nas"].polls == read + 1
        assert "‖ paused" in screen_text(app)
        await pilot.press("p")
        await seconds(pair, pilot, 3)
        assert pair.actors["nas"].polls > read + 2
        assert "paused" not in screen_text(app)


async def test_slower_and_faster_change_the_pace(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("minus", "minus")
        await seconds(pair, pilot, 1)
        assert "every 5 s" in screen_text(app)
        read = pair.actors["nas"].polls
        await seconds(pair, pilot, 10)
        assert pair.actors["nas"].polls == read + 2


async def test_a_production_instance_is_unlocked_by_typing_its_name(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 3)
        assert "READ-ONLY" in screen_text(app)
        await pilot.press("U")
        await pilot.pause()
        await pilot.press("enter")  # the default is Cancel
        await seconds(pair, pilot, 1)
        assert "READ-ONLY" in screen_text(app)
        await pilot.press("U")
        await pilot.pause()
        await pilot.press(*"workhorse", "enter", "enter")
        await seconds(pair, pilot, 1)
        assert "UNLOCKED 9:5" in screen_text(app)
        assert "READ-ONLY" not in screen_text(app)
        assert '"action": "unlock"' in pair.paths.audit_file.read_text()
        await seconds(pair, pilot, 600)
        assert "READ-ONLY" in screen_text(app)


async def test_what_is_not_locked_is_not_unlocked_and_that_is_said(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("down", "U")
        await seconds(pair, pilot, 1)
        await pilot.pause()
        assert "nas is not locked" in screen_text(app)


async def test_a_read_only_program_unlocks_nothing(pair: Stage) -> None:
    pair.defaults = Defaults(read_only=True)
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("U")
        await seconds(pair, pilot, 1)
        await pilot.pause()
        assert "cannot be unlocked" in screen_text(app)
        assert "READ-ONLY" in screen_text(app)
        assert not pair.paths.audit_file.exists()


async def test_an_audit_log_that_cannot_be_written_keeps_it_locked(pair: Stage) -> None:
    pair.paths.audit_file.mkdir(parents=True)
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await seconds(pair, pilot, 3)
        await pilot.press("U")
        await pilot.pause()
        await pilot.press(*"workhorse", "enter", "enter")
        await seconds(pair, pilot, 1)
        assert "READ-ONLY" in screen_text(app)


async def test_polling_goes_on_under_a_dialog(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        read = pair.actors["nas"].polls
        await pilot.press("question_mark")
        await seconds(pair, pilot, 5)
        assert "Everywhere" in screen_text(app)
        assert pair.actors["nas"].polls == read + 5


async def test_remapped_keys_work_and_are_shown(pair: Stage) -> None:
    pair.keymap = {"app.pause": "f5"}
    app = pair.app()
    async with app.run_test(size=(200, 50)) as pilot:
        await seconds(pair, pilot, 2)
        assert "f5 Pause" in screen_text(app)
        await pilot.press("f5")
        await seconds(pair, pilot, 1)
        assert "‖ paused" in screen_text(app)


async def test_t_goes_through_the_themes(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot:
        seen = {app.theme}
        for _ in range(3):
            await pilot.press("t")
            seen.add(app.theme)
        assert seen == {"dfly-dark", "dfly-light", "dfly-contrast", "dfly-ansi"}
        assert "workhorse" in screen_text(app)


async def test_colon_jumps_to_an_instance(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await seconds(pair, pilot, 2)
        await pilot.press("colon", *"nas", "enter")
        await seconds(pair, pilot, 2)
        text = screen_text(app)
        assert "[INFO]" in text
        assert "dragonfly_version" in text
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert "snapshot" in screen_text(app)


async def test_a_screen_that_is_closed_leaves_every_feed_it_joined(pair: Stage) -> None:
    app = pair.app()
    joined = left = 0
    subscribe = app.services.hub.subscribe

    def counted(changed: Callable[[], None]) -> Callable[[], None]:
        nonlocal joined
        joined += 1
        leave = subscribe(changed)

        def leaving() -> None:
            nonlocal left
            left += 1
            leave()

        return leaving

    app.services.hub.subscribe = counted  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(pair, pilot, 2)
        before = joined - left
        assert before == 1
        await pilot.press("enter")
        await seconds(pair, pilot, 1)
        await pilot.press("escape")
        await seconds(pair, pilot, 1)
        assert joined - left == before
