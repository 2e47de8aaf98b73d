"""Reads what the Docker engine knows of an instance's container. The SDK blocks, so it runs in a thread."""

import asyncio
import concurrent.futures
import difflib
import json
import logging
import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_pascal

from dfly_tui.clients.redact import masked_arguments
from dfly_tui.clients.threads import awaited, start_daemon
from dfly_tui.clock import Clock, SystemClock
from dfly_tui.errors import DockerFailed
from dfly_tui.models.container import ContainerInfo, Mount
from dfly_tui.settings import DockerConfig
from dfly_tui.text import SafeText, safe, safe_lines
from dfly_tui.units import duration_text

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.api.client import APIClient
    from requests import Response

LOG_LINES = 50
MAX_ANSWER_BYTES = 16 << 20
"""Of one answer of the engine: what it says of a container is some 10 kB, fifty lines of a log some more."""
_ANY_VERSION = "1.24"
"""Of the API, to ask which one the engine speaks; every engine answers that."""
_LOG_LINE_LIMIT = 1000

_FAILURES: tuple[tuple[str, str, str], ...] = (
    (r"No such file", "there is no Docker engine at {host}", "is Docker installed and running here? set docker.host"),
    (
        r"Permission denied",
        "you may not use the Docker engine at {host}",
        "add yourself to the group docker, or set docker.host to an engine you may use",
    ),
    (r"Connection refused", "no Docker engine listens at {host}", "is it running? systemctl status docker"),
    (r"timed out|timeout", "the Docker engine at {host} did not answer in time", "it may be hanging or overloaded"),
    (r"Name or service not known|getaddrinfo|name resolution", "the host of {host} is not known", "check docker.host"),
    (
        r"validation error|recursion|integer string",
        "the engine at {host} does not answer like Docker",
        "check docker.host",
    ),
    (r"sends more than", "what listens at {host} sends more than a Docker engine would", "check docker.host"),
    (r"broken answer", "what listens at {host} broke off in the middle of an answer", "is Docker healthy there?"),
    (
        r"Connection aborted|Broken pipe|reset by peer",
        "the Docker engine at {host} hung up in the middle of a request",
        "was it restarted? systemctl status docker",
    ),
    (r"paramiko", "ssh:// needs the package paramiko", "install it with: uv tool install 'dfly-tui[ssh]'"),
    (
        r"known_hosts",
        "the SSH host of {host} is not in known_hosts",
        "connect to it once by hand: ssh, and accept its key",
    ),
    (r"SSH protocol banner|Unable to connect to port", "no SSH server answers at {host}", "check docker.host"),
    (r"Authentication failed|No authentication", "SSH to {host} was refused", "load your key: ssh-add"),
    (
        r"client version .* is too (new|old)|version .* is not supported",
        "the Docker engine at {host} speaks another API version",
        "update Docker",
    ),
    (r"Expecting value|LineTooLong|BadStatusLine", "what listens at {host} is no Docker engine", "check docker.host"),
)
"""What an error says, what we say, and what to do."""


