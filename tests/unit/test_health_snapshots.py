import pytest

from dfly_tui.models.health import State, assess
from tests.support.clock import START
from tests.support.fakes import NOW, config, observation, snapshot
from tests.support.verdicts import HOUR, LIMITS, judge, only_reason, saved


def test_a_failed_snapshot_is_critical() -> None:
    seen = snapshot(last_failed_save=saved(2), last_error="No space left on device", last_success_save=saved(3),
                    last_saved_file="/data/dump-summary.dfs")  # fmt: skip
    reason = only_reason(observation(seen))
    assert reason.text == "the last snapshot failed 2 h ago: No space left on device"
    assert (reason.code, reason.state) == ("snapshot-failed", State.CRITICAL)


def test_a_failure_that_was_followed_by_a_success_is_over() -> None:
    seen = snapshot(last_failed_save=saved(3), last_error="No space left on device", last_success_save=saved(2),
                    last_saved_file="/data/dump-summary.dfs")  # fmt: skip
    assert judge(observation(seen)).reasons == ()


def test_a_failed_bgsave_of_redis() -> None:
    seen = snapshot("redis-7.0-primary", rdb_last_bgsave_status="err", rdb_last_save_time=saved(1))
    reason = only_reason(observation(seen))
    assert reason.text == "the last snapshot failed: the last BGSAVE failed; the server's log says why"


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(25.9, State.OK), (26, State.WARNING), (49.9, State.WARNING), (50, State.CRITICAL)],
)
def test_the_age_of_the_last_snapshot(hours: float, expected: State) -> None:
    seen = snapshot(last_success_save=saved(hours), last_saved_file="/data/dump-summary.dfs")
    assert judge(observation(seen)).state is expected


def test_the_age_of_the_last_snapshot_in_words() -> None:
    seen = snapshot(last_success_save=saved(27), last_saved_file="/d/x.dfs", rdb_changes_since_last_success_save=12345)
    reason = only_reason(observation(seen))
    assert reason.text == "no snapshot for 1 d 3 h; 12.3k changes would be lost"
    assert reason.advice == "check snapshot_cron, or take one with BGSAVE"


def test_never_a_snapshot_counts_from_the_start() -> None:
    """`last_success_save` is the process' start until there was one: it is not a backup."""
    seen = snapshot(last_success_save=saved(1), last_saved_file="", uptime_in_seconds=60 * HOUR)
    reason = only_reason(observation(seen))
    assert reason.text.startswith("no snapshot for 2 d 12 h, since it started; 1.00M changes")
    assert reason.state is State.CRITICAL


def test_a_snapshot_of_data_that_did_not_change_since_is_not_old() -> None:
    seen = snapshot(last_success_save=saved(99), last_saved_file="/d/x.dfs", rdb_changes_since_last_success_save=0)
    assert judge(observation(seen)).reasons == ()


def test_the_primary_speaks_for_its_replicas_about_snapshots() -> None:
    seen = snapshot("v1.40.1-replica", last_saved_file="", uptime_in_seconds=99 * HOUR)
    assert judge(observation(seen)).reasons == ()


def test_a_snapshot_taken_by_a_replica_counts_for_its_group() -> None:
    never = snapshot(last_saved_file="", uptime_in_seconds=99 * HOUR)
    backup = snapshot("v1.40.1-replica", last_success_save=saved(3), last_saved_file="/d/x.dfs")
    items = [
        observation(never, configured=config("workhorse", group="main")),
        observation(backup, configured=config("nas", group="main")),
    ]
    assert [status.state for status in assess(items, LIMITS, now=NOW, wall=START)] == [State.OK, State.OK]
    old = snapshot("v1.40.1-replica", last_success_save=saved(30), last_saved_file="/d/x.dfs")
    first = assess([items[0], observation(old, configured=config("nas", group="main"))], LIMITS, now=NOW, wall=START)[0]
    # The primary counts its changes since a snapshot of its own, of which there is none.
    assert [reason.text for reason in first.reasons] == ["no snapshot for 1 d 6 h"]
    apart = [items[0], observation(backup, configured=config("nas", group="other"))]
    assert assess(apart, LIMITS, now=NOW, wall=START)[0].reasons[0].code == "snapshot-age"
