"""ROLE, REPLICAOF, REPLTAKEOVER, DFLY, WAIT, and what lab servers say to each other."""

from pathlib import Path

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.follower import FollowFailed
from dfly_tui.lab.link import numbers
from dfly_tui.lab.protocol import NOT_AN_INTEGER, OK, SYNTAX_ERROR, Raw, Reply, Simple, bad_subcommand, error
from dfly_tui.lab.snapshot import Damaged

SILENCE = Raw(b"")


async def role(call: Call) -> Reply:
    server = call.server
    async with server.role_lock:  # a takeover holds it as long as it lasts
        link = server.follower
        if link is not None:
            return ["slave", link.host, str(link.port), link.phase]
        return [
            "master",
            [
                [peer.ip, str(peer.port), peer.state]
                for peer in server.feeder.peers.values()
                if peer.state != "preparation"
            ],
        ]


async def replicaof(call: Call) -> Reply:
    """v1.22 erases everything before it dials; v1.40 dials first."""
    server = call.server
    if (call.upper(1), call.upper(2)) == ("NO", "ONE"):
        async with server.role_lock:
            await server.stop_following()
        return OK
    port = integer(call.words[2])
    if port is None or not 0 < port < 65536:
        return error("port is out of range")
    if server.is_loading and server.follower is None:
        return error("Operation now in progress: LOADING - can not save database")
    async with server.role_lock:
        try:
            await server.follow(call.text(1), port)
        except FollowFailed as problem:
            return error(str(problem))
    return OK


async def repltakeover(call: Call) -> Reply:
    server = call.server
    seconds = integer(call.words[1])
    if seconds is None:
        return NOT_AN_INTEGER
    if seconds < 0:
        return error("timeout is negative")
    option = call.upper(2)
    if option not in {"", "SAVE"} or len(call.args) > 2:
        return error(f"Unsupported option:{call.text(2)}")
    if server.follower is None:
        return OK
    async with server.role_lock:
        link = server.follower
        if link.phase != "online":
            return error("Full sync not done")
        answer = await link.take_over(seconds, save=bool(option))
        if answer == "OK":
            await server.stop_following()
            server.log("Takeover successful, promoting this instance to master.")
            return OK
    reason = f": {answer}" if server.flavour.is_new else ""
    return error(f"Couldn't execute takeover{reason}")


async def dfly(call: Call) -> Reply:
    server = call.server
    match call.upper(1), len(call.args):
        case "REPLICAOFFSET", 1:
            return list(server.feeder.lsn)
        case "THREAD", 1:
            return [call.session.id % server.options.shards, server.options.shards]
        case "EXPIRE", 1:
            server.keyspace.expire()
            return OK
        case "LOAD", 2 | 3:
            return await _load(call)
        case "HELP", _:
            return [Simple(line) for line in server.flavour.help["DFLY"]]
    return bad_subcommand(call.upper(1), "DFLY")


async def _load(call: Call) -> Reply:
    if call.server.follower is not None:
        return error("Replica cannot load data")
    path = Path(call.text(2))
    if path.suffix not in {".rdb", ".dfs"}:
        return error("Bad filename extension")
    if not call.server.saver.has(path):
        return error("File not found" if call.server.flavour.is_new else "No such file or directory")
    try:
        await call.server.saver.load(path)
    except Damaged as problem:
        return error(str(problem))
    return OK


async def wait(call: Call) -> Reply:
    if call.server.follower is not None:
        return error("WAIT cannot be used with replica instances.")
    count, milliseconds = integer(call.words[1]), integer(call.words[2])
    if count is None or milliseconds is None or count < 0:
        return NOT_AN_INTEGER
    return await call.server.feeder.wait_for(count, milliseconds / 1000)


async def replconf(call: Call) -> Reply:
    if call.server.follower is not None and call.server.flavour.is_new:
        return error("Replicating a replica is unsupported")
    match call.upper(1):
        case "LISTENING-PORT" if len(call.args) == 2:
            call.session.listening_port = integer(call.words[2]) or 0
            return OK
        case "ACK":
            if call.session.replica is not None:
                call.server.feeder.confirm(call.session, numbers(call.words[2:]))
            return SILENCE
    return OK if len(call.args) % 2 == 0 else SYNTAX_ERROR


async def lab_sync(call: Call) -> Reply:
    """`LABSYNC FROM replid lsn…`: feed this connection from there, or with everything."""
    if call.server.follower is not None:
        return error("Replicating a replica is unsupported")
    call.server.feeder.welcome(call.session, call.text(2), numbers(call.words[3:]))
    return SILENCE


async def lab_takeover(call: Call) -> Reply:
    seconds, save = float(call.words[1]), call.upper(2) == "SAVE"
    call.server.spawn(call.server.feeder.be_taken_over(call.session, seconds, save=save))
    return SILENCE


COMMANDS: Handlers = {
    "ROLE": role,
    "REPLICAOF": replicaof,
    "SLAVEOF": replicaof,
    "REPLTAKEOVER": repltakeover,
    "DFLY": dfly,
    "WAIT": wait,
    "REPLCONF": replconf,
    "LABSYNC": lab_sync,
    "LABTAKEOVER": lab_takeover,
}
