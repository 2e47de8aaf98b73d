"""Looking up host names, without letting a dead name server hold up anything but what needs the name."""

import concurrent.futures
import ipaddress
import socket
from typing import TypeAlias

from dfly_tui.clients.threads import awaited, start_daemon

_Lookup: TypeAlias = "concurrent.futures.Future[object]"

_under_way: dict[str, _Lookup] = {}
"""A look-up cannot be stopped, so one that hangs is waited for again, by whoever asks, and not joined by another."""


async def find_host(host: str) -> None:
    """Wait until the system's resolver knows the host, so that whoever connects next gets the answer at once.

    Raises:
        OSError: As `socket.getaddrinfo()` does, when the name is not known.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return
    lookup = _under_way.get(host)
    if lookup is None or lookup.done():
        lookup = _under_way[host] = start_daemon(lambda: socket.getaddrinfo(host, None), f"look-up of {host}")
    try:
        await awaited(lookup)
    finally:
        if lookup.done() and _under_way.get(host) is lookup:
            del _under_way[host]
