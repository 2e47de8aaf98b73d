"""What was read of a value: kept in bounded memory, searched, compared, and written down as commands."""

import asyncio
import shutil
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfly_tui.models import value_loaded
from dfly_tui.models.redis_cli import quote, reading, writing
from dfly_tui.models.value import Element, Page, Shape, ValueFacts
from dfly_tui.models.value_diff import Change, element_changes, line_changes
from dfly_tui.models.value_loaded import Loaded
from tests.support.clock import START
from tests.support.servers import running_redis
from tests.support.values import PLAIN_TYPES, elements, fill, whole


def facts(shape: Shape = Shape.HASH, **fields: object) -> ValueFacts:
    return ValueFacts(**{"name": b"x", "kind": "hash", "shape": shape, "read_at": START, **fields})  # type: ignore[arg-type]


def loaded(*pairs: tuple[str, str], shape: Shape = Shape.HASH, more: bool = False) -> Loaded:
    found = Loaded(facts(shape))
    found.take(Page(tuple(Element(a.encode(), b.encode()) for a, b in pairs), next=b"7" if more else None))
    return found


def test_an_expiry_is_a_date_or_none() -> None:
    assert facts(ttl_ms=90_000).expires_at == START + timedelta(seconds=90)
    assert facts(ttl_ms=-1).expires_at is None
    assert facts(ttl_ms=1 << 62).expires_at is None
    assert [facts(ttl_ms=ms).expires for ms in (None, -1, 5)] == [None, False, True]


def test_a_field_named_on_two_pages_is_there_once() -> None:
    found = loaded(("a", "1"), ("b", "2"), more=True)
    found.take(Page((Element(b"b", b"2"), Element(b"c", b"3"))))
    assert [each.label for each in found.elements] == [b"a", b"b", b"c"]
    assert found.is_complete
    twice = Loaded(facts(Shape.LIST))
    twice.take(Page((Element(b"0", b"same"), Element(b"1", b"same"))))
    assert len(twice.elements) == 2


def test_memory_is_bounded_and_a_search_goes_on_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_loaded, "MOST_ELEMENTS", 100)
    found = Loaded(facts())
    for page in range(10):
        items = tuple(Element(b"f%d" % (page * 50 + at), b"v") for at in range(50))
        found.take(Page(items, next=b"%d" % (page + 1)))
    assert len(found.elements) == 100
    assert found.looked_at >= 200
    assert not found.may_go_on
    found.look_for("NEEDLE")
    assert found.may_go_on
    found.take(Page((Element(b"other", b"x"), Element(b"the needle", b"x")), next=None))
    assert [found.elements[at].label for at in found.shown] == [b"the needle"]


def test_a_string_is_kept_as_a_stretch_that_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_loaded, "MOST_DATA", 25)
    found = Loaded(facts(Shape.STRING))
    for at in range(4):
        found.take(Page(data=bytes([at]) * 10, next=None if at == 3 else 10 * (at + 1)))
    assert found.start == 20
    assert found.data == b"\2" * 10 + b"\3" * 10
    assert not found.is_complete


@pytest.mark.parametrize("text", ["needle", "NEEDLE", "eedl"])
def test_elements_are_found_by_any_of_their_parts(text: str) -> None:
    found = Loaded(facts(Shape.STREAM))
    found.take(
        Page((
            Element(b"a needle", b""), Element(b"", b"Needle"), Element(b"", b"", "needle"),
            Element(b"", b"", fields=((b"k", b"needle"),)), Element(b"hay", b"stack"),
        ))
    )  # fmt: skip
    found.look_for(text)
    assert len(found.shown) == len(found.elements) - 1
    found.look_for("")
    assert len(found.shown) == len(found.elements)


def test_what_changed_between_two_readings() -> None:
    before, after = loaded(("a", "1"), ("b", "2")), loaded(("b", "3"), ("c", "4"))
    assert set(element_changes(before, after)) == {
        Change("~", b"b", b"3", b"2"), Change("+", b"c", b"4"), Change("-", b"a", b"1")
    }  # fmt: skip


def test_what_was_not_read_is_not_called_gone_or_new() -> None:
    partly = loaded(("a", "1"), more=True)
    assert element_changes(partly, loaded(("a", "1"), ("b", "2"))) == []
    assert element_changes(loaded(("a", "1"), ("b", "2")), partly) == []


def test_a_list_that_was_popped_and_pushed_differs_at_its_ends_only() -> None:
    before = loaded(*((str(at), f"job-{at}") for at in range(500)), shape=Shape.LIST)
    after = loaded(*((str(at), f"job-{at + 1}") for at in range(500)), shape=Shape.LIST)
    assert element_changes(before, after) == [Change("-", b"0", b"job-0"), Change("+", b"499", b"job-500")]


@given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
def test_lines_that_were_added_and_removed_turn_the_old_into_the_new(old: list[str], new: list[str]) -> None:
    changes = line_changes(old, new)
    difference = len(new) - len(old)
    assert sum(sign == "+" for sign, _ in changes) - sum(sign == "-" for sign, _ in changes) == difference
    assert bool([sign for sign, _ in changes if sign != " "]) is (old != new)
    for sign, line in changes:
        assert line in (new if sign != "-" else old)


def test_words_as_redis_cli_takes_them() -> None:
    assert quote(b"user:17") == "user:17"
    assert quote(b"two words") == '"two words"'
    assert quote(b"") == '""'
    assert quote(b'\x00\n"\\\xff') == '"\\x00\\n\\"\\\\\\xff"'
    assert reading(facts(name=b"a b")) == 'HGETALL "a b"'


@pytest.mark.redis_server
async def test_the_commands_make_every_value_anew() -> None:
    program = shutil.which("redis-cli")
    if program is None:
        pytest.skip("redis-cli is not installed")
    names = ["text", "binary", "session:0", "queue:0", "tags:0", "leaderboard", "places", "events:0"]
    async with running_redis() as server:
        await fill(server.url, [*PLAIN_TYPES, ("HSET", b"\x00 \xff", b"\n'\"", b"\r\\x00")])
        before = {}
        script: list[str] = []
        for name in [*(name.encode() for name in names), b"\x00 \xff"]:
            told, pages = await whole(server.url, name)
            before[name] = (told.shape, set(elements(pages)), [page.data for page in pages])
            script += writing(told, elements(pages), pages[0].data)
        await fill(server.url, [("FLUSHALL",)])
        process = await asyncio.create_subprocess_exec(
            program, "-p", str(server.port), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
        )
        await process.communicate("\n".join(script).encode() + b"\n")
        for name, what in before.items():
            told, pages = await whole(server.url, name)
            assert (told.shape, set(elements(pages)), [page.data for page in pages]) == what
        assert (await whole(server.url, "text"))[0].expires
