import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.pollers.series import Rates, TimeSeries

NAN = math.nan


def same(one: list[float], other: list[float]) -> bool:
    """Equal, NaN being equal to itself."""
    return len(one) == len(other) and all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other, strict=True)
    )


def test_a_column_that_appears_late_begins_with_gaps() -> None:
    series = TimeSeries(10)
    series.append(1.0, {"ops": 5.0})
    series.append(2.0, {"ops": 6.0, "lag": 1.0})
    times, lag = series.window("lag", 0.0)
    assert list(times) == [1.0, 2.0]
    assert same(list(lag), [NAN, 1.0])


def test_a_column_that_is_missing_once_has_a_gap_there() -> None:
    series = TimeSeries(10)
    for time, values in enumerate([{"ops": 1.0}, {}, {"ops": 3.0}]):
        series.append(float(time), values)
    assert same(list(series.window("ops", 0.0)[1]), [1.0, NAN, 3.0])


def test_a_failed_read_is_a_gap_in_every_column() -> None:
    series = TimeSeries(10)
    series.append(1.0, {"ops": 1.0, "keys": 2.0})
    series.gap(2.0)
    assert math.isnan(series.latest("ops"))
    assert math.isnan(series.latest("keys"))
    assert len(series) == 2


def test_columns_come_in_the_order_of_their_first_value() -> None:
    series = TimeSeries(10)
    names = [f"metric {number}" for number in range(50)]
    series.append(1.0, dict.fromkeys(names, 1.0))
    series.append(2.0, {"a late one": 1.0})
    assert series.names == (*names, "a late one")


def test_a_window_begins_at_its_time_inclusive() -> None:
    series = TimeSeries(4)
    for time in range(6):
        series.append(float(time), {"ops": time * 10.0})
    assert [list(part) for part in series.window("ops", 4.0)] == [[4.0, 5.0], [40.0, 50.0]]
    assert [list(part) for part in series.window("ops", 4.5)] == [[5.0], [50.0]]
    assert [list(part) for part in series.window("ops", 9.0)] == [[], []]
    assert [list(part) for part in series.window("ops", -1.0)] == [[2.0, 3.0, 4.0, 5.0], [20.0, 30.0, 40.0, 50.0]]


def test_an_unknown_column_is_empty_and_has_no_latest() -> None:
    series = TimeSeries(4)
    assert math.isnan(series.latest("ops"))
    series.append(1.0, {"ops": 1.0})
    assert [list(part) for part in series.window("nope", 0.0)] == [[], []]
    assert math.isnan(series.latest("nope"))
    assert series.latest("ops") == 1.0


def test_what_a_window_gave_does_not_change_later() -> None:
    series = TimeSeries(2)
    series.append(1.0, {"ops": 1.0})
    series.append(2.0, {"ops": 2.0})
    _, before = series.window("ops", 0.0)
    series.append(3.0, {"ops": 3.0})
    assert list(before) == [1.0, 2.0]


def test_dropped_columns_are_gone() -> None:
    series = TimeSeries(2)
    series.append(1.0, {"ops": 1.0, "keys": 2.0})
    series.drop(["ops", "nope"])
    assert series.names == ("keys",)


def test_memory_stays_once_the_ring_is_full() -> None:
    series = TimeSeries(500)
    values = {f"metric {number}": 1.0 for number in range(20)}
    for time in range(600):
        series.append(float(time), values)
    tracemalloc.start()
    try:
        for time in range(600, 5000):
            series.append(float(time), values)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 20_000


points = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.floats(allow_nan=False, allow_infinity=False), max_size=3), max_size=40
)


@given(capacity=st.integers(1, 9), points=points, since=st.floats(-2, 45))
def test_the_ring_is_the_tail_of_a_plain_list(capacity: int, points: list[dict[str, float]], since: float) -> None:
    series = TimeSeries(capacity)
    plain: list[tuple[float, dict[str, float]]] = []
    for time, values in enumerate(points):
        series.append(float(time), values)
        plain.append((float(time), values))
    kept = plain[-capacity:]
    assert len(series) == len(kept)
    for name in {name for _, values in plain for name in values}:
        expected = [(time, values.get(name, NAN)) for time, values in kept if time >= since]
        times, column = series.window(name, since)
        assert list(times) == [time for time, _ in expected]
        assert same(list(column), [value for _, value in expected])
        assert same([series.latest(name)], [kept[-1][1].get(name, NAN)])


def test_a_counter_of_known_rate() -> None:
    rates = Rates()
    assert rates.update(10.0, {"ops": 1000.0}) == {}
    assert rates.update(12.5, {"ops": 1500.0}) == {"ops": 200.0}
    assert rates.update(13.0, {"ops": 1500.0}) == {"ops": 0.0}


def test_a_counter_that_went_down_is_a_gap_and_then_goes_on() -> None:
    rates = Rates()
    rates.update(0.0, {"ops": 1000.0, "keys": 5.0})
    after_reset = rates.update(1.0, {"ops": 10.0, "keys": 7.0})
    assert math.isnan(after_reset["ops"])
    assert after_reset["keys"] == 2.0
    assert rates.update(2.0, {"ops": 60.0, "keys": 7.0})["ops"] == 50.0


def test_a_counter_that_appears_late_has_no_rate_at_first() -> None:
    rates = Rates()
    rates.update(0.0, {"ops": 1.0})
    assert math.isnan(rates.update(1.0, {"ops": 2.0, "oom": 99.0})["oom"])
    assert rates.update(2.0, {"ops": 3.0, "oom": 100.0})["oom"] == 1.0


def test_nothing_is_known_right_after_forgetting() -> None:
    rates = Rates()
    rates.update(0.0, {"ops": 1.0})
    rates.forget()
    assert rates.update(1.0, {"ops": 500.0}) == {}


def test_two_reads_at_the_same_moment_divide_by_nothing() -> None:
    rates = Rates()
    rates.update(1.0, {"ops": 1.0})
    assert rates.update(1.0, {"ops": 2.0}) == {}
    assert rates.update(2.0, {"ops": 3.0}) == {"ops": 1.0}


@given(st.lists(st.tuples(st.floats(0.1, 10), st.integers(0, 10**9)), min_size=2, max_size=30))
def test_rates_times_spans_add_up_to_the_counter(steps: list[tuple[float, int]]) -> None:
    rates, time, total, integral = Rates(), 0.0, 0, 0.0
    rates.update(time, {"ops": total})
    for span, more in steps:
        time, total = time + span, total + more
        integral += rates.update(time, {"ops": total})["ops"] * span
    assert integral == pytest.approx(total, rel=1e-6, abs=1e-3)
