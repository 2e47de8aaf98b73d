"""What screens need from outside, handed to each by the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from dfly_tui.clock import Clock
from dfly_tui.operations.audit import Audit
from dfly_tui.operations.guard import Guard
from dfly_tui.paths import Paths
from dfly_tui.pollers.hub import Hub
from dfly_tui.settings import InstanceConfig, Settings


@dataclass
class Services:
    """The running program without its looks.

    Attributes:
        config_file: Where the connect screen saves an instance.
        attempt: Reads an instance once with a password just typed; raises DflyError.
        ask_again: Lets passwords that were refused or declined be asked for once more.
        selected: The instance the user last put the cursor on; screens open on it.
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
    ask_again: Callable[[], None] = lambda: None
    selected: str | None = None
    pins: list[str] = field(default_factory=list)

    @property
    def low_bandwidth(self) -> bool:
        return self.settings.defaults.low_bandwidth

    def current(self) -> str | None:
        """The selected instance, or the first there is."""
        names = [watched.config.name for watched in self.hub.watched]
        if self.selected in names:
            return self.selected
        return names[0] if names else None
