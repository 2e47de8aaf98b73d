"""Who may be changed: production opens read-only and is unlocked for some minutes."""

from dfly_tui.clock import Clock
from dfly_tui.errors import ReadOnly
from dfly_tui.settings import Environment, Settings


class Guard:
    """Knows which instances are read-only now. Everything that changes one asks here first.

    An instance is read-only when the whole program is, or when it is a production instance that nobody unlocked, or
    one that is not in the configuration, of which nobody said that it is not production.
    """

    def __init__(self, clock: Clock, settings: Settings) -> None:
        self._clock = clock
        self._read_only = settings.defaults.read_only
        self._environments = {instance.name: instance.environment for instance in settings.instances}
        self._unlocked_until: dict[str, float] = {}

    def watch(self, name: str, environment: Environment) -> None:
        """Learn of an instance that was added while the program runs."""
        self._environments[name] = environment

    def unlock(self, name: str, minutes: float) -> None:
        """Allow changes to one instance for some minutes from now; raises as `require_unlockable()` does."""
        self.require_unlockable(name)
        self._unlocked_until[name] = self._clock.monotonic() + minutes * 60

    def require_unlockable(self, name: str) -> None:
        """Pass, or raise `ReadOnly` when the whole program is read-only: asked before anybody types a name."""
        if self._read_only:
            raise ReadOnly(
                f"{name} cannot be unlocked: the whole program is read-only",
                "start it without --read-only and without read_only in [defaults]",
            )

    def lock(self, name: str) -> None:
        """End an unlock before its time."""
        self._unlocked_until.pop(name, None)

    def remaining(self, name: str) -> float | None:
        """Seconds until an unlocked instance locks itself; None when it was not unlocked, or no longer is."""
        until = self._unlocked_until.get(name)
        left = until - self._clock.monotonic() if until is not None else 0.0
        return left if left > 0 else None

    def is_read_only(self, name: str) -> bool:
        """Whether nothing may be changed on this instance now."""
        return bool(self.why(name))

    def why(self, name: str) -> str:
        """Why an instance is read-only, in a sentence; empty when it is not."""
        if self._read_only:
            return "the whole program is read-only"
        if self.remaining(name) is not None:
            return ""
        match self._environments.get(name):
            case None:
                return f"{name} is not in the configuration, so it may be a production instance"
            case Environment.PRODUCTION:
                return f"{name} is a production instance"
            case Environment.UNKNOWN:
                return f"nobody said what {name} is, so it may be a production instance"
            case _:
                return ""

    def require_writable(self, name: str) -> None:
        """Pass, or raise `ReadOnly` saying why and how to unlock."""
        why = self.why(name)
        if why:
            locked = "" if self._read_only else "unlock it first: it then locks itself after some minutes"
            raise ReadOnly(why, locked or "start it without --read-only and without read_only in [defaults]")
