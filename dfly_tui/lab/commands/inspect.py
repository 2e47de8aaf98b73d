"""MEMORY, DUMP, RESTORE."""

import json
import zlib
from collections.abc import Mapping

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.protocol import (
    NOT_AN_INTEGER,
    OK,
    SYNTAX_ERROR,
    Failure,
    Reply,
    Simple,
    Verbatim,
    bad_subcommand,
    error,
)

JSON_EMPTY_BYTES = 64
JSON_BYTES_PER_LETTER = 3
"""About what a document was seen to take."""
FOOTER = b"\x09\x00"
"""The RDB version at the end of a DUMP, before eight bytes of checksum."""
BAD_PAYLOAD = error("DUMP payload version or checksum are wrong")
STREAM_FIELDS = (
    "length", "radix-tree-keys", "radix-tree-nodes", "last-generated-id", "max-deleted-entry-id", "entries-added",
    "recorded-first-entry-id", "groups", "first-entry", "last-entry",
)  # fmt: skip
MALLOC_STATS = (
    "___ Begin malloc stats ___\narena: 0, ordblks: 0\n___ End malloc stats ___\n\n___ Begin mimalloc stats ___\n"
)


async def memory(call: Call) -> Reply:
    server = call.server
    match call.upper(1), len(call.args):
        case "USAGE", count if count >= 2:
            entry = call.session.socket.store.sizes.get(call.words[2])
            return None if entry is None or call.words[2] not in call.session.socket.store else entry[1]
        case "STATS", 1:
            return _stats(call)
        case "MALLOC-STATS", _:
            return Verbatim(MALLOC_STATS)
        case "DECOMMIT" | "DEFRAGMENT", _:
            return OK
        case "HELP", _:
            return [Simple(line) for line in server.flavour.help["MEMORY"]]
    return bad_subcommand(call.upper(1), "MEMORY")


def _stats(call: Call) -> Reply:
    server = call.server
    clients, replicas = len(server.sessions), len(server.feeder.peers)
    if server.flavour.is_new:
        return {
            "connections.direct_bytes": 10936 * clients,
            "replication.connections_count": replicas,
            "replication.direct_bytes": 0,
        }
    counts: dict[str, Reply] = {}
    for kind, count in (("connections", clients), ("replication", replicas)):
        counts |= {
            f"{kind}.{'count' if kind == 'connections' else 'connections_count'}": count,
            f"{kind}.direct_bytes": 10072 * count,
            f"{kind}.total_bytes": 10328 * count,
            f"{kind}.consumed_bytes": 0,
            f"{kind}.pending_input_bytes": 27 * count,
            f"{kind}.pending_output_bytes": 229 * count,
        }
    return counts


async def xinfo(call: Call) -> Reply:
    """fakeredis tells more of a stream than Dragonfly does."""
    reply = call.session.run_data(call.words)[0]
    if call.upper(1) != "STREAM" or len(call.args) != 2 or isinstance(reply, Failure):
        return reply
    if isinstance(reply, Mapping):
        return {name: reply[name] for name in STREAM_FIELDS}
    assert isinstance(reply, list)
    values = dict(zip(reply[::2], reply[1::2], strict=True))
    return [word for name in STREAM_FIELDS for word in (name, values[name.encode()])]


async def json_debug(call: Call) -> Reply:
    if call.upper(1) != "MEMORY" or not call.server.flavour.is_new:
        return bad_subcommand(call.upper(1), "JSON.DEBUG")
    store, key = call.session.socket.store, call.words[2]
    if key not in store:
        return 0
    return JSON_EMPTY_BYTES + JSON_BYTES_PER_LETTER * len(json.dumps(store[key].value))


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(8, "little")


async def dump(call: Call) -> Reply:
    """The value in the lab's own form: only a lab takes it back."""
    store = call.session.socket.store
    if call.words[1] not in store:
        return None
    fake = call.server.keyspace.fake
    packed: bytes | None = fake.pack(store[call.words[1]].value)
    if packed is None:
        return error("DUMP of this type is not simulated")
    # Once more, so that a key has the same dump on every server: which strings are one object shows in the first.
    data = (fake.pack(fake.unpack(packed)) or packed) + FOOTER
    return data + _checksum(data)


async def restore(call: Call) -> Reply:
    """RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n] [STICK]."""
    store, options = call.session.socket.store, [word.upper() for word in call.words[4:]]
    milliseconds = integer(call.words[2])
    if milliseconds is None or milliseconds < 0:
        return NOT_AN_INTEGER
    if set(options[:1]) - {b"REPLACE", b"ABSTTL", b"IDLETIME", b"FREQ", b"STICK"}:
        return SYNTAX_ERROR
    value = _unpack(call, call.words[3])
    if isinstance(value, Failure):
        return value
    key = call.words[1]
    if key in store and b"REPLACE" not in options:
        return (
            Failure("BUSYKEY Target key name already exists.")
            if call.server.flavour.is_new
            else error("BUSYKEY: key name already exists.")
        )
    expire_at = None
    if milliseconds:
        expire_at = milliseconds / 1000 + (0 if b"ABSTTL" in options else store.time)
    store[key] = call.server.keyspace.fake.new_item(value, expire_at)
    store.notify_watch(key)
    return OK


def _unpack(call: Call, payload: bytes) -> object:
    data, checksum = payload[:-8], payload[-8:]
    if len(payload) < 11 or checksum != _checksum(data) or not data.endswith(FOOTER):
        return BAD_PAYLOAD
    try:
        return call.server.keyspace.fake.unpack(data[: -len(FOOTER)])
    except ValueError:
        return BAD_PAYLOAD


COMMANDS: Handlers = {"MEMORY": memory, "DUMP": dump, "RESTORE": restore, "XINFO": xinfo, "JSON.DEBUG": json_debug}
