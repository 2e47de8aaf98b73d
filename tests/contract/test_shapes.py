"""What the comparison sees, shown on the recordings alone: with a blind comparison every server would pass."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.recordings import FOLDER, VERSIONS, Exchange, load
from tests.contract.replay import compare, differences
from tests.contract.target import Answer, Node
from tests.support.servers import free_port

FILES = sorted({path.stem for path in FOLDER.glob("*/*.jsonl")})


def answered(exchange: Exchange) -> Answer:
    """The recorded answer, as if a server had given it."""
    return Answer(exchange.raw, exchange.status, exchange.headers, exchange.body)


def recorded(*send: str) -> Exchange:
    """What the newer server answered to a command."""
    return next(exchange for exchange in load("1.40", "01-fresh") if exchange.send == send)


def page(path: str, auth: str | None = "default:s3cret") -> Exchange:
    """What the newer server answered to an HTTP request."""
    return next(each for each in load("1.40", "01-fresh") if (each.path, each.auth) == (path, auth))


def changed(exchange: Exchange, old: bytes, new: bytes) -> Answer:
    """The recorded answer with another piece in it, of the same length unless it is a line."""
    assert old in exchange.raw
    return Answer(exchange.raw.replace(old, new, 1))


@pytest.mark.parametrize("flavour", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_every_recorded_answer_matches_itself(flavour: str, name: str) -> None:
    exchanges = list(load(flavour, name))
    assert exchanges
    assert [str(exchange) for exchange in exchanges if compare(exchange, answered(exchange))] == []


@pytest.mark.parametrize(
    ("send", "raw"),
    [
        (("DBSIZE",), b"+0\r\n"),
        (("PING",), b"$4\r\nPONG\r\n"),
        (("CONFIG", "REWRITE"), b"+OK\r\n"),
        (("ROLE",), b"*-1\r\n"),
    ],
)
def test_another_type_is_reported(send: tuple[str, ...], raw: bytes) -> None:
    assert compare(recorded(*send), Answer(raw))


def test_another_error_text_is_reported() -> None:
    exchange = recorded("CONFIG", "REWRITE")
    assert "some config file" in compare(exchange, changed(exchange, b"a config file", b"some config file"))


def test_a_dropped_field_is_reported() -> None:
    exchange = recorded("INFO", "CLIENTS")
    _, _, text = exchange.raw.partition(b"\r\n")
    shorter = b"".join(line for line in text[:-2].splitlines(keepends=True) if b"blocked_clients" not in line)
    difference = compare(exchange, Answer(b"$%d\r\n%b\r\n" % (len(shorter), shorter)))
    assert "blocked_clients" in difference


def test_a_renamed_field_is_reported() -> None:
    exchange = recorded("INFO", "MEMORY")
    assert "used_memorx" in compare(exchange, changed(exchange, b"\r\nused_memory:", b"\r\nused_memorx:"))
    exchange = recorded("CONFIG", "GET", "*")
    assert "maxmemorx" in compare(exchange, changed(exchange, b"\r\nmaxmemory\r\n", b"\r\nmaxmemorx\r\n"))
    exchange = recorded("CLIENT", "LIST")
    assert compare(exchange, changed(exchange, b" addr=", b" adxr="))


def test_a_renamed_metric_is_reported() -> None:
    exchange = page("/metrics")
    body = exchange.body.replace("dragonfly_connected_clients", "dragonfly_clients")
    assert body != exchange.body
    assert "dragonfly_clients" in compare(exchange, replace(answered(exchange), body=body))


def test_missing_and_extra_commands_are_named() -> None:
    exchange = recorded("COMMAND")
    difference = compare(exchange, changed(exchange, b"+XCLAIM\r\n", b"+XCLEAN\r\n"))
    assert difference == "missing ['XCLAIM'], extra ['XCLEAN']"


def test_another_media_type_is_reported_and_a_charset_is_not() -> None:
    exchange = page("/")
    for value, differs in (("text/plain", True), ("text/html; charset=utf-8", False)):
        headers = {**exchange.headers, "Content-Type": value}
        assert bool(compare(exchange, replace(answered(exchange), headers=headers))) is differs


@pytest.mark.parametrize(("path", "body"), [("/", ""), ("/nosuch", "not found")])
def test_a_body_too_many_or_too_few_is_reported(path: str, body: str) -> None:
    exchange = page(path)
    assert compare(exchange, replace(answered(exchange), body=body))


async def test_only_the_lab_is_asked_what_could_harm_a_server() -> None:
    harmful = [
        recorded("SHUTDOWN", "HELP"),
        recorded("CONFIG", "RESETSTAT"),
        recorded("CONFIG", "REWRITE"),
        recorded("SLOWLOG", "RESET"),
        page("/flagz"),
    ]
    node = Node(free_port(), Path("/nonexistent"), None, kill=_never)
    assert await differences({"primary": node}, harmful, {}) == [], "a question would find nobody"
    for exchange in harmful:
        with pytest.raises(ConnectionRefusedError):
            await differences({"primary": replace(node, is_lab=True)}, [exchange], {})


async def _never() -> None:
    raise AssertionError
