"""`dfly-tui failover run` as a process of its own, killed at every change it makes; then `status` and `resume`."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.support import PROGRAM, Cli, Result, process_environ
from tests.cli.test_failover_command import configured
from tests.support.eventually import eventually
from tests.support.group import Group
from tests.support.proxy import Harm
from tests.support.stories import Spot, canary, dead, follow, outside, swapped
from tests.unit.test_failover_harm import changing, roles

ONCE = ("REPLTAKEOVER", "REPLICAOF", "CLIENT PAUSE")
"""What must not be done twice; a second snapshot has a name of its own and does no harm."""


@dataclass(frozen=True)
class Run:
    """A command of two servers' operator.

    Attributes:
        spots: Every change it makes to a server, in order.
        turn: Place of the change after which the roles are others; it is finished from there on, else taken back.
        names: What has to be typed to finish it, or to take it back.
        changed: Who does what at the end when it was finished.
        unchanged: Who does what at the end when it was taken back.
        before: Brings the group, alpha leading, to where the command is needed.
    """

    words: tuple[str, ...]
    spots: tuple[Spot, ...]
    turn: int
    names: tuple[str, ...]
    changed: dict[str, str]
    unchanged: dict[str, str]
    before: Callable[[Group], Awaitable[None]] | None = None


ALPHA, BETA = {"alpha": "leads", "beta": "follows alpha"}, {"alpha": "follows beta", "beta": "leads"}
RUNS = {
    "switchover": Run(
        ("run", "--snapshot-first", "--pause-writes", "--canary"),
        (Spot("alpha", "BGSAVE"), Spot("alpha", "CLIENT PAUSE"), Spot("beta", "REPLTAKEOVER"), *canary("beta"),
         *follow("alpha")), 2,
        ("beta",), BETA, ALPHA,
    ),
    "emergency": Run(
        ("run", "--canary"), (Spot("beta", "REPLICAOF"), *canary("beta")), 0,
        ("beta", "alpha is off"), {"beta": "leads"}, {"beta": "follows alpha"}, dead,
    ),
    "rejoin": Run(
        ("rejoin", "--to", "beta"), (Spot("alpha", "BGSAVE"), *follow("alpha")), -1,
        ("alpha", "beta"), BETA, BETA, outside,
    ),
    "swap-back": Run(
        ("swap-back",), (Spot("alpha", "REPLTAKEOVER"), *follow("beta")), 0,
        ("alpha",), ALPHA, BETA, swapped,
    ),
}  # fmt: skip
KILLED = [
    pytest.param(run, place, arrived, id=f"{name}-{spot.server}-{spot.command}-{'answered' if arrived else 'lost'}")
    for name, run in RUNS.items()
    for place, spot in enumerate(run.spots)
    for arrived in (False, True)
]


class Operator:
    """Runs `dfly-tui failover …` in processes that share nothing but the home folder."""

    def __init__(self, home: Path, servers: Group, names: tuple[str, ...]) -> None:
        self._environ = process_environ(home) | {"SECRET": servers.password or ""}
        self._confirm = [word for name in names for word in ("--confirm", name)]

    async def starts(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *PROGRAM, "failover", *words, "--yes", *self._confirm, env=self._environ,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip

    async def resumes(self) -> Result:
        process = await self.starts("resume")
        out, err = await process.communicate()
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())


async def killed(operator: Operator, run: Run, servers: Group, spot: Spot, *, arrived: bool) -> None:
    """Start the command and kill it at a change, before the server got it or after it answered."""
    proxy = servers.proxies[spot.server]
    process = await operator.starts(*run.words)
    proxy.chosen, proxy.harm = spot.hit, Harm.SILENT if arrived else Harm.LOST
    if arrived:
        proxy.withheld = process.kill
    else:
        proxy.struck = process.kill
    _, err = await process.communicate()
    assert process.returncode == -signal.SIGKILL, err.decode()
    proxy.withheld = proxy.struck = lambda: None


@pytest.mark.parametrize(("run", "place", "arrived"), KILLED)
async def test_a_program_that_is_killed_is_resumed_by_another(
    cli: Cli, tmp_path: Path, run: Run, place: int, arrived: bool
) -> None:
    spot, finished = run.spots[place], place > run.turn or (place == run.turn and arrived)
    async with configured(cli, restarts=True, keys=20, return_seconds=4) as servers:
        await begin(servers, run)
        operator = Operator(tmp_path, servers, run.names)
        await killed(operator, run, servers, spot, arrived=arrived)
        found = [(each.server, tuple(each.command.split())) for each in changing(servers)]
        due = run.spots[: place + 1]
        assert all(any(each.server == name and each.hit(words) for each in due) for name, words in found), found
        assert all(any(each.server == name and each.hit(words) for name, words in found) for each in due), found

        await says_what_was_begun(cli)
        result = await operator.resumes()
        wanted, title = (run.changed, "finish") if finished else (run.unchanged, "take back")
        assert f"{title} what was begun: " in result.out, result
        await eventually(lambda: are(servers, wanted))
        if "leads" in wanted.values():
            assert result.code == 0, result
        else:
            assert result.code == 6, result
            assert "left to do: look with: redis-cli " in result.out
            assert "promote a replica: dfly-tui failover run --group main" in result.out
        for name, proxy in servers.proxies.items():
            for command in ONCE:
                sent = proxy.sent(*command.split())
                lost = not arrived and spot == Spot(name, command)
                assert len(sent) - lost <= 1, sent
        assert (await cli.beside("failover", "status")).code == 0


async def begin(servers: Group, run: Run) -> None:
    if run.before is not None:
        await run.before(servers)
    for proxy in servers.proxies.values():
        proxy.commands.clear()


async def says_what_was_begun(cli: Cli) -> None:
    status = await cli.beside("failover", "status", "--json")
    assert status.code == 6, status
    (told,) = [run for run in map(json.loads, status.out.splitlines()) if run["unfinished"]]
    assert list(told["steps"].values())[-1] == "intended"
    text = (await cli.beside("failover", "status")).out
    assert "UNFINISHED" in text
    assert f"{list(told['steps'])[-1]} (intended)" in text
    assert "dfly-tui failover resume --group main" in text


async def are(servers: Group, wanted: dict[str, str]) -> bool:
    """Whether these are the roles; asked of the servers themselves."""
    return (await roles(servers)).roles == wanted


@pytest.mark.parametrize(("when", "times", "wanted"), [("before", 1, ALPHA), ("after", 2, BETA)])
async def test_a_program_that_is_killed_while_its_hook_runs(
    cli: Cli, tmp_path: Path, when: str, times: int, wanted: dict[str, str]
) -> None:
    """A hook of which nobody knows how far it came is run again, or it is said that it was."""
    mark = tmp_path / "ran"
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\necho ran >> {mark}\n[ $(wc -l < {mark}) = 1 ] && kill -9 $PPID\nexit 0\n")
    hook.chmod(0o700)
    run = RUNS["switchover"]
    async with configured(cli, restarts=True, keys=20, return_seconds=4) as servers:
        cli.file.write_text(cli.file.read_text().replace("[failover]", f'[failover]\nhook_{when} = "{hook}"'))
        operator = Operator(tmp_path, servers, run.names)
        process = await operator.starts("run")
        _, err = await process.communicate()
        assert process.returncode == -signal.SIGKILL, err.decode()
        await says_what_was_begun(cli)
        result = await operator.resumes()
        assert result.code == 0, result
        await eventually(lambda: are(servers, wanted))
        assert mark.read_text().count("ran") == times
        assert (f"take back by hand what it did: {hook}" in result.out) is (when == "before")
