"""Changing a container, on a real Docker engine: what is asserted is what the engine says of it afterwards."""

import asyncio
from typing import Any

import pytest
from docker import DockerClient

from dfly_tui.clients.container_writer import ContainerWriter
from dfly_tui.clients.docker import DockerContainers
from dfly_tui.clients.engine import Engine
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DockerFailed, OutcomeUnknown
from dfly_tui.models.container import RestartPolicy
from dfly_tui.settings import DockerConfig
from tests.docker.support import of, run, writer_of
from tests.support.servers import DOCKER_HOST

pytestmark = pytest.mark.docker


class TestLife:
    async def test_the_restart_policy_is_read_and_set(self, engine: DockerClient, name: str) -> None:
        run(engine, name, restart_policy={"Name": "on-failure", "MaximumRetryCount": 3})
        writer = writer_of(name)
        before = await writer.restart_policy()
        assert before == RestartPolicy(name="on-failure", max_retries=3)
        assert str(before) == "on-failure:3"
        await writer.set_restart_policy(RestartPolicy(name="no"))
        assert of(engine, name)["HostConfig"]["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
        await writer.set_restart_policy(before)
        assert await writer.restart_policy() == before

    async def test_stop_and_start(self, engine: DockerClient, name: str) -> None:
        run(engine, name, restart_policy={"Name": "always"})
        writer = writer_of(name)
        assert not await writer.exited(0.0)
        await writer.stop(10)
        assert await writer.exited(0.0)
        assert of(engine, name)["State"]["ExitCode"] == 0  # it ended by itself, in time
        await writer.stop(1)  # harmless
        await writer.start()
        await writer.start()  # harmless
        assert of(engine, name)["State"]["Running"]

    async def test_a_paused_container_is_stopped_too(self, engine: DockerClient, name: str) -> None:
        run(engine, name).pause()
        await writer_of(name).stop(1)
        assert of(engine, name)["State"]["Status"] == "exited"

    async def test_waiting_for_the_end(self, engine: DockerClient, name: str) -> None:
        container = run(engine, name)
        waiting = asyncio.create_task(writer_of(name).exited(20.0))
        await asyncio.to_thread(container.kill)
        assert await waiting

    async def test_an_engine_that_refuses(self, engine: DockerClient, name: str) -> None:
        run(engine, name, auto_remove=True)
        with pytest.raises(DockerFailed) as caught:
            await writer_of(name).set_restart_policy(RestartPolicy(name="always"))
        assert "AutoRemove" in caught.value.detail

    async def test_a_container_that_does_not_exist(self, engine: DockerClient, name: str) -> None:
        run(engine, name)
        for change in (writer_of(name + "x").stop(1), writer_of(name + "x").recreate({"--port": "1"})):
            with pytest.raises(DockerFailed) as caught:
                await change
            assert name in caught.value.hint


class TestNoAnswer:
    async def test_a_request_that_is_not_answered_in_time(self, engine: DockerClient, name: str) -> None:
        """A process that does not hear SIGTERM: the engine takes its time, and the client has less."""
        run(engine, name, stop_signal="SIGCONT")
        with pytest.raises(OutcomeUnknown) as caught:
            await Impatient(
                DockerConfig(host=DOCKER_HOST, container=name), clock=SystemClock(), timeout_seconds=1
            ).stop(3)
        assert f"docker stop --time=3 {name}" in caught.value.detail
        assert "look again" in caught.value.hint
        assert await writer_of(name).exited(20.0)  # the engine went on with it


class Impatient(ContainerWriter):
    """Gives the engine a second less than it asks for."""

    def _engine(self) -> Engine:
        class Hasty(Engine):
            async def change(self, work: Any, line: str, *, extra_seconds: float = 0.0) -> Any:
                return await super().change(work, line)

        return Hasty(self._config, 1.0)


async def test_compose_says_where_a_container_comes_from(engine: DockerClient, name: str) -> None:
    files = "/srv/dragonfly/docker-compose.yml,/srv/dragonfly/override.yml"
    run(engine, name, labels={"com.docker.compose.project.config_files": files})
    containers = DockerContainers(
        DockerConfig(host=DOCKER_HOST, container=name), clock=SystemClock(), timeout_seconds=20
    )
    seen = await containers.container()
    await containers.aclose()
    assert seen.compose_files == ("/srv/dragonfly/docker-compose.yml", "/srv/dragonfly/override.yml")
