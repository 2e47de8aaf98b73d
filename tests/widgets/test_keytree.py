"""The rows of the key browser."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.keys import KeyFacts
from tests.widgets.support import WidgetApp, assert_lines_fill, assert_printable, rows, text, widths
from widgets.keytree import KeyTree, row_line, size_text, ttl_text
from widgets.lines import fit_line, line_text
from widgets.tree_rows import KeyRows, TreeRow, TreeRows

SPACE = TreeRow(0, b"user:", b"user:", True, False, 1234567, 0.5)
KEY = TreeRow(1, b"user:7", b"7")
FACTS = KeyFacts(b"user:7", "zset", 61_000, 4096)
NAMES = st.binary(max_size=60) | st.text(max_size=30).map(lambda name: name.encode("utf-8", "surrogatepass"))


def test_a_namespace_says_how_much_of_all_is_in_it() -> None:
    line = line_text(row_line(SPACE, None, 80))
    assert line.startswith("▸ user:")
    assert line.split() == ["▸", "user:", "1,234,567", "50.0%", "█████"]
    assert line_text(row_line(SPACE._replace(is_open=True), None, 80)).startswith("▾ ")


def test_a_key_says_what_it_is() -> None:
    assert line_text(row_line(KEY, FACTS, 80)).split() == ["7", "sorted", "set", "1", "m", "1", "s", "4", "KiB"]
    assert line_text(row_line(KEY, None, 80)).split() == ["7", "…"]
    assert line_text(row_line(KEY, FACTS._replace(kind="none", ttl_ms=-2), 80)).split() == ["7", "gone"]


def test_what_is_not_listed_is_counted() -> None:
    more = TreeRow(0, b"user:", b"", keys=900_000, is_more=True)
    assert "900,000 more keys" in line_text(row_line(more, None, 80))


@pytest.mark.parametrize(("ttl", "words"), [(None, "–"), (-1, "∞"), (-2, "gone"), (1500, "2 s")])
def test_times_to_live(ttl: int | None, words: str) -> None:
    assert ttl_text(ttl) == words


def test_a_small_value_is_not_said_to_take_nothing() -> None:
    assert (size_text(0), size_text(None), size_text(2048)) == ("inline", "–", "2 KiB")


@given(NAMES, st.text(max_size=12), widths, st.booleans())
def test_any_name_fits_any_width(name: bytes, kind: str, width: int, is_space: bool) -> None:
    row = TreeRow(2, name, name, is_space, False, 5, 0.3)
    line = fit_line(row_line(row, KeyFacts(name, kind, 5, 5), width), width)
    assert_lines_fill([line], width)


async def test_the_cursor_stays_on_its_key_while_rows_come_and_go() -> None:
    tree = KeyTree()
    app = WidgetApp(tree)
    listed = [TreeRow(0, name, name) for name in (b"a", b"c", b"d")]
    async with app.run_test(size=(80, 10)) as pilot:
        tree.show(TreeRows(listed), lambda name: None)
        tree.go_to(listed[1])
        more: list[TreeRow | KeyRows] = [
            TreeRow(0, b"c", b"c", is_space=True),
            listed[0],
            KeyRows(0, 0, [b"b", b"c", b"d"]),
        ]
        tree.show(TreeRows(more), lambda name: None, keep=listed[1])
        await pilot.pause()
        assert tree.chosen is not None
        assert tree.chosen == listed[1]
        assert rows(app)[3].startswith("▸   c")


async def test_only_rows_that_changed_are_written() -> None:
    tree = KeyTree()
    app = WidgetApp(tree)
    listed = [TreeRow(0, b"%d:" % number, b"%d:" % number, True, False, 5, 0.1) for number in range(30)]
    async with app.run_test(size=(120, 20)) as pilot:
        tree.show(TreeRows(listed), lambda name: None)
        tree.focus()
        await pilot.pause()
        await pilot.pause()
        app.written = 0
        tree.show(TreeRows(listed), lambda name: None)
        await pilot.pause()
        assert app.written == 0
        tree.show(TreeRows([*listed[:3], listed[3]._replace(keys=6), *listed[4:]]), lambda name: None)
        await pilot.pause()
        assert 0 < app.written <= 300
        tree.show(TreeRows(listed[:2]), lambda name: None)
        await pilot.pause()
        assert "3:" not in text(app)


async def test_hostile_names_are_shown_as_they_are() -> None:
    tree = KeyTree()
    app = WidgetApp(tree)
    names = [b"[@click=app.pwned]x[/]", b"\x1b]0;owned\x07", b"\xff\x00", "\u202eevil".encode(), b"", b"x" * 1_000_000]
    async with app.run_test(size=(100, 12)) as pilot:
        tree.show(TreeRows([KeyRows(0, 0, names)]), lambda name: KeyFacts(name, "[red]\x1b", 1, 1))
        await pilot.pause()
        assert_printable(rows(app), 100)
        assert "[@click=app.pwned]x[/]" in text(app)
        assert "(empty)" in text(app)
        await pilot.click(KeyTree, offset=(5, 0))
        assert not app.quit_by_markup


PARTS = st.lists(
    st.builds(KeyRows, st.just(1), st.integers(0, 2), st.lists(st.binary(max_size=3), max_size=4))
    | st.builds(TreeRow, st.just(0), st.binary(max_size=3), st.binary(max_size=3), st.booleans(), keys=st.just(1)),
    max_size=6,
)


@given(PARTS)
def test_rows_that_are_made_when_they_are_looked_at(parts: list[TreeRow | KeyRows]) -> None:
    whole = []
    for part in parts:
        inside = part.names if isinstance(part, KeyRows) else []
        whole += [TreeRow(1, name, name[part.cut :]) for name in inside] if isinstance(part, KeyRows) else [part]
    listed = TreeRows(parts)
    assert [listed[at] for at in range(len(listed))] == whole
    assert [listed.find(row) for row in whole] == [[each.what for each in whole].index(row.what) for row in whole]
    assert list(listed.names()) == [row.name for row in whole if row.depth == 1]
    with pytest.raises(IndexError):
        listed[len(whole)]
