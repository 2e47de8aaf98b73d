"""`dfly-tui failover` and `replication` against lab servers, as a script or a person at a terminal meets them."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.support import PROGRAM, ROOT, Cli, Result, process_environ
from tests.support.eventually import eventually
from tests.support.group import Group, group

QUICK = """
[failover]
lag_sample_seconds = 0.05
cooldown_seconds = 0
watch_seconds = 0.2
takeover_seconds = 2
"""
CHANGING = ("REPLTAKEOVER", "REPLICAOF", "CONFIG SET", "BGSAVE", "CLIENT PAUSE", "SET", "DEL")


def changes(servers: Group) -> list[tuple[str, ...]]:
    return [words for proxy in servers.proxies.values() for begin in CHANGING for words in proxy.sent(*begin.split())]


@asynccontextmanager
async def configured(
    cli: Cli, replicas: int = 1, *, environment: str = "lab", return_seconds: float = 0.5, **options: Any
) -> AsyncIterator[Group]:
    """A running group that the command's configuration names."""
    async with group(replicas, **options) as servers:
        lines = [QUICK, f"return_seconds = {return_seconds}\n"]
        for config in servers.configs:
            follows = f'replica_of = "{config.replica_of}"' if config.replica_of else ""
            lines.append(
                f'[[instances]]\nname = "{config.name}"\nurl = "{config.url}"\ngroup = "main"\nrole = "{config.role}"\n'
                f'{follows}\nreplication_address = "{config.replication_address}"\nenvironment = "{environment}"\n'
                'password_env = "SECRET"\n'
            )
        cli.config("\n".join(lines))
        cli.environ["SECRET"] = servers.password or ""
        yield servers


def no_secret(result: Result, home: Path) -> None:
    """The password is nowhere: not in what was printed, not in what was written."""
    assert "s3cret" not in result.out + result.err
    for path in home.rglob("*"):
        if path.is_file() and "state" in path.parts:
            assert "s3cret" not in path.read_text()


async def test_a_plan_shows_the_exact_commands_and_changes_nothing(cli: Cli) -> None:
    async with configured(cli, 2) as servers:
        result = await cli.beside("failover", "plan")
        assert (result.code, changes(servers)) == (0, []), result.err
        assert "REPLTAKEOVER 2" in result.out
        assert f"redis-cli -h 127.0.0.1 -p {servers.proxies['gamma'].port} REPLICAOF" in result.out
        assert "ok   beta follows alpha" in result.err


async def test_a_run_that_was_confirmed_beforehand(cli: Cli, tmp_path: Path) -> None:
    async with configured(cli, restarts=True) as servers:
        result = await cli.beside("failover", "run", "--yes", "--confirm", "beta")
        assert result.code == 0, result.err
        assert await servers.leaders() == ["beta"]
        assert "done: beta takes over from alpha" in result.out
        report = Path(result.out.split("report: ")[1].strip())
        assert report.read_text().startswith("# beta takes over from alpha")
        assert report.stat().st_mode & 0o777 == 0o600
        no_secret(result, tmp_path)
        again = await cli.beside("failover", "swap-back", "--group", "main", "--yes", "--confirm", "alpha")
        assert again.code == 0, again.err
        assert await servers.leaders() == ["alpha"]
        status = await cli.beside("failover", "status")
        assert status.code == 0
        assert [line.split("  ")[1] for line in status.out.splitlines()] == ["done", "done"]


@pytest.mark.parametrize("words", [(), ("--yes",), ("--yes", "--confirm", "alpha")])
async def test_without_the_right_name_nothing_is_sent(cli: Cli, words: tuple[str, ...]) -> None:
    async with configured(cli) as servers:
        result = await cli.beside("failover", "run", *words)
        assert (result.code, changes(servers)) == (4, []), result.err


async def test_production_is_unlocked_by_the_name_and_not_by_yes(cli: Cli) -> None:
    async with configured(cli, environment="production", restarts=True) as servers:
        assert (await cli.beside("failover", "run", "--yes")).code == 4
        assert not changes(servers)
        result = await cli.beside("failover", "run", "--yes", "--confirm", "beta")
        assert result.code == 0, result.err


async def test_read_only_and_dry_run_change_nothing(cli: Cli) -> None:
    async with configured(cli) as servers:
        result = await cli.beside("--read-only", "failover", "run", "--yes", "--confirm", "beta")
        assert (result.code, changes(servers)) == (3, []), result.err
        result = await cli.beside("failover", "run", "--dry-run", "--yes", "--confirm", "beta")
        assert (result.code, changes(servers)) == (0, []), result.err


async def test_json_lines_end_with_the_report(cli: Cli) -> None:
    async with configured(cli, restarts=True):
        result = await cli.beside("failover", "run", "--json", "--yes", "--confirm", "beta", "--canary")
        first, *events, last = map(json.loads, result.out.splitlines())
        assert first["plan"]["kind"] == "switchover"
        assert {event["event"]["step"] for event in events} >= {"takeover", "canary", "watch"}
        assert last["report"]["outcome"] == "done"
        schema = json.loads((ROOT / "docs" / "failover-report.schema.json").read_text())
        jsonschema.validate(last["report"], schema)


