"""The key browser: what a person sees of a database, and what the keys do."""

import base64

import pytest
from textual.pilot import Pilot

from dfly_tui.app import DflyApp
from dfly_tui.errors import Unreachable
from dfly_tui.lab.server import LabServer
from dfly_tui.models.namespaces import Namespaces
from dfly_tui.pollers.keyspace import ScanState
from screens.keys import KeysScreen
from screens.value import ValueScreen
from tests.screens.conftest import SnapCompare
from tests.screens.keys_stage import ODD, browse, complete, shelf, story, until
from tests.screens.stage import Stage, screen_text, seconds
from tests.screens.test_status import SIZES
from tests.support.lab import Client


@pytest.mark.parametrize("size", SIZES)
def test_the_tree(snap_compare: SnapCompare, pair: Stage, size: tuple[int, int]) -> None:
    assert snap_compare(pair.app(), terminal_size=size, run_before=story(pair, "enter", "down"))


def test_the_value_of_the_key_that_the_cursor_rests_on(snap_compare: SnapCompare, pair: Stage) -> None:
    async def run(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, DflyApp)
        async with shelf(pair, app):
            await browse(pair, pilot, "G", "up", "up")
            await until(pair, pilot, lambda screen: "player0" in screen_text(app))

    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=run)


async def test_enter_opens_the_value_and_escape_leads_back(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(80, 24)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "slash", *"leader", "enter")
        await until(pair, pilot, lambda screen: complete(screen) and "looking for" in screen_text(app))
        await pilot.press("enter")
        assert isinstance(app.screen, ValueScreen)
        assert (app.screen.instance_name, app.screen.database) == ("workhorse", 0)
        assert app.screen.key_name == b"leaderboard"
        await pilot.press("escape")
        assert isinstance(app.screen, KeysScreen)


async def test_what_is_not_listed_can_be_counted_by_itself(pair: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Namespaces.__init__.__kwdefaults__ or {}, "most_names", 45)
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "down", "enter")
        text = screen_text(app)
        assert "only the first 45 names are listed; the counts are of all" in text
        assert "… 7 more keys: Enter counts them by themselves" in text
        await pilot.press(*["down"] * 6, "enter")
        screen = app.screen
        assert isinstance(screen, KeysScreen)
        assert screen.session is not None
        assert screen.session.is_narrowed
        await until(pair, pilot, complete)
        assert "12 matches in 61 keys, complete" in screen_text(app)
        assert "more keys" not in screen_text(app)
        await pilot.press("escape")
        await until(pair, pilot, complete)
        assert "61 of 61 keys scanned, complete" in screen_text(app)


def test_the_flat_list_by_size(snap_compare: SnapCompare, pair: Stage) -> None:
    assert snap_compare(pair.app(), terminal_size=(120, 40), run_before=story(pair, "f", "s", "s", "s"))


async def test_everything_was_seen_and_the_screen_says_so(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot)
        text = screen_text(app)
        assert "workhorse db0 · 61 of 61 keys scanned, complete · by count · normal pace" in text
        for words in ("user:", "40", "session:", "tef:state:LAW-123:", "leaderboard", "sorted set", "293 KiB"):
            assert words in text
        assert "odd\\x00\\xff[/]\\x1b]0;x\\x07" in text


async def test_enter_opens_a_namespace_and_left_closes_it(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "down", "enter")
        assert "▾ session:" in screen_text(app)
        assert "hash" in screen_text(app)
        assert "14 m 5" in screen_text(app)
        await pilot.press("down", "down", "left")
        assert "▸ ▾ session:" in screen_text(app)
        await pilot.press("left")
        await seconds(pair, pilot, 1)
        assert "▾ session:" not in screen_text(app)


