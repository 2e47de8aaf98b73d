"""The lines of a view: fitted to the room there is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dfly_tui.models.view import Cell, Facts, Row, Told, View, row_of
from dfly_tui.settings_views import SHIPPED_VIEWS
from tests.support.clock import START
from widgets.lines import line_text
from widgets.view_lines import Moment, fit_columns, heading_line, row_line

WORKFLOWS, _, SESSIONS, QUEUES = map(View.of, SHIPPED_VIEWS)
NOW = Moment(START, 100.0)


def row(view: View, name: bytes, facts: Facts, trend: tuple[int | None, ...] = ()) -> Row:
    key = view.key(name)
    assert key is not None
    return row_of(view, key, facts, read_at=100.0, trend=trend)


def workflow(agent: str, status: str, ttl_ms: int = -1) -> Row:
    fields = {"status": Cell(Told.TEXT, status), "timestamp": Cell(Told.TEXT, (START - timedelta(hours=2)).isoformat())}
    facts = Facts("hash", Cell(Told.TTL, number=ttl_ms), fields=fields)
    return row(WORKFLOWS, b"tef:state:i:p:" + agent.encode(), facts)


@given(
    agent=st.text("aé漢 ", min_size=1, max_size=80),
    status=st.text("xé漢", max_size=200),
    width=st.integers(min_value=20, max_value=250),
)
def test_rows_and_titles_never_take_more_than_their_room(agent: str, status: str, width: int) -> None:
    rows = [workflow(agent, status), workflow("other", "short")]
    widths = fit_columns(WORKFLOWS, rows, width)
    lines = [
        heading_line(WORKFLOWS, widths, 0, descending=True),
        *(row_line(WORKFLOWS, each, widths, NOW) for each in rows),
    ]
    left_out = sum(not cells for cells in widths)
    assert all(cell_len(line_text(line)) <= width + (3 if left_out else 0) for line in lines)
    assert cell_len(line_text(lines[1])) == cell_len(line_text(lines[2]))


def test_columns_without_room_are_left_out_and_counted() -> None:
    rows = [workflow("a", "b")]
    widths = fit_columns(WORKFLOWS, rows, 25)
    assert widths[2:] == [0, 0]
    assert line_text(heading_line(WORKFLOWS, widths, None, descending=False)).endswith("+2")


@pytest.mark.parametrize(
    ("status", "style"), [("Failed", "critical"), ("completed", "ok"), ("in_progress", "text"), ("[red]", "text")]
)
def test_the_word_for_a_state_stands_there_whatever_its_colour(status: str, style: str) -> None:
    line = row_line(WORKFLOWS, workflow("a", status), [8, 20, 10, 10], NOW)
    assert [run.style for run in line if run.text.strip() == status] == [style]


def test_a_key_that_expires_soon_has_a_sign() -> None:
    assert "! 59 s" in line_text(row_line(WORKFLOWS, workflow("a", "b", 59_900), [8, 20, 10, 10], NOW))
    later = Moment(START, 100.0 + 59)
    assert "! 900 ms" in line_text(row_line(WORKFLOWS, workflow("a", "b", 59_900), [8, 20, 10, 10], later))
    assert "! " not in line_text(row_line(WORKFLOWS, workflow("a", "b", 60_000), [8, 20, 10, 10], NOW))


def test_what_is_wrong_with_a_whole_key_is_said_once() -> None:
    gone = row(WORKFLOWS, b"tef:state:i:p:a", Facts("none"))
    assert line_text(row_line(WORKFLOWS, gone, [8, 20, 10, 10], NOW)).split() == ["a", "gone"]


def test_a_course_takes_the_room_that_is_left_and_has_gaps() -> None:
    queue = row(QUEUES, b"queue:jobs", Facts("list", length=Cell(Told.NUMBER, number=4)), trend=(0, None, 2, 4))
    widths = fit_columns(QUEUES, [queue], 70)
    line = line_text(row_line(QUEUES, queue, widths, NOW))
    assert line.endswith("▁ ▅█")
    assert len(line) == 70


def test_a_size_of_nothing_is_inline() -> None:
    session = row(SESSIONS, b"session:1", Facts("string", size=Cell(Told.NUMBER, number=0)))
    assert "inline" in line_text(row_line(SESSIONS, session, [8, 8, 9, 9, 9], NOW))
