"""What a lab server can be started with."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from dfly_tui.errors import ConfigError

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([kmgt]?)(?:i?b)?", re.IGNORECASE)
_SCALE = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def bytes_of(text: str) -> int:
    """`1gb`, `1G`, `1GiB`, `512m` or plain bytes as a number of bytes; ValueError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a size: {text!r}")
    return int(float(found[1]) * _SCALE[found[2].lower()])


@dataclass(frozen=True)
class LabOptions:
    """One simulated server.

    Attributes:
        name: Who it is, in what the command prints.
        host: Address to listen on.
        port: Port to listen on, 0 for any free one.
        flavour: Which Dragonfly to look like, `1.22` or `1.40`.
        password: The start-up `requirepass`.
        masterauth: What it tells its primary; when None its own password if it follows a primary from the start.
        data_dir: Where snapshots are written and loaded from; nothing is written without it.
        replicaof: Follow this primary from the start; nothing is loaded then.
        keys: How many keys to invent, when nothing was loaded.
        traffic: Whether to invent clients, too.
        traffic_ops: Commands per second of these clients.
        maxmemory_bytes: Memory limit.
        shards: How many shards, and threads, it says it has.
        dbfilename: Name of snapshots, with Dragonfly's macros.
        snapshot_cron: When to save by itself, five fields, local time.
        df_snapshot_format: Whether SAVE writes Dragonfly's own format.
        maxclients: How many connections it takes.
        cache_mode: Evict at the memory limit rather than refuse.
        admin_port: A second port without the limits of the first; None for no such port, 0 for any free one.
    """

    name: str = "lab"
    host: str = "127.0.0.1"
    port: int = 0
    flavour: str = "1.40"
    password: str | None = field(default=None, repr=False)
    masterauth: str | None = field(default=None, repr=False)
    data_dir: Path | None = None
    replicaof: tuple[str, int] | None = None
    keys: int = 0
    traffic: bool = False
    traffic_ops: float = 200.0
    maxmemory_bytes: int = 1 << 30
    shards: int = 2
    dbfilename: str = "dump-{timestamp}"
    snapshot_cron: str = ""
    df_snapshot_format: bool = True
    maxclients: int = 64000
    cache_mode: bool = False
    admin_port: int | None = None

    def __post_init__(self) -> None:
        if self.flavour not in {"1.22", "1.40"}:
            raise ConfigError(f"there is no flavour {self.flavour!r}", "1.22 or 1.40")
        if self.df_snapshot_format and self.dbfilename.endswith(".rdb"):
            raise ConfigError(
                "DF snapshot format is used but '.rdb' extension was given.",
                "Use --nodf_snapshot_format or remove the filename extension.",
            )
