"""The failover wizard beside the planned switchover: emergencies, other plans, runs that were cut off."""

import pytest
from textual.pilot import Pilot

from dfly_tui.models.operation import Outcome
from dfly_tui.operations.failover.emergency import LastSeen
from dfly_tui.operations.journal import group_lock, records
from screens.failover import unfinished_notice
from screens.failover_plan import last_seen
from tests.screens.failover_stage import (
    Troupe,
    agreed,
    cut_off,
    gone,
    keys,
    opened,
    passing,
    primary_text,
)
from tests.screens.stage import Stage, screen_text, seconds


@pytest.fixture
def troupe(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Troupe:
    return Troupe(stage, monkeypatch)


async def checks(troupe: Troupe, pilot: Pilot[int]) -> None:
    await keys(troupe, pilot, "enter")
    await passing(troupe, pilot, 4)


async def test_an_emergency_needs_both_sentences(troupe: Troupe) -> None:
    gone(troupe)
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot, wait=5)
        assert "EMERGENCY promotion: beta is promoted, as alpha is gone" in screen_text(app)
        await checks(troupe, pilot)
        await keys(troupe, pilot, "enter")
        await keys(troupe, pilot, *"alpha is off", "enter", "enter")
        assert troupe.sent == []
        await keys(troupe, pilot, *"beta", "enter", "enter")
        await passing(troupe, pilot, 15)
        assert troupe.sent[0] == ("beta", "replicate_nobody")
        assert "R brings alpha back as a replica" in screen_text(app)


async def test_what_polling_knew_of_a_primary_that_is_gone(troupe: Troupe) -> None:
    gone(troupe)
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await seconds(troupe.stage, pilot, 10)
        known = last_seen(app.services, "alpha")
        assert isinstance(known, LastSeen)
        assert known.seconds_ago == pytest.approx(8, abs=1)
        assert known.lag_records == 1
        assert known.lag_seconds_ago == known.seconds_ago
        assert known.writes_per_second == pytest.approx(300, rel=0.1)
        assert last_seen(app.services, "nobody") is None


async def test_two_primaries_and_the_way_out(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.stage.actors["beta"].text = primary_text("beta", replication_id="0b" * 20)
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        assert "two primaries: alpha, beta" in screen_text(app)
        await keys(troupe, pilot, "R")
        assert "Not sent" in screen_text(app)
        await keys(troupe, pilot, "enter")
        assert "rejoin: beta comes back as a replica of alpha" in screen_text(app)


async def test_attach_and_detach(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot, "detach", instance="beta")
        assert "detach a replica: beta stops following" in screen_text(app)
        await keys(troupe, pilot, "escape")
        troupe.stage.actors["beta"].text = primary_text("beta", replication_id="0b" * 20)
        await opened(troupe, pilot, "attach", instance="beta")
        assert "attach a replica: beta becomes a replica of alpha" in screen_text(app)


async def test_a_group_of_one_says_why_not(troupe: Troupe) -> None:
    troupe.cast("alpha")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        assert "has 1 instances" in screen_text(app)


async def test_a_run_that_was_cut_off_is_finished(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    cut_off(troupe, takeover="intended")
    troupe.promote("beta", "alpha")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        assert "Now: beta leads: the change of roles took place" in screen_text(app)
        assert "▲ unfinished in group main" in (unfinished_notice(app.services) or "")
        await keys(troupe, pilot, "u")
        assert "A run never ended" in screen_text(app)
        await keys(troupe, pilot, "f")
        await agreed(troupe, pilot)
        await passing(troupe, pilot, 25)
        assert "✔ Done: finish what was begun" in screen_text(app)
        assert ("gamma", "replicate") in troupe.sent
        assert not [record for record in records(troupe.stage.paths.journal_dir) if record.is_unfinished]
        assert unfinished_notice(app.services) is None


async def test_a_run_that_was_cut_off_is_settled_by_a_person(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    cut_off(troupe, pause="done", takeover="intended")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot, "resume")
        assert "Now: beta is still a replica" in screen_text(app)
        await keys(troupe, pilot, "x")
        await keys(troupe, pilot, "right", "enter")
        assert "planned switchover: beta takes over from alpha" in screen_text(app)
        assert [record.outcome for record in records(troupe.stage.paths.journal_dir)] == [Outcome.UNDONE]
        assert troupe.sent == []


async def test_a_run_in_another_program_is_not_called_unfinished(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    cut_off(troupe, takeover="intended")
    app = troupe.app()
    with group_lock(troupe.stage.paths.lock_dir, "main", "bob@laptop, run 1"):
        assert unfinished_notice(app.services) is None
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(troupe, pilot)
            await keys(troupe, pilot, "enter")
            assert "bob@laptop, run 1 is changing group main now" in screen_text(app)


async def test_checks_can_be_given_up(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "enter")
        assert "Checking for" in screen_text(app)
        await keys(troupe, pilot, "escape")
        await passing(troupe, pilot, 4)
        assert "Given up. Nothing was changed." in screen_text(app)


async def test_a_lock_that_cannot_be_written_blocks(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    troupe.stage.paths.state_dir.mkdir(parents=True)
    troupe.stage.paths.lock_dir.write_text("a file where the folder should be")
    cut_off(troupe, takeover="intended")
    app = troupe.app()
    assert unfinished_notice(app.services) is not None
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        await keys(troupe, pilot, "u")
        await checks(troupe, pilot)
        assert "✖ Blocked:" in screen_text(app)
        assert "File exists" in screen_text(app)
        assert troupe.sent == []


async def test_a_run_whose_instances_are_gone_can_only_be_settled(troupe: Troupe) -> None:
    troupe.cast("alpha", "gamma")
    cut_off(troupe, takeover="intended")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot)
        assert "no longer those of this group" in screen_text(app)
        await keys(troupe, pilot, "f", "u")
        assert "A run never ended" in screen_text(app)


async def test_who_is_to_follow_two_primaries_has_to_be_told_which(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta", "gamma")
    for name in ("beta", "gamma"):
        troupe.stage.actors[name].text = primary_text(name, replication_id=name[0] * 40)
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot, "attach", instance="gamma")
        assert "gamma cannot be attached: alpha, beta lead" in screen_text(app)
        await keys(troupe, pilot, "down", "enter")
        assert "gamma becomes a replica of beta" in screen_text(app)


async def test_an_instance_that_is_not_of_the_group(troupe: Troupe) -> None:
    troupe.cast("alpha", "beta")
    app = troupe.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(troupe, pilot, "detach", instance="delta")
        assert "has no instance delta" in screen_text(app)
