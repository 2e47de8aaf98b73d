"""Counting keys by namespace."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models.namespaces import MOST_BELOW, Namespaces, largest_first

NAMES = st.lists(st.text("ab:", min_size=0, max_size=8).map(str.encode), unique=True, max_size=60)


def told(spaces: Namespaces) -> dict[bytes, int]:
    return {space.prefix: space.keys for space in spaces.walk()}


def by_hand(names: list[bytes]) -> dict[bytes, int]:
    """Every namespace of a name is a part of it up to and with a delimiter."""
    count: Counter[bytes] = Counter()
    for name in names:
        count[b""] += 1
        count.update(name[: at + 1] for at in range(len(name)) if name[at : at + 1] == b":")
    return {b"": 0, **count}


def test_a_namespace_counts_what_is_in_it_and_below_it() -> None:
    spaces = Namespaces()
    spaces.add([b"user:1:name", b"user:1:mail", b"user:2:name", b"user:last", b"plain"])
    assert told(spaces) == {b"": 5, b"user:": 4, b"user:1:": 2, b"user:2:": 1}
    assert (spaces[b"user:"].own_keys, spaces[b"user:"].names) == (1, [b"user:last"])
    assert spaces[b"user:1:"].label == b"1:"


@given(NAMES, st.integers(1, 7))
def test_it_counts_as_one_would_by_hand(names: list[bytes], page: int) -> None:
    spaces = Namespaces()
    for at in range(0, len(names), page):
        spaces.add(names[at : at + page])
    assert told(spaces) == by_hand(names)
    assert sorted(name for space in spaces.walk() for name in space.names) == sorted(names)


@given(NAMES, st.integers(0, 20), st.integers(1, 10))
def test_with_little_memory_the_totals_stay_right(names: list[bytes], most_names: int, most_spaces: int) -> None:
    spaces = Namespaces(most_names=most_names, most_namespaces=most_spaces)
    for name in names:
        spaces.add([name])
    truth = by_hand(names)
    assert all(truth[prefix] == keys for prefix, keys in told(spaces).items())
    assert sum(len(space.names) for space in spaces.walk()) <= most_names
    assert len(spaces) <= most_spaces + 8, "the levels of one name more, until the next folding"
    for space in spaces.walk():
        below = sum(each.keys for each in space.below.values())
        assert below + space.own_keys == space.keys or space.folded


def test_a_name_that_scan_gives_twice_counts_once() -> None:
    spaces = Namespaces()
    spaces.add([b"a:1", b"a:1"])
    spaces.add([b"a:1", b"a:2"])
    assert told(spaces) == {b"": 2, b"a:": 2}


def test_very_many_ids_are_folded_into_one_number_and_their_keys_are_listed() -> None:
    spaces = Namespaces()
    spaces.add([b"user:%d:name" % number for number in range(MOST_BELOW + 500)])
    user = spaces[b"user:"]
    assert (user.keys, user.own_keys, user.folded, user.below) == (MOST_BELOW + 500, 0, True, {})
    assert len(user.names) == MOST_BELOW + 500
    spaces.add([b"user:last"])
    assert (user.own_keys, user.keys, user.names[-1]) == (1, MOST_BELOW + 501, b"user:last")
    spaces.remove(b"user:7:name")
    assert (user.own_keys, user.keys) == (1, MOST_BELOW + 500)


def test_names_of_a_megabyte_are_counted_and_not_kept_for_ever() -> None:
    spaces = Namespaces()
    for number in range(100):
        spaces.add([b"a:%d" % number + b"x:" * 500_000])
    assert spaces[b"a:"].keys == 100
    assert sum(len(name) for space in spaces.walk() for name in space.names) <= 32 << 20
    assert max(len(space.prefix) for space in spaces.walk()) <= 400
    assert not spaces.has_all_names


def test_counting_below_a_namespace() -> None:
    spaces = Namespaces(prefix=b"user:")
    spaces.add([b"user:1:a", b"user:x"])
    assert told(spaces) == {b"user:": 2, b"user:1:": 1}


def test_another_delimiter() -> None:
    spaces = Namespaces(b"::")
    spaces.add([b"a::b::c", b"a:b"])
    assert told(spaces) == {b"": 2, b"a::": 1, b"a::b::": 1}


@given(NAMES.filter(bool), st.data())
def test_a_key_that_is_gone_is_counted_no_more(names: list[bytes], data: st.DataObject) -> None:
    spaces = Namespaces()
    spaces.add(names)
    gone = data.draw(st.sampled_from(names))
    spaces.remove(gone)
    spaces.remove(gone)
    left = by_hand([name for name in names if name != gone])
    assert {prefix: keys for prefix, keys in told(spaces).items() if keys} == {p: k for p, k in left.items() if k}
    spaces.add([gone])
    assert told(spaces)[b""] == len(names)


def test_the_largest_come_first() -> None:
    spaces = Namespaces()
    spaces.add([b"b:1", b"c:1", b"c:2", b"a:1"])
    assert [space.prefix for space in largest_first(spaces.root.below.values())] == [b"c:", b"a:", b"b:"]
