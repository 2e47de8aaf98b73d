"""RESP2 and RESP3: requests in, replies out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import hiredis

LONGEST_INLINE = 64 * 1024


@dataclass(frozen=True)
class Simple:
    """A simple string: `+OK`."""

    text: str


@dataclass(frozen=True)
class Failure:
    """An error reply, with its prefix: `ERR syntax error`."""

    text: str


@dataclass(frozen=True)
class Verbatim:
    """Text that RESP3 sends as a verbatim string and RESP2 as a bulk string."""

    text: str


@dataclass(frozen=True)
class Raw:
    """Bytes that are encoded already."""

    data: bytes


Reply: TypeAlias = (
    "int | float | str | bytes | Simple | Failure | Verbatim | Raw | Sequence[Reply] | Mapping[str, Reply] | None"
)
"""`str` and `bytes` are bulk strings."""

OK = Simple("OK")
NULL_2, NULL_3 = b"$-1\r\n", b"_\r\n"


class SimpleKeys(dict[str, "Reply"]):
    """A map whose keys are simple strings; those of any other map are bulk strings."""


def error(text: str) -> Failure:
    """An `-ERR` reply."""
    return Failure(f"ERR {text}")


SYNTAX_ERROR = error("syntax error")
NOT_AN_INTEGER = error("value is not an integer or out of range")


def bad_subcommand(word: str, command: str) -> Failure:
    """What Dragonfly says to a subcommand it does not know, or with the wrong number of arguments."""
    return error(f"Unknown subcommand or wrong number of arguments for '{word}'. Try {command} HELP.")


def wrong_arity(command: str) -> Failure:
    """What Dragonfly says to too many or too few arguments."""
    return error(f"wrong number of arguments for '{command.lower()}' command")


def bulk(data: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%b\r\n" % (len(data), data)


def encode(reply: Reply, protocol: int) -> bytes:
    """The bytes of a reply in RESP2 or RESP3."""
    match reply:
        case None:
            return NULL_3 if protocol == 3 else NULL_2
        case bytes():
            return bulk(reply)
        case str():
            return bulk(reply.encode("utf-8", "surrogateescape"))
        case bool() | int():
            return b":%d\r\n" % reply
        case float():
            return f",{reply:.17g}\r\n".encode() if protocol == 3 else bulk(f"{reply:.17g}".encode())
        case Mapping() | Sequence():
            return _encode_many(reply, protocol)
    return _encode_special(reply, protocol)


def _encode_special(reply: Simple | Failure | Verbatim | Raw, protocol: int) -> bytes:
    match reply:
        case Raw(data):
            return data
        case Simple(text):
            return b"+%b\r\n" % text.encode()
        case Failure(text):
            return b"-%b\r\n" % text.encode(errors="replace").replace(b"\r", b" ").replace(b"\n", b" ")
        case Verbatim(text):
            data = text.encode()
            return b"=%d\r\ntxt:%b\r\n" % (len(data) + 4, data) if protocol == 3 else bulk(data)


def _encode_many(reply: "Mapping[str, Reply] | Sequence[Reply]", protocol: int) -> bytes:
    if not isinstance(reply, Mapping):
        return b"*%d\r\n%b" % (len(reply), b"".join([encode(item, protocol) for item in reply]))
    head = b"%%%d\r\n" % len(reply) if protocol == 3 else b"*%d\r\n" % (2 * len(reply))
    name = Simple if isinstance(reply, SimpleKeys) else str
    return head + b"".join(encode(name(key), protocol) + encode(value, protocol) for key, value in reply.items())


class BadRequest(Exception):
    """The client does not speak the protocol; the text is what it is told."""


class RequestParser:
    """Splits a stream into commands: RESP arrays, or a line of words as somebody types it into netcat."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._inline = b""
        self._within = False

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """The commands that are complete now.

        Raises:
            BadRequest: The bytes are neither.
        """
        if self._inline or (not self._within and data[:1] != b"*"):
            yield from self._lines(self._inline + data)
        else:
            self._reader.feed(data)
        # Once part of a command has been taken, has_data() says no although the command is not complete.
        while self._within or self._reader.has_data():
            try:
                words = self._reader.gets()
            except hiredis.ProtocolError as problem:
                raise BadRequest("Protocol error") from problem
            self._within = words is False
            if words is False:
                return
            if not isinstance(words, list) or not all(isinstance(word, bytes) for word in words):
                raise BadRequest("Protocol error")
            yield words

    def _lines(self, data: bytes) -> Iterator[list[bytes]]:
        self._inline = b""
        while data and data[:1] != b"*":
            line, end, rest = data.partition(b"\n")
            if not end:
                if len(data) > LONGEST_INLINE:
                    raise BadRequest("Protocol error: too big inline request")
                self._inline = data
                return
            data = rest
            if words := line.split():
                yield words
        self._reader.feed(data)
