"""AUTH, HELLO, PING, ECHO, QUIT, RESET, COMMAND."""

from collections.abc import Mapping

from dfly_tui.lab.commands import Call, Handlers
from dfly_tui.lab.protocol import OK, SYNTAX_ERROR, Failure, Reply, Simple, error, wrong_arity

WRONG_PASS = Failure("WRONGPASS invalid username-password pair or user is disabled.")
NO_AUTH_HELLO = Failure(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> "
    "option can be used to authenticate the client and select the RESP protocol version at the same time"
)


async def auth(call: Call) -> Reply:
    """AUTH [user] password. Without any password set, every one is right, as with the real one's open default user."""
    if len(call.args) > 2:
        return SYNTAX_ERROR
    user = call.text(1) if len(call.args) == 2 else "default"
    return OK if _let_in(call, user, call.text(len(call.args))) else WRONG_PASS


def _let_in(call: Call, user: str, password: str) -> bool:
    server = call.server
    allowed = user == "default" and (not server.config.passwords or password in server.config.passwords)
    if allowed or server.users.allows(user, password):
        call.session.authenticated = True
        call.session.user = user
        return True
    return False


async def hello(call: Call) -> Reply:
    """HELLO [protocol [AUTH user password] [SETNAME name]]."""
    words = call.args
    if words and words[0] not in {b"2", b"3"}:
        return Failure("NOPROTO unsupported protocol version")
    position = 1
    while position < len(words):
        option = words[position].upper()
        if option == b"AUTH" and position + 2 < len(words):
            if not _let_in(call, words[position + 1].decode(), words[position + 2].decode()):
                return WRONG_PASS
            position += 3
        elif option == b"SETNAME" and position + 1 < len(words):
            call.session.name = words[position + 1].decode("utf-8", "replace")
            position += 2
        else:
            return SYNTAX_ERROR
    if not call.session.authenticated:
        return NO_AUTH_HELLO
    # Without a version it means RESP2, whatever was spoken before.
    call.session.protocol = int(words[0]) if words else 2
    call.session.socket.speak(call.session.protocol)
    return _about(call)


def _about(call: Call) -> Mapping[str, Reply]:
    return {
        "server": "redis",
        "version": call.server.flavour.redis_version,
        "dragonfly_version": call.server.flavour.version,
        "proto": call.session.protocol,
        "id": call.session.id,
        "mode": "standalone",
        "role": "slave" if call.server.follower is not None else "master",
    }


async def ping(call: Call) -> Reply:
    if len(call.args) > 1:
        return wrong_arity("ping")
    if call.session.socket.is_subscribed and call.session.protocol == 2:
        return [b"pong", call.words[1] if call.args else b""]
    return call.words[1] if call.args else Simple("PONG")


async def echo(call: Call) -> Reply:
    return call.words[1]


async def quit_(call: Call) -> Reply:
    call.session.closing = True
    return OK


async def reset(call: Call) -> Reply:
    """Back to what a new connection is."""
    session = call.session
    session.queued = None
    session.protocol = 2
    session.name = ""
    session.socket.speak(2)
    session.socket.forget_watches()
    session.run_data([b"SELECT", b"0"])
    session.authenticated = not call.server.config.passwords
    return Simple("RESET")


async def command(call: Call) -> Reply:
    """COMMAND, COMMAND COUNT, COMMAND INFO one."""
    table = [spec for spec in call.server.flavour.commands.values() if not spec.hidden]
    match call.upper(1):
        case "":
            return [spec.entry() for spec in table]
        case "COUNT":
            return len(table)
        case "INFO" if len(call.args) >= 2:
            if len(call.args) > 2 and not call.server.flavour.is_new:
                return SYNTAX_ERROR
            spec = call.server.flavour.commands.get(call.upper(2))
            return [spec.entry()] if spec is not None else None
    return SYNTAX_ERROR if call.upper(1) == "DOCS" else error(f"Unknown subcommand: {call.text(1)}")


COMMANDS: Handlers = {
    "AUTH": auth,
    "HELLO": hello,
    "PING": ping,
    "ECHO": echo,
    "QUIT": quit_,
    "RESET": reset,
    "COMMAND": command,
}
