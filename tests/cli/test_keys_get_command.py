"""`dfly-tui keys get`."""

import asyncio
import base64
import gzip
import json
from pathlib import Path

from tests.cli.support import PROGRAM, Cli, process_environ
from tests.support.lab import lab
from tests.support.values import MORE_TYPES, PLAIN_TYPES, fill


async def test_a_key_of_every_type_is_printed(cli: Cli) -> None:
    async with lab(flavour="1.40") as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, PLAIN_TYPES + MORE_TYPES)
        cli.fleet(("one", url))
        wanted = {
            "text": "hello", "document": '  "id": 12345678901234567890,', "binary": "00000010  1011 1213",
            "session:0": "ip: 10.0.0.1", "queue:0": "199: job-199", "tags:0": "t11", "leaderboard": "390  player39",
            "places": "3479099956230698  Palermo", "events:0": "1700000000000-0: kind=click n=0",
            "visitors": "# HyperLogLog: distinct elements, about 100", "doc": '    "name": "döc",'.removeprefix("  "),
            "bloom": "# BF.INFO: Capacity 100",
        }  # fmt: skip
        for name, line in wanted.items():
            result = await cli.beside("keys", "get", name)
            assert result.code == 0, result.err
            assert line in result.out, name
        assert (await cli.beside("keys", "get", "queue:0")).out.endswith("# there is more; --limit 0 prints all\n")
        assert "449: job-449" in (await cli.beside("keys", "get", "queue:0", "--limit", "0")).out


async def test_json_holds_every_byte(cli: Cli) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [*PLAIN_TYPES, ("HSET", "h", b"\xff", b"\x9b31m", "text", "é")], database=2)
        cli.fleet(("one", url))
        result = await cli.beside("keys", "get", "h", "--db", "2", "--json")
        assert result.out.isascii()
        document = json.loads(result.out)
        assert (document["type"], document["count"], document["complete"]) == ("hash", 2, True)
        assert {json.dumps(each["label"]): each["value"] for each in document["elements"]} == {
            '{"base64": "/w=="}': {"base64": base64.b64encode(b"\x9b31m").decode()}, '"text"': "é",
        }  # fmt: skip
        text = json.loads((await cli.beside("keys", "get", "text", "--db", "2", "--json")).out)
        assert text["value"] == "hello"
        assert text["decoded"]["stack"] == ["utf-8"]
        assert text["expires_at"]


async def test_decoders_may_be_named(cli: Cli) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("SET", "packed", base64.b64encode(gzip.compress(b'{"a": 1}')))])
        cli.fleet(("one", url))
        assert "# base64 → gzip → json" in (await cli.beside("keys", "get", "packed")).out
        assert "# utf-8" in (await cli.beside("keys", "get", "packed", "--decode", "utf-8")).out
        wrong = await cli.beside("keys", "get", "packed", "--decode", "jsno")
        assert wrong.code == 2
        assert "did you mean json?" in wrong.err


async def test_the_exact_bytes_of_a_name_of_any_bytes(tmp_path: Path) -> None:
    value = bytes(range(256)) * 5000
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, [("SET", b"\xff\x01key", value)])
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "keys", "get", b"\xff\x01key", "--raw", "--url", url, env=process_environ(tmp_path),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert out == value


async def test_what_is_not_there_or_has_no_bytes_is_said(cli: Cli) -> None:
    async with lab() as server:
        url = f"redis://127.0.0.1:{server.port}"
        await fill(url, PLAIN_TYPES)
        cli.fleet(("one", url))
        gone = await cli.beside("keys", "get", "no\x1bsuch")
        assert (gone.code, gone.out, gone.err) == (1, "", "dfly-tui: there is no key no\\x1bsuch\n")
        raw = await cli.beside("keys", "get", "session:0", "--raw")
        assert raw.code == 1
        assert "a hash has no bytes of its own" in raw.err


async def test_an_instance_that_is_not_configured(cli: Cli) -> None:
    cli.fleet(("one", "redis://127.0.0.1:1"))
    result = await cli.beside("keys", "get", "x", "--instance", "other")
    assert result.code == 2
    assert "no instance is called other" in result.err
