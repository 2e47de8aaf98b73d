import pytest
from pydantic import ValidationError

from dfly_tui.errors import DflyError, Unreachable
from dfly_tui.models.reading import Freshness, Reading

DOWN = Unreachable("connection refused")


def test_before_the_first_read_it_is_pending() -> None:
    reading = Reading[int]()
    assert reading.freshness(1000.0) is Freshness.PENDING
    assert reading.age(1000.0) is None


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0.0, Freshness.FRESH), (5.0, Freshness.FRESH), (5.01, Freshness.STALE), (900.0, Freshness.STALE)],
)
def test_a_value_is_stale_after_two_and_a_half_intervals(age: float, expected: Freshness) -> None:
    reading = Reading[int](seq=1, value=7, value_at=100.0, interval=2.0)
    assert reading.freshness(100.0 + age) is expected


@pytest.mark.parametrize(
    ("failures", "expected"),
    [(1, Freshness.STALE), (2, Freshness.STALE), (3, Freshness.LOST), (40, Freshness.LOST)],
)
def test_failures_make_it_stale_and_the_third_loses_it(failures: int, expected: Freshness) -> None:
    reading = Reading[int](seq=9, value=7, value_at=100.0, error=DOWN, failures=failures)
    assert reading.freshness(100.0) is expected


def test_an_error_without_ever_a_value_is_lost_at_once() -> None:
    assert Reading[int](seq=1, error=DOWN, failures=1).freshness(0.0) is Freshness.LOST


def test_age_counts_from_the_last_good_value_and_is_never_negative() -> None:
    reading = Reading[int](seq=4, value=7, value_at=100.0, error=DOWN, failures=2)
    assert reading.age(103.5) == 3.5
    assert reading.age(99.0) == 0.0


def test_a_falsy_value_is_a_value() -> None:
    assert Reading[int](seq=1, value=0, value_at=5.0).freshness(5.0) is Freshness.FRESH


def test_it_cannot_be_changed_and_equal_ones_are_equal() -> None:
    reading = Reading[int](seq=1, value=7, value_at=5.0, error=DOWN, failures=1)
    with pytest.raises(ValidationError):
        reading.paused = True  # type: ignore[misc]
    assert reading == Reading[int](seq=1, value=7, value_at=5.0, error=Unreachable("connection refused"), failures=1)
    assert reading != reading.model_copy(update={"error": DflyError("connection refused")})
