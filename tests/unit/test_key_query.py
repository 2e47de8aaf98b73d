"""What a person types to find keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.errors import BadInput
from dfly_tui.models.key_query import parse_query, query_text
from dfly_tui.models.keys import Access, KeyFilter, literal


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", KeyFilter()),
        ("user:*", KeyFilter(pattern=b"user:*")),
        ("user", KeyFilter(pattern=b"*user*")),
        ('"two words"', KeyFilter(pattern=b"*two words*")),
        ("type:hash", KeyFilter(kind="hash")),
        ("type:JSON", KeyFilter(kind="ReJSON-RL")),
        ("ttl:none", KeyFilter(expires=False)),
        ("ttl:some", KeyFilter(expires=True)),
        ("ttl<1h", KeyFilter(ttl_below_seconds=3600)),
        ("ttl>1.5m ttl<2d", KeyFilter(ttl_above_seconds=90, ttl_below_seconds=172800)),
        ("size>64k", KeyFilter(min_bytes=65536)),
        ("size>=10MiB", KeyFilter(min_bytes=10 << 20)),
        ("unused a* type:set", KeyFilter(pattern=b"a*", kind="set", access=Access.UNTOUCHED)),
    ],
)
def test_what_is_typed(text: str, found: KeyFilter) -> None:
    assert parse_query(text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("type:nosuch", "no type nosuch"),
        ("ttl<soon", "soon is no amount"),
        ("size>1x", "1x is no amount"),
        ("size<5", "at least a size"),
        ("a* b*", "a pattern twice"),
        ("type:set type:hash", "type: twice"),
    ],
)
def test_what_cannot_be_meant(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        parse_query(text)
    assert caught.value.hint


@given(
    st.builds(
        KeyFilter,
        kind=st.sampled_from(["", "hash", "ReJSON-RL", "zset"]),
        expires=st.sampled_from([None, True, False]),
        ttl_below_seconds=st.none() | st.integers(1, 10_000),
        min_bytes=st.integers(0, 1 << 30),
        access=st.sampled_from(list(Access)),
        pattern=st.sampled_from([b"", b"a*", b"*two words*", b"x?y"]),
    )
)
def test_a_filter_as_it_is_shown_can_be_typed(wanted: KeyFilter) -> None:
    assert parse_query(query_text(wanted)) == wanted


@pytest.mark.parametrize("text", ["", 'a"b', "\\", '"', "size", "[", "ttl", "\x00\x1b[31m", "\udcff"])
def test_anything_else_is_a_pattern(text: str) -> None:
    pattern = parse_query(text).pattern
    assert text.encode("utf-8", "surrogateescape") in pattern


def test_a_name_taken_literally() -> None:
    assert literal(rb"a*b?[c]\d^") == rb"a\*b\?\[c\]\\d\^"


@pytest.mark.parametrize(
    ("wanted", "ttl_ms", "is_one"),
    [
        (KeyFilter(), None, True),
        (KeyFilter(expires=True), -1, False),
        (KeyFilter(expires=False), -1, True),
        (KeyFilter(expires=False), 5, False),
        (KeyFilter(expires=False), -2, False),
        (KeyFilter(ttl_below_seconds=1), 999, True),
        (KeyFilter(ttl_below_seconds=1), 1000, False),
        (KeyFilter(ttl_below_seconds=1), -1, False),
        (KeyFilter(ttl_above_seconds=1), 1001, True),
        (KeyFilter(ttl_above_seconds=1), None, False),
    ],
)
def test_who_passes_by_time_to_live(wanted: KeyFilter, ttl_ms: int | None, is_one: bool) -> None:
    assert wanted.admits_ttl(ttl_ms) is is_one
