import math

import pytest

from dfly_tui.errors import Unreachable
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage, Sample
from dfly_tui.models.reading import Reading
from dfly_tui.pollers.history import MOST_SERIES, PageHistory, StatusHistory
from tests.support.clock import START
from tests.support.fakes import snapshot


class Past:
    """A history fed with one reading after another."""

    def __init__(self) -> None:
        self.history = StatusHistory(100)
        self.seq = 0

    def see(self, at: float, seen: InstanceSnapshot) -> None:
        self.seq += 1
        self.history.note(Reading(seq=self.seq, value=seen, value_at=at), at)

    def fail(self, at: float) -> None:
        self.seq += 1
        self.history.note(Reading(seq=self.seq, error=Unreachable("refused"), failures=1), at)

    def column(self, name: str) -> list[float]:
        return list(self.history.series.window(name, 0.0)[1])

    def latest(self, name: str) -> float:
        return self.history.series.latest(name)


def test_rates_are_those_of_the_recorded_servers() -> None:
    """Two looks at one primary under load, their times known: the counters' differences by hand."""
    old, new = Past(), Past()
    old.see(24.690, snapshot("v1.22.2-primary"))
    old.see(30.903, snapshot("v1.22.2-primary-later"))
    assert old.latest("mutations") == pytest.approx((1428501 - 1000001) / 6.213)
    assert old.latest("commands") == pytest.approx((429419 - 316) / 6.213)
    new.see(4.873, snapshot("v1.40.1-primary"))
    new.see(10.969, snapshot("v1.40.1-primary-later"))
    assert new.latest("mutations") == pytest.approx((2253228 - 1002228) / 6.096)
    assert new.latest("commands") == pytest.approx((1252668 - 279) / 6.096)


def test_the_cpu_column_is_the_share_of_a_core() -> None:
    """`1.500` is 1 s and 500 µs here, not one and a half seconds."""
    past = Past()
    past.see(0.0, snapshot(used_cpu_user="1.500", used_cpu_sys="0.0"))
    past.see(2.0, snapshot(used_cpu_user="2.500", used_cpu_sys="0.500000"))
    assert past.latest("cpu") == pytest.approx(0.75)


def test_gauges_are_kept_as_they_are() -> None:
    past = Past()
    past.see(0.0, snapshot())
    assert past.latest("used") == 151195280
    assert past.latest("max") == 1 << 30
    assert past.latest("keys") == 1002228
    assert past.latest("lag_records") == 1


def test_the_hit_rate_is_that_of_the_interval() -> None:
    past = Past()
    past.see(0.0, snapshot(keyspace_hits=1_000_000, keyspace_misses=0))
    past.see(1.0, snapshot(keyspace_hits=1_000_030, keyspace_misses=10))
    past.see(2.0, snapshot(keyspace_hits=1_000_030, keyspace_misses=10))
    assert past.column("hit_rate")[1] == pytest.approx(0.75)
    assert math.isnan(past.latest("hit_rate"))


def test_the_same_reading_counts_once() -> None:
    past = Past()
    past.see(0.0, snapshot())
    past.history.note(Reading(seq=1, value=snapshot(), value_at=0.0, paused=True), 5.0)
    assert len(past.history.series) == 1


def test_a_failed_read_is_a_gap_and_the_rate_after_it_is_the_average() -> None:
    past = Past()
    past.see(0.0, snapshot(total_commands_processed=0))
    past.see(1.0, snapshot(total_commands_processed=100))
    past.fail(2.0)
    past.see(3.0, snapshot(total_commands_processed=500))
    rates = past.column("commands")
    assert math.isnan(rates[2])
    assert rates[1] == 100.0
    assert rates[3] == 200.0
    assert math.isnan(past.column("used")[2])


def test_a_restart_is_a_gap_even_when_a_counter_went_up() -> None:
    past = Past()
    past.see(0.0, snapshot(uptime_in_seconds=5000, total_commands_processed=10))
    past.see(1.0, snapshot(uptime_in_seconds=0, total_commands_processed=4000))
    past.see(2.0, snapshot(uptime_in_seconds=1, total_commands_processed=4050))
    rates = past.column("commands")
    assert math.isnan(rates[1])
    assert rates[2] == 50.0


def test_resetting_the_statistics_is_a_gap() -> None:
    past = Past()
    past.see(0.0, snapshot(total_commands_processed=4031))
    past.see(1.0, snapshot(total_commands_processed=14))
    past.see(2.0, snapshot(total_commands_processed=24))
    assert math.isnan(past.column("commands")[1])
    assert past.latest("commands") == 10.0


def replica_line(lag: int, state: str = "online") -> str:
    return f"ip=127.0.0.1,port=17380,state={state},lag={lag}"


@pytest.mark.parametrize(
    ("recording", "frozen_seconds", "first", "last"),
    [("v1.22.2-primary-later", 7.934, 132, 2158), ("v1.40.1-primary-later", 7.105, 983, 2751)],
)
def test_lag_in_seconds_of_a_replica_that_was_frozen(
    recording: str, frozen_seconds: float, first: int, last: int
) -> None:
    """As recorded: 4000 writes in 8.1 s to a primary of two threads while its replica was stopped."""
    writes_per_second = 4000 / 8.1
    past = Past()
    for step in range(9):
        at = frozen_seconds * step / 8
        lag = first + (last - first) * step // 8
        seen = snapshot(recording, keyspace_mutations=round(writes_per_second * at), slave0=replica_line(lag))
        past.see(at, seen)
    # What was outstanding when it froze belongs to the load before, which is not in this history.
    expected = frozen_seconds + first * 2 / writes_per_second
    assert past.history.lag_seconds(frozen_seconds) == pytest.approx(expected, rel=0.05)


