"""What commands do that the server's flags do not say: which only read, which can do great harm, which the console
cannot bear. The server's flags are coarse (Dragonfly flags CONFIG as a whole, and MEMORY DECOMMIT as reading), and say
nothing of some thirty commands that only tell (`tests/data/recordings`, COMMAND of both versions).
"""

NO_WAY_BACK = "There is no way back."

_READING = {
    "ACL": "CAT DRYRUN GENPASS GETUSER HELP LIST LOG USERS WHOAMI",
    "CLIENT": "GETNAME GETREDIR HELP ID INFO LIST SETINFO SETNAME TRACKINGINFO",
    "CLUSTER": "COUNT-FAILURE-REPORTS COUNTKEYSINSLOT GETKEYSINSLOT HELP INFO KEYSLOT LINKS MYID MYSHARDID NODES "
    "REPLICAS SHARDS SLAVES SLOT-STATS SLOTS",
    "COMMAND": "COUNT DOCS GETKEYS GETKEYSANDFLAGS HELP INFO LIST",
    "CONFIG": "GET HELP",
    "DEBUG": "HELP OBJECT",
    "FT.CONFIG": "GET HELP",
    "FUNCTION": "DUMP HELP LIST STATS",
    "LATENCY": "DOCTOR GRAPH HELP HISTOGRAM HISTORY LATEST",
    "MEMORY": "DOCTOR HELP MALLOC-STATS STATS USAGE",
    "MODULE": "HELP LIST",
    "OBJECT": "ENCODING FREQ HELP IDLETIME REFCOUNT",
    "PUBSUB": "CHANNELS HELP NUMPAT NUMSUB SHARDCHANNELS SHARDNUMSUB",
    "SCRIPT": "EXISTS HELP LATENCY LIST",
    "SLOWLOG": "GET HELP LEN",
    "XGROUP": "HELP",
    "XINFO": "CONSUMERS GROUPS HELP STREAM",
}
CONTAINERS = frozenset(_READING)
"""Commands of several subcommands, not all of which read. One that is not in `READS` changes something."""
READS = frozenset(
    {
        "COMMAND", "ECHO", "INFO", "LASTSAVE", "LOLWUT", "PING", "ROLE", "SELECT", "TIME", "WAIT", "WAITAOF",
        "FT.AGGREGATE", "FT.HYBRID", "FT.INFO", "FT.PROFILE", "FT.SEARCH", "FT.SYNDUMP", "FT.TAGVALS",
        "FT._LIST",
    }
) | {f"{container} {name}" for container, names in _READING.items() for name in names.split()}  # fmt: skip
"""What only reads, whether or not the server says so; never against its saying that it writes."""

WRITES = frozenset(
    {
        "CLIENT UNBLOCK", "CLIENT UNPAUSE", "LATENCY RESET", "PUBLISH", "RESTORE", "SCRIPT FLAGS",
        "SCRIPT LOAD", "SLOWLOG RESET", "SORT", "SPUBLISH", "XREADGROUP",
    }
)  # fmt: skip
"""What changes something and is no danger, whatever the server says: v1.22 says that XREADGROUP only reads, and Redis
that RESTORE and SORT are dangerous. (SORT without STORE only reads where the server says so.)"""

FLUSHES = frozenset({"FLUSHALL", "FLUSHDB"})
"""Not offered where production may be."""
SCRIPTS = frozenset({"EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO"})
CARRIERS = SCRIPTS | {"SCRIPT LOAD", "FUNCTION LOAD", "FUNCTION RESTORE"}
"""What may hold other commands."""

_SCRIPT = "A script can do anything that commands can, and nobody sees beforehand what: it needs what a write needs."
_ROLES = "The failover wizard (screen 3) does the same with every check, and knows the way back."

