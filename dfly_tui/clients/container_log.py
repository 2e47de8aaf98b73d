"""Whether the server in a container runs, and what it has logged since it was started."""

import re
import signal
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from dfly_tui.clients.docker import names_of, unknown_container
from dfly_tui.clients.engine import Engine
from dfly_tui.models.load_log import LoadLog, LogLine, load_log
from dfly_tui.settings import DockerConfig
from dfly_tui.text import safe

if TYPE_CHECKING:
    from docker.api.client import APIClient

TOO_SMALL = "it was killed: its memory limit is too low for this"
LINES = 5000
"""A server that serves may log a line a second; what it loaded it said at the beginning of the last hour or so."""
_LINE = re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?P<fraction>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d) ?(?P<text>.*)")
_LONGEST = 2000
_EPOCH = datetime.fromtimestamp(0, UTC)
_BEFORE = timedelta(seconds=1)
"""A process may say something before the engine has noted that it runs."""

_LAST_WORDS = 5
_KILLED = {code for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT) for code in (-number, 128 + number)}
"""As a process of ours ends, and as an engine tells it."""


class Life(NamedTuple):
    """How a server is.

    Attributes:
        runs: Its process does.
        end: How it ended, in words; empty while it runs.
        log: What it loaded at its start.
        ended_at: When, by the engine's clock; None while it runs, and where nobody knows.
        tells: Whether there is a log that can be read.
        was_killed: Somebody else made it end: nothing it did itself.
    """

    runs: bool
    end: str
    log: LoadLog
    ended_at: datetime | None = None
    tells: bool = True
    was_killed: bool = False


class _State(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")

    running: bool = False
    exit_code: int = 0
    oom_killed: bool = Field(False, alias="OOMKilled")
    error: str = ""
    started_at: str = ""
    finished_at: str = ""


class _Seen(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")

    state: _State


async def life(config: DockerConfig, timeout_seconds: float) -> Life:
    """How the server in a container is; raises `DockerFailed`."""
    from docker.errors import NotFound

    def look(api: "APIClient") -> Life:
        try:
            return life_of(api, config.container)
        except NotFound:
            raise unknown_container(config.container, names_of(api), config.host) from None

    async with Engine(config, timeout_seconds) as engine:
        return await engine.ask(look)


def life_of(api: "APIClient", container: str) -> Life:
    """The same, in a thread of an `Engine`."""
    state = _Seen.model_validate(api.inspect_container(container)).state
    lines = log_since(api, container, _since(state))
    if state.running:
        return told(lines, None)
    found = told(lines, state.exit_code, state.error)._replace(ended_at=_time(state.finished_at))
    return found._replace(end=TOO_SMALL, was_killed=True) if state.oom_killed else found


def told(lines: Sequence[LogLine], exit_code: int | None, error: str = "") -> Life:
    """What a process has logged, and how it ended, if it did."""
    found = load_log(lines)
    if exit_code is None:
        return Life(True, "", found, tells=bool(lines))
    last = "; ".join(line.text for line in lines[-_LAST_WORDS:])
    words = found.failure or safe(error or last, limit=400)
    end = f"it ended with code {exit_code}{f': {words}' if words else ''}"
    return Life(False, end, found, tells=bool(lines), was_killed=exit_code in _KILLED)


def _since(state: _State) -> datetime:
    """Since when the lines are of the process that runs, or ran last."""
    started, finished = _time(state.started_at), _time(state.finished_at)
    return max(started - _BEFORE, finished if finished <= started else _EPOCH, _EPOCH)


def log_since(api: "APIClient", container: str, since: datetime) -> list[LogLine]:
    """The lines since then, oldest first; none where the logging driver cannot be read."""
    from docker.errors import APIError

    try:
        raw: bytes = api.logs(container, timestamps=True, tail=LINES, since=since.replace(tzinfo=None))
    except (APIError, LookupError, TypeError):  # the SDK asks what container it is, and believes the answer
        return []
    lines = [_LINE.fullmatch(line[:_LONGEST].rstrip("\r")) for line in raw.decode("utf-8", "replace").split("\n")]
    return [
        LogLine(at, match["text"]) for match in lines if match is not None and (at := _time(match.group())) >= since
    ]


def _time(text: str) -> datetime:
    """To the microsecond; the beginning of all times for what is none."""
    match = _LINE.match(text)
    if match is None:
        return _EPOCH
    zone = "+00:00" if match["zone"] == "Z" else match["zone"]
    try:
        whole = datetime.fromisoformat(match["at"] + zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return _EPOCH
    return whole + timedelta(microseconds=int((match["fraction"] or ".0")[1:7].ljust(6, "0")))
