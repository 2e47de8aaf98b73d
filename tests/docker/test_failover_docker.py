"""Changes of roles between containers on a real engine: what Docker says of them, and who leads, afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from dfly_tui.models.operation import Outcome, StepState
from dfly_tui.operations.failover.choose import change_of_roles, coming_back
from dfly_tui.operations.failover.resume import finish, settle, situation
from dfly_tui.operations.journal import records
from dfly_tui.settings import FailoverSettings
from tests.docker.group import Containers, containers
from tests.docker.support import kept, of
from tests.support.group import FAST, Yes, outcome, told
from tests.support.images import answers
from tests.support.lab import Client
from tests.support.servers import DOCKER_HOST

pytestmark = pytest.mark.docker

LIMITS = FAST.model_copy(update={"return_seconds": 20.0, "canary": True})


async def change(group: Containers, limits: FailoverSettings = LIMITS, expected: Outcome = Outcome.DONE) -> str:
    """Change the roles; returns what happened."""
    async with group.access() as access:
        plan = change_of_roles(await group.scene(access, limits), group.wish())
        events = await group.run(plan, access)
    assert outcome(events) is expected, told(events)
    return "\n".join([told(events), *(each.value for event in events for each in event.findings)])


def policy(engine: DockerClient, name: str) -> str:
    found: str = of(engine, name)["HostConfig"]["RestartPolicy"]["Name"]
    return found


async def keys(port: int) -> set[str]:
    async with Client(port) as ask:
        return set(await ask("KEYS", "*"))


async def test_a_switchover_never_leaves_two_primaries(engine: DockerClient, name: str, tmp_path: Path) -> None:
    """Fence, takeover, the old primary made again with --replicaof, its restart policy given back."""
    async with containers(engine, name, tmp_path) as group:
        before = await keys(group.ports["alpha"])
        over = asyncio.Event()
        seen: list[list[str]] = []

        async def watch() -> None:
            while not over.is_set():
                seen.append(await group.leaders())
                await asyncio.sleep(0.02)

        watching = asyncio.ensure_future(watch())
        text = await change(group)
        over.set()
        await watching
        assert await group.leaders() == ["beta"]
        assert not [leaders for leaders in seen if len(leaders) > 1], text
        alpha = of(engine, group.names["alpha"])
        assert f"--replicaof=127.0.0.1:{group.ports['beta']}" in alpha["Config"]["Cmd"]
        assert (alpha["State"]["Running"], alpha["RestartCount"]) == (True, 0)
        assert policy(engine, group.names["alpha"]) == "unless-stopped"
        assert kept(engine, group.names["alpha"]) == []
        assert await keys(group.ports["alpha"]) == await keys(group.ports["beta"]) == before


async def test_a_container_without_a_volume_is_kept(engine: DockerClient, name: str, tmp_path: Path) -> None:
    """Its snapshots are in no other place."""
    async with containers(engine, name, tmp_path, volume=False) as group:
        assert "is kept aside" in await change(group)
        assert len(kept(engine, group.names["alpha"])) == 1


async def test_an_old_primary_started_as_it_was_is_caught(engine: DockerClient, name: str, tmp_path: Path) -> None:
    async with containers(engine, name, tmp_path) as group:
        before = of(engine, group.names["alpha"])["Id"]
        text = await change(group, LIMITS.model_copy(update={"recreate_container": False}))
        assert "it was a primary that took writes" in text
        assert await group.leaders() == ["beta"]
        assert of(engine, group.names["alpha"])["Id"] == before
        assert policy(engine, group.names["alpha"]) == "unless-stopped"


@pytest.mark.parametrize("runs", [False, True], ids=["stopped", "started by somebody"])
async def test_a_frozen_primary_is_stopped_and_rejoins(
    engine: DockerClient, name: str, tmp_path: Path, runs: bool
) -> None:
    async with containers(engine, name, tmp_path) as group:
        engine.containers.get(group.names["alpha"]).pause()
        text = await change(group)
        assert "Docker: the container is paused" in text
        assert await group.leaders() == ["beta"]
        assert of(engine, group.names["alpha"])["State"]["Status"] == "exited"
        assert policy(engine, group.names["alpha"]) == "no"
        if runs:
            engine.containers.get(group.names["alpha"]).start()
            await answers(group.ports["alpha"])
            async with Client(group.ports["alpha"]) as ask:
                assert await ask("SET", "only:here", "1") == "OK"
        async with group.access() as access:
            plan = coming_back(await group.scene(access, LIMITS), group.wish())
            events = await group.run(plan, access)
        assert outcome(events) is Outcome.DONE, told(events)
        assert await group.leaders() == ["beta"]
        assert policy(engine, group.names["alpha"]) == "unless-stopped"
        assert await keys(group.ports["alpha"]) == await keys(group.ports["beta"])
        assert bool(list((tmp_path / "alpha").glob("aside-*"))) is runs


async def test_an_engine_that_refuses_leaves_all_as_it_was(engine: DockerClient, name: str, tmp_path: Path) -> None:
    async with (
        refusing_engine(tmp_path / "engine.sock") as address,
        containers(engine, name, tmp_path, engine_at=address) as group,
    ):
        text = await change(group, expected=Outcome.FAILED)
        assert "not today" in text
        assert await group.leaders() == ["alpha"]
        assert policy(engine, group.names["alpha"]) == "unless-stopped"


@pytest.mark.parametrize("at", ["leads", "recreate-alpha", "synced-alpha", "restore-policy"])
async def test_a_dashboard_killed_after_the_takeover(engine: DockerClient, name: str, tmp_path: Path, at: str) -> None:
    async with containers(engine, name, tmp_path) as group:

        async def until_killed() -> None:
            async with group.access() as access:
                plan = change_of_roles(await group.scene(access, LIMITS), group.wish())
                async for event in group.stream(plan, access, Yes()):
                    if event.step == at and event.state is StepState.RUNNING:
                        return

        await until_killed()
        assert policy(engine, group.names["alpha"]) == "no"
        async with group.access() as access:
            scene = await group.scene(access, LIMITS)
            (record,) = [record for record in records(group.journals) if record.is_unfinished]
            assert situation(record, scene.world).changed
            events = await group.run(finish(scene, record), access)
            assert outcome(events) is Outcome.DONE, told(events)
            settle(record, Outcome.DONE, clock=group.clock)
        assert not [record for record in records(group.journals) if record.is_unfinished]
        assert await group.leaders() == ["beta"]
        assert policy(engine, group.names["alpha"]) == "unless-stopped"


@asynccontextmanager
async def refusing_engine(path: Path) -> AsyncIterator[str]:
    """The engine of this machine behind a socket that refuses `docker update`; yields its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(DOCKER_HOST.removeprefix("unix://"))
        back = asyncio.ensure_future(pass_on(theirs, writer))
        with suppress(OSError):
            while data := await reader.read(65536):
                if data.startswith(b"POST") and b"/update" in data.partition(b"\r\n")[0]:
                    body = b'{"message": "not today"}'
                    writer.write(b"HTTP/1.1 500 x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                                 % (len(body), body))  # fmt: skip
                    continue
                ours.write(data)
        back.cancel()
        ours.close()
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: Any) -> None:
        while data := await reader.read(65536):
            writer.write(data)

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()
        await server.wait_closed()