class _Inspected(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")


class _Health(_Inspected):
    status: str = ""


class _State(_Inspected):
    status: str = "unknown"
    exit_code: int = 0
    oom_killed: bool = Field(False, alias="OOMKilled")
    started_at: str = ""
    finished_at: str = ""
    health: _Health | None = None


class _Policy(_Inspected):
    name: str = ""
    maximum_retry_count: int = 0


class _Host(_Inspected):
    memory: int = 0
    network_mode: str = ""
    restart_policy: _Policy = _Policy()


class _Mount(_Inspected):
    type: str = ""
    source: str = ""
    destination: str = ""
    rw: bool = Field(True, alias="RW")


class _Config(_Inspected):
    image: str = ""
    labels: dict[str, str] | None = None


class _Version(_Inspected):
    api_version: str = Field(pattern=r"^\d+\.\d+$", max_length=10)


class _Identified(_Inspected):
    id: str


class _Listed(_Inspected):
    names: tuple[str, ...] = ()


class _Container(_Inspected):
    """What we use of `docker inspect`."""

    id: str
    name: str
    path: str = ""
    args: tuple[str, ...] = ()
    restart_count: int = 0
    state: _State
    host_config: _Host
    config: _Config = _Config()
    mounts: tuple[_Mount, ...] = ()


class DockerContainers:
    """Reads one container; connects when first asked.

    Args:
        config: Engine and container. `unix://`, `tcp://`, and `ssh://` (which needs the extra `ssh`).
        timeout_seconds: For one look, all its requests together.
    """

    def __init__(self, config: DockerConfig, *, clock: Clock, timeout_seconds: float) -> None:
        self._config = config
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._client: DockerClient | None = None
        self._asking: concurrent.futures.Future[ContainerInfo] | None = None

    async def container(self) -> ContainerInfo:
        """State, health, restart policy, image, mounts, and the last 50 log lines.

        Raises:
            DockerFailed: The engine is absent, hangs or refuses us, or does not know the container.
        """
        # A thread cannot be stopped. One that hangs is waited for again, not joined by another.
        if self._asking is None or self._asking.done():
            self._asking = start_daemon(self._look, "docker")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await awaited(self._asking)
        except TimeoutError:
            waited = duration_text(self._timeout_seconds)
            raise DockerFailed(
                f"the Docker engine at {self._host} did not answer within {waited}", "it may be hanging or overloaded"
            ) from None

    async def aclose(self) -> None:
        """Close the connection to the engine; a later call opens it again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @property
    def _host(self) -> SafeText:
        return safe(self._config.host, limit=200)

    def _look(self) -> ContainerInfo:
        from docker.errors import NotFound

        try:
            knock(self._config.host, self._timeout_seconds)
            client = self._client = self._client or connect(self._config.host, self._timeout_seconds)
            try:
                found = _Container.model_validate(client.api.inspect_container(self._config.container))
            except NotFound:
                raise unknown_container(self._config.container, names_of(client.api), self._config.host) from None
            return _info(found, _log(client.api, found.id))
        except failures_of(self._config.host) as error:
            raise engine_failure(error, self._config.host) from error


def connect(host: str, timeout_seconds: float) -> "DockerClient":
    """A client of the engine at `host`, which has answered. `knock()` before.

    Raises:
        Exception: One of `failures_of()`.
    """
    from docker import DockerClient

    timeout = max(1, round(timeout_seconds))
    # The version is asked for here, not by the SDK, which would do so before its answers are bounded.
    asking = _bounded(DockerClient(base_url=host, timeout=timeout, version=_ANY_VERSION), timeout_seconds)
    try:
        version = _Version.model_validate(asking.api.version(api_version=False)).api_version
    finally:
        asking.close()
    return _bounded(DockerClient(base_url=host, timeout=timeout, version=version), timeout_seconds)


def names_of(api: "APIClient") -> list[str]:
    """The names of all containers, running or not."""
    listed = TypeAdapter(list[_Listed]).validate_python(api.containers(all=True))
    return [name.strip("/") for each in listed for name in each.names]


def identity_of(answer: object) -> str:
    """The id in an answer about one thing."""
    return _Identified.model_validate(answer).id


def _bounded(client: "DockerClient", timeout_seconds: float) -> "DockerClient":
    """Bounds what an answer may be: requests would take any number of bytes, a byte a minute."""
    from urllib3.exceptions import HTTPError

    clock = SystemClock()

    def read(response: "Response", **_: object) -> None:
        try:
            body = whole(response)
        except (OSError, HTTPError) as error:
            response.close()  # what is still to come is not waited for
            raise error if isinstance(error, OSError) else OSError(f"broken answer: {error}") from None
        # where requests keeps what it read
        response._content = body if response.ok else _complaint(body)
        response._content_consumed = True  # type: ignore[attr-defined]

    def whole(response: "Response") -> bytes:
        until, body = clock.monotonic() + timeout_seconds, bytearray()
        while chunk := response.raw.read1(1 << 16, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise OSError(f"sends more than {MAX_ANSWER_BYTES >> 20} MiB")
            if clock.monotonic() > until:
                raise TimeoutError("timed out in the middle of an answer")
        return bytes(body)

    client.api.hooks["response"].append(read)
    return client


def _complaint(body: bytes) -> bytes:
    """An error answer as the SDK takes it, which trips over any other."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, LookupError, TypeError, RecursionError):
        message = body[:400].decode("utf-8", "backslashreplace")
    return json.dumps({"message": str(message)}).encode()


def failures_of(host: str) -> tuple[type[Exception], ...]:
    """What is raised when the engine at `host` cannot be reached, hangs, refuses, or is none."""
    from docker.errors import DockerException

    # What json and pydantic say of an answer are ValueErrors and RecursionErrors.
    return (DockerException, OSError, ValueError, RecursionError, *_ssh_errors(host))


def engine_failure(error: Exception, host: str) -> DockerFailed:
    """What such an exception means."""
    words = str(error)
    for pattern, what, hint in _FAILURES:
        if re.search(pattern, words, re.IGNORECASE):
            return DockerFailed(what.format(host=safe(host, limit=200)), hint)
    return DockerFailed(safe(words, limit=300), "")


def unknown_container(wanted: str, names: Sequence[str], host: str) -> DockerFailed:
    """The engine does not know the container; `names` are those it knows."""
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.4) or sorted(names)[:5]
    hint = f"did you mean {', '.join(safe(name, limit=60) for name in near)}?" if near else "it has no containers"
    return DockerFailed(f"the engine at {safe(host, limit=200)} knows no container {safe(wanted, limit=80)}", hint)


