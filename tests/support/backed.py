"""A server of the lab that is backed up: its own folder, one beside for copies, a catalogue."""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.models.backup import BackupRecord
from dfly_tui.models.operation import Event
from dfly_tui.models.snapshots import SnapshotFormat, SnapshotSet, listing
from dfly_tui.operations.access import Access
from dfly_tui.operations.backup.catalogue import Catalogue
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.scene import Backups, opened
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import Settings
from tests.support.group import Group, group
from tests.support.lab import Client
from tests.support.restores import WallClock

ENVIRON: Mapping[str, str] = {"PATH": "/usr/bin:/bin"}
STORE = "nas"


@dataclass
class Backed:
    """An instance.

    Attributes:
        options: Of the `[backup]` table.
        seeing: Whether this machine sees the server's folder.
        name: `alpha`, or that of a replica.
        stores: More of them than the one folder.
    """

    servers: Group
    options: dict[str, Any] = field(default_factory=dict)
    seeing: bool = True
    name: str = "alpha"
    stores: list[dict[str, Any]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        """The server's own."""
        return self.servers.state / self.name

    @property
    def copies(self) -> Path:
        return self.servers.state / STORE

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.servers.state / "backups", self.name)

    @property
    def settings(self) -> Settings:
        own = {"folder": str(self.folder)} if self.seeing else {}
        return Settings.model_validate({
            "instances": [config.model_dump() for config in self.servers.configs],
            "stores": [{"name": STORE, "url": str(self.copies)}, *self.stores],
            "backup": {"save_seconds": 20.0, "load_seconds": 20.0, **own, **self.options},
        })  # fmt: skip

    @asynccontextmanager
    async def scene(self, access: Access | None = None, **more: Any) -> AsyncIterator[Backups]:
        """What plans are made from; hung up afterwards."""
        async with self.servers.access() as own:
            environ = more.get("environ", ENVIRON)
            given = {
                "plan_id": new_run_id(datetime.now(UTC), random.Random()), "who": "somebody@somewhere",
                "environ": ENVIRON, "folder": self.servers.state / "backups",
                "secret_of": lambda store: PasswordSource(store, environ=environ), **more,
            }  # fmt: skip
            async with opened(access or own, self.name, self.settings, **given) as scene:
                yield scene

    async def back_up(
        self, why: str = "", *, environ: Mapping[str, str] = ENVIRON, **more: Any
    ) -> tuple[Backups, list[Event]]:
        """Back it up in one go."""
        async with self.scene(environ=environ) as scene:
            plan = await backup(scene, why, **more)
            return scene, await self.servers.run(plan, scene.access)

    async def ask(self, *words: str | int) -> Any:
        async with Client(self.servers.servers[self.name].port, self.servers.password) as client:
            return await client(*words)

    async def sets(self) -> tuple[SnapshotSet, ...]:
        """In the server's folder."""
        async with self.scene() as scene:
            return listing(await scene.instance_store.files()).sets

    @property
    def records(self) -> tuple[BackupRecord, ...]:
        return self.catalogue.records()

    @property
    def record(self) -> BackupRecord:
        """The newest."""
        return self.records[-1]

    @property
    def key(self) -> tuple[str, SnapshotFormat]:
        return self.record.base, self.record.format


@asynccontextmanager
async def backed(
    options: dict[str, Any] | None = None, *, seeing: bool = True, name: str = "alpha", **more: Any
) -> AsyncIterator[Backed]:
    """The instance, of which nothing is left.

    Args:
        options: Of the `[backup]` table.
        more: As `group()` has them; the server's own, too.
    """
    async with group(**({"replicas": 0, "saves": True, "keys": 50, "shards": 2} | more)) as servers:
        servers.clock = WallClock()
        servers.timeout_seconds = 2.0  # a machine that is busy with other tests is no server that is gone
        at = Backed(servers, dict(options or {}), seeing, name)
        at.copies.mkdir()
        at.folder.mkdir(exist_ok=True)
        yield at


def finding(events: Sequence[Event], code: str) -> Any:
    """What was found under a code, the first of them."""
    return next(found for event in events for found in event.findings if found.code == code)


def while_saving(monkeypatch: pytest.MonkeyPatch, at: Backed, act: Callable[[], Any]) -> None:
    """Do something when the save has ended, before it is noticed."""
    saver = at.servers.servers["alpha"].saver
    write = saver._write

    async def slow(base: str, *, rdb: bool) -> Any:
        done = await write(base, rdb=rdb)
        await act()
        return done

    monkeypatch.setattr(saver, "_write", slow)