DANGERS = {
    "KEYS": "It looks at every key of the database in one go: a Redis serves nobody else meanwhile, and Dragonfly "
    "leaves out, without a word, all names beyond about 8,192. SCAN does neither.",
    "FLUSHALL": f"It deletes every key of every database. {NO_WAY_BACK}",
    "FLUSHDB": f"It deletes every key of this database. {NO_WAY_BACK}",
    "SWAPDB": "It exchanges two databases: every client finds other keys from this moment on.",
    "RM": f"It deletes keys as it scans them, all of a pattern. {NO_WAY_BACK}",
    "MIGRATE": "It moves keys to another server: they are deleted here, and replaced there with REPLACE.",
    "DEBUG": "It is a tool of the server's makers: it can fill the server, reload it, hold it up, or crash it.",
    "CONFIG": "It changes the running server for everybody.",
    "CONFIG SET": "It changes a setting of the running server for everybody, until it restarts. On a Dragonfly a new "
    "requirepass is one password more: the old one goes on working.",
    "CONFIG REWRITE": "It writes the running settings over the configuration file: they then outlive a restart.",
    "CONFIG RESETSTAT": "It sets the server's counters to zero: everybody's charts and alarms begin anew.",
    "SHUTDOWN": "It ends the server's process. All clients are cut off, and what was not saved is lost. When it works "
    "there is no answer.",
    "REPLICAOF": "With a host it makes this server a replica: all its own data is deleted, and v1.22 does that before "
    f"it even knows whether the primary is there. With NO ONE it promotes a replica, fenced by nothing. {_ROLES}",
    "SLAVEOF": f"It is REPLICAOF by its old name: with a host, all data of this server is deleted. {_ROLES}",
    "ADDREPLICAOF": "It makes this server a replica of one more primary, whose data it takes in.",
    "REPLTAKEOVER": f"It makes this replica the primary; the process of the old primary ends. {_ROLES}",
    "FAILOVER": f"It makes a replica of this primary the new one. {_ROLES}",
    "SCRIPT FLUSH": "It forgets all scripts: clients that call them by EVALSHA get NOSCRIPT until they load them.",
    "SCRIPT KILL": "It ends a running script in the middle.",
    "FUNCTION DELETE": f"It deletes a library that clients may be calling. {NO_WAY_BACK}",
    "FUNCTION FLUSH": f"It deletes all libraries, which clients may be calling. {NO_WAY_BACK}",
    "FUNCTION KILL": "It ends a running function in the middle.",
    "FUNCTION RESTORE": "It loads libraries, over those that are there if told so.",
    **dict.fromkeys(SCRIPTS, _SCRIPT),
    "ACL": "It changes who may do what on this server.",
    "ACL SETUSER": "It changes who may do what: applications, and this program, may be locked out.",
    "ACL DELUSER": f"It deletes users and cuts off whoever is logged in as one. {NO_WAY_BACK}",
    "ACL LOAD": "It replaces all users by those of the file: applications, and this program, may be locked out.",
    "ACL SAVE": "It writes the users over those of the file: they then outlive a restart.",
    "ACL LOG RESET": "It forgets who was refused what.",
    "CLIENT KILL": "It cuts clients off in the middle of what they do.",
    "CLIENT PAUSE": "It lets all clients wait for so long, this program too; v1.22 cannot end it early.",
    "CLIENT MIGRATE": "It moves a client's connection to another thread of the server.",
    "CLUSTER": "It changes the cluster: which slots are whose, and who is a part of it.",
    "MODULE": "It loads or unloads program code in the server.",
    "SAVE": "It writes a snapshot now, which takes memory and room on the disk. A Redis serves nobody meanwhile.",
    "BGSAVE": "It writes a snapshot now, which takes memory and room on the disk.",
    "BGREWRITEAOF": "It writes the append-only file anew, which takes memory and room on the disk.",
    "PFSELFTEST": "It is a test of the server's makers, and holds the server up.",
    "DFLY": "It is how Dragonflies talk among each other; it can end a replication, or load a file over the data.",
    "DFLYCLUSTER": "It changes the cluster: slots that are no longer this server's are deleted with their keys.",
    "DFLYMIGRATE": "It is how Dragonflies move slots among each other.",
    "FT.CONFIG": "It changes the search for everybody.",
}
"""What a person is told before it is sent. A name of two words is looked for before one of one."""
HARMLESS_DANGERS = frozenset({"KEYS"})
"""Those that change nothing."""

_ENDLESS = "what it answers never ends, and the console shows one answer to one command"
_BY_ITSELF = "the console sends each command by itself, so that no transaction is ever left open"
_MODE = "it sets how one connection behaves, and the console opens connections as it needs them"
_SYNC = "it turns the connection into a replica's, and the whole data set would follow"

REFUSALS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"), (_ENDLESS, "listen with redis-cli in another window")),
    **dict.fromkeys(("UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"), ("the console never subscribes to anything", "")),
    "MONITOR": (
        f"{_ENDLESS}; it also shows everybody's data and slows the server down",
        "SLOWLOG GET, CLIENT LIST and INFO COMMANDSTATS tell much of it",
    ),
    **dict.fromkeys(("SYNC", "PSYNC", "REPLCONF", "DFLY FLOW", "DFLY SYNC", "DFLY THREAD"), (_SYNC, "")),
    **dict.fromkeys(("MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH"), (_BY_ITSELF, "redis-cli can")),
    **dict.fromkeys(("QUIT", "EXIT"), ("the console closes its connections by itself", "Esc leaves the console")),
    "AUTH": (
        "a password that is typed here stands on the screen; the console logs in as the configuration says",
        "username and the password_… keys of the instance",
    ),
    "HELLO": ("the console has agreed with the server on a protocol, and is logged in", ""),
    "RESET": ("it would log the console out", ""),
    "CLIENT REPLY": ("the server would answer no more, and the console wait for ever", ""),
    **dict.fromkeys(("CLIENT TRACKING", "CLIENT CACHING", "CLIENT NO-EVICT", "CLIENT NO-TOUCH"), (_MODE, "")),
    **dict.fromkeys(("READONLY", "READWRITE", "ASKING"), (_MODE, "")),
    "SCRIPT DEBUG": ("the connection would speak the debugger's language from then on", "redis-cli --ldb"),
}
"""Why a command is not sent at all, and what to do instead. Never overridden by flags."""
