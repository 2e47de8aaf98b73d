"""CONFIG."""

from dfly_tui.lab.commands import Call, Handlers
from dfly_tui.lab.protocol import OK, Reply, Simple, bad_subcommand, error, wrong_arity


async def config(call: Call) -> Reply:
    server = call.server
    match call.upper(1), len(call.args):
        case "GET", 2:
            return dict(server.config.matching(call.text(2)))
        case "SET", 3:
            return server.config.set(call.text(2), call.text(3))
        case "SET", _:
            return wrong_arity("config|set")
        case "RESETSTAT", 1:
            server.stats.reset()
            return OK
        case "REWRITE", 1 if server.flavour.is_new:
            return error("The server is running without a config file")
        case "HELP", _:
            return [Simple(line) for line in server.flavour.help["CONFIG"]]
    return bad_subcommand(call.upper(1), "CONFIG")


COMMANDS: Handlers = {"CONFIG": config}
