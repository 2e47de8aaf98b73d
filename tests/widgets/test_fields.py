"""The searchable list of fields."""

import pytest
from hypothesis import given
from rich.cells import cell_len
from textual import on
from textual.widget import Widget

from dfly_tui.text import safe
from tests.widgets.support import (
    HOSTILE,
    WidgetApp,
    assert_lines_fill,
    assert_printable,
    hostile_text,
    rows,
    text,
    widths,
)
from widgets.fields import FieldList, FieldRow, entries, entry_line
from widgets.lines import line_text
from widgets.panel import Panel

ROWS = [
    FieldRow("Server", "dragonfly_version", "df-v1.40.1", "the product's version"),
    FieldRow("Server", "uptime_in_seconds", "100000", "since the process started"),
    FieldRow("Memory", "used_memory", "4294967296", "bytes of data"),
    FieldRow("Memory", "maxmemory", "0", "the limit", True),
]


def test_sections_are_headings() -> None:
    assert [entry if isinstance(entry, str) else entry.name for entry in entries(ROWS, "")] == [
        "Server", "dragonfly_version", "uptime_in_seconds", "Memory", "used_memory", "maxmemory",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("UPTIME", ["uptime_in_seconds"]),
        ("memory limit", ["maxmemory"]),
        ("1.40", ["dragonfly_version"]),
        ("process", ["uptime_in_seconds"]),
        ("server", ["dragonfly_version", "uptime_in_seconds"]),
        ("nothing like it", []),
    ],
)
def test_a_filter_looks_everywhere(wanted: str, found: list[str]) -> None:
    assert [entry.name for entry in entries(ROWS, wanted) if isinstance(entry, FieldRow)] == found


def test_what_is_marked_is_marked_without_colour() -> None:
    assert line_text(entry_line(ROWS[3], 20, 100)).startswith("* maxmemory")
    assert line_text(entry_line(ROWS[2], 20, 100)).startswith("  used_memory")


def test_a_value_without_a_note_takes_the_whole_line() -> None:
    line = line_text(entry_line(FieldRow("Log", "", "x" * 90), 4, 100))
    assert "x" * 90 in line


def test_notes_give_way_on_a_narrow_screen() -> None:
    assert "since" not in line_text(entry_line(ROWS[1], 20, 60))
    assert "since" in line_text(entry_line(ROWS[1], 20, 90))


@given(hostile_text, hostile_text, widths)
def test_any_field_fits_any_width(name: str, value: str, width: int) -> None:
    row = FieldRow(value, name, value, name, True)
    assert_lines_fill([entry_line(entry, min(20, width), width) for entry in (row, value)], width)


class FieldApp(WidgetApp):
    """Notes what was opened."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__(*widgets)
        self.opened: list[str] = []

    @on(FieldList.Selected)
    def _selected(self, event: FieldList.Selected) -> None:
        self.opened.append(event.row.name)


async def test_filtering_and_opening() -> None:
    fields = FieldList()
    app = FieldApp(fields)
    async with app.run_test(size=(100, 12)) as pilot:
        fields.show(ROWS)
        fields.focus()
        await pilot.press("enter", "up", "enter")
        assert app.opened == ["dragonfly_version"], "the cursor begins on a field; a heading cannot be opened"
        fields.filter("maxmemory")
        await pilot.pause()
        assert "used_memory" not in text(app)
        assert "* maxmemory" in text(app)
        fields.filter("")
        await pilot.pause()
        assert "used_memory" in text(app)


async def test_only_the_field_that_changed_is_written() -> None:
    fields = FieldList()
    app = FieldApp(fields)
    many = [FieldRow("Stats", f"field_{number}", "1", "a note that stays") for number in range(20)]
    async with app.run_test(size=(120, 30)) as pilot:
        fields.show(many)
        await pilot.pause()
        app.written = 0
        fields.show(list(many))
        await pilot.pause()
        assert app.written == 0
        fields.show([*many[:5], many[5]._replace(value="2"), *many[6:]])
        await pilot.pause()
        assert 0 < app.written <= 250


@pytest.mark.parametrize("width", [1, 4, 10, 100])
async def test_hostile_fields_are_shown_as_they_are(width: int) -> None:
    fields = FieldList()
    app = FieldApp(fields)
    async with app.run_test(size=(width, 40)) as pilot:
        fields.show([FieldRow(safe(one), safe(one), safe(one), safe(one), True) for one in HOSTILE])
        await pilot.pause()
        assert_printable(rows(app), width)
        for line in range(0, 40, 9):
            await pilot.click(offset=(min(width - 1, 6), line))
        assert not app.quit_by_markup


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_panel_shows_any_title_as_it_is(title: str) -> None:
    panel = Panel(safe(title))
    app = WidgetApp(panel)
    async with app.run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        assert_printable(rows(app), 60)
        if cell_len(title):
            assert safe(title).strip()[:20] in text(app)
        for column in range(0, 40, 8):
            await pilot.click(offset=(column, 0))
        assert not app.quit_by_markup
