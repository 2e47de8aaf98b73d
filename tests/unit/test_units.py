import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.units import MISSING, bytes_text, count_text, duration_text, percent_text, value_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (512, "512 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.50 KiB"), (1 << 20, "1 MiB"),
     (4026531840, "3.75 GiB"), (1 << 30, "1 GiB"), ((1 << 30) - 1, "1.00 GiB"), (-2048, "-2 KiB")],
)  # fmt: skip
def test_bytes(value: float, text: str) -> None:
    assert bytes_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (1000, "1k"), (1234, "1.23k"), (12345, "12.3k"), (999_999, "1.00M"),
     (1_050_000, "1.05M"), (0.25, "0.25"), (-1500, "-1.50k")],
)  # fmt: skip
def test_counts(value: float, text: str) -> None:
    assert count_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.5, "50.0%"), (0.992, "99.2%"), (1, "100%"), (0.9999, "100%"), (1.5, "150%")]
)
def test_percentages(value: float, text: str) -> None:
    assert percent_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.35, "350 ms"), (0.9999, "1 s"), (1, "1 s"), (42, "42 s"), (59.7, "1 m"), (60, "1 m"),
     (200, "3 m 20 s"), (3600, "1 h"), (3661, "1 h 1 m"), (86400 * 5 + 3600 * 4, "5 d 4 h"), (-42, "-42 s")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_known_is_a_dash(unknown: float | None) -> None:
    texts = {bytes_text(unknown), count_text(unknown), percent_text(unknown), duration_text(unknown)}
    texts |= {
        value_text(unknown, unit) for unit in ("bytes", "bytes/s", "count", "count/s", "fraction", "seconds", "x")
    }
    assert texts == {MISSING}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(2048, "bytes", "2 KiB"), (2048, "bytes/s", "2 KiB/s"), (2000, "count", "2k"), (2000, "count/s", "2k/s"),
     (0.5, "fraction", "50.0%"), (90, "seconds", "1 m 30 s"), (5, "records", "5 records"), (5, "", "5")],
)  # fmt: skip
def test_values_with_their_unit(value: float, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


@given(st.floats(min_value=0, max_value=1e15))
def test_texts_are_short_and_say_about_the_same(value: float) -> None:
    text = count_text(value)
    assert len(text) <= 6
    found = re.fullmatch(r"([0-9.]+)([kMGT]?)", text)
    assert found is not None
    shown = float(found.group(1)) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[found.group(2)]
    assert shown == pytest.approx(value, rel=0.006, abs=0.006)


@given(st.floats(min_value=0, max_value=1e10), st.floats(min_value=0, max_value=1e10))
def test_longer_spans_never_read_shorter(one: float, other: float) -> None:
    def seconds(text: str) -> float:
        sizes = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
        return sum(float(number) * sizes[unit] for number, unit in re.findall(r"(\d+) (ms|s|m|h|d)", text))

    small, large = sorted((one, other))
    assert seconds(duration_text(small)) <= seconds(duration_text(large))
