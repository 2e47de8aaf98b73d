"""What the headless commands share: settings from options, choosing instances, and one look at the fleet."""

import argparse
import asyncio
import getpass
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from dfly_tui.errors import AuthFailed, ConfigError, DflyError
from dfly_tui.models.container import ContainerInfo
from dfly_tui.models.health import InstanceStatus, Observation, assess
from dfly_tui.models.instance import InstanceSnapshot
from dfly_tui.models.metrics import MetricsPage
from dfly_tui.models.reading import Reading
from dfly_tui.operations.backup.watch import BackupWatch
from dfly_tui.paths import Paths
from dfly_tui.pollers.poll import or_bug, poll
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.settings_base import PASSWORD_KEYS
from dfly_tui.settings_load import CliOverrides, config_path, load_settings, nearest
from dfly_tui.text import safe

if TYPE_CHECKING:
    from dfly_tui.clients.connect import InstanceClients
    from dfly_tui.clock import Clock

T = TypeVar("T")

CONTAINER_TIMEOUTS = 5
"""Docker over SSH is slower than a server: it gets this many times the timeout."""
GRACE_SECONDS = 0.5


def settings_from(args: argparse.Namespace, environ: Mapping[str, str], *, instances: bool = True) -> Settings:
    """The settings for one run, from its options, its environment and the file.

    Args:
        instances: Whether the command needs some.

    Raises:
        ConfigError: Anything of it is wrong, or there are no instances and some are needed.
    """
    overrides = CliOverrides(
        url=args.url,
        theme=args.theme,
        refresh_seconds=args.refresh,
        read_only=args.read_only,
        dry_run=args.dry_run,
        low_bandwidth=args.low_bandwidth,
    )
    settings = load_settings(config_file=args.config, environ=environ, overrides=overrides)
    if instances and not settings.instances:
        path = config_path(args.config, environ)
        raise ConfigError(
            f"no instances are configured in {safe(str(path))}",
            "name one with --url redis://host:port, or write a file with: dfly-tui config init",
        )
    return settings


def chosen(settings: Settings, names: Iterable[str] | None) -> tuple[InstanceConfig, ...]:
    """The instances asked for by name, in the configured order; all when none was.

    Raises:
        ConfigError: One is not configured.
    """
    known = [instance.name for instance in settings.instances]
    wanted = set(names or known)
    for name in sorted(wanted.difference(known)):
        raise ConfigError(f"no instance is called {safe(name)}{nearest(name, known) or f'; there are {known}'}")
    return tuple(instance for instance in settings.instances if instance.name in wanted)


async def look(
    settings: Settings, environ: Mapping[str, str], *, clock: "Clock", answers: Mapping[str, str]
) -> tuple[InstanceStatus, ...]:
    """Read every instance once, all at the same time, and judge what was seen.

    Args:
        answers: Passwords that were typed, by instance name.

    Returns:
        One status per instance, problems first. What could not be read is a reason in it, never an exception.
    """
    # Judged as of the beginning: nobody's answer grows stale while another is waited for.
    started = clock.monotonic()

    async def observe(config: InstanceConfig) -> Observation:
        async def read() -> Observation:
            async with opened(config, settings, environ, clock=clock, answers=answers) as clients:
                return await _observe(config, clients, settings, clock)

        try:
            return await or_bug(read, config.name)
        except DflyError as error:
            return Observation(config=config, status=Reading(seq=1, error=error, failures=1))

    observations = await asyncio.gather(*map(observe, settings.instances))
    backups = BackupWatch(Paths.from_env(environ).backups_dir, settings, clock).told(observations)
    return assess(observations, settings.defaults.thresholds, now=started, wall=clock.now(), backups=backups)


async def look_and_ask(
    settings: Settings, environ: Mapping[str, str], *, clock: "Clock", answers: dict[str, str]
) -> tuple[InstanceStatus, ...]:
    """`look()`, and once more with a password from the person at the terminal where a server wants one and none is
    configured. What they type is added to `answers`."""
    statuses = await look(settings, environ, clock=clock, answers=answers)
    refused = [status.config for status in statuses if _wants_password(status)]
    if not refused or not sys.stdin.isatty():
        return statuses
    answers.update(ask_for(refused))
    return await look(settings, environ, clock=clock, answers=answers)


