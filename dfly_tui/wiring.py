"""Everything real behind the dashboard: clients that connect when first read, the hub, the guard, the audit log."""

import random
from collections.abc import Awaitable, Callable, Mapping

from dfly_tui.clients.connect import InstanceClients, open_clients
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clock import Clock
from dfly_tui.errors import AuthFailed, SecretError
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.guard import Guard
from dfly_tui.paths import Paths
from dfly_tui.pollers.hub import Hub
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import PASSWORD_KEYS, InstanceConfig, Settings
from dfly_tui.settings_load import config_path
from screens.services import Services

AskPassword = Callable[[str], Awaitable[str | None]]
"""Asks for the password of an instance, given its name."""


class AskWhenRefused:
    """For an instance without a password source: none, until the server refuses that; then the person is asked."""

    def __init__(self, source: PasswordSource) -> None:
        self._source = source
        self._refused = False

    async def get(self) -> str | None:
        """None at first; after a refusal what the person types."""
        return await self._source.get() if self._refused else None

    def forget(self) -> None:
        """Refused: ask."""
        self._refused = True
        self._source.forget()


class OneAttempt:
    """A password held for one attempt to connect."""

    def __init__(self, password: str) -> None:
        self._password = password

    async def get(self) -> str | None:
        return self._password or None

    def forget(self) -> None:
        pass


def build_services(
    settings: Settings, paths: Paths, environ: Mapping[str, str], clock: Clock, ask: AskPassword
) -> Services:
    """Everything real: clients that connect when first read, the hub, the guard, the audit log."""
    sources: dict[str, PasswordProvider] = {}

    def clients_of(config: InstanceConfig) -> InstanceClients:
        known = any(getattr(config, key) for key in PASSWORD_KEYS)
        asked = config if known else config.model_copy(update={"password_prompt": True})
        source = PasswordSource(asked, environ=environ, ask=lambda _: ask(config.name))
        sources[config.name] = source if known else AskWhenRefused(source)
        timeout = settings.defaults.timeout_seconds
        return open_clients(config, sources[config.name], clock=clock, timeout_seconds=timeout)

    hub = Hub(settings, clients_of, clock=clock, rng=random.Random())  # noqa: S311  # jitter is no secret

    def ask_again() -> None:
        for watched in hub.watched:
            if isinstance(watched.status.reading.error, AuthFailed | SecretError):
                sources[watched.config.name].forget()

    async def attempt(config: InstanceConfig, password: str) -> None:
        timeout = settings.defaults.timeout_seconds
        clients = open_clients(config, OneAttempt(password), clock=clock, timeout_seconds=timeout)
        try:
            await clients.reader.snapshot()
        finally:
            await clients.reader.aclose()
            await clients.metrics.aclose()

    return Services(
        settings=settings,
        hub=hub,
        guard=Guard(clock, settings),
        audit=Audit(paths.audit_file, clock=clock),
        clock=clock,
        paths=paths,
        config_file=config_path(None, environ),
        attempt=attempt,
        ask_again=ask_again,
    )
