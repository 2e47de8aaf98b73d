"""Changes one container through the Docker engine. Each request is sent once, in a thread of its own (the SDK blocks).

A container's command cannot be changed; `recreate()` makes the same container again with another one, and keeps the old
one beside it until the caller is content.
"""

import shlex
from typing import TYPE_CHECKING

from dfly_tui.clients.container_recipe import Arguments, Endpoint, Inspected, Recipe, recipe
from dfly_tui.clients.docker import identity_of, names_of, unknown_container
from dfly_tui.clients.engine import Engine
from dfly_tui.clock import Clock
from dfly_tui.errors import DockerFailed, Refused
from dfly_tui.models.container import RestartPolicy
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe

if TYPE_CHECKING:
    from docker.api.client import APIClient

STOP_SECONDS = 10
"""Docker's own grace between SIGTERM and SIGKILL, for a container that does not set another."""
LOOK_SECONDS = 0.2
_ASIDE = "-before-"
LOCAL_ENGINE = "unix:///var/run/docker.sock"


def restart_policy_text(config: DockerConfig, policy: RestartPolicy) -> str:
    """The command line that `set_restart_policy()` stands for."""
    return _line(config, "update", f"--restart={policy}")


def inspect_text(config: DockerConfig) -> str:
    """The command line that shows the container."""
    return _line(config, "inspect")


def stop_text(config: DockerConfig, seconds: int) -> str:
    """The command line that `stop()` stands for."""
    return _line(config, "stop", f"--time={seconds}")


def kill_text(config: DockerConfig) -> str:
    """The command line that `kill()` stands for."""
    return _line(config, "kill")


def start_text(config: DockerConfig) -> str:
    """The command line that `start()` stands for."""
    return _line(config, "start")


def recreate_text(config: DockerConfig, arguments: Arguments) -> str:
    """What `recreate()` does, in a sentence; no single command does it."""
    flags = [shlex.quote(f"{flag}={value}") for flag, value in arguments.items() if value is not None]
    without = [f"without {shlex.quote(flag)}" for flag, value in arguments.items() if value is None]
    changed = " and ".join([*([f"with {' '.join(flags)}"] if flags else []), *without])
    return (
        f"make the container {shlex.quote(config.container)} again, the same but {changed}; the old one is kept aside"
    )


def remove_previous_text(config: DockerConfig) -> str:
    """What `remove_previous()` does; the ids are only known then."""
    engine = [] if config.host == LOCAL_ENGINE else ["-H", config.host]
    return f"{shlex.join(['docker', *engine, 'rm', config.container + _ASIDE])}ID, each that was put aside"


def _line(config: DockerConfig, *words: str) -> str:
    engine = [] if config.host == LOCAL_ENGINE else ["-H", config.host]
    return shlex.join(["docker", *engine, *words, config.container])


