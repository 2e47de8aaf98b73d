"""A server that lives for one look at a backup, in a container of its own of which nothing is left afterwards.

It is made of the instance's image and gets of the instance nothing else: no volume, no network, no password. It has a
memory limit, no port, and is not started again. Its labels say whose it is, so that one that a program left behind when
it was killed is removed by the next.
"""

import secrets
import shlex
import tarfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_pascal

from dfly_tui.clients.container_files import Ran, put_archive, run
from dfly_tui.clients.container_log import Life, life_of
from dfly_tui.clients.container_recipe import Inspected
from dfly_tui.clients.container_writer import LOCAL_ENGINE
from dfly_tui.clients.docker import engine_failure, failures_of, identity_of, names_of, unknown_container
from dfly_tui.clients.engine import Engine
from dfly_tui.clients.owners import is_gone, this_process
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clients.stores.pump import fed
from dfly_tui.clients.throwaway import FOLDER, PORT, FixedPassword, Trial
from dfly_tui.clients.tunnel import Tunnel
from dfly_tui.clock import Clock
from dfly_tui.errors import DflyError, DockerFailed, StoreFailed
from dfly_tui.settings import DockerConfig, InstanceConfig
from dfly_tui.text import safe

if TYPE_CHECKING:
    from docker.api.client import APIClient

LABEL = "dfly-tui.throwaway"
_OWNER, _UNTIL = f"{LABEL}.owner", f"{LABEL}.until"
MOST_LIFE = timedelta(hours=1)
_MEMORY = Path("/proc/meminfo")
_TAR_END = bytes(2 * tarfile.BLOCKSIZE)


class Ground(NamedTuple):
    """What the engine has for a throw-away server.

    Attributes:
        image: The id of the image; None when it is not there.
        image_name: As it was asked for.
        free_bytes: Memory that is free on that machine; None where nobody can tell.
        total_bytes: All of its memory.
    """

    image: str | None
    image_name: str
    free_bytes: int | None
    total_bytes: int | None


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")


class _ImageConfig(_Answer):
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None


class _Image(_Answer):
    id: str
    config: _ImageConfig = _ImageConfig()


class _Listed(_Answer):
    id: str
    labels: dict[str, str] | None = None


class _Machine(_Answer):
    mem_total: int = 0


class DockerThrowaway:
    """One in a container, on the engine the instance runs on.

    Args:
        config: Engine, and the instance's container.
        image: Which to take instead of the instance's own.
        timeout_seconds: For each request to the engine.
    """

    def __init__(
        self, config: DockerConfig, trial: Trial, *, image: str | None, clock: Clock, timeout_seconds: float
    ) -> None:
        self._config = config
        self._trial = trial
        self._image = image
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._password = secrets.token_urlsafe(24)
        self._container = ""
        self._tunnel: Tunnel | None = None

    @property
    def name(self) -> str:
        return f"dfly-tui-drill-{self._trial.run}"

    @property
    def commands(self) -> tuple[str, ...]:
        same = f"$({self._docker('inspect', '--format={{.Image}}', self._config.container)})"
        image = same if self._image is None else shlex.quote(self._image)
        limits = ("--network=none", f"--memory={self._trial.memory_bytes}", "--restart=no", "--env=DFLY_requirepass")
        create = self._docker("create", f"--name={self.name}", f"--label={LABEL}={self._trial.run}", *limits)
        return (
            f"{create} {image} {shlex.join(self._trial.flags)}",
            f"put the set into {FOLDER} of it",
            self._docker("start", self.name),
        )

    @property
    def remove_text(self) -> str:
        return self._docker("rm", "--force", "--volumes", self.name)

    async def ground(self) -> Ground:
        """What there is to make it of."""
        async with self._engine() as engine:
            old = await engine.ask(lambda api: _inspected(api, self._config))
            name = self._image or old.image
            image = await engine.ask(lambda api: _image(api, name))
            machine = await engine.ask(lambda api: _Machine.model_validate(api.info()))
            free = await engine.ask(lambda api: _free_memory(api, old, machine))
        shown = self._image or old.config.image
        return Ground(image.id if image else None, safe(shown, limit=200), free, machine.mem_total or None)

    async def create(self) -> None:
        await self.sweep()
        async with self._engine() as engine:
            old = await engine.ask(lambda api: _inspected(api, self._config))
            image = await engine.ask(lambda api: _image(api, self._image or old.image))
            if image is None:
                raise DockerFailed(f"the engine has no image {safe(self._image or old.image, limit=200)}", "pull it")
            body = self._body(old, image)
            self._container = await engine.change(
                lambda api: identity_of(api.create_container_from_config(body, self.name)),  # type: ignore[no-untyped-call]
                self.commands[0],
            )
            folder = _entry(FOLDER.strip("/"), tarfile.DIRTYPE, 0o755, 0, self._clock.now())
            await engine.change(lambda api: put_archive(api, self._container, "/", iter([folder, _TAR_END])), FOLDER)

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        name, at = f"{FOLDER.strip('/')}/{name}", modified_at or self._clock.now()
        async with self._engine() as engine:
            api = await engine.ask(lambda api: api)
            try:
                await fed(
                    lambda pieces: put_archive(api, self._container, "/", _tar(name, size_bytes, at, pieces)), content
                )
            except failures_of(self._config.host) as error:
                raise engine_failure(error, self._config.host) from error

    async def start(self) -> None:
        async with self._engine() as engine:
            await engine.change(lambda api: api.start(self._container), self.commands[2])

    async def look(self) -> Life:
        async with self._engine() as engine:
            return await engine.ask(lambda api: life_of(api, self._container))

    async def open(self) -> tuple[InstanceConfig, PasswordProvider]:
        if self._tunnel is None:
            tunnel = Tunnel(self._config, self._container, PORT, timeout_seconds=self._timeout_seconds)
            self._tunnel = await tunnel.__aenter__()
        config = InstanceConfig(name="throw-away", url=f"redis://127.0.0.1:{self._tunnel.port}")
        return config, FixedPassword(self._password)

    async def remove(self) -> None:
        if self._tunnel is not None:
            await self._tunnel.__aexit__()
            self._tunnel = None
        async with self._engine() as engine:
            for each in await engine.ask(lambda api: _listed(api, f"{LABEL}={self._trial.run}")):
                await self._remove(engine, each)

    async def sweep(self) -> None:
        """Remove those that other programs left behind."""
        now = self._clock.now()
        async with self._engine() as engine:
            for each in await engine.ask(lambda api: _listed(api, LABEL)):
                if _is_left_over(each.labels or {}, now):
                    with suppress(DflyError):
                        await self._remove(engine, each)

    async def _remove(self, engine: Engine, each: _Listed) -> None:
        from docker.errors import NotFound

        def removed(api: "APIClient") -> None:
            with suppress(NotFound):
                api.remove_container(each.id, v=True, force=True)

        await engine.change(removed, self._docker("rm", "--force", "--volumes", each.id[:12]))

    def _body(self, old: Inspected, image: _Image) -> dict[str, JsonValue]:
        trial = self._trial
        until = self._clock.now() + max(MOST_LIFE, timedelta(seconds=trial.seconds))
        # An entrypoint takes flags, be it Dragonfly itself or the script of its image (facts §6.4).
        program = () if image.config.entrypoint else (image.config.cmd or ["dragonfly"])[:1]
        # What its process needs of the kernel.
        kernel = {key: old.raw_host_config.get(key) for key in ("Ulimits", "SecurityOpt", "Runtime")}
        return {
            "Image": image.id,
            "User": old.raw_config.get("User") or "",
            "Cmd": [*program, *trial.flags],
            "Env": [f"DFLY_requirepass={self._password}"],
            "Labels": {LABEL: trial.run, _OWNER: this_process(), _UNTIL: until.isoformat()},
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": kernel
            | {
                "NetworkMode": "none",
                "RestartPolicy": {"Name": "no"},
                "Memory": trial.memory_bytes,
                "MemorySwap": trial.memory_bytes,
                "LogConfig": {"Type": "json-file", "Config": {"max-size": "8m"}},
            },
        }

    def _engine(self) -> Engine:
        return Engine(self._config, self._timeout_seconds)

    def _docker(self, *words: str) -> str:
        engine = [] if self._config.host == LOCAL_ENGINE else ["-H", self._config.host]
        return shlex.join(["docker", *engine, *words])


