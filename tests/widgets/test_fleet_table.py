"""The fleet at a glance."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from textual import on
from textual.widget import Widget

from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import InstanceStatus
from dfly_tui.models.info import Info, InfoSection
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.reading import Freshness, Reading
from dfly_tui.settings import Environment
from tests.support.fleet import GIB, NOW, WALL, info_text, judged, observed
from tests.widgets.support import WidgetApp, assert_lines_fill, assert_printable, hostile_text, rows, text, widths
from widgets.fleet_columns import Moment, fleet_row, heading, layout
from widgets.fleet_table import FleetTable
from widgets.lines import line_text

MOMENT = Moment(NOW, WALL)


def fleet() -> tuple[InstanceStatus, ...]:
    return judged(
        observed("workhorse", role="primary", environment=Environment.PRODUCTION),
        observed("nas", info_text(role="slave"), role="primary"),
        observed("old", age=12),
        observed("dead", age=300, failures=5),
    )


def shown(status: InstanceStatus, width: int = 200) -> str:
    return line_text(fleet_row(status, layout([status], width), width, MOMENT))


def named(name: str) -> InstanceStatus:
    return next(status for status in fleet() if status.name == name)


def test_a_healthy_instance_in_numbers() -> None:
    line = shown(named("workhorse"))
    for words in (
        "● ok", "workhorse", "● fresh", "primary", "production", "1.40.1", "1 d 3 h", "25%", "4 GiB/16 GiB", "1.23k",
        "4.32k", "99.2%", "17", "2 h ago",
    ):  # fmt: skip
        assert words in line, words


def test_a_role_that_is_not_the_intended_one_is_told() -> None:
    line = shown(named("nas"))
    assert "✖ critical" in line
    assert "replica≠primary" in line
    assert "in sync" in line


@pytest.mark.parametrize(("name", "words"), [("old", "◐ stale 12 s"), ("dead", "○ lost 5 m")], ids=["stale", "lost"])
def test_old_numbers_are_dimmed_and_say_so(name: str, words: str) -> None:
    status = named(name)
    row = fleet_row(status, layout([status], 120), 120, MOMENT)
    assert words in line_text(row)
    assert {run.style for run in row} <= {"dim", "warning", "critical", "stale", "lost"}


@pytest.mark.parametrize(("name", "words"), [("old", "‖ paused"), ("dead", "○ lost 5 m")], ids=["stale", "lost"])
def test_a_pause_does_not_hide_that_an_instance_was_lost(name: str, words: str) -> None:
    seen = named(name).observation
    paused = seen.model_copy(update={"status": seen.status.model_copy(update={"paused": True})})
    assert words in shown(judged(paused)[0])


def test_what_is_not_known_is_a_dash_and_never_zero() -> None:
    nothing = Reading[InstanceSnapshot](value=InstanceSnapshot.from_info(Info(), taken_at=WALL), value_at=NOW)
    status = judged(observed("bare").model_copy(update={"status": nothing}))[0]
    line = shown(status)
    assert "0" not in line.replace("seen", "")
    assert line.count("–") >= 9


def test_without_a_limit_the_memory_in_use_is_told() -> None:
    (status,) = judged(observed("workhorse", info_text(limit=0)))
    assert "4 GiB" in shown(status, 80)


def test_no_heading_is_cut_at_any_width() -> None:
    statuses = judged(observed("workhorse"))
    for width in range(30, 240):
        assert "…" not in line_text(heading(layout(statuses, width), width))


def test_an_instance_never_seen_is_pending() -> None:
    status = judged(observed("new").model_copy(update={"status": Reading[InstanceSnapshot]()}))[0]
    assert "… pending" in shown(status)
    assert "? unknown" in shown(status)


def test_a_running_snapshot_and_a_missing_one() -> None:
    assert "now 45%" in shown(
        judged(observed("a", info_text().replace("saving:0", "saving:1\r\ncurrent_snapshot_perc:45")))[0]
    )
    assert "never" in shown(judged(observed("a", info_text().replace("last_saved_file:/data/dump.dfs", "x:1")))[0])


def test_lag_is_told_in_time_where_it_is_known_and_in_records_elsewhere() -> None:
    primary = observed("a", info_text(extra="slave0:ip=10.0.0.2,port=6380,state=online,lag=1200\r\n"))
    assert "1.20k rec" in shown(judged(primary)[0])
    assert "3 s" in shown(judged(primary.model_copy(update={"lag_seconds": 3.0}))[0])


def test_the_container_stands_at_the_right() -> None:
    info = ContainerInfo(name="df", id="1", image="i", state="exited", restart_policy="no", restarts=0)
    status = judged(observed("a").model_copy(update={"container": Reading[ContainerInfo](value=info, value_at=NOW)}))[0]
    assert shown(status).rstrip().endswith("exited")


def test_80_columns_show_what_matters_most() -> None:
    titles = line_text(heading(layout(fleet(), 78), 78)).split()
    assert titles[:5] == ["state", "instance", "seen", "role", "memory"]
    assert {"ops/s", "lag"} <= set(titles)


def test_wider_screens_show_more_and_200_shows_all() -> None:
    counts = [len(layout(fleet(), width)) for width in (20, 40, 80, 120, 198)]
    assert counts == sorted(counts)
    assert counts[-1] == 17


@given(hostile_text.filter(bool), widths)
@settings(max_examples=60, deadline=None)
def test_any_text_of_a_server_fits_any_width(hostile: str, width: int) -> None:
    seen = observed("a").status.value
    assert seen is not None
    info = Info(sections=(*seen.info.sections, InfoSection(name=hostile, fields=((hostile, hostile),))))
    container = ContainerInfo(
        name=hostile, id="1", image=hostile, state=hostile, health=hostile, restart_policy=hostile, restarts=1
    )
    observation = observed("a").model_copy(
        update={
            "status": Reading[InstanceSnapshot](
                value=seen.model_copy(update={"version": hostile, "info": info}), value_at=NOW
            ),
            "container": Reading[ContainerInfo](value=container, value_at=NOW),
        }
    )
    statuses = judged(observation)
    columns = layout(statuses, width)
    assert_lines_fill([heading(columns, width), fleet_row(statuses[0], columns, width, MOMENT)], width)


class TableApp(WidgetApp):
    """Notes what the table says."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__(*widgets)
        self.heard: list[tuple[str, str]] = []

    @on(FleetTable.Highlighted)
    def _highlighted(self, event: FleetTable.Highlighted) -> None:
        self.heard.append(("highlighted", event.name))

    @on(FleetTable.Selected)
    def _selected(self, event: FleetTable.Selected) -> None:
        self.heard.append(("selected", event.name))