def knock(host: str, timeout_seconds: float) -> None:
    """Try a Unix socket before the SDK does, which leaves its own open for the garbage collector when it fails."""
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(timeout_seconds)
            door.connect(host.removeprefix("unix://"))


def _ssh_errors(host: str) -> tuple[type[Exception], ...]:
    if not host.startswith("ssh://"):
        return ()
    try:
        from paramiko import SSHException
    except ImportError:
        return ()
    # paramiko logs the failures it raises; without any handler Python would print them over the screen.
    logger = logging.getLogger("paramiko")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return (SSHException,)


def _log(api: "APIClient", identity: str) -> tuple[SafeText, ...]:
    """The last lines; none where the logging driver cannot be read."""
    from docker.errors import APIError

    try:
        raw = api.logs(identity, tail=LOG_LINES)
    except (APIError, LookupError, TypeError):  # the SDK asks what container it is, and believes the answer
        return ()
    last = b"\n".join(raw.rstrip(b"\n").rsplit(b"\n", LOG_LINES)[-LOG_LINES:])
    return tuple(safe_lines(last, limit=_LOG_LINE_LIMIT)) if last else ()


def _info(seen: _Container, log: tuple[SafeText, ...]) -> ContainerInfo:
    state, finished_at = seen.state, _time(seen.state.finished_at)
    health = safe(state.health.status) if state.health else ""
    return ContainerInfo(
        name=safe(seen.name.removeprefix("/")),
        id=safe(seen.id[:12]),
        image=safe(seen.config.image),
        state=safe(state.status),
        health=None if health in ("", "none") else health,
        restart_policy=safe(seen.host_config.restart_policy.name) or "no",
        restart_max_retries=seen.host_config.restart_policy.maximum_retry_count,
        restarts=seen.restart_count,
        exit_code=state.exit_code if finished_at else None,
        oom_killed=state.oom_killed,
        started_at=_time(state.started_at),
        finished_at=finished_at,
        memory_limit_bytes=seen.host_config.memory or None,
        network_mode=safe(seen.host_config.network_mode),
        compose_files=_compose_files(seen.config.labels or {}),
        command=tuple(safe(word) for word in masked_arguments((seen.path, *seen.args))),
        mounts=tuple(
            Mount(kind=safe(each.type), source=safe(each.source), target=safe(each.destination), writable=each.rw)
            for each in seen.mounts
        ),
        log=log,
    )


def _compose_files(labels: Mapping[str, str]) -> tuple[SafeText, ...]:
    """The files docker compose made it from, by what compose wrote on it."""
    files = labels.get("com.docker.compose.project.config_files", "")
    return tuple(safe(file) for file in files.split(",") if file)


def _time(text: str) -> datetime | None:
    """Docker writes the year 1 for "never"."""
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year > 1 else None
