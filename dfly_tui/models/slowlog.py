"""SLOWLOG GET: what took long."""

from datetime import datetime

from dfly_tui.models.base import Frozen


class SlowlogEntry(Frozen):
    """One slow command.

    Attributes:
        id: Dragonfly counts per thread, so that it may repeat.
        command: Name and arguments, cut by the server (128 characters, 32 arguments), secrets masked.
        client: Address of who sent it; empty where the server does not tell.
    """

    id: int
    at: datetime
    duration_seconds: float
    command: tuple[str, ...]
    client: str = ""
    client_name: str = ""
