"""HTTP on the port of RESP: the status page, /metrics, /healthz."""

import base64
import json
import re
from typing import TYPE_CHECKING

from dfly_tui.lab.faults import GARBAGE
from dfly_tui.lab.metrics import metrics_text
from dfly_tui.lab.state import State

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer
    from dfly_tui.lab.session import Session

_REQUEST = re.compile(rb"(GET|POST) (\S+) HTTP/1\.1\r\n")
REASONS = {200: "OK", 401: "Unauthorized", 503: "Service Unavailable"}
LONGEST_HEAD = 64 * 1024


def is_http(data: bytes) -> bool:
    """Whether a connection begins as HTTP/1.1 does; anything else, HTTP/1.0 too, is taken for RESP."""
    return _REQUEST.match(data) is not None


async def serve_http(server: "LabServer", session: "Session", data: bytes) -> None:
    """Answer requests until the client goes."""
    while True:
        while b"\r\n\r\n" not in data:
            if len(data) > LONGEST_HEAD or not (more := await session.reader.read(65536)):
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        request = _REQUEST.match(head + b"\r\n")
        if request is None or server.faults.drop:
            return
        await server.faults.pass_time()
        if server.faults.garbage:
            session.send_raw(GARBAGE)
            return
        status, headers, body = await _answer(server, request[2].decode("latin-1"), head)
        lines = [f"HTTP/1.1 {status} {REASONS[status]}", "Server: lab", *headers, f"Content-Length: {len(body)}"]
        session.send_raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await session.flushed()


async def _answer(server: "LabServer", target: str, head: bytes) -> tuple[int, list[str], bytes]:
    path, _, query = target.partition("?")
    new = server.flavour.is_new
    plain = ["Content-Type: text/plain"]
    if path == "/metrics":
        async with server.role_lock:  # a takeover holds it as long as it lasts
            return 200, plain if new else [], metrics_text(server).encode()
    if path == "/healthz" and new:
        healthy = server.state is State.ACTIVE and not server.is_loading
        return (200, plain, b"OK\n") if healthy else (503, plain, b"")
    if not _authorized(server, head):
        return 401, [*plain, 'WWW-Authenticate: Basic realm="Restricted Area"'], b"Please authorize!\r\n"
    if path == "/":
        return _page(server, as_json=query == "o=json")
    if path == "/flagz":
        return 200, [], b""
    return 401, [], b""


def _authorized(server: "LabServer", head: bytes) -> bool:
    """HTTP keeps asking for the password of the start, whatever CONFIG or ACL have changed since."""
    password = server.config.startup_password
    if not password:
        return True
    wanted = base64.b64encode(f"default:{password}".encode()).decode()
    return re.search(rf"(?im)^authorization: basic {re.escape(wanted)}\r?$", head.decode("latin-1")) is not None


def _page(server: "LabServer", *, as_json: bool) -> tuple[int, list[str], bytes]:
    space = server.keyspace
    engine = {"keys": space.entries, "obj_mem_usage": space.object_bytes, "table_load_factor": 0}
    now = int(server.clock.now().timestamp())
    if as_json:
        return 200, ["Content-Type: application/json"], json.dumps({"engine": engine, "current-time": now}).encode()
    uptime = server.uptime_seconds
    page = server.flavour.page
    for pattern, value in (
        (r"(Started on:<span class='key_text'>)[^<]*", f"{server.started_at:%Y-%m-%dT%H:%M:%S}"),
        (r"(Uptime:<span class='key_text'>)[^<]*", f"{uptime // 3600}:{uptime // 60 % 60}:{uptime % 60}"),
        (r"(var json_text1 = )[^;]*(?=;)", json.dumps({"engine": engine, "current-time": now})),
    ):
        page = re.sub(pattern, lambda found, value=value: found[1] + value, page)  # type: ignore[misc]
    return 200, ["Content-Type: text/html"], page.encode()
