"""What Docker answers, from a scripted engine on a Unix socket; tests/docker asks a real one."""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dfly_tui.clients.connect import open_clients
from dfly_tui.clients.docker import DockerContainers
from dfly_tui.errors import DockerFailed
from dfly_tui.settings import DockerConfig, InstanceConfig
from tests.support.clock import FakeClock
from tests.support.eventually import eventually
from tests.support.hostile import harmless
from tests.support.secrets import Password
from tests.support.servers import sweep_up_after_sdk

INSPECTED: dict[str, Any] = {
    "Id": "d65562ace4c8a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "Name": "/dragonfly",
    "Path": "entrypoint.sh",
    "Args": ["dragonfly", "--logtostderr", "--requirepass=hush", "--dbfilename=dump\u001b[2J"],
    "RestartCount": 4,
    "State": {
        "Status": "exited", "Running": False, "ExitCode": 137, "OOMKilled": True, "Health": {"Status": "unhealthy"},
        "StartedAt": "2026-01-02T03:04:05.123456789Z", "FinishedAt": "2026-01-03T03:04:05Z",
    },
    "HostConfig": {
        "Memory": 8 << 30, "NetworkMode": "host", "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
    },
    "Config": {"Tty": False, "Image": "docker.dragonflydb.io/dragonflydb/dragonfly:v1.22.2"},
    "Mounts": [
        {"Type": "volume", "Source": "/var/lib/docker/volumes/data/_data", "Destination": "/data", "RW": True},
        {"Type": "bind", "Source": "/etc/dragonfly", "Destination": "/etc/dragonfly", "RW": False},
    ],
}  # fmt: skip
LOG = b"I20260102 Starting dragonfly\n\x1b[31mred\x1b]0;title\x07\n"


@pytest.fixture(autouse=True)
def no_litter() -> Iterator[None]:
    yield
    sweep_up_after_sdk()


def framed(log: bytes) -> bytes:
    """A log as the engine sends it: a header before each piece."""
    return b"\x01\0\0\0" + len(log).to_bytes(4, "big") + log


def answer(path: str, inspected: dict[str, Any]) -> tuple[int, bytes]:
    if path.endswith("/version"):
        return 200, json.dumps({"ApiVersion": "1.41", "Version": "20.10"}).encode()
    if "/logs?" in path:
        return 200, framed(LOG)
    if path.endswith(("/containers/dragonfly/json", f"/containers/{inspected['Id']}/json")):
        return 200, json.dumps(inspected).encode()
    if "/containers/json" in path:
        return 200, json.dumps([{"Id": "x", "Names": ["/dragonfly"]}]).encode()
    return 404, b'{"message": "No such container"}'


