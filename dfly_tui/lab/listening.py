"""How a server stops listening."""

import asyncio


def stop_accepting(listener: asyncio.Server) -> None:
    """Take nobody any more; `close()` follows a turn of the loop later.

    A connection that is accepted in the very turn in which its server is closed is never closed by asyncio (3.11).
    """
    loop = asyncio.get_running_loop()
    for each in listener.sockets:
        loop.remove_reader(each.fileno())
