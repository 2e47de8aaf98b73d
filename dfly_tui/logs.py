"""The log file: what happened, for the day after. Never a password, never a key's value."""

import logging
from logging.handlers import RotatingFileHandler

from dfly_tui.paths import Paths, make_private_dir

MAX_BYTES = 1_000_000


def start_logging(paths: Paths) -> None:
    """Log to `dfly-tui.log` in the state folder (0600, two old files kept). A folder that cannot be written to is
    no reason not to start: then nothing is logged."""
    try:
        make_private_dir(paths.state_dir)
        handler = RotatingFileHandler(paths.log_file, maxBytes=MAX_BYTES, backupCount=2, encoding="utf-8")
        paths.log_file.chmod(0o600)
    except OSError:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "httpcore", "docker", "urllib3", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
