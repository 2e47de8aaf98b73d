"""Parts of keys as lines of JSON, and lines that are none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.key_lines import Damaged, parse_line, part_line, part_of
from dfly_tui.models.key_parts import Digest, Group, Part, Pending, Tail, same_expiry
from dfly_tui.models.keys import BLOOM, HASH, JSON, LIST, SET, STREAM, STRING, ZSET

raw = st.binary(max_size=12) | st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass"))
times = st.integers(0, 1 << 52)
ids = st.tuples(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 64) - 1)).map(lambda pair: b"%d-%d" % pair)
values = st.one_of(
    st.tuples(st.sampled_from([STRING, JSON]), raw),
    st.tuples(st.just(HASH), st.lists(st.tuples(raw, raw) | st.tuples(raw, raw, times), max_size=4)),
    st.tuples(st.just(LIST), st.lists(raw, max_size=4)),
    st.tuples(st.just(SET), st.lists(raw | st.tuples(raw, times), max_size=4)),
    st.tuples(st.just(ZSET), st.lists(st.tuples(raw, st.floats(allow_nan=False).map(lambda s: repr(s).encode())))),
    st.tuples(st.just(STREAM), st.lists(st.tuples(ids) | st.tuples(ids, raw, raw), max_size=3)),
)
tails = st.builds(
    Tail,
    st.lists(
        st.builds(Group, raw, ids, st.none() | times, st.lists(raw, max_size=2).map(tuple)), min_size=1, max_size=2
    ).map(tuple),
    st.lists(st.builds(Pending, st.integers(0, 1), ids, raw, times, times), max_size=2).map(tuple),
    ids | st.just(b""),
    st.none() | times,
    ids | st.just(b""),
)


def again(line: str, before: Part | None = None) -> Part:
    return part_of(parse_line(line.encode()), before)


@given(raw, values, st.none() | times, st.none() | tails)
def test_a_part_is_the_same_after_it_was_written_and_read(
    name: bytes, value: tuple[str, Any], expiry: int | None, tail: Tail | None
) -> None:
    part = Part(name, value[0], expiry, value[1], tail=tail if value[0] == STREAM else None)
    line = part_line(part)
    assert line.isascii()
    assert "\n" not in line
    assert again(line) == part
    following = part._replace(number=3, is_last=False)
    assert again(part_line(following), following._replace(number=2)) == following


def test_what_is_no_text_is_unmistakable() -> None:
    assert json.loads(part_line(Part(b"\xff", STRING, None, b"plain"))) == {
        "key": {"base64": "/w=="}, "type": "string", "value": "plain",
    }  # fmt: skip
    tricky = Part(b'{"base64":"/w=="}', STRING, 5, b"\xed\xa0\x80")
    assert json.loads(part_line(tricky))["key"] == '{"base64":"/w=="}'
    assert again(part_line(tricky)) == tricky
    dump = Part(b"b", BLOOM, None, b"\x00", is_dump=True)
    assert again(part_line(dump)) == dump
    void = Part(b"b", HASH, None, b"", 2, void="gone")
    assert again(part_line(void), Part(b"b", HASH, None, [], 1, is_last=False)).void == "gone"


OPEN = Part(b"k", HASH, None, [], 1, is_last=False)


@pytest.mark.parametrize(
    ("line", "before", "said"),
    [
        ("", None, "is not JSON"),
        ("[1]", None, "is not a JSON object"),
        ('{"a":' * 100_000, None, "is not JSON"),
        ('{"type":"string","value":""}', None, "was not begun"),
        ('{"part":2,"value":[]}', OPEN, "was not begun"),
        ('{"part":"3","value":[]}', OPEN, "a number is missing"),
        ('{"key":"k","type":"string","value":""}', OPEN, "in the middle of another"),
        ('{"key":"k","type":"string","part":2,"value":""}', None, "in the middle of another"),
        ('{"key":"k","value":""}', None, "has no 'type'"),
        ('{"key":"k","type":"nosuch","value":""}', None, "type that is not known"),
        ('{"key":"k","type":5,"dump":true,"value":""}', None, "type that is not known"),
        ('{"key":"k","type":"string"}', None, "has no 'value'"),
        ('{"key":"k","type":"string","value":5}', None, "neither text nor base64"),
        ('{"key":"k","type":"string","value":{"base64":"*"}}', None, "is no key"),
        ('{"key":"\\ud800","type":"string","value":""}', None, "is no key"),
        ('{"key":"k","type":"string","expires_at_ms":-1,"value":""}', None, "out of range"),
        ('{"key":"k","type":"string","expires_at_ms":true,"value":""}', None, "out of range"),
        ('{"key":"k","type":"hash","value":"x"}', None, "the value is no list"),
        ('{"key":"k","type":"hash","value":["x"]}', None, "an element is no list"),
        ('{"key":"k","type":"hash","value":[["x"]]}', None, "too few or too many"),
        ('{"key":"k","type":"zset","value":[["x","nan"]]}', None, "nan is no score"),
        ('{"key":"k","type":"stream","value":[["x"]]}', None, "x is no id"),
        ('{"key":"k","type":"stream","value":[["1-1","f"]]}', None, "too few or too many"),
        ('{"key":"k","type":"stream","value":[],"groups":5}', None, "are no list"),
        ('{"key":"k","type":"stream","value":[],"groups":[5]}', None, "a group is no object"),
        ('{"key":"k","type":"stream","value":[],"pending":[[1]]}', None, "is no key"),
    ],
)
def test_lines_that_are_none(line: str, before: Part | None, said: str) -> None:
    with pytest.raises(Damaged) as caught:
        again(line, before)
    assert said in caught.value.detail


def digest(*parts: Part) -> object:
    found = Digest()
    for part in parts:
        found.add(part)
    return found.value()


def part(kind: str, value: Any, **more: Any) -> Part:
    return Part(b"k", kind, None, value, **more)


def test_equal_keys_have_equal_digests_however_they_are_cut_and_ordered() -> None:
    assert digest(part(HASH, [(b"a", b"b"), (b"c", b"d")])) == digest(
        part(HASH, [(b"c", b"d")], is_last=False), part(HASH, [(b"a", b"b")], number=1)
    )
    assert digest(part(ZSET, [(b"a", b"1.0")])) == digest(part(ZSET, [(b"a", b"1")]))
    assert digest(part(STRING, b"abc")) == digest(part(STRING, b"a", is_last=False), part(STRING, b"bc", number=1))
    assert digest(part(JSON, b'{"a":1,"b":[2]}')) == digest(part(JSON, b'{"b": [2], "a": 1}'))
    assert digest(part(HASH, [(b"a", b"b", 5)])) == digest(part(HASH, [(b"a", b"b", 1005)]))
    pending = [Pending(0, b"1-1", b"c", 5, 1), Pending(0, b"1-1", b"c", 99, 1)]
    streams = [part(STREAM, [], tail=Tail(pending=(each,), last_id=b"1-1")) for each in pending]
    assert digest(streams[0]) == digest(streams[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (part(HASH, [(b"a", b"b")]), part(HASH, [(b"a", b"c")])),
        (part(HASH, [(b"a", b"b")]), part(HASH, [(b"a", b"b"), (b"c", b"")])),
        (part(HASH, [(b"a", b"b")]), part(HASH, [(b"a", b"b", 5)])),
        (part(HASH, [(b"ab", b"")]), part(HASH, [(b"a", b"b")])),
        (part(LIST, [b"a", b"b"]), part(LIST, [b"b", b"a"])),
        (part(LIST, [b"ab"]), part(LIST, [b"a", b"b"])),
        (part(SET, [b"a"]), part(LIST, [b"a"])),
        (part(STRING, b"a"), part(STRING, b"a", is_dump=True)),
        (part(JSON, b"[1]"), part(JSON, b"[1")),
        (part(STREAM, [(b"1-1", b"a", b"b")]), part(STREAM, [(b"1-1", b"a", b"c")])),
        (part(STREAM, [], tail=Tail(last_id=b"1-1")), part(STREAM, [], tail=Tail(last_id=b"1-2"))),
        (
            part(STREAM, [], tail=Tail((Group(b"g", b"0-0", None, (b"c",)),), last_id=b"1-1")),
            part(STREAM, [], tail=Tail((Group(b"g", b"0-0", None, ()),), last_id=b"1-1")),
        ),
    ],
)
def test_other_keys_have_other_digests(one: Part, other: Part) -> None:
    assert digest(one) != digest(other)


def test_expiry_may_be_rounded() -> None:
    assert same_expiry(5000, 5900)
    assert not same_expiry(5000, 6900)
    assert not same_expiry(None, 6900)
    assert same_expiry(None, None)
