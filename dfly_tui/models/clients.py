"""CLIENT LIST: who is connected."""

from dfly_tui.models.base import Frozen


class ClientConnection(Frozen):
    """One connection of a server.

    Attributes:
        name: As given by CLIENT SETNAME; replication links of Dragonfly are `repl_ctrl_1`, `repl_flow_1`.
        fields: Every field as printed, in order; versions differ much (facts §7).
    """

    id: int | None
    address: str
    name: str = ""
    age_seconds: int | None = None
    idle_seconds: int | None = None
    database: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def is_replication(self) -> bool:
        """Whether it is a link of a replica rather than an application."""
        return self.name.startswith(("repl_ctrl_", "repl_flow_"))
