"""What the table has no room for."""

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.support import assert_lines_fill, hostile_text, widths
from widgets.left_out import facts_lines
from widgets.lines import line_text

FACTS = (("version", "1.40.1"), ("uptime", "3 d 4 h"), ("container", "running healthy"))


def test_facts_are_wrapped_between_them() -> None:
    lines = [line_text(line).rstrip() for line in facts_lines(FACTS, 40)]
    assert lines == ["  version 1.40.1  uptime 3 d 4 h", "  container running healthy"]


def test_no_facts_take_no_line() -> None:
    assert list(facts_lines((), 40)) == []


@given(st.lists(st.tuples(hostile_text, hostile_text), max_size=5), widths)
def test_facts_never_leave_the_line(facts: list[tuple[str, str]], width: int) -> None:
    assert_lines_fill(list(facts_lines(tuple(facts), width)), width)
