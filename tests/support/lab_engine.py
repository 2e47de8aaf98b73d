"""A Docker engine whose containers are lab servers of this process: as much of one as a change of roles asks for."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from dfly_tui.lab.listening import stop_accepting
from dfly_tui.lab.snapshot import Damaged
from tests.support.clock import settle
from tests.support.proxy import Harm
from tests.support.supervised import Servers

NEVER = "0001-01-01T00:00:00Z"


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


IMAGE = "sha256:1ab"


@dataclass
class Box:
    """A container; `server` is the lab server that runs in it, whatever the container is called now."""

    id: str
    name: str
    server: str
    command: list[str] = field(default_factory=lambda: ["dragonfly"])
    policy: dict[str, Any] = field(default_factory=lambda: {"Name": "unless-stopped", "MaximumRetryCount": 0})
    state: str = "created"
    restarts: int = 0
    exit_code: int = 0
    started_at: str = NEVER
    finished_at: str = NEVER
    log: list[str] = field(default_factory=list)

    def ended(self, exit_code: int) -> None:
        self.state, self.exit_code, self.finished_at = "exited", exit_code, _now()


class LabEngine:
    """Listens on a Unix socket, writes down every request that changes something, and harms a chosen one.

    Attributes:
        commands: `("update", name, policy)`, `("start", name)` and the like, in order.
        harm, chosen, struck: As a `Proxy` has them; a harm that keeps the caller waiting is none here.
        volumes: Whether containers have one for their data.
        arrived: Called with every such request before it is answered.
        saves: Whether a server that is stopped saves first, as a real one does.
    """

    def __init__(self, servers: Servers, folder: Path, *, volumes: bool = True, saves: bool = False) -> None:
        self.host = f"unix://{folder / 'docker.sock'}"
        self.commands: list[tuple[str, ...]] = []
        self.harm: Harm | None = None
        self.chosen: Callable[[tuple[str, ...]], bool] = lambda words: False
        self.struck: Callable[[], None] = lambda: None
        self.arrived: Callable[[tuple[str, ...]], None] = lambda words: None
        self.volumes, self.saves = volumes, saves
        self.boxes: list[Box] = []
        self._servers = servers
        self._ids = count(1)
        self._cut = False
        self._tasks: set[asyncio.Task[None]] = set()
        servers.ended = self._process_ended
        if saves:
            servers.logged = self._logged

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.host.removeprefix("unix://"))
        return self

    async def __aexit__(self, *_: object) -> None:
        stop_accepting(self._server)
        await settle()
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def hold(self, name: str) -> None:
        """A lab server that runs is in a container of that name."""
        self.boxes.append(Box(self._new_id(), name, name, state="running", started_at=_now()))

    def box(self, name: str) -> Box | None:
        """The container of a name or id."""
        return next((box for box in self.boxes if name in (box.name, box.id)), None)

    def sent(self, *begins: str) -> list[tuple[str, ...]]:
        """The requests that begin with these words."""
        return [words for words in self.commands if words[: len(begins)] == begins]

    def cut(self) -> None:
        """Hang up on everybody and take nobody until `mend()`."""
        self._cut = True
        for task in self._tasks:
            task.cancel()

    def mend(self) -> None:
        self._cut = False

    def _new_id(self) -> str:
        return f"{next(self._ids):064x}"[::-1]

    async def _process_ended(self, server: str) -> None:
        """Do what the restart policy says."""
        box = next(box for box in self.boxes if box.server == server and box.state == "running")
        box.ended(0)
        if box.policy["Name"] in {"always", "unless-stopped"}:
            await asyncio.sleep(0.2)
            box.restarts += 1
            await self._start(box)

    async def _start(self, box: Box) -> None:
        if box.state != "running":
            flag = next((word for word in box.command if word.startswith("--replicaof=")), "")
            port = int(flag.rpartition(":")[2]) if flag else None
            box.state, box.started_at = "running", _now()
            try:
                await self._servers.start(box.server, follow=self._servers.name_of(port) if port else None)
            except Damaged:
                await self._servers.running[box.server].stop()
                box.ended(1)

    async def _stop(self, box: Box) -> None:
        if box.state == "running":
            box.ended(0)
            self._servers.running[box.server].faults.frozen = False
            if self.saves:
                await self._servers.running[box.server].save_at_end()
            await self._servers.running[box.server].stop()

    async def _kill(self, box: Box) -> None:
        box.ended(137)
        await self._servers.running[box.server].stop()

    def _logged(self, server: str, words: str) -> None:
        for box in self.boxes:
            if box.server == server:
                box.log.append(f"{_now()} {server}: {words}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while not self._cut and (head := (await reader.readuntil(b"\r\n\r\n")).decode()):
                length = next((line for line in head.split("\r\n") if line.lower().startswith("content-length:")), ":0")
                body = await reader.readexactly(int(length.partition(":")[2]))
                method, target, _ = head.split(" ", 2)
                answer = await self._answer(method, urlsplit(target), json.loads(body or b"null"))
                if answer is None:
                    break
                status, data = answer
                packed = data if isinstance(data, bytes) else json.dumps(data).encode() if data is not None else b""
                writer.write(b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\n" % status)
                writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(packed), packed))
        self._tasks.discard(task)
        writer.transport.abort()

    async def _answer(self, method: str, target: Any, body: Any) -> tuple[int, Any] | None:
        """Status and body of the answer; None to hang up."""
        words = [unquote(word) for word in target.path.split("/")[1:]]
        words = words[1:] if words[0].startswith("v1.") else words
        if method == "GET":
            return self._told(words)
        box = self.box(words[1])
        what = words[-1] if method == "POST" else "rm"
        query = {key: values[0] for key, values in parse_qs(target.query).items()}
        policy = (str(body["RestartPolicy"]["Name"]),) if what == "update" else ()
        command = (what, box.server if box else query["name"], *policy)
        self.commands.append(command)
        self.arrived(command)
        harm, self.harm = (self.harm, None) if self.harm and self.chosen(command) else (None, self.harm)
        if harm is not None:
            self.struck()
        if harm is Harm.LOST:
            return None
        if harm is Harm.REFUSED:
            return 500, {"message": "not today"}
        # Whoever hangs up does not stop it.
        answer = await asyncio.shield(asyncio.ensure_future(self._change(what, box, query, body)))
        return answer if harm is None else None

    async def _change(self, what: str, box: Box | None, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if what == "create":
            self.boxes.append(made := Box(self._new_id(), query["name"], query["name"], command=body["Cmd"]))
            made.policy = body["HostConfig"]["RestartPolicy"]
            return 201, {"Id": made.id, "Warnings": []}
        if box is None:
            return 404, {"message": "No such container"}
        match what:
            case "update":
                box.policy = body["RestartPolicy"]
                return 200, {"Warnings": []}
            case "stop":
                await self._stop(box)
            case "start":
                await self._start(box)
            case "kill":
                await self._kill(box)
            case "rename":
                box.name = query["name"]
            case "rm":
                self.boxes.remove(box)
        return 204, None

    def _told(self, words: list[str]) -> tuple[int, Any]:
        match words:
            case ["version"]:
                return 200, {"ApiVersion": "1.41", "Version": "20.10"}
            case ["images", *_]:
                return 200, {"Id": IMAGE}
            case ["containers", "json"]:
                return 200, [{"Id": box.id, "Names": [f"/{box.name}"]} for box in self.boxes]
            case ["containers", name, "json"] if box := self.box(name):
                return 200, self._inspected(box)
            case ["containers", name, "logs"]:
                box = self.box(name)
                return 200, "\n".join(box.log if box else ()).encode() or None
        return 404, {"message": "No such container"}

    def _inspected(self, box: Box) -> dict[str, Any]:
        volume = {"Type": "volume", "Name": box.server, "Source": "/x", "Destination": "/data", "RW": True}
        running = box.state == "running"
        return {
            "Id": box.id, "Name": f"/{box.name}", "Created": f"2026-01-02T03:04:{len(self.boxes):02}Z", "Image": IMAGE,
            "Path": box.command[0], "Args": box.command[1:], "RestartCount": box.restarts,
            "State": {"Status": box.state, "Running": running, "ExitCode": box.exit_code, "OOMKilled": False,
                      "StartedAt": box.started_at, "FinishedAt": box.finished_at},
            "Mounts": [volume] if self.volumes else [], "NetworkSettings": {"Networks": {}},
            "Config": {"Image": "dragonfly", "Hostname": box.id[:12], "Cmd": box.command, "Env": [], "Labels": {},
                       "Tty": True, "StopTimeout": 0},
            "HostConfig": {"NetworkMode": "host", "RestartPolicy": box.policy, "Memory": 0},
        }  # fmt: skip
