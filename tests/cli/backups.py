"""`dfly-tui backup` on a lab server whose folder this machine sees, with a store beside it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

from tests.cli.support import ROOT, Cli, Result
from tests.support.eventually import eventually
from tests.support.group import Group, group
from tests.support.lab import Client
from tests.support.restores import WallClock

SCHEMA = json.loads((ROOT / "docs" / "backups.schema.json").read_text())
CHANGING = ("SAVE", "BGSAVE", "CONFIG SET", "CLIENT PAUSE", "FLUSHALL", "DEL", "SET", "SHUTDOWN", "REPLICAOF")


@dataclass
class Desk:
    """A server called `alpha`, and a terminal."""

    cli: Cli
    servers: Group
    home: Path

    @property
    def folder(self) -> Path:
        """The server's own."""
        return self.servers.state / "alpha"

    @property
    def nas(self) -> Path:
        """Where copies go."""
        return self.home / "nas"

    async def __call__(self, *words: str) -> Result:
        return await self.cli.beside("backup", *words)

    async def document(self, *words: str, code: int = 0) -> Any:
        """What a command prints as JSON, which is as the schema says."""
        result = await self(*words, "--json")
        assert result.code == code, result.err
        document = json.loads(result.out)
        jsonschema.validate(document, SCHEMA)
        return document

    async def listed(self, *words: str, code: int = 0) -> Any:
        """The one instance of the list."""
        (instance,) = (await self.document("list", *words, code=code))["instances"]
        return instance

    async def saved(self, *words: str) -> str:
        """Back it up; returns the set's name."""
        result = await self("now", "alpha", "--yes", "--json", *words)
        assert result.code == 0, result.err
        return str(json.loads(result.out.splitlines()[0])["plan"]["facts"]["base"])

    async def ask(self, *words: str | int) -> Any:
        async with Client(self.servers.servers["alpha"].port, self.servers.password) as client:
            return await client(*words)

    async def cron(self) -> str:
        return str((await self.ask("CONFIG", "GET", "snapshot_cron"))[1])

    async def serves(self, keys: int) -> None:
        """Wait until it has so many keys."""

        async def has() -> bool:
            return await self.ask("DBSIZE") == keys and "loading:0" in await self.ask("INFO", "PERSISTENCE")

        await eventually(has)

    @property
    def sent(self) -> list[tuple[str, ...]]:
        """The changes that servers were asked for, and Docker."""
        commands = [
            words
            for proxy in self.servers.proxies.values()
            for begin in CHANGING
            for words in proxy.sent(*begin.split())
        ]
        return [*commands, *(self.servers.engine.commands if self.servers.engine is not None else ())]

    def files(self) -> set[str]:
        """Everything that lies with the server or in the store, and the records; not what was last seen of a server."""
        state = self.home / ".local" / "state" / "dfly-tui" / "backups"
        found = (path for folder in (self.folder, self.nas, state) for path in folder.rglob("*"))
        return {str(path) for path in found if path.is_file() and path.name != "snapshot_cron"}


def configure(cli: Cli, servers: Group, home: Path, *, environment: str = "lab", backup: str = "") -> None:
    """The servers, with their passwords, folders and containers."""
    store = f"[[stores]]\nname = 'nas'\nurl = '{home / 'nas'}'\n"
    common = f"[backup]\nsave_seconds = 20\nload_seconds = 20\ncopy_to = ['nas']\n{backup}\n"
    lines = [f"[defaults]\ntimeout_seconds = 3\n{store}{common}"]
    for config in servers.configs:
        follows = f"replica_of = '{config.replica_of}'" if config.replica_of else ""
        docker = f"docker = {{host = '{config.docker.host}', container = '{config.name}'}}" if config.docker else ""
        lines.append(
            f"[[instances]]\nname = '{config.name}'\nurl = '{config.url}'\ngroup = 'main'\nrole = '{config.role}'\n"
            f"environment = '{environment}'\npassword_env = 'SECRET'\n{follows}\n{docker}\n"
            f"[instances.backup]\nfolder = '{servers.state / config.name}'\n"
        )
    cli.config("\n".join(lines))
    cli.environ["SECRET"] = servers.password or ""


@asynccontextmanager
async def backed_up(
    cli: Cli, home: Path, *, environment: str = "lab", backup: str = "", **options: Any
) -> AsyncIterator[Desk]:
    """The desk, of which nothing is left.

    Args:
        backup: More lines of the `[backup]` table.
        options: As `group()` has them; the server's own, too.
    """
    given: dict[str, Any] = {"replicas": 0, "saves": True, "keys": 50, "shards": 2, "clock": WallClock()}
    async with group(**(given | options)) as servers:
        (home / "nas").mkdir()
        for config in servers.configs:
            (servers.state / config.name).mkdir(exist_ok=True)
        configure(cli, servers, home, environment=environment, backup=backup)
        yield Desk(cli, servers, home)