@asynccontextmanager
async def engine(
    folder: Path, reply: Callable[[str], tuple[int, bytes] | None] = lambda path: answer(path, INSPECTED)
) -> AsyncIterator[str]:
    """A scripted engine; a reply of None keeps the client waiting. Yields its address."""

    conversations: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                found = reply(head.split(b" ")[1].decode())
                if found is None:
                    await asyncio.sleep(3600)
                    break
                status, body = found
                writer.write(b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n" % status)
                writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        conversations.discard(task)
        writer.transport.abort()

    path = folder / "docker.sock"
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()
        for task in conversations.copy():
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        await server.wait_closed()


def containers_of(host: str, name: str = "dragonfly", timeout: float = 5.0) -> DockerContainers:
    return DockerContainers(DockerConfig(host=host, container=name), clock=FakeClock(), timeout_seconds=timeout)


async def failure(containers: DockerContainers) -> DockerFailed:
    with pytest.raises(DockerFailed) as caught:
        await containers.container()
    await containers.aclose()
    return caught.value


async def test_everything_of_a_container(tmp_path: Path) -> None:
    async with engine(tmp_path) as host:
        containers = containers_of(host)
        seen = await containers.container()
        await containers.aclose()
    assert (seen.name, seen.id, seen.state, seen.health) == ("dragonfly", "d65562ace4c8", "exited", "unhealthy")
    assert (seen.restart_policy, seen.restarts, seen.exit_code, seen.oom_killed) == ("unless-stopped", 4, 137, True)
    assert seen.image == "docker.dragonflydb.io/dragonflydb/dragonfly:v1.22.2"
    assert seen.started_at == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert seen.finished_at == datetime(2026, 1, 3, 3, 4, 5, tzinfo=UTC)
    assert (seen.memory_limit_bytes, seen.network_mode) == (8 << 30, "host")
    assert [(mount.kind, mount.target, mount.writable) for mount in seen.mounts] == [
        ("volume", "/data", True), ("bind", "/etc/dragonfly", False),
    ]  # fmt: skip
    assert seen.command[:2] == ("entrypoint.sh", "dragonfly")
    assert "hush" not in repr(seen)
    assert seen.log[0] == "I20260102 Starting dragonfly"
    assert all(harmless(text) for text in (*seen.log, *seen.command))


async def test_what_may_be_absent(tmp_path: Path) -> None:
    bare = {
        "Id": "a" * 64, "Name": "/dragonfly", "State": {"Status": "running", "FinishedAt": "0001-01-01T00:00:00Z"},
        "HostConfig": {"RestartPolicy": {"Name": ""}}, "Config": {"Tty": False},
    }  # fmt: skip
    async with engine(tmp_path, lambda path: answer(path, bare)) as host:
        containers = containers_of(host)
        seen = await containers.container()
        await containers.aclose()
    assert (seen.health, seen.exit_code, seen.memory_limit_bytes, seen.finished_at) == (None, None, None, None)
    assert seen.restart_policy == "no"


async def test_a_log_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    def reply(path: str) -> tuple[int, bytes]:
        refused = b'{"message": "configured logging driver does not support reading"}'
        return (501, refused) if "/logs?" in path else answer(path, INSPECTED)

    async with engine(tmp_path, reply) as host:
        containers = containers_of(host)
        assert (await containers.container()).log == ()
        await containers.aclose()


async def test_a_name_that_is_nearly_right(tmp_path: Path) -> None:
    async with engine(tmp_path) as host:
        error = await failure(containers_of(host, "dragonflyy"))
    assert "dragonflyy" in error.detail
    assert error.hint == "did you mean dragonfly?"


async def test_no_engine(tmp_path: Path) -> None:
    error = await failure(containers_of(f"unix://{tmp_path}/absent.sock"))
    assert "there is no Docker engine at unix://" in error.detail
    error = await failure(containers_of("tcp://127.0.0.1:1"))
    assert "no Docker engine listens at tcp://127.0.0.1:1" in error.detail


async def test_an_engine_that_hangs_and_comes_back(tmp_path: Path) -> None:
    async with engine(tmp_path, lambda _: None) as host:
        containers = containers_of(host, timeout=0.2)
        with pytest.raises(DockerFailed) as caught:
            await containers.container()
        assert "did not answer within 200 ms" in caught.value.detail
    async with engine(tmp_path):

        async def recovered() -> bool:
            try:
                return (await containers.container()).name == "dragonfly"
            except DockerFailed:  # the question of before is still ending
                return False

        await eventually(recovered)
        await containers.aclose()


async def test_an_engine_that_talks_rubbish(tmp_path: Path) -> None:
    async with engine(tmp_path, lambda _: (500, b"\x1b[2J\xff<html>")) as host:
        error = await failure(containers_of(host))
    assert harmless(str(error))


async def test_ssh_without_paramiko_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.delitem(sys.modules, "docker.transport.sshconn", raising=False)
    error = await failure(containers_of("ssh://somebody@127.0.0.1:1"))
    assert "paramiko" in error.detail
    assert "dfly-tui[ssh]" in error.hint


@pytest.mark.parametrize(
    ("words", "detail"),
    [
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", "you may not use the Docker engine"),
        ("Server 'nas' not found in known_hosts", "not in known_hosts"),
        ("Error reading SSH protocol banner", "no SSH server answers"),
        ("Authentication failed.", "SSH to unix:///x was refused"),
        ("client version 1.50 is too new. Maximum supported API version is 1.41", "another API version"),
        ("[Errno -2] Name or service not known", "is not known"),
        ("\x1b[2J something new", "\\x1b[2J something new"),
    ],
)
async def test_words_of_the_sdk(monkeypatch: pytest.MonkeyPatch, words: str, detail: str) -> None:
    from docker.errors import DockerException

    containers = containers_of("unix:///x")

    def refuse(host: str, timeout: float) -> None:
        raise DockerException(f"Error while fetching server API version: {words}")

    monkeypatch.setattr("dfly_tui.clients.docker.knock", lambda host, timeout: None)
    monkeypatch.setattr("dfly_tui.clients.docker.connect", refuse)
    error = await failure(containers)
    assert detail in error.detail


async def test_an_instance_with_a_container_gets_a_client_for_it(tmp_path: Path) -> None:
    async with engine(tmp_path) as host:
        docker = DockerConfig(host=host, container="dragonfly")
        config = InstanceConfig(name="one", url="redis://unused.invalid", docker=docker)
        clients = open_clients(config, Password(), clock=FakeClock(), timeout_seconds=0.1)
        assert clients.containers is not None
        assert (await clients.containers.container()).name == "dragonfly"
        await clients.aclose()


@pytest.mark.parametrize("dripping", [False, True], ids=["without end", "a byte at a time"])
async def test_an_answer_without_end_is_cut_off(dripping: bool) -> None:
    piece = b" " if dripping else b" " * (1 << 16)
    async with endless(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", piece) as engine:
        error = await failure(containers_of(engine.host, timeout=1.0 if dripping else 20.0))
        assert ("within 1 s" if dripping else "sends more than a Docker engine would") in error.detail
        await eventually(engine.left_alone)
        assert engine.sent < 64 << 20


async def test_an_engine_whose_greeting_never_ends_holds_one_thread_however_often_it_is_asked() -> None:
    async with endless(b"HTTP/1.1 200 OK\r\nX-Padding: ", b"x") as engine:
        containers = containers_of(engine.host, timeout=0.1)
        for _ in range(5):
            with pytest.raises(DockerFailed, match="did not answer within 100 ms"):
                await containers.container()
        assert (engine.conversations, threads_asking()) == (1, 1)
    await eventually(nobody_asks)
    await containers.aclose()


@dataclass
class Endless:
    """A server that never comes to an end."""

    host: str = ""
    sent: int = 0
    conversations: int = 0
    open: int = 0

    async def left_alone(self) -> bool:
        return self.open == 0


@asynccontextmanager
async def endless(start: bytes, piece: bytes) -> AsyncIterator[Endless]:
    """Answers with `start`, then `piece` after `piece`, a small one every 20 ms."""
    seen = Endless()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        seen.conversations, seen.open = seen.conversations + 1, seen.open + 1
        with suppress(OSError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(start)
            while not writer.is_closing():
                writer.write(piece)
                seen.sent += len(piece)
                await writer.drain()
                await asyncio.sleep(0.02 if len(piece) == 1 else 0)
        seen.open -= 1
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.host = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def threads_asking() -> int:
    return sum(thread.name == "docker" for thread in threading.enumerate())


async def nobody_asks() -> bool:
    return threads_asking() == 0


RUBBISH = [
    b"", b"[]", b"{}", b"5", b"null", b'"x"', b'["x"]', b'[{"Names": [1]}]', b"[" * 100_000, b"9" * 5000, b"\xff",
    b'{"ApiVersion": "1.41/../.."}', b'{"message": ["x"]}',
]  # fmt: skip
OF_THE_CONTAINER = "/containers/dragonfly/json"


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("asked", ["/version", OF_THE_CONTAINER, "/containers/json"])
async def test_an_answer_that_is_not_docker_s_is_an_error_of_ours(tmp_path: Path, asked: str, status: int) -> None:
    rubbish = b""

    def reply(path: str) -> tuple[int, bytes]:
        if asked in path:
            return status, rubbish
        return (404, b"{}") if asked == "/containers/json" and "dragonfly" in path else answer(path, INSPECTED)

    async with engine(tmp_path, reply) as host:
        for rubbish in RUBBISH:
            error = await failure(containers_of(host))
            assert error.detail, rubbish
            assert harmless(str(error))


@pytest.mark.parametrize("rubbish", [b"{}", b"[]", b"[" * 100_000])
async def test_a_log_refused_in_strange_words_is_left_out(tmp_path: Path, rubbish: bytes) -> None:
    async with engine(tmp_path, lambda path: (500, rubbish) if "/logs?" in path else answer(path, INSPECTED)) as host:
        containers = containers_of(host)
        assert (await containers.container()).log == ()
        await containers.aclose()


async def test_of_a_log_of_a_million_lines_the_last_fifty_are_shown(tmp_path: Path) -> None:
    log = framed(b"a\n" * 1_000_000 + b"last\n\n")
    async with engine(tmp_path, lambda path: (200, log) if "/logs?" in path else answer(path, INSPECTED)) as host:
        containers = containers_of(host)
        lines = (await containers.container()).log
        await containers.aclose()
    assert (len(lines), lines[0], lines[-1]) == (50, "a", "last")


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "yesterday"])
async def test_a_time_that_no_clock_shows_is_not_known(tmp_path: Path, time: str) -> None:
    strange = INSPECTED | {"State": {"Status": "running", "StartedAt": time}, "Config": {}}
    async with engine(tmp_path, lambda path: answer(path, strange)) as host:
        containers = containers_of(host)
        seen = await containers.container()
        await containers.aclose()
    assert (seen.started_at, seen.log) == (None, ())


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Length: 100\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\nrubbish\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: nonsense\r\nContent-Length: 7\r\n\r\n{}",
        b"Location: http://elsewhere.invalid/\r\n\r\n",
    ],
    ids=["cut off", "bad chunks", "no gzip", "two lengths", "a redirect"],
)
async def test_a_broken_answer_is_an_error_of_ours(raw: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d OK\r\n" % (302 if b"Location" in raw else 200) + raw)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    error = await failure(containers_of(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    server.close()
    await server.wait_closed()
    assert "tcp://127.0.0.1" in error.detail
