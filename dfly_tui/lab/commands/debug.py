"""DEBUG: what the dashboard reads, POPULATE, and LAB, which makes things go wrong."""

import re

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.protocol import NOT_AN_INTEGER, OK, SYNTAX_ERROR, Reply, Simple, Verbatim, bad_subcommand, error

BATCH = 20_000
SWITCHES = ("hang", "drop", "refuse", "oom", "disk_full", "frozen", "garbage", "loading")
LISTPACK_FIELDS = 64


async def debug(call: Call) -> Reply:
    server = call.server
    match call.upper(1), len(call.args):
        case "OBJECT", count if count >= 2:
            return _object(call)
        case "POPULATE", count if count >= 2:
            return await _populate(call)
        case "REPLICA", 2 if call.upper(2) == "OFFSET":
            link = server.follower
            return error("I am master") if link is None else [f"SYNC{link.sync_id}", list(link.executed)]
        case "SHARDS", 1:
            return Verbatim(_shards(call))
        case "TX", 1:
            return Verbatim("".join(f"shard{shard}:\n\n" for shard in range(server.options.shards)))
        case "OBJHIST", 1:
            return Verbatim("___begin object histogram___\n\n___end object histogram___\n")
        case "TOPK", count if count >= 2 and server.flavour.is_new:
            return OK if call.upper(2) == "ON" else [1, []]
        case "HELP", _:
            return [Simple(line) for line in server.flavour.help["DEBUG"]]
        case "LAB", _:
            return _lab(call)
    return bad_subcommand(call.upper(1), "DEBUG")


def _object(call: Call) -> Reply:
    store, key = call.session.socket.store, call.words[2]
    if key not in store:
        return error("no such key")
    item, space = store[key], call.server.keyspace
    kind, members = space.fake.type_of(item.value), space.fake.members_of(item.value)
    encoding = _encodings(small=members <= LISTPACK_FIELDS, new=call.server.flavour.is_new).get(kind, "unknown")
    if not call.server.flavour.is_new and isinstance(item.value, bytes) and re.fullmatch(rb"-?[0-9]{1,18}", item.value):
        encoding = "int"
    shard = space.shard_of(key)
    words = f"encoding:{encoding} bucket_id:{hash(key) % 56} slot:{hash(key) % 14} shard:{shard}"
    if item.expireat is not None:
        words += f" ttl:{max(0, int((item.expireat - store.time) * 1000))}ms"
    return Simple(words + (" nc:1" if kind == "list" and call.server.flavour.is_new else ""))


def _encodings(*, small: bool, new: bool) -> dict[str, str]:
    """Type → what it is kept as; small collections lie in one piece."""
    if new:
        return {
            "string": "raw", "hash": "listpack" if small else "dense_set", "list": "quicklist", "set": "dense_set",
            "zset": "listpack" if small else "btree", "stream": "stream", "ReJSON-RL": "jsoncons",
        }  # fmt: skip
    return {
        "string": "raw", "hash": "zipmap" if small else "hashtable", "list": "quicklist", "set": "hashtable",
        "zset": "listpack" if small else "skiplist", "stream": "stream", "ReJSON-RL": "raw", "MBbloom--": "raw",
    }  # fmt: skip


async def _populate(call: Call) -> Reply:
    """DEBUG POPULATE count [prefix] [size]."""
    count = integer(call.words[2])
    size = integer(call.words[4]) if len(call.words) > 4 else 16
    if count is None or size is None or count < 0 or size < 0:
        return NOT_AN_INTEGER
    prefix = call.words[3] if len(call.words) > 3 else b"key"
    space, store = call.server.keyspace, call.session.socket.store
    for number in range(count):
        key = b"%b:%d" % (prefix, number)
        store[key] = space.fake.new_item(b"x" * size, None)
        store.notify_watch(key)
        if number % BATCH == BATCH - 1:
            space.settle()
            await call.server.clock.sleep(0)
    return OK


def _shards(call: Call) -> str:
    server = call.server
    shards = range(server.options.shards)
    numbers: dict[str, list[int]] = {name: [0] * len(shards) for name in ("key_count", "expire_count")}
    for _, store in server.keyspace.stores():
        for key in store.sizes:
            shard = server.keyspace.shard_of(key)
            numbers["key_count"][shard] += 1
            numbers["expire_count"][shard] += key in store.expiring
    numbers = {"used_memory": [server.used_memory // len(shards) for _ in shards], **numbers}
    numbers["key_reads"] = [(server.stats.hits + server.stats.misses) // len(shards) for _ in shards]
    lines = [f"num_shards: {len(shards)}"]
    for shard in shards:
        lines += [f"shard{shard}_{name}: {values[shard]}" for name, values in numbers.items()]
        if server.flavour.is_new:
            keys = numbers["key_count"][shard]
            average = server.keyspace.object_bytes // max(1, server.keyspace.entries)
            lines.append(f"shard{shard}_prime_utilization: {keys / 6720:g}")
            lines.append(f"shard{shard}_avg_object_size: {average}")
    for name, values in numbers.items():
        lines += [f"max_{name}: {max(values)}", f"min_{name}: {min(values)}"]
    return "\n".join(lines) + "\n"


def _lab(call: Call) -> Reply:
    """DEBUG LAB [fault value]: `delay 200` (ms), `loading 5` (s), `save 3` (s), `hang on`, `traffic 50`, …"""
    faults = call.server.faults
    name = call.text(2).lower().replace("-", "_")
    if not name:
        states = {switch: int(getattr(faults, switch)) for switch in SWITCHES}
        return states | {"delay": int(faults.delay_seconds * 1000), "save": int(faults.save_seconds)}
    value = call.text(3).lower()
    number = integer(value.encode())
    if name in {"delay", "save", "loading"} and number is not None and number >= 0:
        if name == "delay":
            faults.delay_seconds = number / 1000
        elif name == "save":
            faults.save_seconds = float(number)
        else:
            call.server.spawn(faults.load_for(number))
    elif name in SWITCHES and value in {"on", "off"}:
        setattr(faults, name, value == "on")
    else:
        return SYNTAX_ERROR
    return OK


COMMANDS: Handlers = {"DEBUG": debug}
