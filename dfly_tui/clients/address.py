"""Where an instance is: the parts of a `redis://` or `rediss://` URL."""

from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from dfly_tui.errors import ConfigError
from dfly_tui.settings import DEFAULT_PORT, check_url

_EXAMPLE = "write it as redis://host:6379 or rediss://host:6379/0"


@dataclass(frozen=True)
class Address:
    """A server's address.

    Attributes:
        database: The number in the URL's path; 0 when there is none.
        tls: Whether the scheme was `rediss`.
    """

    host: str
    port: int = DEFAULT_PORT
    database: int = 0
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def http_url(self) -> str:
        """Where Dragonfly serves HTTP unless configured otherwise: the same port."""
        return f"{'https' if self.tls else 'http'}://{self}"

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read a URL as the settings do.

        Raises:
            ConfigError: It is not such a URL, or there is a user name or password in it.
        """
        try:
            parts = check_url(url, ("redis", "rediss"))
        except PydanticCustomError as error:
            raise ConfigError(error.message(), _EXAMPLE) from None
        database = parts.path.removeprefix("/") or "0"
        if parts.username is not None:
            raise ConfigError("there is a user in the URL", "use the key username")
        if not (database.isascii() and database.isdigit()):
            raise ConfigError("after the port there is only a database number, such as /0", _EXAMPLE)
        return cls(parts.hostname or "", parts.port or DEFAULT_PORT, int(database), parts.scheme == "rediss")
