"""Views: what a person sees of workflows, sessions and queues, and what the keys do."""

from pathlib import Path

import pytest
from textual.widgets import Input

from dfly_tui.app import DflyApp
from dfly_tui.settings import Defaults
from dfly_tui.settings_views import ViewConfig
from screens.value import ValueScreen
from screens.views import ViewScreen
from tests.screens.keys_stage import shelf
from tests.screens.stage import Stage, screen_text, seconds
from tests.screens.views_stage import ago, looked, opened, until, views_of
from tests.support.hostile import harmless
from tests.support.lab import Client
from tests.support.servers import free_port


@pytest.mark.parametrize("flavour", ["1.22", "1.40"])
async def test_workflows_as_both_versions_tell_them(pair: Stage, flavour: str) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, views_of(pair, app, flavour):
        await opened(pair, pilot)
        lines = [" ".join(line.split()) for line in screen_text(app).splitlines()]
    assert "workhorse db0 · Workflows · 9 keys in 5 groups · read 0 s ago" in lines
    assert "3 keys are not what this view expects: ✗ says why" in lines
    for line in (
        "▾ LAW-123 · planning · 2 agents", "planning-agent completed 1 m 2 s 6 d 23 h",
        "planning-agent in_progress 4 d 15 h ! 38 s", "a-list ✗ list, no fields ∞",
        "long 97.7 KiB, not read ✗ no time: yesterday ∞", "json blocked 12 s ∞",
    ):  # fmt: skip
        assert line in lines
    assert all(map(harmless, lines))
    assert r"and \u202eover [red]\x1b[31m\u202e\x00 4 m 7 s ∞" in lines


