"""Lines about values: they fill their width, hold nothing that a terminal obeys, and say what they must."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dfly_tui.decode import guess
from dfly_tui.errors import NotPermitted
from dfly_tui.models.value import Element, Fact, Page, Shape, Trouble, ValueFacts
from dfly_tui.models.value_diff import Change
from dfly_tui.models.value_loaded import Loaded
from dfly_tui.text import safe
from tests.support.clock import START
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
from widgets.lines import line_text
from widgets.value import ValuePane
from widgets.value_rows import (
    change_lines,
    element_line,
    fact_lines,
    head_lines,
    label_width,
    marked,
    note_width,
    progress,
    text_line,
    wrapped,
)

raw_bytes = st.one_of(
    st.sampled_from(HOSTILE).map(lambda word: word.encode("utf-8", "surrogatepass")), st.binary(max_size=40)
)
elements = st.builds(
    Element,
    label=raw_bytes,
    value=st.none() | raw_bytes,
    note=hostile_text,
    fields=st.lists(st.tuples(raw_bytes, raw_bytes), max_size=3).map(tuple),
    inner=raw_bytes,
    place=hostile_text,
)


def facts(shape: Shape = Shape.HASH, **fields: object) -> ValueFacts:
    return ValueFacts(**{"name": b"x", "kind": "hash", "shape": shape, "read_at": START, **fields})  # type: ignore[arg-type]


@given(raw_bytes, hostile_text, hostile_text, widths, st.integers(-1, 1 << 60))
def test_the_head_fills_its_width_whatever_the_name(
    name: bytes, place: str, told: str, width: int, ttl_ms: int
) -> None:
    seen = facts(
        name=name, ttl_ms=ttl_ms, encoding=safe(told, limit=40), count=3,
        facts=(Fact(f"Group {told}", told, safe(told)),), troubles=(Trouble("size", NotPermitted(told)),),
    )  # fmt: skip
    for known in (None, seen):
        assert_lines_fill(head_lines(known, name, place, START, width), width)
    for line in fact_lines(seen):
        assert not set(line_text(line)) & set(map(chr, range(32)))


@given(st.lists(elements, min_size=1, max_size=4), st.sampled_from(list(Shape)), widths)
def test_elements_of_any_bytes_may_be_shown(found: list[Element], shape: Shape, width: int) -> None:
    for element in found:
        shown = line_text(element_line(element, shape, label_width(found, width), note_width(found), "+"))
        assert not set(shown) & set(map(chr, [*range(32), *range(0x7F, 0xA0)]))
    for line in change_lines([Change("~", found[0].label, found[0].value or b"", b"\x1b")]):
        assert "\x1b" not in line_text(line)


@given(st.lists(hostile_text, max_size=5), st.integers(2, 100))
def test_wrapped_lines_hold_everything_and_are_no_wider(lines: list[str], width: int) -> None:
    pieces = wrapped(lines, width)
    assert ["".join(piece for at, piece in pieces if at == number) for number in range(len(lines))] == lines
    assert all(cell_len(piece) <= width for _, piece in pieces)


@given(hostile_text, st.text(max_size=3))
def test_what_is_looked_for_is_marked_and_nothing_lost(line: str, wanted: str) -> None:
    assert "".join(run.text for run in marked(line, wanted)) == line
    assert "".join(run.text for run in text_line(line, wanted, keyed=True)) == line


def test_keys_of_json_have_their_own_colour() -> None:
    assert [run.style for run in text_line('  "name": "a"', "", keyed=True)] == ["text", "key", "text"]
    assert [run.style for run in text_line("a needle b", "NEEDLE", keyed=False)] == ["text", "warning", "text"]


def head_text(seen: ValueFacts, seconds: float = 0) -> str:
    return "\n".join(line_text(line) for line in head_lines(seen, b"x", "one", START + timedelta(seconds=seconds), 120))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (facts(ttl_ms=3_600_000), "expires 2026-01-02 04:04:05 UTC · in 1 h"),
        (facts(ttl_ms=-1), "does not expire"),
        (facts(ttl_ms=1 << 61), "expires beyond all calendars"),
        (facts(memory_bytes=0), "kept in the table itself"),
        (facts(memory_bytes=2048), "2 KiB in memory"),
        (facts(count=1234), "hash · 1,234 fields"),
        (facts(), "hash · – fields"),
        (facts(Shape.GONE), "gone: it expired or was deleted"),
        (facts(Shape.OTHER, kind="TopK-TYPE"), "top-k list"),
        (facts(name=b""), "(the empty name)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_head_says(seen: ValueFacts, words: str) -> None:
    shown = "\n".join(line_text(line) for line in head_lines(seen, seen.name, "one", START, 120))
    assert words in shown


def test_the_time_that_is_left_shrinks() -> None:
    assert "in 59 m" in head_text(facts(ttl_ms=3_600_000), 60)
    assert "in 0 s" in head_text(facts(ttl_ms=1000), 60)


def test_how_much_was_read_is_said() -> None:
    found = Loaded(facts(count=1000))
    found.take(Page((Element(b"a", b"1"), Element(b"needle", b"2")), next=b"7"))
    assert progress(found, searching=False) == "2 of 1,000 fields read; scroll for more"
    found.look_for("needle")
    assert progress(found, searching=False) == "1 match in 2 of 1,000 fields read; Enter reads on"
    assert progress(found, searching=True) == "1 match in 2 of 1,000 fields read, reading on …"
    found.look_for("")
    found.take(Page(next=None))
    assert progress(found, searching=False) == "2 of 1,000 fields read"


async def test_the_pane_shows_hostile_values_and_does_nothing() -> None:
    pane = ValuePane()
    app = WidgetApp(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        for attack in HOSTILE:
            raw = attack.encode("utf-8", "surrogatepass")
            found = Loaded(facts(name=raw, count=2))
            found.take(Page((Element(raw, raw, safe(attack)), Element(b"", None, safe(attack)))))
            pane.head.show(facts(name=raw), raw, safe(attack), START)
            pane.elements.show(found, {raw: "+"})
            await pane.decoded.show(guess(raw), attack[:3])
            pane.head_by(safe(attack), [safe(attack)])
            pane.say(safe(attack))
            await pilot.pause()
            assert_printable(rows(app), 80)
        await pilot.click(offset=(4, 5), times=2)
        assert not app.quit_by_markup
        assert "x" * 60 in text(app)
