"""Odds and ends of commands, where the recordings did not ask."""

from typing import Any

import pytest

from tests.support.lab import Client, lab

INTEGER = "ERR value is not an integer or out of range"
SYNTAX = "ERR syntax error"
CANNOT = "ERR CONFIG SET failed (possibly related to argument"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("CLIENT SETNAME worker", "OK"),
        ("CLIENT SETNAME a\tb", "ERR Client names cannot contain spaces, newlines or special characters."),
        ("CLIENT GETNAME", "1"),
        ("CLIENT SETINFO LIB-NAME redis-py", "OK"),
        ("CLIENT SETINFO NOSUCH x", SYNTAX),
        ("CLIENT PAUSE x", "ERR timeout is not an integer or out of range"),
        ("CLIENT PAUSE 1 NOSUCH", SYNTAX),
        ("CLIENT KILL ID x", INTEGER),
        ("CLIENT KILL USER x", SYNTAX),
        ("CLIENT KILL LADDR 1.2.3.4:5", 0),
        (
            "CONFIG SET tls maybe",
            "ERR CONFIG SET failed (possibly related to argument 'tls') - argument can not be set",
        ),
        ("CONFIG SET MAXCLIENTS 10", "OK"),
        ("CONFIG SET slowlog-max-len 10", "OK"),
        ("CONFIG SET notify_keyspace_events Ex", "OK"),
        ("CONFIG SET a b c", "ERR wrong number of arguments for 'config|set' command"),
        ("CONFIG GET databases", ["databases", "16"]),
        ("CONFIG GET max?emory", ["maxmemory", "1073741824"]),
        ("CONFIG NOSUCH", "ERR Unknown subcommand or wrong number of arguments for 'NOSUCH'. Try CONFIG HELP."),
        ("HELLO 4", "NOPROTO unsupported protocol version"),
        ("HELLO 3 NOSUCH", SYNTAX),
        ("AUTH a b c", SYNTAX),
        ("PING hello", "hello"),
        ("PING a b", "ERR wrong number of arguments for 'ping' command"),
        ("RESET", "RESET"),
        ("SLOWLOG GET x", INTEGER),
        ("SCAN 0 COUNT", SYNTAX),
        ("SCAN 0 COUNT x", INTEGER),
        ("MEMORY USAGE absent", None),
        ("RESTORE a x payload", INTEGER),
        ("RESTORE a 0 payload NOSUCH", SYNTAX),
        ("REPLTAKEOVER -1", "ERR timeout is negative"),
        ("REPLTAKEOVER 1 NOSUCH", "ERR Unsupported option:NOSUCH"),
        ("WAIT x 0", INTEGER),
        ("DFLY THREAD", [1, 2]),
        ("DFLY EXPIRE", "OK"),
        ("DFLY NOSUCH", "ERR Unknown subcommand or wrong number of arguments for 'NOSUCH'. Try DFLY HELP."),
        ("DEBUG POPULATE x", INTEGER),
        ("DEBUG LAB delay soon", SYNTAX),
        ("EXEC", "ERR EXEC without MULTI"),
        ("ACL GETUSER absent", "ERR User: absent does not exists!"),
        ("ACL DRYRUN absent get", "ERR User: absent does not exists!"),
        ("ACL SETUSER x nosuch", "ERR Unrecognized parameter NOSUCH"),
        ("ACL NOSUCH", "ERR Unknown subcommand or wrong number of arguments for 'NOSUCH'. Try ACL HELP."),
        ("FUNCTION FLUSH", "OK"),
        ("FT._LIST", "ERR FT._LIST is not simulated"),
    ],
)
async def test_answers(words: str, answer: Any) -> None:
    async with lab() as server, Client(server.port) as client:
        said = await client(*words.split(" "))
        assert (str(said) if isinstance(said, Exception) else said) == answer


async def test_a_populated_server() -> None:
    async with lab() as server, Client(server.port) as client:
        assert await client("DEBUG", "POPULATE", 25_000, "pop", 100) == "OK"
        assert await client("DBSIZE") == 25_000
        assert await client("STRLEN", "pop:24999") == 100
        assert len(await client("KEYS", "*")) == 8192, "KEYS is cut off without a word"
        assert int((await client.info("MEMORY"))["type_used_memory_string"]) == 2_500_000


async def test_a_user_of_ones_own() -> None:
    async with lab(password="pw") as server, Client(server.port, "pw") as client:
        assert await client("ACL", "SETUSER", "viewer", "on", ">secret", "+@read", "~*") == "OK"
        assert await client("ACL", "USERS") == ["viewer", "default"]
        async with Client(server.port) as viewer:
            assert "WRONGPASS" in str(await viewer("AUTH", "viewer", "pw"))
            assert await viewer("AUTH", "viewer", "secret") == "OK"
            assert await viewer("ACL", "WHOAMI") == "User is viewer"
        assert "secret" not in str(await client("ACL", "LIST"))
        assert await client("ACL", "DELUSER", "viewer", "absent") == 1


async def test_a_greeting_may_log_in_and_name() -> None:
    async with lab(password="pw") as server, Client(server.port) as client:
        assert "NOAUTH HELLO must be called" in str(await client("HELLO", 3))
        about = await client("HELLO", 3, "AUTH", "default", "pw", "SETNAME", "worker")
        assert (about["proto"], about["role"], about["dragonfly_version"]) == (3, "master", "df-v1.40.1")
        assert await client("CLIENT", "GETNAME") == "worker"


async def test_the_master_link_of_a_replica_cannot_be_killed() -> None:
    async with (
        lab() as primary,
        lab(replicaof=("127.0.0.1", primary.port)) as replica,
        Client(replica.port) as client,
    ):
        answer = await client("CLIENT", "KILL", f"127.0.0.1:{primary.port}")
        assert str(answer) == "ERR Cannot kill master link; use REPLICAOF NO ONE"


async def test_admin_clients_are_not_killed() -> None:
    async with lab(admin_port=0) as server, Client(server.port) as client, Client(server.admin_port) as admin:
        number = await admin("CLIENT", "ID")
        answer = await client("CLIENT", "KILL", "ID", number)
        assert str(answer) == "ERR Killed 0 client(s), but unable to kill 1 admin client(s)."
        assert await admin("PING") == "PONG"


async def test_noise_is_answered_and_hung_up_on() -> None:
    async with lab() as server, Client(server.port) as client:
        client.send_raw(b"*1\r\n$x\r\n")
        assert str(await client.answer()) == "ERR Protocol error"
        with pytest.raises(ConnectionError):
            await client.answer()
