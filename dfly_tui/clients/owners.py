"""Who made a thing that should not outlive them: written on it, so that another program can tell whether they live."""

import os
from contextlib import suppress
from pathlib import Path


def this_process() -> str:
    """This machine and process, told apart from one that has the same number later."""
    return _written(os.getpid())


def is_gone(owner: str) -> bool:
    """Whether this, as `this_process()` gives it, is of a process of this machine that has ended. False if unsure."""
    words = owner.rsplit("/", 2)
    if len(words) != 3 or words[0] != os.uname().nodename or not words[1].isdecimal():
        return False
    return _written(int(words[1])) != owner if _knows_times() else not _lives(int(words[1]))


def _written(process: int) -> str:
    return f"{os.uname().nodename}/{process}/{_started(process)}"


def _started(process: int) -> str:
    """When a process began, in the kernel's ticks; `-` for one that is not there, or dead and not yet waited for."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "-" if fields[0] == "Z" else fields[19]
    return "-"


def _knows_times() -> bool:
    return _started(os.getpid()) != "-"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
