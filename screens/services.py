"""What screens need from outside, handed to each by the composition root."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dfly_tui.clients.password import PasswordProvider
from dfly_tui.clock import Clock
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.guard import Guard
from dfly_tui.paths import Paths
from dfly_tui.pollers.hub import Hub
from dfly_tui.settings import InstanceConfig, Settings

if TYPE_CHECKING:
    from dfly_tui.clients.keys import KeyReader
    from dfly_tui.clients.values import ValueReader
    from dfly_tui.clients.view_rows import ViewReader
    from dfly_tui.operations.access import Access
    from screens.backup_work import BackupWork


@dataclass
class Services:
    """The running program without its looks.

    Attributes:
        config_file: Where the connect screen saves an instance.
        attempt: Reads an instance once with a password just typed; raises DflyError.
        password_of: Where an instance's password comes from, for operations.
        environ: The environment, for hooks.
        ask_again: Lets passwords that were refused or declined be asked for once more.
        selected: The instance the user last put the cursor on; screens open on it.
        paused_at: When the user paused, in the clock's monotonic seconds; None while reading goes on.
        worst: The one with the worst state when a screen was last painted; selected until the user chooses.
        pins: Series of /metrics the user pinned to the metrics screen.
    """

    settings: Settings
    hub: Hub
    guard: Guard
    audit: Audit
    clock: Clock
    paths: Paths
    config_file: Path
    attempt: Callable[[InstanceConfig, str], Awaitable[None]]
    password_of: Callable[[InstanceConfig], PasswordProvider]
    environ: Mapping[str, str] = field(default_factory=dict)
    ask_again: Callable[[], None] = lambda: None
    selected: str | None = None
    worst: str | None = None
    paused_at: float | None = None
    pins: list[str] = field(default_factory=list)

    @property
    def low_bandwidth(self) -> bool:
        return self.settings.defaults.low_bandwidth

    def pause(self) -> None:
        """Stop all reading, or go on."""
        self.hub.pause(not self.hub.paused)
        self.paused_at = self.clock.monotonic() if self.hub.paused else None

    def charts_end(self, name: str) -> float:
        """Where the charts of an instance end, in the clock's monotonic seconds: now; while paused they stand still,
        at the pause or at what was read since on the user's request."""
        if self.paused_at is None:
            return self.clock.monotonic()
        return max(self.paused_at, self.hub[name].status.reading.value_at or self.paused_at)

    def access(self, configs: Iterable[InstanceConfig]) -> "Access":
        """What an operation on some instances looks and acts through; to be closed."""
        from dfly_tui.operations.access import Access

        timeout = self.settings.defaults.timeout_seconds
        return Access(configs, self.password_of, guard=self.guard, clock=self.clock, timeout_seconds=timeout)

    def backup_work(self) -> "BackupWork":
        """What looks at backups, and makes the plans that change them."""
        from screens.backup_work import BackupWork

        return BackupWork(self)

    def key_reader(self, name: str) -> "KeyReader":
        """What looks into the databases of an instance; to be closed."""
        from dfly_tui.clients.keys import KeyReader

        config = self.hub[name].config
        timeout = self.settings.defaults.timeout_seconds
        return KeyReader(config, self.password_of(config), clock=self.clock, timeout_seconds=timeout)

    def value_reader(self, name: str, database: int, key: bytes) -> "ValueReader":
        """What reads the value of a key of an instance; to be closed."""
        from dfly_tui.clients.values import ValueReader

        config = self.hub[name].config
        timeout = self.settings.defaults.timeout_seconds
        return ValueReader(
            config, self.password_of(config), database=database, name=key, clock=self.clock, timeout_seconds=timeout
        )

    def view_reader(self, name: str, database: int) -> "ViewReader":
        """What reads the views of a database of an instance; to be closed."""
        from dfly_tui.clients.view_rows import ViewReader

        config = self.hub[name].config
        timeout = self.settings.defaults.timeout_seconds
        return ViewReader(
            config, self.password_of(config), database=database, clock=self.clock, timeout_seconds=timeout
        )

    def current(self) -> str | None:
        """The selected instance, else the worst, else the first there is."""
        names = [watched.config.name for watched in self.hub.watched]
        return next((name for name in (self.selected, self.worst, *names) if name in names), None)
