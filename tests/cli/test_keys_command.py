"""`dfly-tui keys tree` and `keys list`, on lab servers."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.cli.support import Cli
from tests.support.lab import Client, lab

ODD = "odd\x00\udcff\x1b[31m"


@pytest.fixture(params=["1.22", "1.40"])
async def filled(request: pytest.FixtureRequest, cli: Cli) -> AsyncIterator[str]:
    """A configured instance `nas` of each flavour, with some keys in two databases."""
    async with lab(port=0, flavour=request.param) as server:
        async with Client(server.port) as client:
            for number in range(30):
                await client("SET", f"user:{number % 3}:{number}", "x", *(("EX", 50_000) if number < 10 else ()))
            await client("RPUSH", "queue:jobs", *range(300))
            await client("SET", ODD, "v")
            await client("SELECT", 3)
            await client("SET", "elsewhere", "v")
        cli.fleet(("nas", f"redis://127.0.0.1:{server.port}"))
        yield request.param


async def test_a_tree(cli: Cli, filled: str) -> None:
    result = await cli.beside("keys", "tree")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "           32         in db0",
        "           30  93.8%  user:",
        "           10  31.2%    0:",
        "           10  31.2%    1:",
        "           10  31.2%    2:",
        "            1   3.1%  queue:",
        "            1         · keys of its own",
    ]


async def test_a_tree_cut_short_says_what_it_leaves_out(cli: Cli, filled: str) -> None:
    result = await cli.beside("keys", "tree", "user:*", "--top", "1")
    assert result.out.splitlines()[1:] == [
        "           30   100%  user:",
        "           10  33.3%    0:",
        "           20           … in 2 more",
    ]
    document = json.loads((await cli.beside("keys", "tree", "--json", "--depth", "1", "--top", "1")).out)
    assert (document["database"], document["keys"], document["own_keys"], document["left_out"]) == (0, 32, 1, 1)
    assert document["namespaces"] == [
        {"prefix": "user:", "keys": 30, "own_keys": 0, "folded": False, "namespaces": [], "left_out": 3}
    ]


async def test_another_delimiter_and_database(cli: Cli, filled: str) -> None:
    assert "elsewhere" in (await cli.beside("keys", "list", "--db", "3", "--names")).out
    result = await cli.beside("keys", "tree", "--delimiter", "e", "--db", "3")
    assert result.out.splitlines()[1].endswith("e")
    assert (await cli.beside("keys", "tree", "--delimiter", "")).code == 2


async def test_a_list_tells_type_ttl_and_size(cli: Cli, filled: str) -> None:
    result = await cli.beside("keys", "list", "type:list")
    assert result.out.split() == ["list", "never", *result.out.split()[2:4], "queue:jobs"]
    lines = [json.loads(line) for line in (await cli.beside("keys", "list", "ttl<1d", "--json")).out.splitlines()]
    assert len(lines) == 10
    assert all(line["type"] == "string" and 49_000_000 < line["ttl_ms"] <= 50_000_000 for line in lines)


async def test_a_name_that_is_no_text_is_shown_harmlessly_and_told_exactly(cli: Cli, filled: str) -> None:
    result = await cli.beside("keys", "list", "odd*", "--names")
    assert result.out == "odd\\x00\\xff\\x1b[31m\n"
    line = json.loads((await cli.beside("keys", "list", "odd*", "--json")).out)
    assert bytes.fromhex(line["name_hex"]) == ODD.encode("utf-8", "surrogateescape")


async def test_a_limit(cli: Cli, filled: str) -> None:
    assert len((await cli.beside("keys", "list", "--limit", "3")).out.splitlines()) == 3
    assert (await cli.beside("keys", "list", "--limit", "0")).out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tree", "type:nosuch"), "there is no type nosuch"),
        (("list", "a*", "b*"), "a pattern twice"),
        (("tree", "--db", "x"), "invalid int value"),
        (("tree", "--instance", "nosuch"), "no instance is called nosuch"),
        ((), "ACTION"),
    ],
)
async def test_what_cannot_be_meant(cli: Cli, filled: str, words: tuple[str, ...], said: str) -> None:
    result = await cli.beside("keys", *words)
    assert result.code == 2
    assert said in result.err
    assert result.out == ""


async def test_of_several_instances_one_must_be_named(cli: Cli) -> None:
    cli.fleet(("nas", "redis://127.0.0.1:1"), ("workhorse", "redis://127.0.0.1:1"))
    result = await cli.beside("keys", "tree")
    assert result.code == 2
    assert "--instance: nas, workhorse" in result.err


async def test_a_server_that_is_gone(cli: Cli) -> None:
    cli.fleet(("nas", "redis://127.0.0.1:1"))
    result = await cli.beside("keys", "tree")
    assert result.code == 1
    assert "Unreachable" in result.err
