"""What Docker says of an instance's container. Secrets in its command and environment are masked by the client."""

from datetime import datetime

from dfly_tui.models.base import Frozen


class Mount(Frozen):
    """A folder or volume of a container."""

    kind: str
    source: str
    target: str
    writable: bool


class ContainerInfo(Frozen):
    """One container, as `docker inspect` and the tail of its log tell it.

    Attributes:
        state: `running`, `exited`, `restarting`, `paused`, `created`, `dead`.
        health: `healthy`, `unhealthy`, `starting`; None without a health check. Dragonfly's own check calls NOAUTH and
            LOADING healthy (facts §6.4).
        restart_policy: `no`, `always`, `unless-stopped`, `on-failure`.
        restarts: How often Docker restarted it.
        exit_code: Of the last end; None while it never ended.
        memory_limit_bytes: None without a limit.
        command: Arguments, with secrets masked.
        log: The last lines, oldest first.
    """

    name: str
    id: str
    image: str
    state: str
    health: str | None = None
    restart_policy: str
    restarts: int
    exit_code: int | None = None
    oom_killed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    memory_limit_bytes: int | None = None
    network_mode: str = ""
    command: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    log: tuple[str, ...] = ()
