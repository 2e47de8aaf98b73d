"""Changing a container through a scripted engine: what it is sent, how often, and what its silence means.

tests/docker does it to real containers.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from dfly_tui.clients import container_writer
from dfly_tui.clients.container_recipe import Inspected, recipe
from dfly_tui.clients.container_writer import ContainerWriter
from dfly_tui.errors import DockerFailed, OutcomeUnknown, Refused
from dfly_tui.models.container import RestartPolicy
from dfly_tui.settings import DockerConfig
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.servers import sweep_up_after_sdk

ID = "d65562ace4c8a1b2c3d4e5f60718293a4b5c6d7e8f90"
NEW_ID = "11112222333344445555666677778888999900001111"
OLD: dict[str, Any] = {
    "Id": ID, "Name": "/dragonfly", "Created": "2026-01-02T03:04:05Z", "Image": "sha256:aa",
    "State": {"Running": True}, "Mounts": [], "NetworkSettings": {"Networks": {}},
    "Config": {
        "Image": "dragonfly:v1.40.1", "Hostname": ID[:12], "Entrypoint": ["entrypoint.sh"],
        "Cmd": ["dragonfly", "--logtostderr"], "Env": ["DFLY_requirepass=hush"],
        "StopTimeout": 0,
    },
    "HostConfig": {"NetworkMode": "host", "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}},
}  # fmt: skip
DROP, HANG = "drop", "hang"
Answers = dict[str, str | int]


@pytest.fixture(autouse=True)
def no_litter() -> Iterator[None]:
    yield
    sweep_up_after_sdk()


class ScriptedEngine:
    """An engine with one container, on a Unix socket.

    Args:
        answers: The end of a path (`/stop`) → an HTTP status, DROP or HANG, instead of success.

    Attributes:
        changes: Every request that changes something, `POST /stop`, in order.
        bodies: The bodies of these, by path.
    """

    def __init__(self, folder: Path, answers: Answers | None = None) -> None:
        self.host = f"unix://{folder / 'docker.sock'}"
        self.answers = answers or {}
        self.changes: list[str] = []
        self.bodies: dict[str, Any] = {}
        self._conversations: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.host.removeprefix("unix://"))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next((line for line in head.split("\r\n") if line.lower().startswith("content-length:")), ":0")
                body = await reader.readexactly(int(length.partition(":")[2]))
                method, target, _ = head.split(" ", 2)
                answer = self._answer(method, target.split("?")[0], body)
                if answer in (DROP, HANG):
                    await asyncio.sleep(3600 if answer == HANG else 0)
                    break
                status, data = answer
                writer.write(b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n" % status)
                writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        writer.transport.abort()

    def _answer(self, method: str, path: str, body: bytes) -> Any:
        last = "/" + path.rsplit("/", 1)[1]
        if method != "GET":
            short = last if not last.startswith(("/" + ID, "/" + NEW_ID)) else last[:5]
            self.changes.append(f"{method} {short}")
            self.bodies[short] = json.loads(body) if body else None
            told = self.answers.get(short, 204)
            if isinstance(told, str):
                return told
            made = {"Id": NEW_ID, "Warnings": []} if told < 400 else {"message": "no, said the engine"}
            return (201 if short in {"/create", "/update"} and told == 204 else told), json.dumps(made).encode()
        if path.endswith("/version"):
            return 200, json.dumps({"ApiVersion": "1.41", "Version": "20.10"}).encode()
        if "/images/" in path:
            return 200, b'{"Id": "sha256:aa"}'
        if path.endswith("/containers/json"):
            return 200, json.dumps([{"Id": ID, "Names": ["/dragonfly"]}]).encode()
        return 200, json.dumps(OLD).encode()


def writer_of(host: str, timeout: float = 5.0) -> ContainerWriter:
    return ContainerWriter(DockerConfig(host=host, container="dragonfly"), clock=FakeClock(), timeout_seconds=timeout)


Change = Callable[[ContainerWriter], Awaitable[None]]
SINGLE: dict[str, Change] = {
    "/update": lambda writer: writer.set_restart_policy(RestartPolicy(name="no")),
    "/stop": lambda writer: writer.stop(0),
    "/start": lambda writer: writer.start(),
}
STEPS = ["POST /stop", "POST /rename", "POST /create", "POST /update", "POST /start"]


@pytest.mark.parametrize("path", SINGLE)
class TestOneRequest:
    async def test_it_is_sent_once(self, tmp_path: Path, path: str) -> None:
        async with ScriptedEngine(tmp_path) as engine:
            await SINGLE[path](writer_of(engine.host))
        assert engine.changes == [f"POST {path}"]

    @pytest.mark.parametrize("silence", [DROP, HANG])
    async def test_no_answer_is_an_unknown_outcome(self, tmp_path: Path, path: str, silence: str) -> None:
        async with ScriptedEngine(tmp_path, {path: silence}) as engine:
            with pytest.raises(OutcomeUnknown) as caught:
                await SINGLE[path](writer_of(engine.host, timeout=0.5))
        assert engine.changes == [f"POST {path}"]
        assert "dragonfly" in caught.value.detail
        assert "look again" in caught.value.hint

    async def test_a_refusal(self, tmp_path: Path, path: str) -> None:
        async with ScriptedEngine(tmp_path, {path: 500}) as engine:
            with pytest.raises(DockerFailed) as caught:
                await SINGLE[path](writer_of(engine.host))
        assert engine.changes == [f"POST {path}"]
        assert "no, said the engine" in caught.value.detail

    async def test_no_engine(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(DockerFailed) as caught:
            await SINGLE[path](writer_of(f"unix://{tmp_path}/none.sock"))
        assert "no Docker engine" in caught.value.detail

    async def test_cancelled_while_waiting(self, tmp_path: Path, path: str) -> None:
        async with ScriptedEngine(tmp_path, {path: HANG}) as engine:

            async def arrived() -> bool:
                return engine.changes != []

            task = asyncio.ensure_future(SINGLE[path](writer_of(engine.host)))
            await eventually(arrived)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert engine.changes == [f"POST {path}"]


class TestRecreate:
    async def test_its_steps(self, tmp_path: Path) -> None:
        async with ScriptedEngine(tmp_path) as engine:
            await writer_of(engine.host).recreate({"--replicaof": "10.0.0.1:6379"})
        assert engine.changes == STEPS
        made = engine.bodies["/create"]
        assert made["Cmd"] == ["dragonfly", "--logtostderr", "--replicaof=10.0.0.1:6379"]
        assert made["Env"] == ["DFLY_requirepass=hush"]
        assert made["HostConfig"]["RestartPolicy"]["Name"] == "always"
        assert "Hostname" not in made

    @pytest.mark.parametrize("silence", [DROP, HANG])
    @pytest.mark.parametrize("step", STEPS)
    async def test_after_a_step_without_an_answer_nothing_more_is_sent(
        self, tmp_path: Path, step: str, silence: str
    ) -> None:
        async with ScriptedEngine(tmp_path, {step.removeprefix("POST "): silence}) as engine:
            writer = writer_of(engine.host, timeout=0.5)
            with pytest.raises(OutcomeUnknown):
                await writer.recreate({"--replicaof": "10.0.0.1:6379"})
        assert engine.changes == STEPS[: STEPS.index(step) + 1]

    @pytest.mark.parametrize(
        ("refused", "then"),
        [
            ("/stop", []),
            ("/rename", ["POST /start"]),
            ("/create", ["POST /rename", "POST /update", "POST /start"]),
            ("/start", ["DELETE /1111", "POST /rename", "POST /update", "POST /start"]),
        ],
    )
    async def test_after_a_refusal_it_is_put_back(self, tmp_path: Path, refused: str, then: list[str]) -> None:
        async with ScriptedEngine(tmp_path, {refused: 500}) as engine:
            with pytest.raises(DockerFailed) as caught:
                await writer_of(engine.host).recreate({"--replicaof": "10.0.0.1:6379"})
        assert engine.changes == [*STEPS[: STEPS.index(f"POST {refused}") + 1], *then]
        assert "no, said the engine" in caught.value.detail
        # Where even the old one cannot be started again, that is said.
        assert ("could not be put back" in caught.value.hint) == (refused == "/start")


def inspected(**parts: Any) -> Inspected:
    """A container's inspection; `Config` and `HostConfig` are added to, the rest replaced."""
    merged = OLD | {key: OLD[key] | value if key in {"Config", "HostConfig"} else value for key, value in parts.items()}
    return Inspected.model_validate(merged)


