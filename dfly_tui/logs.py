"""The log file: what happened, for the day after. Never a password, never a key's value."""

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler

from dfly_tui.paths import Paths, make_private_dir

MAX_BYTES = 1_000_000


class _PrivateFile(RotatingFileHandler):
    """Every file it opens, the ones after a rotation too, is readable by the user alone."""

    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            descriptor = os.open(path, flags, 0o600)
            os.fchmod(descriptor, 0o600)
            return descriptor

        return open(self.baseFilename, "a", encoding="utf-8", opener=private)


def start_logging(paths: Paths) -> None:
    """Log to `dfly-tui.log` in the state folder (0600, two old files kept). A folder that cannot be written to is
    no reason not to start: then nothing is logged."""
    try:
        make_private_dir(paths.state_dir)
        handler = _PrivateFile(paths.log_file, maxBytes=MAX_BYTES, backupCount=2, encoding="utf-8")
    except OSError:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    # When the disk is full, logging would print a traceback over the screen for every line it cannot write.
    logging.raiseExceptions = False
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "docker", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
