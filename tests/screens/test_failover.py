"""What the keys of the failover wizard do, and what they must not."""

import asyncio
import stat

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from dfly_tui.app import DflyApp
from dfly_tui.errors import ServerError
from dfly_tui.models.operation import Outcome
from dfly_tui.settings import Defaults
from screens.failover import FailoverScreen, unfinished_notice
from screens.failover_question import QuestionDialog
from tests.screens.failover_stage import (
    Troupe,
    agreed,
    confirmed,
    cut_off,
    keys,
    opened,
    passing,
)
from tests.screens.stage import Stage, down, screen_text


@pytest.fixture
def troupe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Troupe:
    return Troupe(stage, monkeypatch)


async def checks(troupe: Troupe, pilot: Pilot[int]) -> None:
    await keys(troupe, pilot, "enter")
    await passing(troupe, pilot, 4)


async def test_a_switchover_by_keyboard_alone(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await confirmed(troupe, pilot)
        await passing(troupe, pilot, 25)
        assert "✔ Done: beta takes over from alpha." in screen_text(app)
        assert "b swaps back" in screen_text(app)
        assert ("beta", "take_over") in troupe.sent
        reports = sorted(troupe.stage.paths.reports_dir.iterdir())
        assert [path.suffix for path in reports] == [".json", ".md"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in reports} == {0o600}
        assert all(path.name in screen_text(app) for path in reports)
        await keys(troupe, pilot, "b")
        assert "swap back: alpha takes over from beta" in screen_text(app)


async def test_enter_alone_never_confirms(troupe: Troupe) -> None:
    """From the plan on, whoever only presses Enter ends at Cancel."""
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await checks(troupe, pilot)
        await keys(troupe, pilot, "enter")
        assert isinstance(app.screen, QuestionDialog)
        assert app.screen.query_one("#confirm", Button).disabled
        await keys(troupe, pilot, "enter")
        assert "Given up. Nothing was changed." in screen_text(app)
        assert troupe.sent == []
        assert not troupe.stage.paths.reports_dir.exists()


async def test_a_wrong_name_does_not_confirm(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await checks(troupe, pilot)
        await keys(troupe, pilot, "enter")
        await keys(troupe, pilot, *"alpha", "enter", "enter")
        assert "Given up" in screen_text(app)
        assert troupe.sent == []


async def test_the_checks_can_be_read_in_peace_and_left(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await checks(troupe, pilot)
        assert "Nothing is changed yet. Enter" in screen_text(app).replace("\n ", " ")
        await keys(troupe, pilot, "escape")
        assert "Given up. Nothing was changed." in screen_text(app)
        await keys(troupe, pilot, "escape")
        assert not isinstance(app.screen, FailoverScreen)
        assert troupe.sent == []


async def test_another_candidate_is_chosen(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "down", "enter")
        assert "gamma takes over from alpha" in screen_text(app)
        assert "● chosen  gamma" in screen_text(app)


async def test_options_change_the_plan(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, *"swv")
        text = screen_text(app)
        assert "s [x] snapshot" in text
        assert "snapshot alpha before anything else" in text
        assert "pause clients' writes on alpha" in text
        assert "write to beta and read it back" in text
        await keys(troupe, pilot, *"swv")
        assert "pause clients' writes" not in screen_text(app)


async def test_a_dry_run_stops_before_the_question(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "d")
        await checks(troupe, pilot)
        assert "Dry run: nothing blocks it, and nothing was changed." in screen_text(app)
        await keys(troupe, pilot, "d")
        assert "Nothing is changed yet. Enter runs the checks" in screen_text(app)


async def test_read_only_leaves_only_the_dry_run(troupe: Troupe) -> None:
    troupe.stage.defaults = Defaults(read_only=True)
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "d")
        assert "d [x] dry run" in screen_text(app)
        await checks(troupe, pilot)
        assert "Dry run: nothing blocks it" in screen_text(app)
        assert troupe.sent == []


async def test_production_is_unlocked_before_the_checks(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", environment="production")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "enter")
        assert "Unlock beta" in screen_text(app)
        await keys(troupe, pilot, *"beta", "enter", "enter")
        assert "Unlock alpha" in screen_text(app)
        await keys(troupe, pilot, "escape")
        assert "Locked: alpha." in screen_text(app)
        await keys(troupe, pilot, "enter")
        await keys(troupe, pilot, *"alpha", "enter", "enter")
        await passing(troupe, pilot, 4)
        assert "The checks are read" in screen_text(app)


async def test_what_blocks_is_said_and_checked_again(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    actor = troupe.stage.actors["alpha"]
    whole = actor.text
    actor.text = whole.replace("rdb_bgsave_in_progress:0", "rdb_bgsave_in_progress:1").replace("saving:0", "saving:1")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await checks(troupe, pilot)
        assert "✖ Blocked: no snapshot is being written on alpha: one is" in screen_text(app)
        actor.text = whole
        await checks(troupe, pilot)
        assert "The checks are read" in screen_text(app)


async def test_a_cooldown_can_be_overridden(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    cut_off(troupe, takeover="done").end(Outcome.DONE, ())
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await checks(troupe, pilot)
        assert "o: it is meant, no cool-down." in screen_text(app)
        await keys(troupe, pilot, "o")
        await checks(troupe, pilot)
        assert "The checks are read" in screen_text(app)


async def test_escape_gives_up_and_takes_back(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    gate = troupe.gates["pause_writes"] = asyncio.Event()
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "w")
        await agreed(troupe, pilot)
        await keys(troupe, pilot, "escape")
        assert "Giving up" in screen_text(app)
        gate.set()
        await passing(troupe, pilot, 1)
        assert troupe.sent == [("alpha", "pause_writes"), ("alpha", "resume_writes")]
        assert "Given up. What was done was taken back." in screen_text(app)


async def test_nothing_is_left_by_accident_while_there_is_no_way_back(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    gate = troupe.gates["take_over"] = asyncio.Event()
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await agreed(troupe, pilot)
        for key in ("escape", "1", "2"):
            await keys(troupe, pilot, key)
            assert isinstance(app.screen, FailoverScreen)
            assert "There is no way back now" in screen_text(app)
        for key in ("q", "ctrl+q"):
            await keys(troupe, pilot, key)
            assert "Leave in the middle" in screen_text(app)
            await keys(troupe, pilot, "enter")
            assert isinstance(app.screen, FailoverScreen)
        gate.set()
        await passing(troupe, pilot, 25)
        assert "✔ Done" in screen_text(app)
        await keys(troupe, pilot, "escape")
        assert not isinstance(app.screen, FailoverScreen)


async def test_who_insists_may_leave_and_is_told_of_it_later(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.gates["take_over"] = asyncio.Event()
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await agreed(troupe, pilot)
        await keys(troupe, pilot, "q")
        await pilot.press("right", "enter")
    assert app.return_value == 0
    notice = unfinished_notice(app.services)
    assert notice is not None
    assert "beta takes over from alpha" in notice


async def test_the_seconds_of_the_running_step_go_on(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.gates["take_over"] = asyncio.Event()
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await agreed(troupe, pilot)
        await passing(troupe, pilot, 2)
        assert "▶ running     2.0 s" in screen_text(app)
        await passing(troupe, pilot, 3)
        assert "▶ running     5.0 s" in screen_text(app)


async def test_a_refused_takeover_is_taken_back(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.harms["take_over"] = ServerError("ERR Couldn't execute takeover", "")
    app = troupe.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "w")
        await agreed(troupe, pilot)
        await passing(troupe, pilot, 3)
        assert "Couldn't execute takeover" in screen_text(app)
        assert "What was done was taken back." in screen_text(app)
        assert ("alpha", "resume_writes") in troupe.sent


async def test_commands_are_copied_and_shown_whole(troupe: Troupe, monkeypatch: pytest.MonkeyPatch) -> None:
    troupe.cast("alpha", "beta")
    copied: list[str] = []
    monkeypatch.setattr(DflyApp, "copy_to_clipboard", lambda self, text: copied.append(text))
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "y", *["down"] * 7, "y")
        assert copied == ["redis-cli -h 127.0.0.1 -p 17380 REPLTAKEOVER 10"]
        await keys(troupe, pilot, "z")
        assert "$ redis-cli -h 127.0.0.1 -p 17380 REPLTAKEOVER 10" in screen_text(app)
        assert not isinstance(app.screen, FailoverScreen)


async def test_findings_that_are_as_they_should_be_can_be_hidden(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(troupe, pilot)
        await checks(troupe, pilot)
        assert "✔ pass   state of the link" in screen_text(app)
        await keys(troupe, pilot, "a")
        assert "state of the link" not in screen_text(app)
        assert "▲ warn   last snapshot" in screen_text(app)


async def test_the_group_is_looked_at_again(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        troupe.stage.actors["beta"].error = down()
        await keys(troupe, pilot, "r")
        assert "gamma takes over from alpha" in screen_text(app)


async def test_a_report_that_cannot_be_written_is_no_secret(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    troupe.stage.paths.state_dir.mkdir(parents=True)
    troupe.stage.paths.reports_dir.write_text("a file where the folder should be")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await agreed(troupe, pilot)
        await passing(troupe, pilot, 25)
        assert "The report could not be written" in screen_text(app)
        assert "✔ Done" in screen_text(app)
