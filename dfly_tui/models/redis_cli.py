"""Commands as redis-cli reads them, any bytes in them exact."""

import re
from collections.abc import Iterable, Iterator, Sequence

from dfly_tui.models.value import Element, Shape, ValueFacts

_PLAIN = re.compile(rb"[A-Za-z0-9_.:/@%+=,{}\[\]$*-]+")
_ESCAPES = {0x22: '\\"', 0x5C: "\\\\", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b"}
_PER_COMMAND = 500
_READS = {
    Shape.STRING: ("GET",), Shape.HYPERLOGLOG: ("PFCOUNT",), Shape.HASH: ("HGETALL",), Shape.LIST: ("LRANGE", "0 -1"),
    Shape.SET: ("SMEMBERS",), Shape.ZSET: ("ZRANGE", "0 -1 WITHSCORES"), Shape.GEO: ("ZRANGE", "0 -1 WITHSCORES"),
    Shape.STREAM: ("XRANGE", "- +"), Shape.JSON: ("JSON.GET",),
}  # fmt: skip
_WRITES = {Shape.HASH: "HSET", Shape.LIST: "RPUSH", Shape.SET: "SADD", Shape.ZSET: "ZADD", Shape.GEO: "ZADD"}


def quote(word: bytes) -> str:
    """One word: as it is when nothing in it is special, else in double quotes with `\\xff` for what is not ASCII."""
    if _PLAIN.fullmatch(word):
        return word.decode("ascii")
    return '"' + "".join(_ESCAPES.get(byte) or _letter(byte) for byte in word) + '"'


def _letter(byte: int) -> str:
    return chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"


def reading(facts: ValueFacts) -> str:
    """The command that reads the whole value."""
    command, *rest = _READS.get(facts.shape, ("TYPE",))
    return " ".join((command, quote(facts.name), *rest))


def writing(facts: ValueFacts, elements: Sequence[Element], data: bytes | None) -> Iterator[str]:
    """Commands that make the value anew from what was read of it; none for types that no command makes."""
    name = quote(facts.name)
    if facts.shape is Shape.JSON and data is not None:
        yield f"JSON.SET {name} $ {quote(data)}"
    elif facts.shape.is_bytes and data is not None:
        yield f"SET {name} {quote(data)}"
    elif facts.shape is Shape.STREAM:
        for entry in elements:
            yield _line("XADD", name, (entry.label, *(part for pair in entry.fields for part in pair)))
    elif facts.shape in _WRITES:
        for at in range(0, len(elements), _PER_COMMAND):
            words = [word for element in elements[at : at + _PER_COMMAND] for word in _words(facts.shape, element)]
            yield _line(_WRITES[facts.shape], name, words)
    else:
        return
    if facts.ttl_ms is not None and facts.ttl_ms > 0:
        yield f"PEXPIRE {name} {facts.ttl_ms}"


def _words(shape: Shape, element: Element) -> tuple[bytes, ...]:
    value = element.value or b""
    if shape is Shape.HASH:
        return (element.label, value)
    return (element.note.encode(), value) if shape in {Shape.ZSET, Shape.GEO} else (value,)


def _line(command: str, name: str, words: Iterable[bytes]) -> str:
    return " ".join((command, name, *map(quote, words)))