def _inspected(api: "APIClient", config: DockerConfig) -> Inspected:
    from docker.errors import NotFound

    try:
        return Inspected.model_validate(api.inspect_container(config.container))
    except NotFound:
        raise unknown_container(config.container, names_of(api), config.host) from None


def _image(api: "APIClient", name: str) -> _Image | None:
    from docker.errors import ImageNotFound

    try:
        return _Image.model_validate(api.inspect_image(name))  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None


def _listed(api: "APIClient", label: str) -> list[_Listed]:
    return [_Listed.model_validate(each) for each in api.containers(all=True, filters={"label": label})]


def _free_memory(api: "APIClient", container: Inspected, machine: _Machine) -> int | None:
    """Of the engine's machine: it shows in every container, and here, if it is this one."""
    ours = _ours()
    if ours.get(b"MemTotal") == machine.mem_total:
        return ours.get(b"MemAvailable")
    ran = run(api, container.id, ("cat", str(_MEMORY)), "/") if container.state.running else Ran.missing()
    return _memory(ran.output).get(b"MemAvailable")


def _ours() -> dict[bytes, int]:
    try:
        return _memory(_MEMORY.read_bytes())
    except OSError:
        return {}


def _memory(told: bytes) -> dict[bytes, int]:
    """What the kernel says of memory, in bytes."""
    lines = [line.replace(b":", b" ").split() for line in told.splitlines()]
    return {words[0]: int(words[1]) * 1024 for words in lines if len(words) == 3 and words[1].isdigit()}


def _is_left_over(labels: Mapping[str, str], now: datetime) -> bool:
    if is_gone(labels.get(_OWNER, "")):
        return True
    try:
        return datetime.fromisoformat(labels.get(_UNTIL, "")) < now
    except (ValueError, TypeError):
        return False


def _tar(name: str, size: int, at: datetime, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A stream of one file, which breaks off when the content is not as long as it was said to be."""
    yield _entry(name, tarfile.REGTYPE, 0o644, size, at)
    sent = 0
    for piece in pieces:
        sent += len(piece)
        if sent <= size:
            yield piece
    if sent != size:
        raise StoreFailed(f"a file of the set has {sent} bytes, where it should have {size}")
    yield bytes(-size % tarfile.BLOCKSIZE) + _TAR_END


def _entry(name: str, kind: bytes, mode: int, size: int, at: datetime) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.mtime = kind, mode, size, at.timestamp()
    return entry.tobuf(tarfile.PAX_FORMAT)
