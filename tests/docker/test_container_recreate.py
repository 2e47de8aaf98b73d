"""Making a container again with other flags, on a real Docker engine: all else stays, and it can be undone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from docker import DockerClient
from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool, Mount

from dfly_tui.clients.container_writer import ContainerWriter
from dfly_tui.clock import SystemClock
from dfly_tui.errors import DockerFailed, Refused
from dfly_tui.models.container import RestartPolicy
from dfly_tui.settings import DockerConfig
from tests.docker.support import FLAGS, common, kept, make, of, ready, run, writer_of
from tests.support.eventually import eventually
from tests.support.images import answers, lab_container, remove_containers
from tests.support.lab import Client
from tests.support.servers import DOCKER_HOST, free_port

pytestmark = pytest.mark.docker


class TestRecreate:
    async def test_all_but_the_flag_stays(self, engine: DockerClient, name: str) -> None:
        """Volumes (named, anonymous, by --mount), ports, limits, labels, health check, user, restart policy."""
        container = run(
            engine, name, [*FLAGS, "--keys", "3"],
            environment={"DFLY_requirepass": "hush", "PYTHONDONTWRITEBYTECODE": "1"},
            labels={"com.example": "yes"}, hostname="nas", user="0:0",
            restart_policy={"Name": "on-failure", "MaximumRetryCount": 4}, mem_limit="256m", cap_drop=["NET_RAW"],
            ulimits=[{"Name": "nofile", "Soft": 2048, "Hard": 4096}], stop_signal="SIGINT",
            volumes=[f"{name}-data:/data", "/anonymous", "/tmp:/host:ro"], mounts=[Mount("/by-mount", None)],
            tmpfs={"/scratch": "size=1m"},
            healthcheck={"test": ["CMD", "/usr/bin/true"], "interval": 5_000_000_000},
        )  # fmt: skip
        before = of(engine, name)
        try:
            await writer_of(name).recreate({"--port": "7002", "--replicaof": "127.0.0.1:6379"})
            after = of(engine, name)
            assert after["Id"] != before["Id"]
            assert after["Config"]["Cmd"] == [
                "--data-dir", "/data", "--keys", "3", "--port=7002", "--replicaof=127.0.0.1:6379",
            ]  # fmt: skip
            assert after["State"]["Running"]
            assert common(after, "Cmd") == common(before, "Cmd")
            assert after["Config"]["Hostname"] == "nas"
            volumes = [{(each.get("Name"), each["Destination"], each["RW"]) for each in seen["Mounts"]}
                       for seen in (before, after)]  # fmt: skip
            assert volumes[0] == volumes[1]
            assert {"/data", "/anonymous", "/by-mount", "/host"} <= {target for _, target, _ in volumes[0]}
            assert kept(engine, name) == [f"{name}-before-{str(container.id)[:12]}"]
            assert of(engine, kept(engine, name)[0])["HostConfig"]["RestartPolicy"]["Name"] == "no"
            await writer_of(name).remove_previous()
            assert kept(engine, name) == []
            await writer_of(name).remove_previous()  # harmless
            assert {each["Name"] for each in after["Mounts"] if each["Type"] == "volume"} <= {
                volume.name for volume in engine.volumes.list()
            }
        finally:
            remove_containers(engine, name)
            for mount in before["Mounts"]:
                if mount["Type"] == "volume":
                    engine.volumes.get(mount["Name"]).remove()

    async def test_a_hostname_nobody_chose_follows_the_id(self, engine: DockerClient, name: str) -> None:
        run(engine, name)
        await writer_of(name).recreate({"--keys": "5"})
        assert of(engine, name)["Config"]["Hostname"] == of(engine, name)["Id"][:12]

    async def test_a_flag_is_taken_away(self, engine: DockerClient, name: str) -> None:
        make(engine, name, [*FLAGS, "--keys", "9"], environment={"DFLY_keys": "9", "X": "1"})
        await writer_of(name).recreate({"--keys": None})
        config = of(engine, name)["Config"]
        assert config["Cmd"] == FLAGS
        assert [each for each in config["Env"] if not each.startswith("PATH=")] == ["X=1"]

    async def test_networks_with_aliases_and_addresses(self, engine: DockerClient, name: str) -> None:
        pools = [IPAMConfig(pool_configs=[IPAMPool(subnet=f"10.213.{number}.0/24")]) for number in (1, 2)]
        try:
            networks = [engine.networks.create(f"{name}-{number}", ipam=pools[number - 1]) for number in (1, 2)]
        except APIError as error:
            pytest.skip(f"this engine makes no networks: {error.explanation}")
        try:
            container = make(engine, name, network=f"{name}-1")
            networks[0].disconnect(container)
            networks[0].connect(container, ipv4_address="10.213.1.77", aliases=["cache"])
            networks[1].connect(container, aliases=["other"])
            container.start()
            ready(container)
            await writer_of(name).recreate({"--keys": "5"})
            after = of(engine, name)["NetworkSettings"]["Networks"]
            assert after[f"{name}-1"]["IPAddress"] == "10.213.1.77"
            short = of(engine, name)["Id"][:12]
            assert set(after[f"{name}-1"]["Aliases"]) == {"cache", short}
            assert set(after[f"{name}-2"]["Aliases"]) == {"other", short}
        finally:
            remove_containers(engine, name)
            for network in networks:
                network.remove()

    async def test_when_the_new_one_does_not_start_all_is_as_before(self, engine: DockerClient, name: str) -> None:
        container = run(engine, name, restart_policy={"Name": "always"}, volumes=["/tmp:/host:ro"])
        before = of(engine, name)
        writer = BreaksTheRecipe(
            DockerConfig(host=DOCKER_HOST, container=name), clock=SystemClock(), timeout_seconds=20
        )
        with pytest.raises(DockerFailed) as caught:
            await writer.recreate({"--keys": "5"})
        assert "no-such-program" in caught.value.detail
        after = of(engine, name)
        assert after["Id"] == container.id
        assert after["State"]["Running"]
        assert after["HostConfig"] == before["HostConfig"]
        assert kept(engine, name) == []

    async def test_it_can_be_undone(self, engine: DockerClient, name: str) -> None:
        container = run(engine, name, restart_policy={"Name": "unless-stopped"})
        writer = writer_of(name)
        await writer.recreate({"--keys": "5"})
        ready(engine.containers.get(name))
        await writer.restore_previous()
        after = of(engine, name)
        assert (after["Id"], after["State"]["Running"]) == (container.id, True)
        assert after["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        assert kept(engine, name) == []
        with pytest.raises(DockerFailed):
            await writer.restore_previous()

    async def test_a_half_done_one_can_be_undone(self, engine: DockerClient, name: str) -> None:
        """As after a crash between putting the old one aside and making the new one."""
        container = run(engine, name)
        container.stop(timeout=1)
        container.rename(f"{name}-before-{str(container.id)[:12]}")
        await writer_of(name).restore_previous()
        assert of(engine, name)["Id"] == container.id
        assert of(engine, name)["State"]["Running"]

    async def test_only_what_was_put_aside_is_removed(self, engine: DockerClient, name: str) -> None:
        run(engine, f"{name}-before-0123456789ab").stop(timeout=1)
        await writer_of(name).remove_previous()
        assert kept(engine, name) == [f"{name}-before-0123456789ab"]

    async def test_one_that_was_cut_off_before_the_new_one_started_is_done_anew(
        self, engine: DockerClient, name: str
    ) -> None:
        """The half-made one, which has the restart policy by then, is not kept as if it had been there before."""
        container = run(engine, name, volumes=["/tmp:/host"])
        container.stop(timeout=1)
        container.rename(f"{name}-before-{str(container.id)[:12]}")
        half = make(engine, name, volumes=["/tmp:/host"], restart_policy={"Name": "unless-stopped"})
        await writer_of(name).recreate({"--keys": "5"})
        after = of(engine, name)
        assert (after["State"]["Status"], after["Config"]["Cmd"][-1]) == ("running", "--keys=5")
        assert after["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        assert half.id not in [each.id for each in engine.containers.list(all=True)]
        assert kept(engine, name) == [f"{name}-before-{str(container.id)[:12]}"]

    @pytest.mark.parametrize("volumes", [["/tmp:/host"], ["/tmp:/host:ro"], []], ids=["volume", "read-only", "none"])
    async def test_all_that_was_put_aside_is_removed_but_what_holds_files(
        self, engine: DockerClient, name: str, volumes: list[str]
    ) -> None:
        run(engine, name, volumes=volumes)
        for keys in ("5", "6"):
            await writer_of(name).recreate({"--keys": keys})
        aside = kept(engine, name)
        assert len(aside) == 2
        stay = [] if volumes == ["/tmp:/host"] else aside
        assert sorted(await writer_of(name).remove_previous()) == sorted(stay)
        assert kept(engine, name) == stay

    async def test_nothing_is_removed_when_nothing_is_in_its_place(self, engine: DockerClient, name: str) -> None:
        container = run(engine, name, volumes=["/tmp:/host"])
        container.stop(timeout=1)
        container.rename(aside := f"{name}-before-{str(container.id)[:12]}")
        assert await writer_of(name).remove_previous() == (aside,)
        assert kept(engine, name) == [aside]

    @pytest.mark.parametrize(
        ("command", "settings", "words"),
        [
            (FLAGS, {"entrypoint": ["/bin/sh", "-c", "exec dragonfly"]}, "a line for a shell"),
            (FLAGS, {"auto_remove": True}, "--rm"),
        ],
    )
    async def test_what_cannot_be_made_again_is_left_alone(
        self, engine: DockerClient, name: str, command: list[str], settings: dict[str, Any], words: str
    ) -> None:
        container = make(engine, name, command, **settings)
        with pytest.raises(Refused) as caught:
            await writer_of(name).recreate({"--port": "1"})
        assert words in caught.value.detail
        assert of(engine, name)["Id"] == container.id

    async def test_a_container_configured_by_its_id_is_left_alone(self, engine: DockerClient, name: str) -> None:
        container = run(engine, name)
        with pytest.raises(Refused) as caught:
            await writer_of(str(container.id)[:12]).recreate({"--port": "1"})
        assert "docker.container" in caught.value.hint
        assert of(engine, name)["State"]["Running"]


class BreaksTheRecipe(ContainerWriter):
    """Makes containers that do not start."""

    async def _create(self, engine: Any, new: Any) -> str:
        new.body["Entrypoint"] = ["/no-such-program"]  # the engine takes that, but cannot start it
        return await super()._create(engine, new)


class TestTheLabInAContainer:
    async def test_an_old_primary_is_made_again_as_a_replica(self, engine: DockerClient, name: str) -> None:
        """The way back after a takeover: same container, same data folder, `--replicaof`, no moment as a primary."""
        async with two_labs(engine, name) as (old, new):
            async with Client(new) as ask:
                assert await ask("SET", "written", "on the new one") == "OK"
            writer = writer_of(name)
            await writer.recreate({"--replicaof": f"127.0.0.1:{new}"})
            await answers(old)

            async def has_it() -> bool:
                async with Client(old) as ask:
                    role = await ask("ROLE")
                    return bool(role[0] == "slave" and await ask("GET", "written") == "on the new one")

            await eventually(has_it)
            await writer.recreate({"--replicaof": None})
            await answers(old)
            async with Client(old) as ask:
                assert (await ask("ROLE"))[0] == "master"

    async def test_a_restart_policy_brings_it_back_unless_it_is_fenced(self, engine: DockerClient, name: str) -> None:
        port = free_port()
        async with lab_container(engine, name=name, port=port, arguments=["--flavour=1.22"]):
            writer = writer_of(name)
            await writer.set_restart_policy(RestartPolicy(name="no"))
            async with Client(port) as ask:
                ask.send("SHUTDOWN")
            assert await writer.exited(20.0)
            await writer.set_restart_policy(RestartPolicy(name="unless-stopped"))
            await writer.start()
            await answers(port)
            async with Client(port) as ask:
                ask.send("SHUTDOWN")

            async def restarted() -> bool:
                return bool(of(engine, name)["RestartCount"] == 1)

            await eventually(restarted)


@asynccontextmanager
async def two_labs(engine: DockerClient, name: str) -> AsyncIterator[tuple[int, int]]:
    """Two primaries, one in a container of that name; yields their ports."""
    ports = free_port(), free_port()
    async with (
        lab_container(engine, name=name, port=ports[0]),
        lab_container(engine, name=f"{name}-new", port=ports[1]),
    ):
        yield ports
