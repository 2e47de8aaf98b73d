"""The lab's RESP."""

import pytest

from dfly_tui.lab.protocol import (
    BadRequest,
    Failure,
    Reply,
    RequestParser,
    Simple,
    SimpleKeys,
    Verbatim,
    encode,
)


@pytest.mark.parametrize(
    ("reply", "resp2", "resp3"),
    [
        (None, b"$-1\r\n", b"_\r\n"),
        (Simple("OK"), b"+OK\r\n", b"+OK\r\n"),
        (Failure("ERR two\r\nlines"), b"-ERR two  lines\r\n", b"-ERR two  lines\r\n"),
        (Verbatim("hi"), b"$2\r\nhi\r\n", b"=6\r\ntxt:hi\r\n"),
        (7, b":7\r\n", b":7\r\n"),
        (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
        ("é", b"$2\r\n\xc3\xa9\r\n", b"$2\r\n\xc3\xa9\r\n"),
        ({"a": 1}, b"*2\r\n$1\r\na\r\n:1\r\n", b"%1\r\n$1\r\na\r\n:1\r\n"),
        (SimpleKeys({"a": 1}), b"*2\r\n+a\r\n:1\r\n", b"%1\r\n+a\r\n:1\r\n"),
        ([b"x", [None]], b"*2\r\n$1\r\nx\r\n*1\r\n$-1\r\n", b"*2\r\n$1\r\nx\r\n*1\r\n_\r\n"),
    ],
)
def test_replies_in_both_protocols(reply: Reply, resp2: bytes, resp3: bytes) -> None:
    assert encode(reply, 2) == resp2
    assert encode(reply, 3) == resp3


def test_commands_come_in_pieces_and_in_bunches() -> None:
    parser = RequestParser()
    stream = b"*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"
    found = [words for byte in stream for words in parser.feed(bytes([byte]))]
    assert found == [[b"PING"], [b"GET", b"x"]]
    assert list(RequestParser().feed(stream)) == found


def test_somebody_types_into_netcat() -> None:
    parser = RequestParser()
    assert list(parser.feed(b"PI")) == []
    rest = b"NG\r\n\r\nSET a 1\r\n*1\r\n$4\r\nQUIT\r\n"
    assert list(parser.feed(rest)) == [[b"PING"], [b"SET", b"a", b"1"], [b"QUIT"]]


@pytest.mark.parametrize("noise", [b"*1\r\n:1\r\n", b"*1\r\n$x\r\n", b"x" * 70_000])
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(BadRequest):
        list(RequestParser().feed(noise))
