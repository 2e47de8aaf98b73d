"""INFO, TIME, DBSIZE, SHUTDOWN, MODULE, LATENCY, SLOWLOG, and what is switched off: CLUSTER, FUNCTION."""

from contextlib import nullcontext

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.info import CHEAP, info_text
from dfly_tui.lab.protocol import (
    NOT_AN_INTEGER,
    OK,
    SYNTAX_ERROR,
    Reply,
    Simple,
    SimpleKeys,
    Verbatim,
    bad_subcommand,
    error,
)

NO_CLUSTER = error("Cluster is disabled. Enabled via passing --cluster_mode=emulated|yes")
NO_DFLY_CLUSTER = error("Cluster is disabled. Use --cluster_mode=yes to enable.")


async def info(call: Call) -> Reply:
    """A takeover on this replica holds INFO back: all of it in v1.22, what needs the role in v1.40."""
    server = call.server
    wanted = [call.upper(position) for position in range(1, len(call.words))]
    if len(wanted) > 1 and not server.flavour.is_new:
        return SYNTAX_ERROR
    free = server.flavour.is_new and bool(wanted) and CHEAP.issuperset(wanted)
    async with nullcontext() if free else server.role_lock:
        return Verbatim(info_text(server, wanted))


async def time(call: Call) -> Reply:
    now = call.server.clock.now().timestamp()
    return [int(now), int(now % 1 * 1e6)]


async def dbsize(call: Call) -> Reply:
    return len(call.session.socket.store)


async def shutdown(call: Call) -> Reply:
    word = call.upper(1)
    if word not in {"", "SAVE", "NOSAVE"} or len(call.args) > 1:
        return SYNTAX_ERROR
    server = call.server
    if word != "NOSAVE":
        await server.save_at_end()
    server.exit(0)
    return OK


async def module(call: Call) -> Reply:
    if call.upper(1) != "LIST":
        return bad_subcommand(call.upper(1), "MODULE")
    versions = (20808, 21015) if call.server.flavour.is_new else (20000, 20000)
    names = ("ReJSON", "search")
    entries: list[Reply] = []
    for name, version in zip(names, versions, strict=True):
        entries.append(SimpleKeys({"name": Simple(name), "ver": version}))
    return entries


async def latency(call: Call) -> Reply:
    match call.upper(1):
        case "LATEST":
            return []
        case "HISTOGRAM" if call.server.flavour.is_new:
            return {}
    return bad_subcommand(call.upper(1), "LATENCY") if call.server.flavour.is_new else SYNTAX_ERROR


async def slowlog(call: Call) -> Reply:
    """Without a count, GET answers with everything."""
    log = call.server.slow_log
    match call.upper(1), len(call.args):
        case "LEN", 1:
            return len(log.entries)
        case "RESET", 1:
            log.entries.clear()
            return OK
        case "GET", 1 | 2:
            count = integer(call.words[2]) if len(call.args) == 2 else len(log.entries)
            if count is None or count < -1:
                return NOT_AN_INTEGER
            newest = list(reversed(log.entries))
            return [
                [entry.id, entry.at, entry.usec, list(entry.words), entry.address, entry.client]
                for entry in (newest if count == -1 else newest[:count])
            ]
        case "HELP", _:
            return [Simple("SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")]
    return bad_subcommand(call.upper(1), "SLOWLOG")


async def script(call: Call) -> Reply:
    if call.upper(1) == "LIST":
        return [[digest, body] for digest, body in call.server.keyspace.scripts.items()]
    return call.session.run_data(call.words)[0]


async def cluster(call: Call) -> Reply:
    del call
    return NO_CLUSTER


async def dfly_cluster(call: Call) -> Reply:
    del call
    return NO_DFLY_CLUSTER


async def function(call: Call) -> Reply:
    return OK if call.upper(1) == "FLUSH" else bad_subcommand(call.upper(1), "FUNCTION")


COMMANDS: Handlers = {
    "INFO": info,
    "TIME": time,
    "DBSIZE": dbsize,
    "SHUTDOWN": shutdown,
    "MODULE": module,
    "LATENCY": latency,
    "SLOWLOG": slowlog,
    "SCRIPT": script,
    "CLUSTER": cluster,
    "DFLYCLUSTER": dfly_cluster,
    "FUNCTION": function,
}
