"""What a command's exit code says. Stable: scripts depend on them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """`check` has the codes of monitoring plugins instead (see `dfly_tui.cli.check`)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Wrong options or a wrong configuration; nothing was tried."""
    BLOCKED = 3
    """A check said no."""
    DECLINED = 4
    """A person said no."""
    UNKNOWN = 5
    """A change was sent and its outcome is not known: look before doing anything again."""
    INCOMPLETE = 6
    """Done, but something is left to do; the output says what."""
    INTERRUPTED = 130
    """Ctrl-C."""
    READER_GONE = 141
    """Whoever read our output went away (`| head`)."""
