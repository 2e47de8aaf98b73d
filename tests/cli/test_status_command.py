"""`dfly-tui status`, read from servers that answer as recorded."""

import asyncio
import json
import os
import signal
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from dfly_tui.cli.status import watched
from dfly_tui.clock import SystemClock
from dfly_tui.models.health import State
from dfly_tui.settings import Defaults, InstanceConfig, Settings
from tests.cli.support import PROGRAM, Cli, heeds_ctrl_c, process_environ, recorded, started
from tests.support.respd import DROP, HANG, Respd
from tests.support.servers import running_redis


async def test_a_fleet_of_both_versions_as_json(cli: Cli) -> None:
    async with recorded("v1.40.1-primary") as new, recorded("v1.22.2-primary") as old:
        cli.fleet(("new", new.url), ("old", old.url))

        result = await cli.beside("status", "--json")

    assert (result.code, result.err) == (0, "")
    instances = {instance["name"]: instance for instance in json.loads(result.out)["instances"]}
    assert {name: instance["version"] for name, instance in instances.items()} == {"new": "1.40.1", "old": "1.22.2"}
    assert {instance["freshness"] for instance in instances.values()} == {"fresh"}


async def test_a_table_for_people(cli: Cli) -> None:
    async with recorded(maxmemory=8 << 30, used_memory=2 << 30, last_saved_file="") as server:
        cli.fleet(("workhorse", server.url))

        result = await cli.beside("status")

    header, line, summary = result.out.splitlines()
    assert result.code == 0
    assert header.split()[:5] == ["STATE", "NAME", "ROLE", "DATA", "MEMORY"]
    assert line.startswith("OK     workhorse  primary  fresh  2 GiB of 8 GiB")
    assert summary == "1 instance: 1 ok"


async def test_a_dead_instance_is_told_first_and_holds_nobody_up(cli: Cli) -> None:
    async with recorded(last_saved_file="") as good, Respd({"*": HANG, "INFO": HANG}) as frozen:
        cli.fleet(("good", good.url), ("frozen", frozen.url), ("gone", "redis://127.0.0.1:1"), timeout=0.3)
        began = time.monotonic()

        result = await cli.beside("status", "--json")

        took = time.monotonic() - began
    instances = json.loads(result.out)["instances"]
    assert result.code == 1
    assert [(each["name"], each["state"]) for each in instances] == [
        ("frozen", "critical"),
        ("gone", "critical"),
        ("good", "ok"),
    ]
    assert [reason["code"] for each in instances for reason in each["reasons"]] == ["timeout", "unreachable"]
    assert took < 3


async def test_the_password_comes_from_where_it_is_said_to_be(cli: Cli) -> None:
    async with recorded() as server:
        cli.fleet(("a", server.url), extra={"a": "password_command = 'echo hunter2'"})

        result = await cli.beside("status", "--json")

    assert result.code == 0
    assert server.received[0][:5] == ["HELLO", "3", "AUTH", "default", "hunter2"]
    assert "hunter2" not in result.out + result.err


async def test_a_password_that_cannot_be_had_is_a_reason(cli: Cli) -> None:
    async with recorded() as server:
        cli.fleet(
            ("unset", server.url),
            ("asks", server.url),
            extra={"unset": "password_env = 'NAS_PW'", "asks": "password_prompt = true"},
        )

        result = await cli.beside("status", "--json")

    assert result.code == 1
    assert [reason["text"] for each in json.loads(result.out)["instances"] for reason in each["reasons"]] == [
        "Password not available: the environment variable NAS_PW is not set",
        "Password not available: asks asks for its password, and there is no terminal to ask at",
    ]
    assert server.connections == 0


