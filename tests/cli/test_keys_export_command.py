"""`dfly-tui keys export` and `keys import`."""

import asyncio
import gzip
import json
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import jsonschema
import pytest

from tests.cli.support import PROGRAM, ROOT, Cli, process_environ, started
from tests.support.eventually import eventually
from tests.support.keyspaces import contents
from tests.support.lab import lab
from tests.support.values import MORE_TYPES, PLAIN_TYPES, fill

SCHEMA = json.loads((ROOT / "docs" / "export-line.schema.json").read_text())
LAB = 'environment = "lab"'


@pytest.fixture
async def urls(cli: Cli) -> AsyncIterator[tuple[str, str]]:
    """A full instance `nas` and an empty one `spare`, neither of them in production."""
    async with lab(flavour="1.40") as nas, lab(flavour="1.40") as spare:
        found = f"redis://127.0.0.1:{nas.port}", f"redis://127.0.0.1:{spare.port}"
        await fill(found[0], (*PLAIN_TYPES, *MORE_TYPES, ("SET", b"\xff", b"\x80"), ("SET", "large", "x" * 3_000_000)))
        cli.fleet(("nas", found[0]), ("spare", found[1]), extra={"nas": LAB, "spare": LAB})
        yield found


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "keys.jsonl")


async def test_there_and_back(cli: Cli, urls: tuple[str, str], file: str) -> None:
    out = await cli.beside("keys", "export", "--instance", "nas", file)
    assert (out.code, out.out) == (0, "")
    assert out.err.startswith("15 keys, ")
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    result = await cli.beside("keys", "import", "--instance", "spare", file, "--yes")
    assert result.code == 0, result.err
    assert result.out == "done: 15 of 15 keys, 15 written\n"
    assert await contents(urls[1]) == await contents(urls[0])
    again = await cli.beside("keys", "import", "--instance", "spare", file, "--yes", "--json")
    assert again.code == 0
    told = json.loads(again.out)
    assert (told["outcome"], told["equal"], told["written"], told["failed"]) == ("done", 15, 0, 0)


async def test_every_line_is_as_the_schema_says(cli: Cli, urls: tuple[str, str], file: str) -> None:
    await cli.beside("keys", "export", "--instance", "nas", file)
    check = jsonschema.Draft202012Validator(SCHEMA)
    lines = [json.loads(line) for line in Path(file).read_text().splitlines()]
    for line in lines:
        check.validate(line)
    assert {"format", "key", "part", "end"} <= {next(iter(line)) for line in lines}
    for wrong in (
        {"key": "k", "type": "string"},
        {"part": 1, "value": "x"},
        {"key": {"hex": ""}, "type": "t", "value": ""},
    ):
        assert not check.is_valid(wrong)


async def test_a_packed_file_and_standard_output(cli: Cli, urls: tuple[str, str], tmp_path: Path) -> None:
    packed = str(tmp_path / "keys.jsonl.gz")
    assert (await cli.beside("keys", "export", "--instance", "nas", packed, "--match", "tex*")).code == 0
    names = [json.loads(line).get("key") for line in gzip.decompress(Path(packed).read_bytes()).splitlines()]
    assert names == [None, "text", None]
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "keys", "export", "-", "--url", urls[0], "--key", "text", "--key", b"\xff", "--key", "nosuch",
        env=process_environ(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("key") for line in lines[1:-1]] == ["text", {"base64": "/w=="}]
    assert b"2 keys" in err
    assert b"1 expired or were deleted meanwhile" in err


async def test_ctrl_c_leaves_no_file(tmp_path: Path) -> None:
    async with lab() as server:
        await fill(f"redis://127.0.0.1:{server.port}", PLAIN_TYPES)
        server.faults.hang = True
        path = tmp_path / "keys.jsonl"
        words = ["keys", "export", str(path), "--url", f"redis://127.0.0.1:{server.port}", "--json"]
        process = await started(words, tmp_path)

        async def is_under_way() -> bool:
            return bool(list(tmp_path.glob(".keys.jsonl.*")))

        await eventually(is_under_way)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert b"stopping" in await process.stderr.readline()
        server.faults.hang = False
        out, _ = await process.communicate()
        assert process.returncode == 130
        assert json.loads(out)["stopped"]
        assert not list(tmp_path.glob("*keys.jsonl*"))


