"""`dfly-tui keys view`, on lab servers."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.support import Cli, started
from tests.support.lab import Client, lab

NAME = "tef:state:odd\udcff:\x1b[31m:a"


@pytest.fixture(params=["1.22", "1.40"])
async def filled(request: pytest.FixtureRequest, cli: Cli) -> AsyncIterator[int]:
    """A configured instance `nas` of each flavour; its port."""
    async with lab(port=0, flavour=request.param) as server:
        async with Client(server.port) as client:
            state = ("status", "done", "timestamp", "2026-01-02T03:04:05")
            await client("HSET", "tef:state:LAW-10:qa:qa-agent", *state)
            await client("HSET", "tef:state:LAW-9:qa:qa-agent", *state)
            await client("EXPIRE", "tef:state:LAW-9:qa:qa-agent", 3600)
            await client("RPUSH", "tef:state:LAW-9:qa:list", "x")
            await client("HSET", NAME, "status", "[red]\x1b")
            await client("RPUSH", "queue:jobs", *range(30))
            await client("SELECT", 2)
            await client("HSET", "session:42", "a", 1)
        cli.fleet(("nas", f"redis://127.0.0.1:{server.port}"))
        yield server.port


async def test_a_table(cli: Cli, filled: int) -> None:
    result = await cli.beside("keys", "view", "workflows")
    assert (result.code, result.err) == (0, "")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines[0] == "agent status age TTL"
    assert lines[1] == "LAW-9 · qa · 2 agents"
    assert lines[2] == "list ✗ list, no fields ✗ list, no fields ∞"
    assert lines[3].startswith("qa-agent done ")
    assert lines[3].endswith((" 59 m 59 s", " 1 h"))
    assert lines[4] == "LAW-10 · qa · 1 agent"
    assert lines[6:] == ["odd\\xff · \\x1b[31m · 1 agent", "a [red]\\x1b – ∞"]


async def test_json(cli: Cli, filled: int) -> None:
    document = json.loads((await cli.beside("keys", "view", "Workflows", "--json")).out)
    assert (document["view"], document["database"], document["complete"]) == ("Workflows", 0, True)
    wrong, right, *_, odd = document["rows"]
    assert right["name"] == "tef:state:LAW-9:qa:qa-agent"
    assert right["placeholders"] == {"issue": "LAW-9", "phase": "qa", "agent": "qa-agent"}
    assert (right["columns"]["status"], right["columns"]["age"]) == ("done", "2026-01-02T03:04:05+00:00")
    assert 3_500_000 < right["columns"]["TTL"] <= 3_600_000
    assert wrong["problems"] == {"status": "✗ list, no fields", "age": "✗ list, no fields"}
    assert wrong["columns"] == {"agent": "list", "status": None, "age": None, "TTL": -1}
    assert bytes.fromhex(odd["name_hex"]) == NAME.encode("utf-8", "surrogateescape")
    [queue] = json.loads((await cli.beside("keys", "view", "queues", "--json")).out)["rows"]
    assert queue["columns"] == {"name": "jobs", "type": "list", "length": 30, "trend": [30]}


async def test_another_database(cli: Cli, filled: int) -> None:
    assert (await cli.beside("keys", "view", "sessions")).out.split() == ["user", "type", "length", "size", "TTL"]
    assert "42" in (await cli.beside("keys", "view", "sessions", "--db", "2")).out


def test_the_views_there_are(cli: Cli) -> None:
    cli.config("[[views]]\nname = 'Locks'\npatterns = ['lock:{who}']\ncolumns = ['who', 'ttl']\n")
    assert cli("keys", "view").out.splitlines()[-1] == "Locks            lock:{who}"
    views = json.loads(cli("keys", "view", "--json").out)["views"]
    assert [view["name"] for view in views] == ["Workflows", "Agents", "Sessions", "Queues", "Locks"]
    unknown = cli("--url", "localhost", "keys", "view", "nosuch")
    assert (unknown.code, unknown.out) == (2, "")
    assert "there are Workflows, Agents, Sessions, Queues, Locks" in unknown.err


async def test_watching_goes_on_until_it_is_interrupted(cli: Cli, filled: int, tmp_path: Path) -> None:
    cli.config(
        f"[[instances]]\nname = 'nas'\nurl = 'redis://127.0.0.1:{filled}'\n"
        "[[views]]\nname = 'Queues'\npatterns = ['queue:{name}']\ncolumns = ['length', 'trend']\nrefresh_seconds = 1\n"
    )
    process = await started(["keys", "view", "queues", "--watch", "--json"], tmp_path)
    assert process.stdout is not None
    looks = [json.loads(await asyncio.wait_for(process.stdout.readline(), 10)) for _ in range(2)]
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert [look["rows"][0]["columns"]["trend"] for look in looks] == [[30], [30, 30]]
    assert process.returncode == 130
    assert err == b""


async def test_a_server_that_is_gone(cli: Cli) -> None:
    cli.fleet(("nas", "redis://127.0.0.1:1"))
    result = await cli.beside("keys", "view", "queues")
    assert (result.code, result.out) == (1, "")
    assert "Unreachable" in result.err
