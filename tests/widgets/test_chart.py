"""Charts tell the truth: from zero, every spike, every gap."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.widgets.support import WidgetApp, assert_lines_fill, assert_printable, hostile_text, rows, widths
from widgets.chart import Chart, ChartData, SeriesData, render_chart
from widgets.lines import Line, line_text
from widgets.scale import columns, nice_top, value_near

START, END = 1000.0, 1300.0
NAN = math.nan


def data(*values: Sequence[float], unit: str = "count/s", threshold: float | None = None) -> ChartData:
    series = tuple(
        SeriesData(f"node-{number}", [START + second for second in range(len(each))], each)
        for number, each in enumerate(values)
    )
    return ChartData("Commands", unit, series, START, END, threshold)


def drawn(chart: ChartData, width: int = 100, height: int = 15, cursor: float | None = None) -> list[str]:
    return [line_text(line) for line in render_chart(chart, width, height, cursor=cursor)]


def plot(lines: list[str]) -> list[str]:
    """The dots, without title, labels and axis."""
    gutter = lines[1].index("┤") + 1
    return [line[gutter:] for line in lines[1:-1]]


def test_the_title_tells_the_newest_the_lowest_and_the_highest() -> None:
    values = [500.0] * 301
    values[100], values[200] = 100.0, 900.0
    assert drawn(data(values))[0].startswith("Commands 500/s  min 100/s  max 900/s")


@pytest.mark.parametrize(
    ("width", "title"),
    [(42, "Commands 500/s  min 100/s  max 900/s"), (30, "Commands 500/s"), (14, "Commands 500/s")],
    ids=["all", "without extremes", "just"],
)
def test_a_title_without_room_leaves_out_whole_words(width: int, title: str) -> None:
    values = [500.0] * 301
    values[100], values[200] = 100.0, 900.0
    assert drawn(data(values), width)[0].rstrip() == title


def test_of_two_series_the_numbers_stay_and_the_names_go() -> None:
    wide, narrow = (drawn(data([1.0] * 301, [2.0] * 301), width)[0] for width in (60, 26))
    assert wide.rstrip() == "Commands  ━ node-0 1/s  ╍ node-1 2/s"
    assert narrow.rstrip() == "Commands ━ 1/s ╍ 2/s"


def test_the_scale_starts_at_zero_and_ends_at_a_round_number() -> None:
    lines = drawn(data([870.0] * 301))
    assert lines[1].lstrip().startswith("1k/s┤")
    assert lines[-2].lstrip().startswith("0/s┤")


def test_noise_is_not_blown_up_to_full_height() -> None:
    used = [row for row in plot(drawn(data([500 + 1e-6 * (second % 2) for second in range(301)]))) if row.strip()]
    assert len(used) == 1


def test_flat_zero_lies_on_the_floor_and_flat_500_does_not() -> None:
    zero, high = plot(drawn(data([0.0] * 301))), plot(drawn(data([500.0] * 301)))
    assert zero[-1].strip()
    assert not high[-1].strip()


@given(st.integers(0, 3599))
@settings(max_examples=40, deadline=None)
def test_a_spike_of_one_second_in_an_hour_survives(at: int) -> None:
    values = [10.0] * 3600
    values[at] = 1000.0
    times = [float(second) for second in range(3600)]
    lines = drawn(ChartData("x", "count", (SeriesData("", times, values),), 0.0, 3599.0), 60, 10)
    assert plot(lines)[0].strip(), "the top row holds the spike"


def test_a_spike_down_survives_too() -> None:
    values = [1000.0] * 3600
    values[1234] = 0.0
    lines = drawn(ChartData("x", "count", (SeriesData("", [float(i) for i in range(3600)], values),), 0, 3599), 60, 10)
    assert plot(lines)[-1].strip()


def test_failed_polls_leave_a_gap() -> None:
    values = [500.0] * 301
    values[100:200] = [NAN] * 100
    whole = max(plot(drawn(data(values))), key=lambda row: len(row.strip()))
    gap = whole.strip()
    third = len(whole) // 3
    assert " " * (third - 2) in gap
    assert gap[0] != " "
    assert gap[-1] != " "


def test_a_time_without_samples_is_a_gap_too() -> None:
    times = [*(START + second for second in range(100)), *(START + second for second in range(200, 301))]
    chart = ChartData("x", "count", (SeriesData("", times, [500.0] * 201),), START, END)
    row = max(plot(drawn(chart)), key=lambda row: len(row.strip()))
    assert " " * 28 in row.strip()


def test_few_samples_are_joined_to_a_line() -> None:
    times = [START, START + 100, START + 200, START + 300]
    chart = ChartData("x", "count", (SeriesData("", times, [500.0] * 4),), START, END)
    row = max(plot(drawn(chart)), key=lambda row: len(row.strip()))
    assert " " not in row.strip()
    assert len(row.strip()) > 80


def test_when_the_newest_poll_failed_the_title_says_unknown() -> None:
    assert drawn(data([*[500.0] * 300, NAN]))[0].startswith("Commands –")


def test_nothing_known_at_all_is_an_empty_chart() -> None:
    for chart in (data(), data([]), data([NAN] * 301), data([math.inf, -math.inf])):
        lines = drawn(chart)
        assert len(lines) == 15
        assert not any(row.strip() for row in plot(lines))


def test_one_sample_is_one_dot_and_not_a_full_bar() -> None:
    assert sum(len(row.strip()) for row in plot(drawn(data([500.0])))) == 1


def test_two_series_are_told_apart_without_colour() -> None:
    lines = drawn(data([800.0] * 301, [300.0] * 301))
    assert "━ node-0 800/s" in lines[0]
    assert "╍ node-1 300/s" in lines[0]
    first, second = (row for row in plot(lines) if row.strip())
    assert set(first.strip()) != set(second.strip())


def test_a_fourth_series_is_left_out() -> None:
    assert "node-3" not in drawn(data(*([float(number)] * 301 for number in range(5))), 200)[0]


def test_the_limit_is_a_line_and_told() -> None:
    lines = drawn(data([800.0] * 301, threshold=900.0))
    assert "limit 900/s" in lines[0]
    assert any("╌" * 50 in row for row in plot(lines))


def test_a_limit_far_away_is_told_but_does_not_squeeze_the_scale() -> None:
    lines = drawn(data([8.0] * 301, threshold=5000.0))
    assert "limit 5k/s" in lines[0]
    assert not any("╌" in row for row in plot(lines))


def test_the_cursor_tells_the_value_at_its_time() -> None:
    values = [float(second) for second in range(301)]
    lines = drawn(data(values), cursor=START + 120)
    assert lines[0].startswith("Commands at -3 m 120/s")
    marks = {row.index("│") for row in plot(lines)}
    assert marks == {int(120 / 300 * len(plot(lines)[0]))}


def test_the_cursor_in_a_gap_tells_unknown() -> None:
    values = [500.0] * 301
    values[100:200] = [NAN] * 100
    assert drawn(data(values), cursor=START + 150)[0].startswith("Commands at -2 m 30 s –")


def test_the_axis_runs_from_the_window_to_now() -> None:
    axis = drawn(data([1.0] * 301))[-1]
    assert axis.split() == ["-5", "m", "-2", "m", "30", "s", "now"]
    assert axis.endswith("now")


def test_few_colours_per_line() -> None:
    waves = [[500 + 400 * math.sin(second / 9 + shift) for second in range(301)] for shift in (0, 2, 4)]
    chart = render_chart(data(*waves), 100, 15)
    assert max(len(line) for line in chart[1:]) <= 3


def test_the_picture_does_not_shimmer_while_the_window_moves() -> None:
    """What is far from the edges keeps its dots when the window moves by whole columns."""
    values = [500 + 400 * math.sin(second / 7) for second in range(1000)]
    times = [float(second) for second in range(1000)]
    early, late = (
        render_chart(ChartData("x", "count", (SeriesData("", times, values),), end - 280, end), 74, 12)
        for end in (700.0, 704.0)
    )
    assert [shifted(line, 1) for line in early[1:-1]] == [shifted(line, 0) for line in late[1:-1]]


def shifted(line: Line, by: int) -> str:
    body = line_text(line)[4:]
    return body[by + 3 : len(body) - 6 + by]


@pytest.mark.parametrize(
    ("highest", "unit", "top"),
    [
        (0.0, "count", 1.0),
        (870.0, "count", 1000.0),
        (1000.0, "count", 1000.0),
        (1001.0, "count", 2000.0),
        (0.03, "fraction", 0.04),
        (0.99, "fraction", 1.0),
        (3.8 * 2**30, "bytes", 4.0 * 2**30),
        (4.0 * 2**30, "bytes", 4.0 * 2**30),
    ],
)
def test_scales_end_at_numbers_that_read_well(highest: float, unit: str, top: float) -> None:
    assert nice_top(highest, unit) == pytest.approx(top)


@given(st.floats(1e-9, 1e15))
def test_a_scale_holds_its_highest_value_and_uses_at_least_half_of_the_room(highest: float) -> None:
    for unit in ("count", "bytes"):
        assert highest * (1 - 1e-6) <= nice_top(highest, unit) <= highest * 2.001


@given(st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(NAN)), max_size=200), st.integers(1, 80))
def test_columns_keep_every_extreme(values: list[float], count: int) -> None:
    times = [float(second) for second in range(len(values))]
    found = columns(times, values, -1.0, 200.0, count)
    known = [value for value in values if not math.isnan(value)]
    assert max((column.high for column in found), default=None) == max(known, default=None)
    assert min((column.low for column in found), default=None) == min(known, default=None)
    assert [column.at for column in found] == sorted(column.at for column in found)
    assert all(0 <= column.at < count for column in found)


def test_the_value_near_a_time() -> None:
    assert value_near([1.0, 2.0, 3.0], [10.0, 20.0, 30.0], 2.4) == 20.0
    assert value_near([1.0, 2.0, 3.0], [10.0, 20.0, 30.0], 9.0) is None
    assert value_near([], [], 9.0) is None


wild = st.one_of(st.floats(allow_nan=True, allow_infinity=True, width=32), st.just(0.0))


@given(
    st.lists(st.lists(wild, max_size=40), max_size=4),
    hostile_text,
    widths,
    st.integers(1, 20),
    st.one_of(st.none(), st.floats(900, 1400)),
    st.one_of(st.none(), st.floats(-1e9, 1e9)),
    st.sampled_from(["count", "bytes", "fraction", "seconds", ""]),
)
@settings(deadline=None)
def test_any_values_and_any_text_fit_any_size(
    values: list[list[float]],
    label: str,
    width: int,
    height: int,
    cursor: float | None,
    threshold: float | None,
    unit: str,
) -> None:
    series = tuple(SeriesData(label, [START + number for number in range(len(each))], each) for each in values)
    chart = ChartData(label, unit, series, START, END, threshold)
    lines = render_chart(chart, width, height, cursor=cursor)
    assert len(lines) == height
    assert_lines_fill(lines, width)


def load(end: int, *, window: int = 300) -> ChartData:
    """A busy server, a second per sample."""
    times = [float(second) for second in range(end - window - 50, end + 1)]
    values = [8000 + 3000 * math.sin(time / 20) + 500 * math.sin(time * 1.7) for time in times]
    return ChartData("Commands", "count/s", (SeriesData("ops", times, values),), float(end - window), float(end))


async def test_a_chart_of_100x15_writes_at_most_3500_bytes_per_second() -> None:
    chart = Chart()
    chart.styles.height = 15
    app = WidgetApp(chart)
    async with app.run_test(size=(100, 20)) as pilot:
        for window in (60, 300, 900):
            chart.show(load(5000, window=window))
            await pilot.pause()
            app.written = 0
            for second in range(1, 11):
                chart.show(load(5000 + second, window=window))
                await pilot.pause()
            assert 0 < app.written / 10 <= 3500, window


async def test_the_same_chart_again_writes_nothing() -> None:
    chart = Chart()
    app = WidgetApp(chart)
    async with app.run_test(size=(100, 20)) as pilot:
        chart.show(load(5000))
        await pilot.pause()
        app.written = 0
        chart.show(load(5000))
        await pilot.pause()
        assert app.written == 0
        chart.show(load(5000), cursor=4900.0)
        await pilot.pause()
        assert "at -1 m 40 s" in rows(app)[0]
        assert app.written > 0


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 2), (10, 4), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_chart_fills_any_screen(size: tuple[int, int]) -> None:
    chart = Chart()
    chart.styles.height = "1fr"
    app = WidgetApp(chart)
    async with app.run_test(size=size) as pilot:
        chart.show(load(5000))
        await pilot.pause()
        assert_printable(rows(app), size[0])
        await pilot.resize_terminal(size[0] + 7, size[1] + 3)
        await pilot.pause()
        assert_printable(rows(app), size[0] + 7)