def _wants_password(status: InstanceStatus) -> bool:
    unconfigured = not any(getattr(status.config, key) for key in PASSWORD_KEYS)
    return unconfigured and isinstance(status.observation.status.error, AuthFailed)


def prompted(settings: Settings) -> dict[str, str]:
    """The passwords of all instances with `password_prompt`, asked for before anything is read. Empty without a
    terminal."""
    if not sys.stdin.isatty():
        return {}
    return ask_for([instance for instance in settings.instances if instance.password_prompt])


def ask_for(instances: Iterable[InstanceConfig]) -> dict[str, str]:
    """Ask the person at the terminal; what they type is not echoed. Who types nothing is left out."""
    answers = {}
    for config in instances:
        with suppress(EOFError):  # Ctrl-D
            answers[config.name] = getpass.getpass(f"Password for {safe(config.name)}: ", stream=sys.stderr)
    return {name: typed for name, typed in answers.items() if typed}


def password_source(config: InstanceConfig, environ: Mapping[str, str], answers: Mapping[str, str]) -> PasswordSource:
    """Where one instance's password comes from; a typed one stands in for one that is not configured."""
    typed = answers.get(config.name)
    if typed is None:
        return PasswordSource(config, environ=environ)

    async def answer(name: str) -> str | None:
        return typed

    return PasswordSource(config.model_copy(update={"password_prompt": True}), environ=environ, ask=answer)


@asynccontextmanager
async def opened(
    config: InstanceConfig,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: "Clock",
    answers: Mapping[str, str],
) -> AsyncIterator["InstanceClients"]:
    """The clients of one instance, closed afterwards, its password at hand.

    Raises:
        DflyError: The password cannot be had, or the instance's files are wrong.
    """
    from dfly_tui.clients.connect import open_clients

    source = password_source(config, environ, answers)
    # A vault may take longer to answer than a server may: it does not count against the server's timeout.
    await source.get()
    clients = open_clients(config, source, clock=clock, timeout_seconds=settings.defaults.timeout_seconds)
    try:
        yield clients
    finally:
        await clients.aclose()


async def _once(fetch: Callable[[], Awaitable[T]], timeout: float, clock: "Clock") -> Reading[T]:
    """One attempt of `fetch`, as a reading.

    Args:
        timeout: Seconds; the clients keep to it themselves and can tell what took so long, so they get a bit more.
    """
    attempts = poll(fetch, interval=lambda: 1.0, timeout=timeout + GRACE_SECONDS, clock=clock, rng=random.Random())  # noqa: S311
    async with aclosing(attempts):
        return await anext(attempts)


async def _observe(
    config: InstanceConfig, clients: "InstanceClients", settings: Settings, clock: "Clock"
) -> Observation:
    timeout = settings.defaults.timeout_seconds
    status: Reading[InstanceSnapshot]
    container: Reading[ContainerInfo] | None = None
    if clients.containers is None:
        status = await _once(clients.reader.snapshot, timeout, clock)
    else:
        status, container = await asyncio.gather(
            _once(clients.reader.snapshot, timeout, clock),
            _once(clients.containers.container, CONTAINER_TIMEOUTS * timeout, clock),
        )
    return Observation(config=config, status=status, container=container)


async def read_page(
    config: InstanceConfig,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: "Clock",
    answers: Mapping[str, str],
) -> Reading[MetricsPage]:
    """The /metrics page of one instance, read once."""

    async def read() -> Reading[MetricsPage]:
        async with opened(config, settings, environ, clock=clock, answers=answers) as clients:
            return await _once(clients.metrics.page, settings.defaults.timeout_seconds, clock)

    try:
        return await or_bug(read, config.name)
    except DflyError as error:
        return Reading(seq=1, error=error, failures=1)
