"""A password source for tests."""


class Password:
    """Knows one password; a test may change it, as a rotation does.

    Attributes:
        forgotten: How often a client was refused and said so.
        asked: How often it was asked for.
    """

    def __init__(self, value: str | None = None) -> None:
        self.value = value
        self.asked = 0
        self.forgotten = 0

    async def get(self) -> str | None:
        self.asked += 1
        return self.value

    def forget(self) -> None:
        self.forgotten += 1
