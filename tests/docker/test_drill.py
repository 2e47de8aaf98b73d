"""Drills on a real engine: a throw-away server loads a set, tells what is in it, and is gone."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.types import LogConfig

from dfly_tui.clients import throwaway_docker, tunnel
from dfly_tui.clients.container_log import life
from dfly_tui.clients.dragonfly import DragonflyReader
from dfly_tui.clients.owners import this_process
from dfly_tui.clients.throwaway import FixedPassword, Trial
from dfly_tui.clients.throwaway_docker import DockerThrowaway
from dfly_tui.clients.tunnel import Tunnel
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DockerFailed, NotSupported, StoreFailed, Unreachable
from dfly_tui.models.operation import Outcome
from dfly_tui.operations.backup.drill import drill
from dfly_tui.settings import DockerConfig, InstanceConfig
from tests.docker.backups import instance
from tests.support.eventually import eventually
from tests.support.group import outcome, told
from tests.support.servers import DOCKER_HOST
from tests.support.standalone import ensure_standalone_image

pytestmark = pytest.mark.docker


@pytest.mark.parametrize(("flavour", "kind"), [("1.40", "DF"), ("1.22", "RDB")])
async def test_a_set_that_is_good(engine: DockerClient, name: str, tmp_path: Path, flavour: str, kind: str) -> None:
    async with instance(engine, name, tmp_path, flavour=flavour) as alpha:
        record = await alpha.save("dump-1", kind)
        await alpha.ask("FLUSHALL")
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            events = await alpha.run(await drill(kept, await kept.chosen("dump-1", record)), access)
        assert outcome(events) is Outcome.DONE, told(events)
        (proof,) = kept.proofs["dump-1"]
        assert proof.ok
        assert proof.keys == {0: 300}
        assert proof.seconds is not None
        assert alpha.throwaways() == []
        assert await alpha.ask("DBSIZE") == 0, "the instance itself is not touched"


async def test_a_set_that_is_not(engine: DockerClient, name: str, tmp_path: Path) -> None:
    async with instance(engine, name, tmp_path) as alpha:
        record = (await alpha.save("dump-1")).model_copy(update={"files": ()})
        alpha.cut_off("dump-1-0001.dfs")
        async with alpha.group.access() as access:
            kept = alpha.kept(access)
            events = await alpha.run(await drill(kept, await kept.chosen("dump-1", record)), access)
        assert outcome(events) is Outcome.UNDONE, told(events)
        (proof,) = kept.proofs["dump-1"]
        assert not proof.ok
        assert "Rdb load failed: drill-0001.dfs is cut off" in proof.text
        assert alpha.throwaways() == []


def throwaway(container: str, run: str, **more: Any) -> DockerThrowaway:
    config = DockerConfig(host=DOCKER_HOST, container=container)
    trial = Trial(run=run, shards=2, memory_bytes=64 << 20, databases=20, seconds=60)
    return DockerThrowaway(config, trial, clock=SystemClock(), timeout_seconds=20, **({"image": None} | more))


async def test_what_it_is_and_what_is_left_behind(engine: DockerClient, name: str) -> None:
    image = await asyncio.to_thread(ensure_standalone_image, engine)
    engine.containers.create(image, ["--port=1"], name=name, network_mode="none")
    run, old = f"{name}-new", f"{name}-old"
    labels = {"dfly-tui.throwaway": old, "dfly-tui.throwaway.owner": f"{this_process()}1"}
    now = datetime.now(UTC)
    kept = {"dfly-tui.throwaway": "x", "dfly-tui.throwaway.until": (now + timedelta(minutes=9)).isoformat()}
    late = {"dfly-tui.throwaway": "x", "dfly-tui.throwaway.until": (now - timedelta(minutes=9)).isoformat()}
    others = [
        engine.containers.create(image, name=f"{name}-{number}", labels=each)
        for number, each in enumerate((labels, kept, late, {"dfly-tui.throwaway": "x"}))
    ]
    one = throwaway(name, run)
    try:
        await one.create()
        made = engine.containers.get(one.name).attrs
        host, config = made["HostConfig"], made["Config"]
        assert (host["NetworkMode"], host["Memory"], host["RestartPolicy"]["Name"]) == ("none", 64 << 20, "no")
        assert not host["Binds"]
        assert not host["PortBindings"]
        [secret] = [each for each in config["Env"] if each.startswith("DFLY_requirepass=")]
        assert secret.partition("=")[2] not in " ".join([*config["Cmd"], *one.commands])
        assert "--dbnum=20" in config["Cmd"]
        there = {str(each.name) for each in engine.containers.list(all=True)}
        assert {f"{name}-1", f"{name}-3"} <= there, "those of others are left alone"
        assert not {f"{name}-0", f"{name}-2"} & there
        with pytest.raises(StoreFailed, match="has 2 bytes, where it should have 3"):
            await one.write("drill.rdb", pieces(b"12"), 3)
        with pytest.raises(DockerFailed):
            await throwaway(name, run).create()
    finally:
        await one.remove()
        for each in others:
            await throwaway(name, "x").remove()
            del each
    assert not [each for each in engine.containers.list(all=True) if str(each.name).startswith((f"{name}-", one.name))]


async def test_what_there_is_to_make_it_of(engine: DockerClient, name: str) -> None:
    image = await asyncio.to_thread(ensure_standalone_image, engine)
    engine.containers.create(image, ["--port=1"], name=name, network_mode="none")
    with pytest.raises(DockerFailed, match="has no image"):
        await throwaway(name, name, image="none/such").create()
    with pytest.raises(DockerFailed, match="knows no container"):
        await throwaway(f"{name}x", name).create()
    ground = await throwaway(name, name, image="none/such").ground()
    assert ground.image is None
    assert ground.free_bytes is not None


async def pieces(*given: bytes) -> Any:
    for each in given:
        yield each


async def test_memory_of_another_machine(engine: DockerClient, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = await asyncio.to_thread(ensure_standalone_image, engine)
    made = engine.containers.create(image, ["--port=1"], name=name, network_mode="none")
    monkeypatch.setattr(throwaway_docker, "_ours", lambda: {b"MemTotal": 1})
    assert (await throwaway(name, name).ground()).free_bytes is None
    made.start()
    free = (await throwaway(name, name).ground()).free_bytes
    assert free is not None
    assert free > 1 << 20


@pytest.mark.parametrize("program", ["python3", "bash"])
async def test_ways_in(engine: DockerClient, name: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    image = await asyncio.to_thread(ensure_standalone_image, engine)
    made = engine.containers.create(
        image, ["--port=6379", "--keys=10"], name=name, network_mode="none", environment={"DFLY_requirepass": "once"}
    )
    made.start()
    config = DockerConfig(host=DOCKER_HOST, container=name)
    monkeypatch.setattr(tunnel, "_WAYS", [each for each in tunnel._WAYS if each[0][0] == program])
    async with Tunnel(config, name, 6379, timeout_seconds=20) as way:
        there = InstanceConfig(name="x", url=f"redis://127.0.0.1:{way.port}")
        reader = DragonflyReader(there, FixedPassword("once"), clock=SystemClock(), timeout_seconds=5)

        async def answers() -> bool:
            try:
                return (await reader.snapshot()).keys == 10
            except Unreachable:
                return False

        await eventually(answers)
        made.kill()
        with pytest.raises(Unreachable):
            await reader.snapshot()
        await reader.aclose()
    monkeypatch.setattr(tunnel, "_WAYS", [])
    made.start()
    with pytest.raises(NotSupported, match="neither nc nor python3 nor bash"):
        await Tunnel(config, name, 6379, timeout_seconds=20).__aenter__()


async def test_how_a_container_is(engine: DockerClient, name: str) -> None:
    config = DockerConfig(host=DOCKER_HOST, container=name)
    with pytest.raises(DockerFailed, match="knows no container"):
        await life(config, 20)
    image = await asyncio.to_thread(ensure_standalone_image, engine)
    made = engine.containers.create(
        image, ["--port=1"], name=name, network_mode="none", log_config=LogConfig(type="none")
    )
    made.start()
    now = await life(config, 20)
    assert (now.runs, now.tells, now.end) == (True, False, ""), "its log cannot be read"
    made.kill()
    now = await life(config, 20)
    assert (now.runs, now.was_killed, now.end) == (False, True, "it ended with code 137")
    assert now.ended_at is not None