def test_a_burst_after_quiet_is_not_taken_for_a_long_lag() -> None:
    past = Past()
    for second in range(10):
        past.see(float(second), snapshot(keyspace_mutations=0, slave0=replica_line(0)))
    past.see(10.0, snapshot(keyspace_mutations=1000, slave0=replica_line(500)))
    assert past.history.lag_seconds(10.0) == pytest.approx(1.0)


def test_a_hanging_replica_of_a_quiet_primary_shows() -> None:
    past = Past()
    for second in range(30):
        past.see(float(second), snapshot(thread_count=1, keyspace_mutations=7, slave0=replica_line(20)))
    assert past.history.lag_seconds(29.0) == pytest.approx(20.0)


def test_lag_older_than_the_window_goes_on_at_the_pace_before() -> None:
    past = Past()
    for second in range(100):
        seen = snapshot(thread_count=1, keyspace_mutations=10 * second, slave0=replica_line(10 * second))
        past.see(float(second), seen)
    assert past.history.lag_seconds(99.0) == pytest.approx(99.0)


def test_expiries_are_writes_to_a_replica() -> None:
    past = Past()
    for second in range(10):
        seen = snapshot(thread_count=1, expired_keys=1000 * second, slave0=replica_line(900))
        past.see(float(second), seen)
    assert past.history.lag_seconds(9.0) == pytest.approx(0.9)


def test_no_lag_in_seconds_from_the_first_look() -> None:
    """900 records behind may be a millisecond's worth: nothing is known before there is a rate."""
    past = Past()
    past.see(0.0, snapshot(slave0=replica_line(900)))
    assert past.history.lag_seconds(0.0) is None


@pytest.mark.parametrize("state", ["preparation", "full_sync", "cancelled"])
def test_no_lag_unless_in_stable_sync(state: str) -> None:
    past = Past()
    for second in range(5):
        past.see(float(second), snapshot(slave0=replica_line(0, state)))
    assert past.history.lag_seconds(4.0) is None


@pytest.mark.parametrize("recording", ["v1.22.2-replica", "v1.40.1-replica", "redis-7.0-primary", "redis-7.0-replica"])
def test_no_lag_where_nobody_tells_one(recording: str) -> None:
    past = Past()
    past.see(0.0, snapshot(recording))
    past.see(1.0, snapshot(recording))
    assert past.history.lag_seconds(1.0) is None


def test_no_lag_after_a_failed_read() -> None:
    past = Past()
    past.see(0.0, snapshot(slave0=replica_line(9)))
    past.see(1.0, snapshot(slave0=replica_line(9)))
    assert past.history.lag_seconds(1.0) is not None
    past.fail(2.0)
    assert past.history.lag_seconds(2.0) is None


def test_refused_writes_are_a_rate() -> None:
    past = Past()
    assert past.history.refused_per_second is None
    past.see(0.0, snapshot(oom_rejections=100))
    assert past.history.refused_per_second is None
    past.see(2.0, snapshot(oom_rejections=124))
    assert past.history.refused_per_second == 12.0


def page(uptime: float, commands: float, *, late: float | None = None) -> MetricsPage:
    samples = [
        Sample(name="dragonfly_uptime_in_seconds", value=uptime, kind="gauge"),
        Sample(name="dragonfly_commands_total", labels=(("cmd", "GET"),), value=commands, kind="counter"),
    ]
    if late is not None:
        samples.append(Sample(name="dragonfly_fiber_longrun_total", value=late, kind="counter"))
    return MetricsPage(taken_at=START, samples=tuple(samples))


def test_every_series_of_the_page_is_kept_under_its_printed_name() -> None:
    history = PageHistory(10)
    history.note(Reading(seq=1, value=page(10.0, 100.0)), 0.0)
    history.note(Reading(seq=2, value=page(12.0, 150.0, late=3.0)), 2.0)
    history.note(Reading(seq=2, value=page(12.0, 150.0, late=3.0), paused=True), 3.0)
    history.note(Reading(seq=3, error=Unreachable("refused"), failures=1), 4.0)
    history.note(Reading(seq=4, value=page(16.0, 10.0, late=5.0)), 6.0)
    history.note(Reading(seq=5, value=page(18.0, 20.0, late=5.0)), 8.0)
    uptime = list(history.series.window("dragonfly_uptime_in_seconds", 0.0)[1])
    rate = list(history.series.window('dragonfly_commands_total{cmd="GET"}', 0.0)[1])
    stalls = list(history.series.window("dragonfly_fiber_longrun_total", 0.0)[1])
    assert [str(value) for value in uptime] == ["10.0", "12.0", "nan", "16.0", "18.0"]
    assert [str(value) for value in rate] == ["nan", "25.0", "nan", "nan", "5.0"]
    assert [str(value) for value in stalls] == ["nan", "nan", "nan", "0.5", "0.0"]


def test_a_page_with_ever_new_labels_does_not_fill_the_memory() -> None:
    history = PageHistory(10)
    for number in range(4):
        names = ["dragonfly_keys", *(f"dragonfly_clients_{number}_{at}" for at in range(MOST_SERIES))]
        samples = tuple(Sample(name=name, value=float(number), kind="gauge") for name in names)
        history.note(Reading(seq=number + 1, value=MetricsPage(taken_at=START, samples=samples)), float(number))
    assert len(history.series.names) == MOST_SERIES
    assert list(history.series.window("dragonfly_keys", 0.0)[1]) == [0.0, 1.0, 2.0, 3.0], "what stays is kept"
    assert history.series.latest("dragonfly_clients_3_0") == 3.0