async def test_ages_go_on_and_what_is_shown_says_how_old_it_is(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, views_of(pair, app):
        await opened(pair, pilot)
        await pilot.press("p")
        await pair.clock.advance(45)
        text = await until(pair, pilot, "paused")
        assert "read 45 s ago, stale · paused" in text
        assert "1 m 47 s" in text
        assert "! expired" not in text
        assert "expired" in text


async def test_what_changes_is_shown_at_the_next_look(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(120, 40)) as pilot, views_of(pair, app) as server:
        screen = await opened(pair, pilot)
        await pilot.press("G")
        async with Client(server.port) as client:
            await client("HSET", "tef:state:LAW-123:action:action-agent", "status", "completed")
            await client("DEL", "tef:state:LAW-9:planning:planning-agent")
            await client("HSET", "tef:state:AAA-1:planning:first", "status", "waiting", "timestamp", ago(0))
        await looked(pair, pilot, screen, 5.1)
        text = await until(pair, pilot, "AAA-1 · planning · 1 agent", "action-agent    completed", "waiting")
        assert "planning-agent  gone" in text
        assert "▸   and \\u202eover" in text, "the cursor stays on its key"


async def test_queues_draw_their_course(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot, views_of(pair, app) as server:
        screen = await opened(pair, pilot, "Queues")
        async with Client(server.port) as client:
            for _ in range(3):
                await client("LPOP", "queue:jobs", 7)
                await looked(pair, pilot, screen, 5.1)
        text = await until(pair, pilot, "gone")
        assert "█▆▄▁" in text


async def test_nothing_is_read_while_another_screen_shows(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot, shelf(pair, app), views_of(pair, app):
        screen = await opened(pair, pilot)
        assert screen.feed is not None
        await pilot.press("down", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ValueScreen)
        assert (app.screen.instance_name, app.screen.database) == ("workhorse", 0)
        assert app.screen.key_name == b"tef:state:LAW-9:action:a-list"
        looks = screen.feed.reading.seq
        await seconds(pair, pilot, 60)
        assert screen.feed.reading.seq == looks
        await pilot.press("escape")
        assert isinstance(app.screen, ViewScreen)
        await until(pair, pilot, check=lambda: screen.feed is not None and screen.feed.reading.seq > looks)
        await pilot.press("question_mark")
        looks = screen.feed.reading.seq
        await seconds(pair, pilot, 6)
        for _ in range(50):
            await pair.clock.advance(0)
            await pilot.pause(0.002)
        assert screen.feed.reading.seq > looks, "a dialog is no other screen"


async def test_the_filter(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot, views_of(pair, app):
        await opened(pair, pilot)
        await pilot.press("slash", *"in_prog", "enter")
        text = await until(pair, pilot, "with “in_prog”: 2 of 9")
        assert "review-agent" in text
        assert "action-agent" not in text
        await pilot.press("slash", *"zzz")
        assert "no key with this text" in await until(pair, pilot, ": 0 of 9")
        await pilot.press("escape")
        await until(pair, pilot, "action-agent")
        assert not app.screen.query_one("#filter", Input).display


async def test_the_next_view_and_the_one_before(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot, views_of(pair, app):
        await opened(pair, pilot, "sessions")
        await pilot.press("v")
        await until(pair, pilot, "Queues · 2 keys · read")
        await pilot.press("v")
        await until(pair, pilot, "Workflows · 9 keys in 5 groups · read")
        await pilot.press("V")
        await until(pair, pilot, "Queues · 2 keys · read")
        await pilot.press("escape")
        assert not isinstance(app.screen, ViewScreen)


async def test_sorting_goes_through_all_columns(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot, views_of(pair, app):
        await opened(pair, pilot, "Queues")
        heads = []
        for _ in range(9):
            heads.append(" ".join(screen_text(app).splitlines()[2].split()))
            await pilot.press("s")
            await until(pair, pilot)
        assert heads[:4] == [
            "name type length ↓ trend",
            "name type length trend ↑",
            "name type length trend ↓",
            "name type length trend",
        ]
        assert heads[4] == "name ↑ type length trend"
        assert len(set(heads)) == 9


async def test_a_finished_issue_is_cleaned_up_after_a_look_at_the_damage(stage: Stage) -> None:
    port = free_port()
    stage.add("workhorse", url=f"redis://127.0.0.1:{port}", environment="lab")
    app = stage.app()
    async with app.run_test(size=(100, 30)) as pilot, views_of(stage, app, port=port) as server:
        screen = await opened(stage, pilot)
        await pilot.press("G", "k", "k", "x")
        text = await until(stage, pilot, "delete tef:state:LAW-123:*")
        assert "3 keys, of 19 in the database" in text
        async with Client(server.port) as client:
            assert await client("DBSIZE") == 19
            await pilot.press("right", "enter")
            await until(stage, pilot, "done: delete")
            assert await client("DBSIZE") == 16
            assert await client("EXISTS", "tef:state:LAW-9:planning:planning-agent") == 1
        await pilot.press("escape")
        await until(stage, pilot, "review-agent    gone")
        await looked(stage, pilot, screen, 5.1)
        assert "review-agent" not in await until(stage, pilot, "6 keys in 3 groups")


async def test_a_view_without_groups_has_nothing_to_clean_up(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot, views_of(pair, app):
        await opened(pair, pilot, "Queues")
        await pilot.press("x")
        await until(pair, pilot, "This view has no groups to clean up.")


async def test_a_server_without_such_keys(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot, views_of(pair, app, filled=False):
        await opened(pair, pilot, "Sessions", "0 keys · read 0 s ago")
        assert "no keys of this kind" in screen_text(app)
        await pilot.press("enter", "x", "y", "s", "G")


async def test_a_server_that_is_down_is_told_and_the_rows_stay(pair: Stage) -> None:
    app = pair.app()
    async with app.run_test(size=(100, 30)) as pilot:
        async with views_of(pair, app):
            screen = await opened(pair, pilot)
        await looked(pair, pilot, screen, 5.1)
        text = await until(pair, pilot, "refused the connection", "stale")
        assert "review-agent" in text
        for _ in range(2):
            await looked(pair, pilot, screen, 12)
        await until(pair, pilot, "lost")


async def test_a_view_of_ones_own(tmp_path: Path) -> None:
    own = ViewConfig(
        name="Locks", patterns=("lock/{what}/{who}",), delimiter="/", group_by=("what",),
        columns=("who", "ttl", "size", "type as a kind of thing", "field:reason"), sort="-TTL",
    )  # fmt: skip
    stage = Stage(tmp_path, defaults=Defaults(low_bandwidth=True))
    stage.views = (own,)
    stage.add("workhorse", url="redis://127.0.0.1:1")
    app = stage.app()
    async with app.run_test(size=(60, 20)) as pilot, views_of(stage, app) as server:
        async with Client(server.port) as client:
            await client("SET", "lock/db/me", "1", "EX", 100)
            await client("SET", "lock/db/you:or:me", '{"reason": "why not"}', "EX", 200)
        await opened(stage, pilot, "Locks")
        lines = [" ".join(line.split()) for line in screen_text(app).splitlines()]
    assert "▸ ▾ db · 2 whos" in lines
    you, me = (next(at for at, line in enumerate(lines) if line.startswith(name)) for name in ("you:or:me ", "me "))
    assert you < me, "the largest time to live first"
    assert lines[you].startswith("you:or:me 3 m 18 s ")
    assert lines[you].endswith(" string why not")


async def test_the_key_browser_leads_to_the_views(pair: Stage) -> None:
    app = pair.app()
    assert isinstance(app, DflyApp)
    async with app.run_test(size=(100, 30)) as pilot, shelf(pair, app), views_of(pair, app):
        await seconds(pair, pilot, 2)
        await pilot.press("4")
        await until(pair, pilot, "scanned")
        await pilot.press("v")
        await until(pair, pilot, "Open a view")
        await pilot.press("down", "enter")
        await until(pair, pilot, "Agents · 5 keys in 2 groups · read")