def made_of(old: Inspected, image: str | None = "sha256:aa", **arguments: str | None) -> dict[str, Any]:
    return recipe(old, {f"--{name}": value for name, value in arguments.items()}, image).body


class TestRecipe:
    @pytest.mark.parametrize(
        ("command", "value", "made"),
        [
            (["d", "--replicaof=a:1", "--port", "1"], "b:2", ["d", "--port", "1", "--replicaof=b:2"]),
            (["d", "--replicaof", "a:1", "--port", "1"], "b:2", ["d", "--port", "1", "--replicaof=b:2"]),
            (["d", "-replicaof=a:1"], "b:2", ["d", "--replicaof=b:2"]),
            (["d", "--replicaof", "--port=1"], "b:2", ["d", "--port=1", "--replicaof=b:2"]),
            (["d", "--replicaof_x=1", "--x=replicaof=1"], None, ["d", "--replicaof_x=1", "--x=replicaof=1"]),
            (None, "b:2", ["--replicaof=b:2"]),
        ],
    )
    def test_flags(self, command: list[str] | None, value: str | None, made: list[str]) -> None:
        assert made_of(inspected(Config={"Cmd": command}), replicaof=value)["Cmd"] == made

    def test_a_flag_of_the_entrypoint_is_replaced(self) -> None:
        made = made_of(inspected(Config={"Entrypoint": ["d", "--replicaof=a:1"], "Cmd": None}), replicaof="b:2")
        assert (made["Entrypoint"], made["Cmd"]) == (["d"], ["--replicaof=b:2"])

    def test_a_variable_stays_where_a_flag_wins_and_goes_with_the_flag(self) -> None:
        old = inspected(Config={"Env": ["DFLY_replicaof=a:1", "DFLY_replicaof_x=1"]})
        assert made_of(old, replicaof="b:2")["Env"] == ["DFLY_replicaof=a:1", "DFLY_replicaof_x=1"]
        assert made_of(old, replicaof=None)["Env"] == ["DFLY_replicaof_x=1"]

    def test_the_same_image_though_its_tag_moved_on(self) -> None:
        assert made_of(inspected())["Image"] == "dragonfly:v1.40.1"
        assert made_of(inspected(), image="sha256:bb")["Image"] == "sha256:aa"
        assert made_of(inspected(), image=None)["Image"] == "sha256:aa"

    @pytest.mark.parametrize(
        ("hostname", "mode", "kept"), [("nas", "bridge", True), (ID[:12], "bridge", False), ("x", "container:y", False)]
    )
    def test_a_host_name_that_was_chosen_is_kept(self, hostname: str, mode: str, kept: bool) -> None:
        old = inspected(Config={"Hostname": hostname}, HostConfig={"NetworkMode": mode})
        assert ("Hostname" in made_of(old)) == kept

    def test_volumes_keep_their_names(self) -> None:
        old = inspected(
            HostConfig={
                "Binds": ["data:/data:rw", "/anonymous"],
                "Mounts": [{"Type": "volume", "Target": "/by-mount"}, {"Type": "tmpfs", "Target": "/t"}],
            },
            Mounts=[
                {"Type": "volume", "Name": name, "Destination": target, "RW": name != "cc"}
                for name, target in (("data", "/data"), ("aa", "/anonymous"), ("bb", "/by-mount"), ("cc", "/of-image"))
            ],
        )
        host = made_of(old)["HostConfig"]
        assert host["Binds"] == ["data:/data:rw", "aa:/anonymous", "cc:/of-image:ro"]
        assert host["Mounts"] == [
            {"Type": "volume", "Target": "/by-mount", "Source": "bb"}, {"Type": "tmpfs", "Target": "/t"},
        ]  # fmt: skip

    def test_networks(self) -> None:
        endpoints = {
            "one": {"IPAMConfig": None, "Aliases": [ID[:12]], "NetworkID": "n1", "IPAddress": "10.0.0.9"},
            "two": {"IPAMConfig": {"IPv4Address": "10.0.1.7"}, "Aliases": ["cache", ID[:12]], "NetworkID": "n2"},
        }
        old = inspected(HostConfig={"NetworkMode": "n2"}, NetworkSettings={"Networks": endpoints})
        made = recipe(old, {}, "sha256:aa")
        assert made.body["NetworkingConfig"] == {
            "EndpointsConfig": {"two": {"IPAMConfig": {"IPv4Address": "10.0.1.7"}, "Aliases": ["cache"]}}
        }
        assert list(made.further_networks) == ["one"]
        assert made.further_networks["one"].aliases is None

    @pytest.mark.parametrize(
        "parts",
        [
            {"Config": {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["dragonfly --port 1"]}},
            {"Config": {"Entrypoint": None, "Cmd": ["bash", "-c", "dragonfly"]}},
            {"HostConfig": {"AutoRemove": True}},
        ],
    )
    def test_what_cannot_be_made_again(self, parts: dict[str, Any]) -> None:
        with pytest.raises(Refused):
            made_of(inspected(**parts), replicaof="b:2")

    def test_secrets_are_not_in_its_repr(self) -> None:
        assert "hush" not in repr(inspected(Config={"Cmd": ["d", "--requirepass=hush"]}))
        assert "hush" not in repr(recipe(inspected(), {}, None))


def test_the_command_lines_that_are_shown() -> None:
    here = DockerConfig(container="dragonfly")
    there = DockerConfig(host="ssh://nas", container="my cache")
    assert container_writer.stop_text(here, 10) == "docker stop --time=10 dragonfly"
    assert container_writer.start_text(there) == "docker -H ssh://nas start 'my cache'"
    policy = RestartPolicy(name="on-failure", max_retries=3)
    assert container_writer.restart_policy_text(here, policy) == "docker update --restart=on-failure:3 dragonfly"
    told = container_writer.recreate_text(here, {"--replicaof": "10.0.0.1:6379", "--keys": None})
    assert "--replicaof=10.0.0.1:6379" in told
    assert "without --keys" in told
