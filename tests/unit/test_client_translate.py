"""Every error reply of the two real servers, and the operating system's errors, in our words."""

import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ConnectionError as RedisConnectionError

from dfly_tui.clients.address import Address
from dfly_tui.clients.translate import from_reply, not_a_server, translate
from dfly_tui.errors import (
    AuthFailed,
    DflyError,
    Loading,
    NotAServer,
    NotPermitted,
    NotSupported,
    OutOfMemory,
    ServerError,
    Timeout,
    TlsFailed,
    TooManyClients,
    Unreachable,
)
from tests.support.golden import VERSIONS, exchanges
from tests.support.hostile import harmless

PLAIN = Address("workhorse", 6379)
SECURE = Address("workhorse", 6379, tls=True)


@pytest.mark.parametrize(
    ("reply", "kind", "detail"),
    [
        ("WRONGPASS invalid username-password pair or user is disabled.", AuthFailed, "WRONGPASS"),
        ("NOAUTH Authentication required.", AuthFailed, "Authentication required"),
        ("ERR Cannot execute restricted command (admin only)", NotPermitted, "admin only"),
        ("NOPERM viewer has no ACL permissions", NotPermitted, "viewer"),
        ("ERR unknown command `COPY`", NotSupported, "COPY"),
        ("ERR Unknown subcommand or wrong number of arguments for 'INFO'. Try CLIENT HELP.", NotSupported, "INFO"),
        ("ERR unknown subcommand 'FOO'. Try OBJECT HELP.", NotSupported, "FOO"),
        ("ERR COMMAND DOCS Not Implemented", NotSupported, "DOCS"),
        ("LOADING Dragonfly is loading the dataset in memory", Loading, "loading"),
        ("ERR Out of memory", OutOfMemory, "Out of memory"),
        ("OOM command not allowed when used memory > 'maxmemory'.", OutOfMemory, "maxmemory"),
        ("ERR max number of clients reached", TooManyClients, "max number"),
        ("ERR Bad TLS header, double check if you enabled TLS for your client.", TlsFailed, "TLS"),
        ("READONLY You can't write against a read only replica.", ServerError, "read only"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", ServerError, "WRONGTYPE"),
        ("", ServerError, ""),
    ],
)
def test_error_replies(reply: str, kind: type[DflyError], detail: str) -> None:
    error = from_reply(reply)
    assert type(error) is kind
    assert detail in error.detail


def test_what_a_server_repeats_of_the_command_is_cut_off() -> None:
    error = from_reply("ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `s3cret`, ")
    assert isinstance(error, NotSupported)
    assert "s3cret" not in error.detail
    assert "HELLO" in error.detail


@given(st.text())
def test_no_reply_can_harm_a_terminal(reply: str) -> None:
    error = from_reply(reply)
    assert harmless(error.detail)
    assert len(error.detail) <= 400


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_errors(version: str) -> None:
    """Unknown commands are told from refusals, over all errors recorded."""
    errors = [each for each in exchanges(version) if each.raw.startswith(b"-")]
    assert len(errors) > 40
    for each in errors:
        text = each.raw[1:].rstrip(b"\r\n").decode()
        error = from_reply(text)
        assert isinstance(error, NotSupported) is ("unknown command" in text or "Unknown subcommand" in text), text
        assert error.detail.split(" ")[-1] in text


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Unreachable, "refused"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), Unreachable, "closed the connection"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Unreachable, "no route"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Unreachable, "no route"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), Unreachable, "in time"),
        (socket.gaierror(-2, "Name or service not known"), Unreachable, "workhorse is not known"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] …"),
            Unreachable,
            "refused",
        ),
        (OSError(errno.EMFILE, "Too many open files"), Unreachable, "dfly-tui has too many files open"),
        (TimeoutError(), Timeout, "in time"),
        (RedisConnectionError("Connection closed by server."), Unreachable, "closed the connection"),
    ],
)
def test_errors_of_the_network(error: Exception, kind: type[DflyError], detail: str) -> None:
    translated = translate(error, PLAIN)
    assert type(translated) is kind
    assert detail in translated.detail
    assert "workhorse" in translated.detail


def test_the_system_error_behind_redis_pys_counts() -> None:
    error = RedisConnectionError("Error 111 connecting to workhorse:6379")
    error.__context__ = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    assert "refused" in translate(error, PLAIN).detail


def test_errors_of_tls() -> None:
    wrong_version = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    wrong_version.reason = "WRONG_VERSION_NUMBER"
    error = translate(wrong_version, SECURE)
    assert isinstance(error, TlsFailed)
    assert "redis://" in error.hint
    reset = translate(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), SECURE)
    assert isinstance(reset, TlsFailed)


def test_our_own_errors_pass_through() -> None:
    ours = Loading("wait")
    assert translate(ours, PLAIN) is ours


@given(st.binary(max_size=200))
def test_whatever_a_stranger_sends_can_be_shown(head: bytes) -> None:
    error = not_a_server(PLAIN, head)
    assert isinstance(error, NotAServer | TlsFailed)
    assert harmless(error.detail)
