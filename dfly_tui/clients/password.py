"""What a client asks of whoever knows the password."""

from typing import Protocol


class PasswordProvider(Protocol):
    """Gives the password of one instance, each time a connection is opened."""

    async def get(self) -> str | None:
        """The password, or None when none is configured.

        Raises:
            SecretError: It cannot be had.
        """

    def forget(self) -> None:
        """The server refused it: read it anew the next time, it may have been rotated."""
