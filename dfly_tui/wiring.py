"""Everything real behind the dashboard: clients that connect when first read, the hub, the guard, the audit log."""

import random
from collections.abc import Awaitable, Callable, Mapping

from dfly_tui.clients.connect import InstanceClients, open_clients
from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clock import Clock
from dfly_tui.errors import AuthFailed, SecretError
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.backup.watch import BackupWatch
from dfly_tui.operations.guard import Guard
from dfly_tui.paths import Paths
from dfly_tui.pollers.hub import Hub
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import InstanceConfig, Settings
from dfly_tui.settings_base import PASSWORD_KEYS
from dfly_tui.settings_load import config_path
from dfly_tui.text import safe
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


class Prompt:
    """Asks a person for the password of an instance; whoever does not give one is left in peace until `again()`.

    Args:
        typed: Called when one was given: whether it is the right one shall be seen at once, and if not be asked again.
    """

    def __init__(self, name: str, ask: AskPassword, typed: Callable[[], None]) -> None:
        self._name = name
        self._ask = ask
        self._typed = typed
        self._declined = False

    async def __call__(self, _: str) -> str:
        """The password that was typed.

        Raises:
            SecretError: None was, now or before.
        """
        answer = None if self._declined else await self._ask(self._name)
        if answer is None:
            self._declined = True
            raise SecretError(f"no password was given for {safe(self._name)}", "Refresh (r) asks for it again")
        self._typed()
        return answer

    def again(self) -> None:
        """The person wants to be asked."""
        self._declined = False


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
    sources_of: dict[str, InstanceConfig] = {}
    prompts: dict[str, Prompt] = {}

    def password_of(config: InstanceConfig) -> PasswordProvider:
        if sources_of.get(config.name) != config:  # the connect screen may give a name another address
            sources_of[config.name] = config
            known = any(getattr(config, key) for key in PASSWORD_KEYS)
            asked = config if known else config.model_copy(update={"password_prompt": True})
            prompts[config.name] = Prompt(config.name, ask, typed=lambda: hub[config.name].status.refresh_now())  # noqa: PLW0108 - later
            source = PasswordSource(asked, environ=environ, ask=prompts[config.name])
            sources[config.name] = source if known else AskWhenRefused(source)
        return sources[config.name]

    def clients_of(config: InstanceConfig) -> InstanceClients:
        timeout = settings.defaults.timeout_seconds
        return open_clients(config, password_of(config), clock=clock, timeout_seconds=timeout)

    watch = BackupWatch(paths.backups_dir, settings, clock)
    hub = Hub(settings, clients_of, clock=clock, rng=random.Random(), backups=watch.told)  # noqa: S311  # jitter is no secret

    def ask_again() -> None:
        for watched in hub.watched:
            if isinstance(watched.status.reading.error, AuthFailed | SecretError):
                sources[watched.config.name].forget()
                prompts[watched.config.name].again()

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
        password_of=password_of,
        environ=environ,
        ask_again=ask_again,
    )
