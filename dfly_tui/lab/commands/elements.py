"""Elements that expire by themselves, and XSETID: what fakeredis has not, or has in Redis' own way only.

Dragonfly keeps whole seconds (hset_family.cc, generic_family.cc). Its HSETEX takes seconds, field, value, ….
"""

import re
from typing import Protocol, cast

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.commands.data import WRONG_TYPE
from dfly_tui.lab.protocol import NOT_AN_INTEGER, OK, Failure, Reply, error, wrong_arity

MOST_TTL_SECONDS = (1 << 26, (1 << 28) - 1)
"""Of 1.22 and of 1.40."""
NO_KEY, NO_FIELD, NO_EXPIRY = -2, -3, -1
BAD_ID = error("Invalid stream ID specified as stream command argument")
BEHIND = error("The ID specified in XSETID is smaller than the target stream top item")
BEHIND_DELETED = error("The ID specified in XSETID is smaller than current max_deleted_entry_id")


class _Elements(Protocol):
    """What a hash and a set of fakeredis have in common."""

    def __contains__(self, key: bytes) -> bool: ...

    def get_key_expireat(self, key: bytes) -> int | None: ...

    def set_key_expireat(self, key: bytes, when_ms: int) -> int: ...

    def set_member_expireat(self, key: bytes, when_ms: int) -> int: ...


def _elements(call: Call, kinds: tuple[str, ...]) -> _Elements | Failure | None:
    store, key = call.session.socket.store, call.words[1]
    if key not in store:
        return None
    value = store[key].value
    if call.server.keyspace.fake.type_of(value) not in kinds:
        return WRONG_TYPE
    return cast("_Elements", value)


def _now_ms(call: Call) -> int:
    return int(call.server.clock.now().timestamp() * 1000)


def _left(call: Call, found: _Elements, name: bytes) -> int:
    """Seconds until an element expires."""
    if name not in found:
        return NO_FIELD
    at = found.get_key_expireat(name)
    return NO_EXPIRY if at is None else max(0, -(-(at - _now_ms(call)) // 1000))


async def field_ttl(call: Call) -> Reply:
    """FIELDTTL key field"""
    found = _elements(call, ("hash", "set"))
    if found is None:
        return NO_KEY
    return found if isinstance(found, Failure) else _left(call, found, call.words[2])


async def hash_ttl(call: Call) -> Reply:
    """HTTL | HPEXPIRETIME key FIELDS n field …"""
    if call.upper(2) != "FIELDS":
        return error("Mandatory argument FIELDS is missing or not at the right position")
    fields = call.words[4:]
    if integer(call.words[3]) != len(fields) or not fields:
        return error("The `numfields` parameter must match the number of arguments")
    found = _elements(call, ("hash",))
    if isinstance(found, Failure):
        return found
    left = [NO_KEY if found is None else _left(call, found, field) for field in fields]
    left = [NO_KEY if each == NO_FIELD else each for each in left]
    if call.spec.name == "HTTL":
        return list(left)
    return [each if each < 0 else (_now_ms(call) // 1000 + each) * 1000 for each in left]


async def hash_set_expiring(call: Call) -> Reply:
    """HSETEX key seconds field value …"""
    seconds, words = integer(call.words[2]), call.words[3:]
    if seconds is None or not 0 < seconds <= MOST_TTL_SECONDS[call.server.flavour.is_new]:
        return NOT_AN_INTEGER
    if not words or len(words) % 2:
        return wrong_arity("HSETEX")
    replies = call.session.run_data([b"HSET", call.words[1], *words])
    found = _elements(call, ("hash",))
    if found is not None and not isinstance(found, Failure):
        for field in words[::2]:
            found.set_key_expireat(field, _now_ms(call) + seconds * 1000)
    return replies[0]


async def field_expire(call: Call) -> Reply:
    """FIELDEXPIRE key seconds element …"""
    seconds = integer(call.words[2])
    if seconds is None or not 0 < seconds <= MOST_TTL_SECONDS[1]:
        return NOT_AN_INTEGER
    found = _elements(call, ("hash", "set"))
    if isinstance(found, Failure):
        return found
    if found is None:
        return [NO_KEY for _ in call.words[3:]]
    expire = getattr(found, "set_key_expireat", None) or found.set_member_expireat
    at = _now_ms(call) + seconds * 1000
    call.session.socket.store.notify_watch(call.words[1])
    return [expire(name, at) if name in found else NO_KEY for name in call.words[3:]]


async def set_last_id(call: Call) -> Reply:
    """XSETID key id"""
    store, key = call.session.socket.store, call.words[1]
    if key not in store:
        return error("no such key")
    stream = store[key].value
    if call.server.keyspace.fake.type_of(stream) != "stream":
        return WRONG_TYPE
    match = re.fullmatch(rb"(\d{1,19})(?:-(\d{1,19}))?", call.words[2])
    if match is None:
        return BAD_ID
    wanted = int(match[1]), int(match[2] or 0)
    fake = call.server.keyspace.fake
    top, deleted = fake.stream_ids(stream)
    if call.server.flavour.is_new and wanted < deleted:
        return BEHIND_DELETED
    if wanted < top:
        return BEHIND
    fake.set_last_id(stream, wanted)
    store.notify_watch(key)
    return OK


COMMANDS: Handlers = {
    "FIELDTTL": field_ttl, "HTTL": hash_ttl, "HPEXPIRETIME": hash_ttl, "HSETEX": hash_set_expiring,
    "FIELDEXPIRE": field_expire, "XSETID": set_last_id,
}  # fmt: skip
