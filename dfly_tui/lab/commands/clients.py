"""CLIENT."""

import re
from collections.abc import Callable, Container, Mapping
from typing import TYPE_CHECKING

from dfly_tui.lab.commands import Call, Handlers, integer
from dfly_tui.lab.protocol import NOT_AN_INTEGER, OK, SYNTAX_ERROR, Reply, Simple, Verbatim, bad_subcommand, error

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer
    from dfly_tui.lab.session import Session

NEW = frozenset({"ID", "INFO", "UNPAUSE", "HELP"})
"""What v1.22 does not have."""
INFO_TAIL = " qbuf=0 qbuf-free=0 obl=0 argv-mem=0 oll=0 omem=0 tot-mem=0 multi=0 psub=0 sub=0\r\n"


async def client(call: Call) -> Reply:
    word, new = call.upper(1), call.server.flavour.is_new
    if word not in _SUBCOMMANDS or (word in NEW and not new):
        return bad_subcommand(word, "CLIENT")
    counts, answer = _SUBCOMMANDS[word]
    return answer(call) if len(call.args) in counts else bad_subcommand(word, "CLIENT")


def _set_name(call: Call) -> Reply:
    name = call.text(2)
    if not re.fullmatch(r"[!-~]*", name):
        return error("Client names cannot contain spaces, newlines or special characters.")
    call.session.name = name
    return OK


def client_name(server: "LabServer", session: "Session") -> str:
    """What CLIENT LIST calls it: v1.40 names a client by its id until it names itself."""
    return session.name or (str(session.id) if server.flavour.is_new else "")


def client_line(server: "LabServer", session: "Session") -> str:
    """One line of CLIENT LIST."""
    now = server.clock.monotonic()
    new = server.flavour.is_new
    label = "http=true" if session.is_http else f"name={client_name(server, session)}"
    line = (
        f"id={session.id} addr={session.address} laddr={session.local_address} fd={session.file_number} {label} "
        f"tid={session.id % server.options.shards} irqmatch={int(new)} "
        f"age={int(now - session.since)} idle={int(now - session.active)} "
    )
    if new:
        line += (
            f"tot-cmds={session.commands} tot-net-in={session.net_input} tot-read-calls={session.reads} "
            "tot-dispatches=0 "
        )
    line += f"db={session.socket.db} phase={session.phase}"
    return line + (f" lib-name={session.lib_name} lib-ver={session.lib_version}" if new else "")


def _master_line(server: "LabServer") -> str:
    """v1.40 lists a replica's link to its primary, too."""
    link = server.follower
    if link is None or not link.is_up or not server.flavour.is_new:
        return ""
    phase = "stable_sync" if link.phase == "online" else link.phase
    return (
        f"id=0 addr={link.host}:{link.port} laddr={link.local_address} fd=0 name= tid=0 irqmatch=0 age=0 "
        f"idle={link.idle_seconds} tot-cmds=0 tot-net-in=0 tot-read-calls=0 tot-dispatches=0 db=0 flags=M "
        f"repl-phase={phase} lib-name= lib-ver=\n"
    )


def _list(call: Call) -> Reply:
    sessions = list(call.server.sessions.values())
    if call.upper(2) == "ID" and call.server.flavour.is_new:
        wanted = {integer(word) for word in call.words[3:]}
        sessions = [session for session in sessions if session.id in wanted]
        return Verbatim("".join(client_line(call.server, session) + "\n" for session in sessions))
    lines = "".join(client_line(call.server, session) + "\n" for session in sessions)
    return Verbatim(lines + _master_line(call.server))


def _pause(call: Call) -> Reply:
    milliseconds = integer(call.words[2])
    if milliseconds is None or milliseconds < 0:
        return error("timeout is not an integer or out of range")
    mode = call.upper(3) or "ALL"
    if mode not in {"ALL", "WRITE"}:
        return SYNTAX_ERROR
    call.server.pause.begin(milliseconds / 1000, writes_only=mode == "WRITE")
    return OK


def _kill(call: Call) -> Reply:
    server = call.server
    how, what = ("ADDR", call.text(2)) if len(call.args) == 2 else (call.upper(2), call.text(3))
    if how == "ID" and integer(what.encode()) is None:
        return NOT_AN_INTEGER
    if how not in {"ADDR", "LADDR", "ID"}:
        return SYNTAX_ERROR
    link = server.follower
    if link is not None and server.flavour.is_new and how == "ADDR" and what == f"{link.host}:{link.port}":
        return error("Cannot kill master link; use REPLICAOF NO ONE")
    found = [
        session
        for session in server.sessions.values()
        if what == {"ADDR": session.address, "LADDR": session.local_address, "ID": str(session.id)}[how]
    ]
    admins = [session for session in found if session.admin]
    for session in found:
        if session is call.session:
            session.closing = True
        elif not session.admin:
            session.kill()
    if admins:
        killed = len(found) - len(admins)
        return error(f"Killed {killed} client(s), but unable to kill {len(admins)} admin client(s).")
    return len(found)


def _set_info(call: Call) -> Reply:
    match call.upper(2):
        case "LIB-NAME":
            call.session.lib_name = call.text(3)
        case "LIB-VER":
            call.session.lib_version = call.text(3)
        case _:
            return SYNTAX_ERROR
    return OK


def _unpause(call: Call) -> Reply:
    call.server.pause.end()
    return OK


ANY = range(1, 1000)
_SUBCOMMANDS: Mapping[str, tuple[Container[int], Callable[[Call], Reply]]] = {
    "SETNAME": ((2,), _set_name),
    "GETNAME": ((1,), lambda call: client_name(call.server, call.session) or None),
    "LIST": (ANY, _list),
    "ID": ((1,), lambda call: call.session.id),
    "INFO": ((1,), lambda call: client_line(call.server, call.session) + INFO_TAIL),
    "PAUSE": ((2, 3), _pause),
    "UNPAUSE": ((1,), _unpause),
    "KILL": ((2, 3), _kill),
    "SETINFO": ((3,), _set_info),
    "TRACKING": (ANY, lambda _: OK),
    "CACHING": (ANY, lambda _: OK),
    "HELP": (ANY, lambda _: [Simple("CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")]),
}
"""Name → how many words it takes with its own name, and who answers."""

COMMANDS: Handlers = {"CLIENT": client}
