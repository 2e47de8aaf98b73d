"""Backups on a real engine, from the save to the restore, and saves that fail there."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.models.containers import Container

from dfly_tui.models.backup import ProofLevel
from dfly_tui.models.operation import Event, Outcome
from dfly_tui.models.snapshots import listing
from dfly_tui.operations.backup.catalogue import Catalogue
from dfly_tui.operations.backup.drill import drill
from dfly_tui.operations.backup.now import backup
from dfly_tui.operations.backup.restore import Wish, restore
from dfly_tui.operations.backup.scene import Backups, opened
from dfly_tui.operations.backup.verify import verify
from dfly_tui.operations.failover.run import new_run_id
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import Settings
from tests.docker.backups import Instance, fill, instance, keys_of
from tests.support.group import Yes, outcome, told

pytestmark = pytest.mark.docker


@asynccontextmanager
async def scene_of(alpha: Instance, nas: Path) -> AsyncIterator[Backups]:
    """Copied to one folder."""
    settings = Settings.model_validate({
        "instances": [alpha.config.model_dump()],
        "stores": [{"name": "nas", "url": str(nas)}],
        "backup": {"copy_to": ["nas"], "drill_memory_bytes": 512 << 20},
    })  # fmt: skip
    async with alpha.group.access() as access:
        given: dict[str, Any] = {
            "plan_id": new_run_id(datetime.now(UTC), random.Random()), "who": "somebody", "environ": {},
            "folder": alpha.group.state / "backups", "secret_of": lambda store: PasswordSource(store, environ={}),
        }  # fmt: skip
        async with opened(access, "alpha", settings, **given) as scene:
            yield scene


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    (tmp_path / "nas").mkdir()
    return tmp_path / "nas"


@pytest.mark.parametrize(("flavour", "bound"), [("1.22", True), ("1.40", False)])
async def test_from_the_save_to_the_restore(
    engine: DockerClient, name: str, tmp_path: Path, nas: Path, flavour: str, bound: bool
) -> None:
    async with instance(engine, name, tmp_path, flavour=flavour, bound=bound) as alpha:
        async with scene_of(alpha, nas) as scene:
            events = await alpha.run(await backup(scene, "why not"), scene.access)
            assert outcome(events) is Outcome.DONE, told(events)
            (record,) = scene.catalogue.records()
            assert (record.keys, len(record.samples) > 10) == ({0: 300}, True)
            assert {each.name for each in record.files} < {path.name for path in nas.iterdir()}
            assert (await verify(scene, await scene.chosen(record.base, "instance"))).ok
            assert (await verify(scene, await scene.chosen(record.base, "nas"))).ok
        async with scene_of(alpha, nas) as scene:
            events = await alpha.run(await drill(scene, await scene.chosen(record.base, "nas")), scene.access)
            assert outcome(events) is Outcome.DONE, told(events)
        await alpha.ask("FLUSHALL")
        await alpha.ask("SET", "later", "1")
        async with scene_of(alpha, nas) as scene:
            chosen = await scene.chosen(record.base, "nas")
            events = await alpha.run(await restore(scene, chosen, Wish()), scene.access)
            assert outcome(events) is Outcome.DONE, told(events)
        assert await keys_of(alpha) == 300
        (kept, *_) = Catalogue(alpha.group.state / "backups", "alpha").records()
        proof = kept.last_proof(ProofLevel.RESTORED)
        assert proof is not None
        assert (proof.ok, proof.keys) == (True, {0: 300})
        every = f"{len(kept.samples)} of {len(kept.samples)} sampled keys are as they were"
        assert any(every in each.text for each in kept.proofs)


async def backed_up(alpha: Instance, nas: Path) -> list[Event]:
    async with scene_of(alpha, nas) as scene:
        return await alpha.run(await backup(scene), scene.access)


async def whole(alpha: Instance) -> list[str]:
    return [each.base for each in listing(await alpha.store().files()).sets if each.is_complete]


async def test_the_folder_is_gone(engine: DockerClient, name: str, tmp_path: Path, nas: Path) -> None:
    async with instance(engine, name, tmp_path, "--dir=/data/snapshots") as alpha:
        await alpha.ask("SAVE")
        await asyncio.to_thread(alpha.container.exec_run, ["rm", "-rf", "/data/snapshots"])
        events = await backed_up(alpha, nas)
        assert outcome(events) is Outcome.BLOCKED, told(events)
        assert "there is no folder container" in told(events)
        assert list(nas.iterdir()) == []


@pytest.mark.parametrize("step", ["begin", "confirm done"])
async def test_a_full_disk(
    engine: DockerClient, name: str, tmp_path: Path, nas: Path, small_disk: Container, step: str
) -> None:
    """From before it is looked at, or from after that."""
    async with instance(engine, name, tmp_path, volume=name) as alpha:
        events: list[Event] = []
        async with scene_of(alpha, nas) as scene:
            if step == "begin":
                await asyncio.to_thread(fill, small_disk)
            async for event in alpha.group.stream(await backup(scene), scene.access, Yes()):
                events.append(event)
                if f"{event.step} {event.state}" == step:
                    await asyncio.to_thread(fill, small_disk)
        assert outcome(events) is (Outcome.BLOCKED if step == "begin" else Outcome.FAILED), told(events)
        assert step == "begin" or "No space left on device" in told(events)
        assert (await whole(alpha), list(nas.iterdir())) == ([], [])


async def test_the_server_is_killed_while_it_saves(engine: DockerClient, name: str, tmp_path: Path, nas: Path) -> None:
    async with instance(engine, name, tmp_path) as alpha:
        await alpha.ask("DEBUG", "LAB", "SAVE", 60)
        events = []
        async with scene_of(alpha, nas) as scene:
            async for event in alpha.group.stream(await backup(scene), scene.access, Yes()):
                events.append(event)
                if event.step == "saved" and "%" in event.text:
                    await asyncio.to_thread(alpha.container.kill)
                    await asyncio.to_thread(alpha.container.start)
            assert scene.catalogue.records() == ()
        assert outcome(events) is Outcome.FAILED, told(events)
        assert (await whole(alpha), list(nas.iterdir())) == ([], [])
