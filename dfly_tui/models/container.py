"""What Docker says of an instance's container. Secrets in its command and environment are masked by the client."""

from datetime import datetime

from dfly_tui.models.base import Frozen


class Mount(Frozen):
    """A folder or volume of a container."""

    kind: str
    source: str
    target: str
    writable: bool


class RestartPolicy(Frozen):
    """What Docker does when a container ends.

    Attributes:
        name: `no`, `always`, `unless-stopped`, `on-failure`.
        max_retries: With `on-failure`; 0 for no limit.
    """

    name: str
    max_retries: int = 0

    def __str__(self) -> str:
        """As `docker run --restart` takes it."""
        return f"{self.name}:{self.max_retries}" if self.max_retries else self.name

    @classmethod
    def parse(cls, text: str) -> "RestartPolicy":
        """From the form `str()` gives."""
        name, _, retries = text.partition(":")
        return cls(name=name, max_retries=int(retries or 0))


class ContainerInfo(Frozen):
    """One container, as `docker inspect` and the tail of its log tell it.

    Attributes:
        state: `running`, `exited`, `restarting`, `paused`, `created`, `dead`.
        health: `healthy`, `unhealthy`, `starting`; None without a health check. Dragonfly's own check calls NOAUTH and
            LOADING healthy (facts §6.4).
        restart_policy: `no`, `always`, `unless-stopped`, `on-failure`.
        restart_max_retries: With `on-failure`; 0 for no limit.
        restarts: How often Docker restarted it.
        exit_code: Of the last end; None while it never ended.
        memory_limit_bytes: None without a limit.
        command: Arguments, with secrets masked.
        compose_files: The files docker compose made it from; empty when something else did.
        log: The last lines, oldest first.
    """

    name: str
    id: str
    image: str
    state: str
    health: str | None = None
    restart_policy: str
    restart_max_retries: int = 0
    restarts: int
    exit_code: int | None = None
    oom_killed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    memory_limit_bytes: int | None = None
    network_mode: str = ""
    compose_files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def policy(self) -> RestartPolicy:
        """What Docker does when it ends."""
        return RestartPolicy(name=self.restart_policy, max_retries=self.restart_max_retries)
