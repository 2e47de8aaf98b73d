"""What the console says of answers, whatever they are."""

import pytest

from dfly_tui.clients.console import Names
from dfly_tui.models.console import ReplyKind, ReplyNode
from dfly_tui.operations.console import Answer
from screens.console_typing import Offers, Recall
from screens.console_words import answer_lines, echo, names_lines

SECRET = "hush-hush-57"


def said(*words: bytes, reply: ReplyNode | None = None, seconds: float = 0.0, warning: str = "") -> list[str]:
    return [each.text for each in answer_lines(words, Answer(reply, seconds, warning))]


def names(count: int, size: int = 0) -> ReplyNode:
    items = tuple(ReplyNode(ReplyKind.STRING, b"k%d" % number) for number in range(count))
    return ReplyNode(ReplyKind.ARRAY, items=items, size=size or count)


def test_keys_that_may_not_be_all_of_them() -> None:
    assert "about 8,192" in said(b"KEYS", b"*", reply=names(5000, 8192))[-1]
    assert "about 8,192" not in " ".join(said(b"KEYS", b"*", reply=names(100)))
    assert "about 8,192" not in " ".join(said(b"LRANGE", b"l", reply=names(5000, 8192)))


def test_a_cut_answer_is_told() -> None:
    assert any("more was not read" in line for line in said(b"LRANGE", b"l", reply=names(3, 10)))


def test_slow_answers_and_warnings() -> None:
    status = ReplyNode(ReplyKind.STATUS, b"OK", size=2)
    assert said(b"SET", reply=status, seconds=1.5) == ["OK", "(2 s)"]
    assert said(b"SET", reply=status, warning="it could not be recorded") == ["OK", "it could not be recorded"]
    assert said(b"SET") == ["not sent"]


def test_text_of_the_servers_own_is_not_quoted() -> None:
    info = ReplyNode(ReplyKind.STRING, b"# Server\r\na:1\r\n", size=15)
    assert said(b"INFO", reply=info) == ["# Server", "a:1"]
    assert said(b"client", b"list", reply=info) == ["# Server", "a:1"]
    assert said(b"GET", b"x", reply=info) == ['"# Server\\r\\na:1\\r\\n"']


@pytest.mark.parametrize("line", [f"auth {SECRET}", f"config set requirepass {SECRET}", f"acl setuser b '>{SECRET}'"])
def test_a_secret_is_not_repeated(line: str) -> None:
    assert SECRET not in echo("one[0]> ", line).text
    assert echo("one[0]> ", 'get "a').text == 'one[0]> get "a'


def test_what_scan_found() -> None:
    lines = [each.text for each in names_lines(b"u*", Names([b"u\x00", b"ub"], False))]
    assert lines[:2] == ['1) "u\\x00"', '2) "ub"']
    assert "not all" in lines[2]


def test_going_back_and_forth() -> None:
    recall = Recall()
    lines = ["a", "b"]
    assert recall.step([], 1, "x") is None
    assert recall.step(lines, -1, "x") is None
    assert [recall.step(lines, 1, "x"), recall.step(lines, 1, "b"), recall.step(lines, 1, "a")] == ["b", "a", None]
    assert [recall.step(lines, -1, "a"), recall.step(lines, -1, "b")] == ["b", "x"]
    recall.step(lines, 1, "y")
    recall.leave()
    assert recall.step(lines, 1, "z") == "b"


def test_offers_replace_only_the_word_under_the_cursor() -> None:
    offers = Offers()
    assert offers.begin("get us tail", 6, 4, ["user:1", "user:2"]) == ("get user: tail", 9)
    assert offers.fits("get user: tail")
    assert offers.next() == ("get user:1 tail", 10)
    assert offers.next() == ("get user:2 tail", 10)
    assert offers.next() == ("get user:1 tail", 10)
    assert not offers.fits("get user:1")
    offers.forget()
    assert not offers.fits("get user:1 tail")
    assert offers.begin("ge", 2, 0, ["get"]) == ("get ", 4)
    assert not offers.fits("get ")
