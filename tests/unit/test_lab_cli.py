"""`dfly-tui lab`: real processes that come, replicate, hand over and go."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.cli.main import main
from tests.support.eventually import eventually
from tests.support.lab import Client


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dfly_tui.cli.main", "lab", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def announced(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The next server it says it started."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 10)
    server: dict[str, Any] = json.loads(line)
    return server


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return ") Z " not in stat  # dead, but nobody has asked for its exit code


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_one_server(how: signal.Signals) -> None:
    async with running("--keys", "20", "--flavour", "1.22") as process:
        server = await announced(process)
        assert (server["name"], server["pid"], server["flavour"]) == ("lab", process.pid, "1.22")
        async with Client(server["port"]) as client:
            assert await client("DBSIZE") == 20
        process.send_signal(how)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_pair_replicates_and_hands_over(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    async with running("--replica-port", "0", "--keys", "50", "--password-file", str(secret)) as process:
        primary, replica = await announced(process), await announced(process)
        assert primary["pid"] != replica["pid"]
        assert "hunter2" not in command_line(replica["pid"])
        async with Client(replica["port"], "hunter2") as client:

            async def in_sync() -> bool:
                return bool((await client("ROLE"))[-1] == "online")

            await eventually(in_sync)
            assert await client("DBSIZE") == 50
            assert await client("REPLTAKEOVER", 5) == "OK"

            async def gone() -> bool:
                return not alive(primary["pid"])

            await eventually(gone)
            assert await client("ROLE") == ["master", []]
            assert alive(replica["pid"]), "the replica goes on without it"


async def test_nobody_is_left_behind() -> None:
    async with running("--replica-port", "0") as process:
        servers = [await announced(process), await announced(process)]
        process.kill()

        async def all_gone() -> bool:
            return not any(alive(server["pid"]) for server in servers)

        await eventually(all_gone)


async def test_one_that_is_started_as_a_dragonfly_is_saves_when_it_is_told_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DFLY_flavour", "1.22")
    monkeypatch.setenv("DFLY_requirepass", "s3cret")
    flags = ("--logtostderr", "--dbnum=16", f"--dir={tmp_path}", "--dbfilename=dump", "--proactor_threads=3")
    async with running(*flags) as process:
        server = await announced(process)
        assert server["flavour"] == "1.22"
        async with Client(server["port"], "s3cret") as client:
            assert await client("SET", "kept", "1") == "OK"
    assert process.returncode == 0
    shards = {f"dump-{number:04}.dfs" for number in range(3)}
    assert {path.name for path in tmp_path.iterdir()} == shards | {"dump-summary.dfs"}
    async with running(*flags, "--nodf_snapshot_format") as process:
        server = await announced(process)
        async with Client(server["port"], "s3cret") as client:
            assert await client("GET", "kept") == "1"
    assert (tmp_path / "dump.rdb").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--maxmemory", "much"], "not a size"),
        (["--snapshot-cron", "often"], "five fields"),
        (["--password-file", "/nonexistent"], "cannot read"),
        (["--dbfilename", "x.rdb"], "DF snapshot format"),
        (["--port", "70000"], "--port"),
        (["--proactor_threads", "0"], "--proactor_threads"),
        (["--replicaof", "nowhere"], "--replicaof"),
    ],
)
def test_wrong_options(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", *words], {}) == 2
    assert why in capsys.readouterr().err
