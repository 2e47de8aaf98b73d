"""Bars and sparklines."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.bar import bar
from widgets.sparkline import sparkline

NAN = math.nan


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        (0.0, "    "),
        (0.25, "█   "),
        (0.5, "██  "),
        (1.0, "████"),
        (9.0, "████"),
        (-1.0, "    "),
        (None, "    "),
        (NAN, "    "),
        (1e-9, "▏   "),
        (0.99, "███▉"),
    ],
)
def test_a_bar_shows_a_fraction(fraction: float | None, shown: str) -> None:
    assert bar(fraction, 4) == shown


@pytest.mark.parametrize(
    ("fraction", "shown"), [(0.0, "----"), (0.01, "#---"), (0.5, "##--"), (0.99, "###-"), (1, "####")]
)
def test_a_bar_in_ascii(fraction: float, shown: str) -> None:
    assert bar(fraction, 4, ascii_only=True) == shown


@given(st.one_of(st.none(), st.floats()), st.integers(-2, 60), st.booleans())
def test_a_bar_is_always_as_wide_as_asked(fraction: float | None, width: int, plain: bool) -> None:
    assert len(bar(fraction, width, ascii_only=plain)) == max(0, width)


@given(st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_more_is_never_shorter(one: float, other: float, plain: bool) -> None:
    less, more = (bar(fraction, 10, ascii_only=plain).rstrip(" -") for fraction in sorted((one, other)))
    assert (len(less), less[-1:] != "█") <= (len(more), True)


def test_a_sparkline_starts_at_zero() -> None:
    assert sparkline([0, 50, 100], 3, top=100) == "▁▅█"


def test_flat_zero_and_flat_500_differ() -> None:
    assert sparkline([0] * 5, 5) == "▁▁▁▁▁"
    assert sparkline([500] * 5, 5) == "█████"


def test_anything_above_zero_differs_from_zero() -> None:
    assert sparkline([0, 1e-6, 100], 3) == "▁▂█"


def test_gaps_are_blank() -> None:
    assert sparkline([100, NAN, None, math.inf, 100], 5) == "█   █"


def test_the_newest_stand_at_the_right() -> None:
    assert sparkline([100], 4) == "   █"
    assert sparkline([100, 0, 0, 100], 3) == "▁▁█"


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=60), st.integers(-1, 40), st.one_of(st.none(), st.floats()))
def test_a_sparkline_is_always_as_wide_as_asked(values: list[float | None], width: int, top: float | None) -> None:
    assert len(sparkline(values, width, top=top)) == max(0, width)
