"""ACL: WHOAMI, LIST, USERS, SETUSER, DELUSER, GETUSER, CAT, LOG, DRYRUN. Rules are kept and shown, not enforced."""

from dfly_tui.lab.commands import Call, Handlers
from dfly_tui.lab.protocol import OK, SYNTAX_ERROR, Reply, Simple, bad_subcommand, error

CATEGORIES = (
    "KEYSPACE", "READ", "WRITE", "SET", "SORTEDSET", "LIST", "HASH", "STRING", "BITMAP", "HYPERLOG", "GEO", "STREAM",
    "PUBSUB", "ADMIN", "FAST", "SLOW", "BLOCKING", "DANGEROUS", "CONNECTION", "TRANSACTION", "SCRIPTING",
)  # fmt: skip
NEW_CATEGORIES = ("CUCKOO_FILTER", "TOPK", "CMS")
MORE_CATEGORIES = ("BLOOM", "FT_SEARCH", "THROTTLE", "JSON")


async def acl(call: Call) -> Reply:
    return bad_subcommand(call.upper(1), "ACL")


async def who_am_i(call: Call) -> Reply:
    return f"User is {call.session.user}"


async def list_(call: Call) -> Reply:
    return [Simple(call.server.users.line(name)) for name in call.server.users.names]


async def users(call: Call) -> Reply:
    return [Simple(name) for name in call.server.users.names]


async def set_user(call: Call) -> Reply:
    rules = [word.decode("utf-8", "replace") for word in call.words[3:]]
    wrong = call.server.users.change(call.text(2), rules)
    return OK if wrong is None else error(f"Unrecognized parameter {wrong.upper()}")


async def del_user(call: Call) -> Reply:
    return sum(call.server.users.remove(word.decode("utf-8", "replace")) for word in call.words[2:])


async def get_user(call: Call) -> Reply:
    name = call.text(2)
    if not call.server.users.has(name):
        return error(f"User: {name} does not exists!")
    words = call.server.users.line(name).removesuffix(" $all").split()[2:]
    lists: dict[str, list[str]] = {
        "flags": words[:1],
        "passwords": [word for word in words[1:] if word.startswith("#")],
        "commands": [word for word in words[1:] if word[0] in "+-"],
        "keys": [word for word in words[1:] if word[0] == "~"],
        "channels": [word for word in words[1:] if word[0] == "&"],
    }
    reply: list[Reply] = []
    for title, values in lists.items():
        several: list[Reply] = [Simple(value) for value in values]
        reply += [Simple(title), several if title == "flags" else Simple(" ".join(values))]
    return reply


async def cat(call: Call) -> Reply:
    new = NEW_CATEGORIES if call.server.flavour.is_new else ()
    return [Simple(name) for name in (*CATEGORIES, *new, *MORE_CATEGORIES)]


async def log(call: Call) -> Reply:
    return OK if call.upper(2) == "RESET" else []


async def dry_run(call: Call) -> Reply:
    if not call.server.users.has(call.text(2)):
        return error(f"User: {call.text(2)} does not exists!")
    return OK if len(call.words) > 3 else SYNTAX_ERROR


COMMANDS: Handlers = {
    "ACL": acl,
    "ACL WHOAMI": who_am_i,
    "ACL LIST": list_,
    "ACL USERS": users,
    "ACL SETUSER": set_user,
    "ACL DELUSER": del_user,
    "ACL GETUSER": get_user,
    "ACL CAT": cat,
    "ACL LOG": log,
    "ACL DRYRUN": dry_run,
}
