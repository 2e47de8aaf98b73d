"""Where the lab answers itself because fakeredis would answer otherwise than the recorded servers."""

import pytest

from tests.support.lab import Client, lab


@pytest.fixture(params=["1.22", "1.40"])
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_json_get_gives_the_document_as_recorded(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        await client("JSON.SET", "doc", "$", '{"x": 1, "y": [1,2,3], "é": "ü"}')
        assert await client("JSON.GET", "doc") == '{"x":1,"y":[1,2,3],"é":"ü"}'
        assert await client("JSON.GET", "doc", "$") == '[{"x":1,"y":[1,2,3],"é":"ü"}]'
        assert await client("JSON.GET", "doc", '$["y"]') == "[[1,2,3]]"
        assert await client("JSON.GET", "doc", "$.nosuch") == "[]"
        assert await client("JSON.GET", "nosuch") is None
        await client("SET", "text", "x")
        assert str(await client("JSON.GET", "text")).startswith("WRONGTYPE")


async def test_positions_are_scores_of_52_bits(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        await client("GEOADD", "geo", "13.361389", "38.115556", "Palermo")
        await client("ZADD", "plain", "1.5", "a", "2", "b")
        assert await client("ZRANGE", "geo", 0, -1, "WITHSCORES") == ["Palermo", "3479099956230698"]
        assert await client("ZRANGE", "geo", 0, -1) == ["Palermo"]
        assert await client("ZSCAN", "geo", 0) == ["0", ["Palermo", "3479099956230698"]]
        assert await client("ZRANGE", "plain", 0, -1, "WITHSCORES") == ["a", "1.5", "b", "2"]
        async with Client(server.port, protocol=3) as newer:
            assert await newer("ZRANGE", "geo", 0, -1, "WITHSCORES") == [["Palermo", 3479099956230698.0]]


async def test_a_hyperloglog_is_a_string(flavour: str) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        assert await client("PFADD", "one", "a", "b", "a") == 1
        assert await client("PFADD", "one", "a") == 0
        assert await client("PFADD", "two", "b", "c") == 1
        assert await client("PFCOUNT", "one") == 2
        assert await client("PFCOUNT", "one", "two", "nosuch") == 3
        assert await client("PFMERGE", "all", "one", "two") == "OK"
        assert await client("PFCOUNT", "all") == 3
        assert str(await client("TYPE", "one")) == "string"
        assert await client("GETRANGE", "one", 0, 3) == "HYLL"
        await client("SET", "text", "x")
        await client("RPUSH", "list", "x")
        assert str(await client("PFADD", "text", "a")).startswith("WRONGTYPE Key is not a valid")
        for words in (("PFCOUNT", "list"), ("PFADD", "list", "a"), ("PFMERGE", "list", "one")):
            assert str(await client(*words)).startswith("WRONGTYPE Operation")
        await client("EXPIRE", "one", 100)
        await client("PFADD", "one", "d")
        assert await client("TTL", "one") == 100


@pytest.mark.parametrize(
    ("flavour", "encodings"),
    [
        ("1.22", {"int": "int", "text": "raw", "hash": "zipmap", "set": "hashtable", "big": "skiplist", "doc": "raw"}),
        (
            "1.40",
            {"int": "raw", "text": "raw", "hash": "listpack", "set": "dense_set", "big": "btree", "doc": "jsoncons"},
        ),
    ],
)
async def test_encodings_as_recorded(flavour: str, encodings: dict[str, str]) -> None:
    async with lab(flavour=flavour) as server, Client(server.port) as client:
        await client("SET", "int", "42")
        await client("SET", "text", "hello")
        await client("HSET", "hash", "a", "b")
        await client("SADD", "set", "a")
        await client("ZADD", "big", *(word for at in range(200) for word in (at, f"m{at}")))
        await client("JSON.SET", "doc", "$", '{"x":1,"y":[1,2,3]}')
        for key, encoding in encodings.items():
            assert str(await client("DEBUG", "OBJECT", key)).startswith(f"encoding:{encoding} ")


async def test_json_debug_memory_is_told_by_the_new_one_alone() -> None:
    async with lab(flavour="1.40") as server, Client(server.port) as client:
        await client("JSON.SET", "doc", "$", '{"x":1,"y":[1,2,3]}')
        assert 100 < await client("JSON.DEBUG", "MEMORY", "doc") < 200
        assert await client("JSON.DEBUG", "MEMORY", "nosuch") == 0
    async with lab(flavour="1.22") as server, Client(server.port) as client:
        assert "Unknown subcommand" in str(await client("JSON.DEBUG", "MEMORY", "doc"))