class ContainerWriter:
    """Changes a container. Connects for each method and hangs up again; there is nothing to close.

    All methods raise only `DflyError`s: `DockerFailed` when the engine is not there, does not know the container or
    refuses, which leaves things as they were; `OutcomeUnknown` when a change was sent and no answer came.

    Args:
        config: Engine and container. `unix://`, `tcp://`, and `ssh://` (which needs the extra `ssh`).
        timeout_seconds: For each request to the engine; the time a container may take to stop comes on top.
    """

    def __init__(self, config: DockerConfig, *, clock: Clock, timeout_seconds: float) -> None:
        self._config = config
        self._clock = clock
        self._timeout_seconds = timeout_seconds

    async def restart_policy(self) -> RestartPolicy:
        """What Docker does now when the container ends."""
        async with self._engine() as engine:
            return _policy(await self._container(engine))

    async def set_restart_policy(self, policy: RestartPolicy) -> None:
        """What Docker shall do when the container ends, from now on."""
        async with self._engine() as engine:
            await self._update(engine, await self._container(engine), policy)

    async def stop(self, seconds: int) -> None:
        """End the process with SIGTERM, and with SIGKILL after so many seconds. Docker does not start it again."""
        async with self._engine() as engine:
            await self._stop(engine, await self._container(engine), seconds)

    async def kill(self) -> None:
        """End the process at once, without a chance to save; harmless when it does not run."""
        async with self._engine() as engine:
            container = await self._container(engine)
            if container.state.running:
                await engine.change(lambda api: api.kill(container.id), kill_text(self._config))

    async def start(self) -> None:
        """Start the container; harmless when it runs."""
        async with self._engine() as engine:
            await self._start(engine, (await self._container(engine)).id)

    async def exited(self, within_seconds: float) -> bool:
        """Wait until the process is gone.

        Returns:
            Whether it is. Docker may have started it again between two looks, unless its restart policy is `no`.
        """
        until = self._clock.monotonic() + within_seconds
        async with self._engine() as engine:
            while (await self._container(engine)).state.running:
                if self._clock.monotonic() >= until:
                    return False
                await self._clock.sleep(LOOK_SECONDS)
        return True

    async def recreate(self, arguments: Arguments) -> None:
        """Stop the container and make the same one again with other flags on its command line, and start it.

        The old one is kept under the name `<name>-before-<its short id>`, without a restart policy. When the new one
        cannot be made or started, all is put back as it was, and the old one runs again if it did.

        Raises:
            Refused: The container is configured by its id, vanishes when it stops, or its command is a line for a
                shell, to which no flag can be added. Nothing was changed.
        """
        async with self._engine() as engine:
            await self._continue(engine)
            old = await self._container(engine)
            if old.name != self._config.container:
                raise Refused(
                    f"the container {safe(old.name)} is configured by its id, and gets another when it is made again",
                    "write its name into docker.container",
                )
            new = recipe(old, arguments, await engine.ask(lambda api: _image_id(api, old.config.image)))
            if old.state.running:
                await self._stop(engine, old, _grace(old))
            await self._replace(engine, old, new)

    async def remove_previous(self) -> tuple[str, ...]:
        """Remove what `recreate()` kept, also when it was cut off and done again, but for its volumes.

        Returns:
            The names of those that stay: what they wrote is not in the volumes of the one in their place.
        """
        async with self._engine() as engine:
            new = await engine.ask(lambda api: _inspect(api, self._config.container))
            stay = []
            for each in await self._put_aside(engine):
                if new is not None and each.volumes and each.volumes <= new.volumes:
                    await self._remove(engine, each.id)
                else:
                    stay.append(safe(each.name))
            return tuple(stay)

    async def restore_previous(self) -> None:
        """Undo `recreate()`, a half-done one too: remove the new container, and start the old one under its name.

        Raises:
            DockerFailed: There is no old one.
        """
        async with self._engine() as engine:
            previous = await self._previous(engine)
            if previous is None:
                raise DockerFailed(f"there is no container {safe(self._config.container)}{_ASIDE}… to go back to")
            new = await engine.ask(lambda api: _inspect(api, self._config.container))
            if new is not None:
                await self._stop(engine, new, _grace(new))
            await self._put_back(engine, previous, new.id if new else None, _policy(new or previous))
            await self._start(engine, previous.id)

    def _engine(self) -> Engine:
        return Engine(self._config, self._timeout_seconds)

    async def _container(self, engine: Engine) -> Inspected:
        wanted = self._config.container
        found = await engine.ask(lambda api: _inspect(api, wanted))
        if found is None:
            names = await engine.ask(names_of)
            raise unknown_container(wanted, names, self._config.host)
        return found

    async def _continue(self, engine: Engine) -> None:
        """Go back to a container that was put aside by a `recreate()` which was cut off before it started another."""
        previous = await self._previous(engine)
        if previous is None:
            return
        new = await engine.ask(lambda api: _inspect(api, self._config.container))
        if new is None:
            await self._rename(engine, previous.id, self._config.container)
        elif new.state.status == "created":  # it never ran: nothing is lost with it
            await self._put_back(engine, previous, new.id, _policy(new))

    async def _previous(self, engine: Engine) -> Inspected | None:
        """The newest container that was put aside."""
        return max(await self._put_aside(engine), key=lambda each: each.created, default=None)

    async def _put_aside(self, engine: Engine) -> list[Inspected]:
        """The containers under names made from this one's and their own ids, which only `recreate()` gives."""
        start = self._config.container + _ASIDE
        names = [name for name in await engine.ask(names_of) if name.startswith(start)]
        seen = [await engine.ask(lambda api, name=name: _inspect(api, name)) for name in names]  # type: ignore[misc]
        return [each for each in seen if each is not None and each.name == start + each.short_id]

    async def _replace(self, engine: Engine, old: Inspected, new: Recipe) -> None:
        """Put the old one aside, make the new one and start it; undo that when it is refused."""
        name, policy = self._config.container, _policy(old)
        aside, made = False, None
        try:
            await self._rename(engine, old.id, name + _ASIDE + old.short_id)
            aside = True
            made = await self._create(engine, new)
            for network, endpoint in new.further_networks.items():
                await self._connect(engine, made, network, endpoint)
            if policy.name != "no":
                # It has the restart policy, too, and would be started with the machine, beside the new one.
                await self._update(engine, old, RestartPolicy(name="no"))
            await self._start(engine, made)
        except DockerFailed as error:
            try:
                if aside:
                    await self._put_back(engine, old, made, policy)
                if old.state.running:
                    await self._start(engine, old.id)
            except DockerFailed as again:
                raise DockerFailed(
                    error.detail, f"and it could not be put back: {again.detail}; docker ps --all shows what is there"
                ) from error
            raise

    async def _put_back(self, engine: Engine, old: Inspected, new: str | None, policy: RestartPolicy) -> None:
        """Remove the new container, if there is one, and give the old one its name and restart policy again."""
        if new is not None:
            await self._remove(engine, new)
        await self._rename(engine, old.id, self._config.container)
        if policy.name != "no":
            await self._update(engine, old, policy)

    async def _create(self, engine: Engine, new: Recipe) -> str:
        """Make a container; returns its id."""
        name = self._config.container
        line = _line(self._config, "create", "--name")
        return await engine.change(
            lambda api: identity_of(api.create_container_from_config(new.body, name)),  # type: ignore[no-untyped-call]
            line,
        )

    async def _connect(self, engine: Engine, identity: str, network: str, endpoint: Endpoint) -> None:
        addresses, links = endpoint.addresses, endpoint.links or []
        await engine.change(
            lambda api: api.connect_container_to_network(
                identity,
                network,
                ipv4_address=addresses and addresses.ipv4,
                ipv6_address=addresses and addresses.ipv6,
                link_local_ips=addresses and addresses.link_local,
                aliases=endpoint.aliases,
                links=dict(link.split(":", 1) for link in links) or None,
                driver_opt=endpoint.driver_opts,
            ),
            _line(self._config, "network", "connect", network),
        )

    async def _update(self, engine: Engine, container: Inspected, policy: RestartPolicy) -> None:
        wanted = {"Name": policy.name, "MaximumRetryCount": policy.max_retries}
        await engine.change(
            # The stubs know two of the four policies.
            lambda api: api.update_container(container.id, restart_policy=wanted),  # type: ignore[arg-type]
            restart_policy_text(self._config, policy),
        )

    async def _stop(self, engine: Engine, container: Inspected, seconds: int) -> None:
        line = stop_text(self._config, seconds)
        await engine.change(lambda api: api.stop(container.id, timeout=seconds), line, extra_seconds=seconds)

    async def _start(self, engine: Engine, identity: str) -> None:
        await engine.change(lambda api: api.start(identity), start_text(self._config))

    async def _rename(self, engine: Engine, identity: str, name: str) -> None:
        line = shlex.join(["docker", "rename", identity[:12], name])
        await engine.change(lambda api: api.rename(identity, name), line)

    async def _remove(self, engine: Engine, identity: str) -> None:
        """Without its volumes, and not while it runs."""
        line = shlex.join(["docker", "rm", identity[:12]])
        await engine.change(lambda api: api.remove_container(identity, v=False, force=False), line)


def _policy(container: Inspected) -> RestartPolicy:
    policy = container.host_config.restart_policy
    return RestartPolicy(name=safe(policy.name) or "no", max_retries=policy.maximum_retry_count)


def _grace(container: Inspected) -> int:
    """How long it may take to end, in seconds."""
    chosen = container.config.stop_timeout
    return STOP_SECONDS if chosen is None else chosen


def _inspect(api: "APIClient", name: str) -> Inspected | None:
    from docker.errors import NotFound

    try:
        return Inspected.model_validate(api.inspect_container(name))
    except NotFound:
        return None


def _image_id(api: "APIClient", name: str) -> str | None:
    """The image that a name means now."""
    from docker.errors import ImageNotFound

    try:
        return identity_of(api.inspect_image(name))  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None