async def test_what_is_looked_for_and_who_filters(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "slash")
        await pilot.press(*"size>100k type:string", "enter")
        await until(pair, pilot, lambda screen: complete(screen) and "1 found" in screen_text(app))
        text = screen_text(app)
        assert "looking for type:string size>100k; the server filters by type, size; 1 found" in text
        assert "big" in text
        assert "session:" not in text
        await pilot.press("escape")
        await until(pair, pilot, lambda screen: complete(screen) and "session:" in screen_text(app))
        assert "looking for" not in screen_text(app)


async def test_a_filter_that_means_nothing_is_told_and_can_be_mended(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot, shelf(pair, app):
        await browse(pair, pilot, "slash")
        await pilot.press(*"type:nosuch", "enter")
        await pilot.pause()
        assert "there is no type nosuch" in screen_text(app)
        await pilot.press(*["backspace"] * 6, *"list", "enter")
        await until(pair, pilot, lambda screen: complete(screen) and "type:list" in screen_text(app))
        assert "queue:" in screen_text(app)
        assert "user:" not in screen_text(app)


async def test_another_database(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot)
        await pilot.press("d")
        await pilot.pause()
        assert "db3   1 key" in screen_text(app)
        await pilot.press("down", "enter")
        await until(pair, pilot, lambda screen: complete(screen) and "elsewhere" in screen_text(app))
        assert "workhorse db3 · 1 of 1 keys scanned, complete" in screen_text(app)


async def slow_scan(pair: Stage, pilot: Pilot[int], server: LabServer) -> None:
    """Open the key browser on a server of some more keys, each answer of which takes a while."""
    async with Client(server.port) as client:
        for number in range(900):
            await client("SET", f"more:{number}", "x")
    await seconds(pair, pilot, 2)
    server.faults.delay_seconds = 0.3
    await pilot.press("4")
    await until(pair, pilot, lambda screen: screen.scan is not None and screen.scan.pages == 1)


async def test_space_pauses_and_the_incompleteness_is_told(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app) as server:
        await slow_scan(pair, pilot, server)
        await pilot.press("space")
        await seconds(pair, pilot, 60)
        text = screen_text(app)
        assert "of 961 keys scanned, incomplete: paused" in text
        assert "▸ more:" in text
        server.faults.delay_seconds = 0
        await pilot.press("space")
        await until(pair, pilot, complete)
        assert "961 of 961 keys scanned, complete" in screen_text(app)


async def test_a_scan_rests_while_another_screen_shows(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app) as server:
        await slow_scan(pair, pilot, server)
        screen = app.screen
        assert isinstance(screen, KeysScreen)
        assert screen.scan is not None
        await pilot.press("1")
        await seconds(pair, pilot, 5)
        seen = screen.scan.scanned
        await seconds(pair, pilot, 60)
        assert 0 < seen == screen.scan.scanned < 961
        assert screen.scan.state is ScanState.PAUSED


async def test_a_server_that_is_down_is_told_and_tried_again(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot:
        async with shelf(pair, app):
            pass
        await seconds(pair, pilot, 2)
        await pilot.press("4")
        await until(pair, pilot, lambda s: s.scan is not None and s.scan.state is ScanState.WAITING)
        assert "incomplete: the server is away, trying again" in screen_text(app)
        assert "refused" in screen_text(app)
        screen = app.screen
        assert isinstance(screen, KeysScreen)
        assert screen.scan is not None
        assert isinstance(screen.scan.error, Unreachable)


async def test_the_name_is_copied_exactly(pair: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot, shelf(pair, app):
        await browse(pair, pilot, "slash", *"odd*", "enter")
        await until(pair, pilot, lambda screen: complete(screen) and "looking for" in screen_text(app))
        written: list[str] = []
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("y")
        await pilot.pause()
    exact = base64.b64encode(ODD.encode("utf-8", "surrogateescape")).decode()
    assert f"\x1b]52;c;{exact}\x07" in written


async def test_the_pace_is_the_users(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, shelf(pair, app):
        await browse(pair, pilot, "w")
        assert "fast pace" in screen_text(app)
        await pilot.press("w")
        await pilot.pause()
        assert "gentle pace" in screen_text(app)
