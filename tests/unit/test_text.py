import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dfly_tui.text import DEFAULT_LIMIT, fit, safe, safe_lines
from tests.support.hostile import harmless


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        ("käse 鍵 😀", "käse 鍵 😀"),
        (b"\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        (b"\x9b31m", "\\x9b31m"),
        ("a\tb\nc\rd\0", "a\\x09b\\x0ac\\x0dd\\x00"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("[bold red]markup[/]", "[bold red]markup[/]"),
    ],
)
def test_what_is_shown(raw: bytes | str, shown: str) -> None:
    assert safe(raw) == shown


@given(st.binary() | st.text(st.characters(exclude_categories=())))
def test_nothing_gets_through(raw: bytes | str) -> None:
    shown = safe(raw)
    assert harmless(shown)
    shown.encode()
    assert safe(shown) == shown


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_the_limit(raw: str, limit: int) -> None:
    shown = safe(raw, limit=limit)
    assert len(shown) <= limit
    if len(raw) > limit:
        assert shown.endswith("…")


def test_a_megabyte_costs_little_and_is_cut() -> None:
    assert len(safe(b"\x1b" * (1 << 20))) == DEFAULT_LIMIT
    assert len(safe("x" * (1 << 20))) == DEFAULT_LIMIT


def test_lines_stay_lines() -> None:
    assert safe_lines(b"one\r\ntwo\x1b[2J\nthree") == ["one", "two\\x1b[2J", "three"]


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me"])), st.integers(0, 40), st.booleans())
def test_fit_is_exactly_as_wide_as_asked(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


def test_fit() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abc", 5, right=True) == "  abc"
    assert fit("abcdef", 4) == "abc…"
    assert fit("鍵鍵鍵", 4) == "鍵 …"
