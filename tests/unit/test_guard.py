import pytest

from dfly_tui.errors import ReadOnly
from dfly_tui.operations.guard import Guard
from dfly_tui.settings import Defaults, Environment, Settings
from tests.support.clock import FakeClock
from tests.support.fakes import config

INSTANCES = (
    config("prod", environment=Environment.PRODUCTION),
    config("other-prod", environment=Environment.PRODUCTION),
    config("stage", environment=Environment.STAGING),
    config("lab", environment=Environment.LAB),
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def guard_of(clock: FakeClock, *, read_only: bool = False) -> Guard:
    return Guard(clock, Settings(defaults=Defaults(read_only=read_only), instances=INSTANCES))


@pytest.mark.parametrize("name", ["stage", "lab"])
def test_lab_and_staging_are_writable(clock: FakeClock, name: str) -> None:
    guard = guard_of(clock)
    assert not guard.is_read_only(name)
    assert guard.why(name) == ""
    assert guard.remaining(name) is None
    guard.require_writable(name)


def test_production_opens_read_only_and_says_how_to_change_that(clock: FakeClock) -> None:
    guard = guard_of(clock)
    assert guard.is_read_only("prod")
    assert guard.why("prod") == "prod is a production instance"
    with pytest.raises(ReadOnly) as refused:
        guard.require_writable("prod")
    assert str(refused.value) == "Read-only: prod is a production instance"
    assert "unlock it first" in refused.value.hint


async def test_unlocked_for_some_minutes_and_then_locked_by_itself(clock: FakeClock) -> None:
    guard = guard_of(clock)
    guard.unlock("prod", 10)
    guard.require_writable("prod")
    assert guard.remaining("prod") == 600.0
    await clock.advance(599.0)
    assert guard.remaining("prod") == 1.0
    assert not guard.is_read_only("prod")
    await clock.advance(1.0)
    assert guard.remaining("prod") is None
    assert guard.is_read_only("prod")
    with pytest.raises(ReadOnly):
        guard.require_writable("prod")


def test_an_unlock_is_for_one_instance(clock: FakeClock) -> None:
    guard = guard_of(clock)
    guard.unlock("prod", 10)
    assert guard.is_read_only("other-prod")


async def test_unlocking_again_counts_from_now(clock: FakeClock) -> None:
    guard = guard_of(clock)
    guard.unlock("prod", 10)
    await clock.advance(300.0)
    guard.unlock("prod", 2)
    assert guard.remaining("prod") == 120.0


def test_locking_ends_it_at_once_and_may_be_done_twice(clock: FakeClock) -> None:
    guard = guard_of(clock)
    guard.unlock("prod", 10)
    guard.lock("prod")
    guard.lock("prod")
    assert guard.remaining("prod") is None
    assert guard.is_read_only("prod")


@pytest.mark.parametrize("name", ["prod", "stage", "lab", "stranger"])
def test_a_read_only_program_changes_nothing_and_cannot_be_unlocked(clock: FakeClock, name: str) -> None:
    guard = guard_of(clock, read_only=True)
    assert guard.why(name) == "the whole program is read-only"
    with pytest.raises(ReadOnly, match="whole program") as refused:
        guard.unlock(name, 10)
    assert "--read-only" in refused.value.hint
    assert guard.remaining(name) is None
    with pytest.raises(ReadOnly) as refused:
        guard.require_writable(name)
    assert "--read-only" in refused.value.hint
    assert "unlock" not in refused.value.hint


def test_an_instance_that_is_not_configured_is_read_only_until_unlocked(clock: FakeClock) -> None:
    guard = guard_of(clock)
    assert "not in the configuration" in guard.why("stranger")
    guard.unlock("stranger", 1)
    guard.require_writable("stranger")


def test_an_instance_of_which_nobody_said_what_it_is_may_be_production(clock: FakeClock) -> None:
    guard = guard_of(clock)
    guard.watch("new", Environment.UNKNOWN)
    assert "nobody said what new is" in guard.why("new")


def test_an_instance_added_later_is_known_from_then_on(clock: FakeClock) -> None:
    guard = guard_of(clock)
    guard.watch("new lab", Environment.LAB)
    guard.watch("new prod", Environment.PRODUCTION)
    guard.require_writable("new lab")
    assert guard.why("new prod") == "new prod is a production instance"