async def test_which_keys(cli: Cli, urls: tuple[str, str], file: str) -> None:
    for words, keys in (
        (("--type", "set"), ["tags:0"]),
        (("--find", "ttl<2h"), ["text"]),
        (("--match", "t*", "--find", "type:set"), ["tags:0"]),
        (("--db", "3"), []),
    ):
        result = await cli.beside("keys", "export", "--instance", "nas", file, "--overwrite", "--json", *words)
        assert result.code == 0, result.err
        assert json.loads(result.out)["keys"] == len(keys)
        found = [json.loads(line).get("key") for line in Path(file).read_text().splitlines()[1:-1]]
        assert found == keys


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--type", "nosuch"), "there is no type nosuch"),
        (("--match", "a", "--find", "b"), "say two things"),
        (("--type", "set", "--find", "type:hash"), "say two things"),
        (("--key", "a", "--match", "b"), "give one of the two"),
    ],
)
async def test_what_cannot_be_meant(
    cli: Cli, urls: tuple[str, str], file: str, words: tuple[str, ...], said: str
) -> None:
    result = await cli.beside("keys", "export", "--instance", "nas", file, *words)
    assert (result.code, Path(file).exists()) == (2, False)
    assert said in result.err


async def test_a_file_that_is_there_is_not_overwritten(cli: Cli, urls: tuple[str, str], file: str) -> None:
    Path(file).write_text("mine")
    result = await cli.beside("keys", "export", "--instance", "nas", file)
    assert result.code == 1
    assert "is there already" in result.err
    assert Path(file).read_text() == "mine"


async def test_keys_that_could_not_be_imported_are_named(cli: Cli, urls: tuple[str, str], file: str) -> None:
    await cli.beside("keys", "export", "--instance", "nas", file)
    await fill(urls[1], [("SET", "text", "another"), ("SET", b"\xff", "another")])
    result = await cli.beside("keys", "import", "--instance", "spare", file, "--yes")
    assert result.code == 6
    assert "FAILED text: Exists and differs" in result.out
    assert "FAILED \\xff: Exists and differs" in result.out
    assert "left to do: import the file again" in result.out
    declined = await cli.beside("keys", "import", "--instance", "spare", file, "--yes", "--existing", "replace")
    assert declined.code == 4
    done = await cli.beside(
        "keys", "import", "--instance", "spare", file, "--yes", "--existing", "replace", "--confirm", "spare"
    )
    assert done.code == 0, done.err
    assert "2 replaced" in done.out


async def test_a_dry_run_shows_what_would_be_done(cli: Cli, urls: tuple[str, str], file: str) -> None:
    await cli.beside("keys", "export", "--instance", "nas", file)
    result = await cli.beside("keys", "import", "--instance", "spare", file, "--dry-run")
    assert result.code == 0
    assert "RENAMENX" in result.out
    assert "planned: nothing was sent" in result.out
    assert not await contents(urls[1])


async def test_without_a_yes_nothing_is_imported(cli: Cli, urls: tuple[str, str], file: str) -> None:
    await cli.beside("keys", "export", "--instance", "nas", file)
    result = await cli.beside("keys", "import", "--instance", "spare", file)
    assert result.code == 4
    assert not await contents(urls[1])
    read_only = await cli.beside("keys", "import", "--instance", "spare", file, "--yes", "--read-only")
    assert read_only.code == 3
    assert "read-only" in read_only.err
    assert not await contents(urls[1])


@pytest.mark.parametrize("harm", ["", "garbage\n", '{"format": "dfly-tui-keys", "version": 9}\n'])
async def test_a_damaged_file_changes_nothing(cli: Cli, urls: tuple[str, str], file: str, harm: str) -> None:
    await cli.beside("keys", "export", "--instance", "nas", file)
    Path(file).write_text(harm or Path(file).read_text()[:-5])
    result = await cli.beside("keys", "import", "--instance", "spare", file, "--yes")
    assert result.code == 3
    assert "Damaged file" in result.err
    assert not await contents(urls[1])
    missing = await cli.beside("keys", "import", "--instance", "spare", file + "x", "--yes")
    assert missing.code == 1
    assert "No such file" in missing.err
