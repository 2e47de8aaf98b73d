"""Commands on keys where fakeredis answers otherwise than the real ones: JSON.GET, sorted sets that hold positions, and
HyperLogLogs, which are strings. Those of the lab hold every element's hash, so they count exactly."""

import hashlib
import json
import re
from collections.abc import Iterator

from dfly_tui.lab.commands import Call, Handlers
from dfly_tui.lab.protocol import OK, Failure, Reply, error

WRONG_TYPE = Failure("WRONGTYPE Operation against a key holding the wrong kind of value")
NOT_A_SKETCH = Failure("WRONGTYPE Key is not a valid HyperLogLog string value.")
SKETCH = b"HYLL\x01" + bytes(11)
_HASH_BYTES = 6
_LETTERS = "0123456789bcdefghjkmnpqrstuvwxyz"
_GEO_BITS = 26
_LATITUDES = (-85.05112878, 85.05112878)
_LONGITUDES = (-180.0, 180.0)


async def json_get(call: Call) -> Reply:
    """JSON.GET key [path]; all else is left to fakeredis."""
    store, key = call.session.socket.store, call.words[1]
    paths = call.words[2:]
    if key not in store or len(paths) > 1 or (paths and not paths[0].startswith(b"$")):
        return call.session.run_data(call.words)[0]
    value = store[key].value
    if call.server.keyspace.fake.type_of(value) != call.server.keyspace.fake.JSON:
        return WRONG_TYPE
    if not paths:
        return _compact(value)
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.ext.parser import parse

    try:
        return _compact([match.value for match in parse(paths[0].decode("utf-8", "replace")).find(value)])
    except JSONPathError:
        return error("syntax error")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def zset(call: Call) -> Reply:
    """ZRANGE and ZSCAN, with positions as the real ones keep them: fakeredis has the letters of a geohash there."""
    store, key = call.session.socket.store, call.words[1]
    value = store[key].value if key in store else None
    if type(value).__name__ != "ZSet" or not any(isinstance(score, str) for score in _scores(value)):
        return call.session.run_data(call.words)[0]
    if call.spec.name == "ZSCAN":
        [reply] = call.session.run_data([b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"])
        return ["0", [word for member, score in _pairs(reply) for word in (member, _score(score))]]
    [reply] = call.session.run_data(call.words)
    if b"WITHSCORES" not in {word.upper() for word in call.words[4:]}:
        return reply
    in_pairs = call.session.protocol == 3
    found = [(member, _score(score)) for member, score in _pairs(reply)]
    return (
        [[member, float(score)] for member, score in found] if in_pairs else [word for pair in found for word in pair]
    )


def _scores(value: object) -> Iterator[object]:
    items = getattr(value, "items", None)
    return (score for _, score in (items() if callable(items) else ()))


def _pairs(reply: Reply) -> Iterator[tuple[Reply, Reply]]:
    if isinstance(reply, list):
        if reply and isinstance(reply[0], list):
            yield from ((pair[0], pair[1]) for pair in reply if isinstance(pair, list))
        else:
            yield from zip(reply[::2], reply[1::2], strict=False)


def _score(word: Reply) -> str:
    text = word.decode() if isinstance(word, bytes) else str(word)
    return str(geo_score(text)) if re.fullmatch(f"[{_LETTERS}]{{5,}}", text) else text


def geo_score(letters: str) -> int:
    """A geohash in letters as the 52 bits that a sorted set keeps, which leave out the poles."""
    latitude, longitude = (-90.0, 90.0), (-180.0, 180.0)
    for at, bit in enumerate(f"{int(letter, 32):05b}"[place] for letter in map(_base32, letters) for place in range(5)):
        low, high = latitude if at % 2 else longitude
        half = ((low + high) / 2, high) if bit == "1" else (low, (low + high) / 2)
        latitude, longitude = (half, longitude) if at % 2 else (latitude, half)
    north = _cell(sum(latitude) / 2, *_LATITUDES)
    east = _cell(sum(longitude) / 2, *_LONGITUDES)
    return sum(((north >> bit & 1) << 2 * bit) | ((east >> bit & 1) << 2 * bit + 1) for bit in range(_GEO_BITS))


def _base32(letter: str) -> str:
    return "0123456789abcdefghijklmnopqrstuv"[_LETTERS.index(letter)]


def _cell(value: float, low: float, high: float) -> int:
    return int((value - low) / (high - low) * (1 << _GEO_BITS))


async def pfadd(call: Call) -> Reply:
    known = _sketch(call, call.words[1])
    if isinstance(known, Failure):
        return known
    added = {hashlib.blake2b(word, digest_size=_HASH_BYTES).digest() for word in call.words[2:]}
    if known is not None and added <= known:
        return 0
    _keep(call, call.words[1], (known or set()) | added)
    return 1


async def pfcount(call: Call) -> Reply:
    known = _union(call, call.words[1:])
    return known if isinstance(known, Failure) else len(known)


async def pfmerge(call: Call) -> Reply:
    known = _union(call, call.words[1:])
    if isinstance(known, Failure):
        return known
    _keep(call, call.words[1], known)
    return OK


def _union(call: Call, keys: list[bytes]) -> set[bytes] | Failure:
    found: set[bytes] = set()
    for key in keys:
        known = _sketch(call, key)
        if isinstance(known, Failure):
            return known
        found |= known or set()
    return found


def _sketch(call: Call, key: bytes) -> set[bytes] | Failure | None:
    """The hashes in a HyperLogLog; None when there is no such key."""
    store = call.session.socket.store
    if key not in store:
        return None
    value = store[key].value
    if not isinstance(value, bytes):
        return WRONG_TYPE
    if not value.startswith(SKETCH):
        return NOT_A_SKETCH
    hashes = value[len(SKETCH) :]
    return {hashes[at : at + _HASH_BYTES] for at in range(0, len(hashes), _HASH_BYTES)}


def _keep(call: Call, key: bytes, hashes: set[bytes]) -> None:
    store = call.session.socket.store
    expire_at = store[key].expireat if key in store else None
    store[key] = call.server.keyspace.fake.new_item(SKETCH + b"".join(sorted(hashes)), expire_at)
    store.notify_watch(key)


COMMANDS: Handlers = {
    "JSON.GET": json_get, "ZRANGE": zset, "ZSCAN": zset, "PFADD": pfadd, "PFCOUNT": pfcount, "PFMERGE": pfmerge,
}  # fmt: skip
