"""Leaving when the terminal is gone.

A Textual program whose terminal vanished while SIGHUP is ignored (`nohup`, some `tmux` and `ssh` set-ups) reads end of
file for ever and eats a core. Polling the descriptor for a hang-up sees it in every case.
"""

import os
import select
import signal
import threading
from collections.abc import Callable

CHECK_MILLISECONDS = 250
GRACE_SECONDS = 0.6
"""How long the program gets to leave by itself before it is ended."""


def watch_terminal(descriptor: int, leave: Callable[[], None], *, end: Callable[[int], None] = os._exit) -> None:
    """Call `leave` once the terminal behind `descriptor` is gone or SIGHUP arrives; then end the process if need be.

    Args:
        leave: Asks the program to stop; called from another thread.
        end: Ends the process with an exit code when `leave` did not within 0.6 s.
    """
    gone = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGHUP, lambda *_: gone.set())

    def watch() -> None:
        poller = select.poll()
        poller.register(descriptor, select.POLLHUP | select.POLLERR | select.POLLNVAL)
        while not gone.wait(0) and not poller.poll(CHECK_MILLISECONDS):
            pass
        threading.Timer(GRACE_SECONDS, end, (1,)).start()
        leave()

    threading.Thread(target=watch, name="terminal watch", daemon=True).start()