async def test_an_emergency_wants_it_stated_that_the_primary_is_off(cli: Cli) -> None:
    async with configured(cli) as servers:
        await servers.kill("alpha")
        without = await cli.beside("failover", "run", "--yes", "--confirm", "beta")
        assert (without.code, changes(servers)) == (4, []), without.err
        result = await cli.beside("failover", "run", "--yes", "--confirm", "beta", "--confirm", "alpha is off")
        assert result.code == 0, result.err
        assert await servers.leaders() == ["beta"]
        assert "failover rejoin --group main" in result.out
        await servers.lab.start("alpha")
        result = await cli.beside("failover", "rejoin", "--yes", "--confirm", "alpha")
        assert result.code == 0, result.err
        assert await servers.leaders() == ["beta"]


async def test_what_is_left_to_do_is_code_6(cli: Cli) -> None:
    async with configured(cli) as servers:
        result = await cli.beside("failover", "run", "--yes", "--confirm", "beta", "--no-watch")
        assert result.code == 6, result.err
        assert "left to do: when alpha is back" in result.out
        assert servers.lab.exits == {"alpha": 0}


async def test_attach_and_detach(cli: Cli) -> None:
    async with configured(cli) as servers:
        assert (await cli.beside("failover", "detach", "beta", "--yes", "--confirm", "beta")).code == 0
        assert sorted(await servers.leaders()) == ["alpha", "beta"]
        result = await cli.beside("failover", "attach", "beta", "--to", "alpha", "--yes", "--confirm", "beta")
        assert result.code == 0, result.err
        assert await servers.leaders() == ["alpha"]


async def test_what_cannot_be_asked_for_says_why(cli: Cli) -> None:
    async with configured(cli):
        for words, code, said in (
            (("run", "--to", "delta"), 2, "no instance delta"),
            (("run", "--group", "other"), 2, "configured groups: main"),
            (("swap-back",), 3, "as intended"),
            (("rejoin",), 3, "everybody in main follows alpha"),
            (("resume",), 3, "nothing is unfinished"),
            (("status",), 0, "no change of roles"),
        ):
            result = await cli.beside("failover", *words)
            assert result.code == code, (words, result)
            assert said in result.out + result.err
        refused = await cli.beside("failover", "swap-back", "--json")
        assert "as intended" in json.loads(refused.out)["refused"]["detail"]


async def test_which_group_has_to_be_said_where_there_are_several(cli: Cli) -> None:
    cli.config("".join(f'[[instances]]\nname = "{n}"\nurl = "redis://h:{n}"\ngroup = "g{n}"\n' for n in (1, 2)))
    result = await cli.beside("failover", "plan")
    assert result.code == 2
    assert "which group? configured are g1, g2" in result.err


async def test_a_command_that_is_killed_is_resumed(cli: Cli, tmp_path: Path) -> None:
    """In the middle of the takeover: the first process is gone, the second finds its journal."""
    async with configured(cli, restarts=True) as servers:
        environ = process_environ(tmp_path) | {"SECRET": servers.password or ""}
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, "failover", "run", "--yes", "--confirm", "beta", env=environ,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        servers.proxies["beta"].arrived = lambda words: process.kill() if words[0] == "REPLTAKEOVER" else None
        await process.wait()

        async def changed() -> bool:
            return "beta" in await servers.leaders()

        await eventually(changed)
        status = await cli.beside("failover", "status", "--json")
        assert status.code == 6
        assert json.loads(status.out)["unfinished"] is True
        assert "UNFINISHED" in (await cli.beside("failover", "status")).out
        undone = await cli.beside("failover", "resume", "--give-up", "--yes", "--confirm", "beta")
        assert (undone.code, "cannot be taken back" in undone.err) == (3, True)
        result = await cli.beside("failover", "resume", "--yes", "--confirm", "beta")
        assert result.code == 0, result.err
        assert await servers.leaders() == ["beta"]
        assert (await cli.beside("failover", "status")).code == 0
        assert len(servers.proxies["beta"].sent("REPLTAKEOVER")) == 1


class Terminal(io.StringIO):
    """What a person typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code"), [("beta\n", 0), ("Beta\n", 4), ("\n", 4), ("", 4)])
async def test_a_person_types_the_name(cli: Cli, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    async with configured(cli, restarts=True) as servers:
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        result = await cli.beside("failover", "run")
        assert result.code == code, result.err
        assert "no acknowledged write is lost" in result.err
        assert "Type 'beta' to go on" in result.err
        assert bool(changes(servers)) is (code == 0)


async def test_replication_tells_who_follows_whom(cli: Cli) -> None:
    async with configured(cli, 2) as servers:
        result = await cli.beside("replication")
        assert result.code == 0, result.err
        assert result.out.startswith("main: alpha leads\n  beta → alpha: stable, lag ")
        assert "safe to promote: yes" in result.out
        document = json.loads((await cli.beside("replication", "--json", "--group", "main")).out)
        jsonschema.validate(document, json.loads((ROOT / "docs" / "replication.schema.json").read_text()))
        (found,) = document["groups"]
        assert [link["replica"] for link in found["links"]] == ["beta", "gamma"]
        assert found["links"][0]["lag_seconds"] is not None
        await servers.kill("gamma")
        result = await cli.beside("replication")
        assert result.code == 1
        assert "gamma: Unreachable" in result.out
        assert (await cli.beside("replication", "--group", "nosuch")).code == 2
