"""Elements of the lab that expire by themselves, and XSETID, as the real servers have them."""

import pytest

from tests.support.lab import Client, lab


@pytest.fixture(params=["1.22", "1.40"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_fields_and_members_expire(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        assert await client("HSETEX", "h", 100, "f", "v", "g", "w") == 2
        await client("HSET", "h", "stays", "x")
        assert await client("SADDEX", "s", 100, "m") == 1
        assert [await client("FIELDTTL", "h", name) for name in ("f", "stays", "nosuch")] == [100, -1, -3]
        assert [await client("FIELDTTL", key, "m") for key in ("s", "nosuch")] == [100, -2]
        await client("SET", "text", "x")
        assert str(await client("FIELDTTL", "text", "f")).startswith("WRONGTYPE")
        assert "not an integer" in str(await client("HSETEX", "h", 0, "f", "v"))
        assert "wrong number" in str(await client("HSETEX", "h", 5, "f", "v", "g"))
        assert str(await client("HSETEX", "text", 5, "f", "v")).startswith("WRONGTYPE")


async def test_what_only_the_newer_one_tells() -> None:
    async with lab(flavour="1.40") as server, Client(server.port) as client:
        await client("HSETEX", "h", 100, "f", "v")
        await client("HSET", "h", "stays", "x")
        await client("SADD", "s", "m")
        assert await client("HTTL", "h", "FIELDS", 3, "f", "stays", "nosuch") == [100, -1, -2]
        [at, none, nosuch] = await client("HPEXPIRETIME", "h", "FIELDS", 3, "f", "stays", "nosuch")
        assert (none, nosuch) == (-1, -2)
        assert abs(at - server.clock.now().timestamp() * 1000 - 100_000) <= 1000
        assert await client("HTTL", "nokey", "FIELDS", 1, "f") == [-2]
        assert str(await client("HTTL", "s", "FIELDS", 1, "f")).startswith("WRONGTYPE")
        assert "FIELDS is missing" in str(await client("HTTL", "h", "FIELD", 1, "f"))
        assert "numfields" in str(await client("HTTL", "h", "FIELDS", 2, "f"))
        assert await client("FIELDEXPIRE", "h", 50, "stays", "nosuch") == [1, -2]
        assert await client("FIELDEXPIRE", "s", 50, "m") == [1]
        assert await client("FIELDTTL", "s", "m") == 50
        assert await client("FIELDEXPIRE", "nokey", 50, "m") == [-2]
        assert "not an integer" in str(await client("FIELDEXPIRE", "s", 0, "m"))
        await client("SET", "text", "x")
        assert str(await client("FIELDEXPIRE", "text", 5, "m")).startswith("WRONGTYPE")


async def test_the_last_id_of_a_stream(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        await client("XADD", "x", "5-1", "f", "v")
        assert await client("XSETID", "x", "9-9") == "OK"
        assert str(await client("XADD", "x", "9-9", "f", "v")).startswith("ERR")
        assert "smaller than the target stream top item" in str(await client("XSETID", "x", "5-0"))
        assert "no such key" in str(await client("XSETID", "nosuch", "1-1"))
        assert "Invalid stream ID" in str(await client("XSETID", "x", "garbage"))
        await client("SET", "text", "x")
        assert str(await client("XSETID", "text", "1-1")).startswith("WRONGTYPE")
        await client("XADD", "x", "10-0", "f", "v")
        await client("XDEL", "x", "10-0")
        refused = await client("XSETID", "x", "7")
        assert (refused == "OK") == (flavour == "1.22")
        if flavour == "1.40":
            assert "max_deleted_entry_id" in str(refused)


async def test_a_key_has_the_same_dump_on_every_server(flavour: str) -> None:
    async with (
        lab(flavour=flavour) as one,
        lab(flavour=flavour) as other,
        Client(one.port) as first,
        Client(other.port) as second,
    ):
        await first("BF.ADD", "bloom", "x")
        dumped = await first("DUMP", "bloom")
        assert await second("RESTORE", "bloom", 0, dumped) == "OK"
        assert await second("DUMP", "bloom") == dumped