async def test_the_first_instance_is_highlighted_and_keys_move_on() -> None:
    table = FleetTable()
    app = TableApp(table)
    async with app.run_test(size=(100, 12)) as pilot:
        table.show(fleet(), NOW, WALL)
        table.focus()
        await pilot.press("down", "enter")
        names = [status.name for status in fleet()]
        assert app.heard == [("highlighted", names[0]), ("highlighted", names[1]), ("selected", names[1])]
        assert rows(app)[2].startswith("▸ ")


async def test_the_cursor_follows_its_instance_when_the_order_changes() -> None:
    table = FleetTable()
    app = TableApp(table)
    async with app.run_test(size=(100, 12)) as pilot:
        table.show(fleet(), NOW, WALL, current="workhorse")
        await pilot.pause()
        app.heard.clear()
        table.show(fleet()[::-1], NOW, WALL)
        await pilot.pause()
        assert "workhorse" in next(row for row in rows(app) if row.startswith("▸"))
        assert app.heard == []


async def test_when_the_instance_under_the_cursor_is_gone_another_is_told() -> None:
    table = FleetTable()
    app = TableApp(table)
    async with app.run_test(size=(100, 12)) as pilot:
        table.show(fleet(), NOW, WALL, current="workhorse")
        await pilot.pause()
        app.heard.clear()
        table.show([status for status in fleet() if status.name != "workhorse"], NOW, WALL)
        await pilot.pause()
        assert [kind for kind, _ in app.heard] == ["highlighted"]
        table.show([], NOW, WALL)
        await pilot.press("enter", "down")
        assert "workhorse" not in text(app)


async def test_only_the_row_that_changed_is_written() -> None:
    table = FleetTable()
    app = WidgetApp(table)

    def with_ops(ops: int) -> tuple[InstanceStatus, ...]:
        return judged(
            *(observed(f"node-{number:02}", info_text(ops=ops if number == 3 else 7)) for number in range(20))
        )

    async with app.run_test(size=(120, 30)) as pilot:
        table.show(with_ops(4000), NOW, WALL)
        await pilot.pause()
        app.written = 0
        table.show(with_ops(4000), NOW, WALL)
        await pilot.pause()
        assert app.written == 0
        table.show(with_ops(5120), NOW, WALL)
        await pilot.pause()
        assert "5.12k" in next(row for row in rows(app) if "node-03" in row)
        assert 0 < app.written <= 300


async def test_a_resize_shows_other_columns() -> None:
    table = FleetTable()
    app = WidgetApp(table)
    async with app.run_test(size=(80, 12)) as pilot:
        table.show(fleet(), NOW, WALL)
        await pilot.pause()
        assert "uptime" not in text(app)
        await pilot.resize_terminal(200, 12)
        await pilot.pause()
        assert "uptime" in text(app)
        assert "16 GiB" in text(app)


@pytest.mark.parametrize("width", [1, 2, 5, 10])
async def test_a_very_narrow_table_does_not_break(width: int) -> None:
    table = FleetTable()
    app = WidgetApp(table)
    async with app.run_test(size=(width, 4)) as pilot:
        table.show(fleet(), NOW, WALL)
        table.focus()
        await pilot.press("down", "end", "pagedown")
        assert_printable(rows(app), width)


def test_memory_beyond_the_limit_still_fits() -> None:
    line = shown(judged(observed("a", info_text(used=400 * GIB, limit=GIB)))[0])
    assert "█████ ≥10×" in line


def test_the_age_of_a_snapshot_is_told_in_one_unit() -> None:
    status = named("workhorse")
    later = Moment(NOW, WALL + timedelta(days=3))
    assert "3 d ago" in line_text(fleet_row(status, layout([status], 200), 200, later))
    assert status.freshness is Freshness.FRESH


@pytest.mark.parametrize("theme", ["dfly-dark", "dfly-ansi"])
async def test_under_the_cursor_a_state_keeps_its_colour(theme: str) -> None:
    table = FleetTable()
    app = WidgetApp(table, theme=theme)
    async with app.run_test(size=(80, 12)) as pilot:
        table.show(judged(observed("a", role="replica"), observed("b", role="replica")), NOW, WALL)
        table.focus()
        await pilot.pause()
        under, other = (
            next(segment.style for segment in table.render_line(y) if "critical" in segment.text) for y in (1, 2)
        )
        assert under is not None
        assert other is not None
        assert under.color == other.color
        assert under.bold
        assert (under.bgcolor, under.reverse) != (other.bgcolor, other.reverse)