async def test_a_password_file_that_is_open_to_others_stops_everything(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2")
    (tmp_path / "pw").chmod(0o644)
    cli.fleet(("a", "redis://127.0.0.1:1"), extra={"a": f"password_file = '{tmp_path}/pw'"})

    result = cli("status")

    assert result.code == 2
    assert f"{cli.file}:7: instances[0].password_file: {tmp_path}/pw can be read by others" in result.err


async def test_url_needs_no_configuration_and_takes_its_password_from_the_environment(cli: Cli) -> None:
    async with recorded() as server:
        result = await cli.beside(
            "status", "--json", "--url", f"127.0.0.1:{server.port}", environ={"DFLY_TUI_PASSWORD": "hunter2"}
        )

    assert json.loads(result.out)["instances"][0]["name"] == f"127.0.0.1:{server.port}"
    assert server.received[0][:5] == ["HELLO", "3", "AUTH", "default", "hunter2"]


def test_with_nothing_configured_it_says_what_to_do(cli: Cli) -> None:
    result = cli("status")

    assert (result.code, result.out) == (2, "")
    assert f"no instances are configured in {cli.file}" in result.err
    assert "--url" in result.err.splitlines()[1]


async def test_hostile_text_of_a_server_does_not_reach_the_terminal(cli: Cli) -> None:
    async with recorded(last_failed_save=1_700_000_000, last_error="\x1b[31mboom\x07", last_saved_file="") as server:
        cli.fleet(("a", server.url))

        result = await cli.beside("status")

    assert r"\x1b[31mboom\x07" in result.out
    assert "\x1b" not in result.out


async def test_a_docker_that_is_not_there_is_a_warning_about_an_instance_that_was_read(cli: Cli) -> None:
    async with recorded(last_saved_file="") as server:
        cli.fleet(("a", server.url), extra={"a": "docker = { host = 'tcp://127.0.0.1:1', container = 'df' }"})

        result = await cli.beside("status", "--json")

    (instance,) = json.loads(result.out)["instances"]
    assert (result.code, instance["state"], instance["freshness"]) == (0, "warning", "fresh")
    assert [reason["code"] for reason in instance["reasons"]] == ["docker"]
    assert instance["container"] is None


async def test_watching_keeps_its_connection_and_sees_a_server_come_and_go() -> None:
    async with Respd() as server:
        server.script = dict(recorded(last_saved_file="").script)
        config = InstanceConfig(name="a", url=server.url, refresh_seconds=0.2)
        settings = Settings(instances=(config,), defaults=Defaults(refresh_seconds=0.2))
        async with aclosing(watched(settings, {}, clock=SystemClock(), answers={})) as looks:
            states = [(await anext(looks))[0].state for _ in range(3)]
            connections = server.connections
            server.script = {**server.script, "INFO": DROP}
            while (await anext(looks))[0].state is State.OK:
                pass
            server.script = {**server.script, "INFO": recorded(last_saved_file="").script["INFO"]}
            while (await anext(looks))[0].state is not State.OK:
                pass

    assert states == [State.OK] * 3
    assert connections == 1


async def test_watch_prints_again_and_again_until_ctrl_c(tmp_path: Path) -> None:
    async with recorded(last_saved_file="") as server:
        process = await started(["--url", server.url, "--refresh", "0.2", "status", "--watch"], tmp_path)
        assert process.stdout is not None
        assert process.stderr is not None
        blocks = [(await asyncio.wait_for(process.stdout.readuntil(b"\n\n"), 10)).decode() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        code = await asyncio.wait_for(process.wait(), 10)
        errors = await process.stderr.read()

    assert (code, errors) == (130, b"")
    assert [", every 0.2 s" in block for block in blocks] == [True, False, True, False]
    assert "1 instance: 1 ok" in blocks[1]
    assert "1 instance: 1 ok" in blocks[3]
    assert server.connections == 2, "one connection for the first look, one that stays open"


async def test_watch_paints_over_the_last_block_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    async with recorded(last_saved_file="") as server:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *("--url", server.url, "--refresh", "0.2", "status", "--watch"),
            env={**process_environ(tmp_path), "COLUMNS": "60", "LINES": "4", "NO_COLOR": "1"},
            stdout=theirs,
            stderr=theirs,
            preexec_fn=heeds_ctrl_c,
        )
        shown = ""
        while shown.count("\x1b[J") < 2:
            shown += (await asyncio.wait_for(asyncio.to_thread(os.read, ours, 4096), 10)).decode()
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 130
    os.close(ours)
    os.close(theirs)

    first, second = (block.split("\r\n") for block in shown.split("\x1b[J")[:2])
    assert first[0].startswith("\x1b[H")
    assert second[0].startswith("\x1b[H")
    assert first[2].startswith("STATE  NAME")
    assert first[2].endswith("\x1b[K")
    assert "VERSION" not in first[2]
    assert len(first) == 4, "three lines, so that nothing scrolls on a terminal of four"


@pytest.mark.redis_server
@pytest.mark.parametrize("configured", [True, False], ids=["password_prompt", "server-asks"])
async def test_a_person_at_a_terminal_is_asked_for_the_password(tmp_path: Path, configured: bool) -> None:
    async with running_redis("--requirepass", "hunter2") as redis:
        (tmp_path / "c.toml").write_text(
            f"[[instances]]\nname = 'nas'\nurl = '{redis.url}'\npassword_prompt = {str(configured).lower()}\n"
        )
        ours, theirs = os.openpty()
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *("--config", str(tmp_path / "c.toml"), "status", "--json"),
            env=process_environ(tmp_path),
            stdin=theirs,
            stdout=asyncio.subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )
        shown = await asyncio.wait_for(asyncio.to_thread(os.read, ours, 1000), 10)
        os.write(ours, b"hunter2\n")
        out, _ = await asyncio.wait_for(process.communicate(), 10)
        shown += os.read(ours, 1000)
        os.close(ours)
        os.close(theirs)

    assert shown.decode().splitlines() == ["Password for nas: "]
    assert json.loads(out)["instances"][0]["flavour"] == "redis"
    assert process.returncode == 0
