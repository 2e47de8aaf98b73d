"""Files in a container, running or not, and programs in a running one, by the Docker engine's own requests.

All functions block; they are for `Engine.ask()` and `Engine.change()`. The client that `connect()` makes reads every
answer at once and bounds it; an archive is as large as the files in it, and is streamed instead.
"""

import base64
import io
import json
import socket
import tarfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from dfly_tui.clients.docker import engine_failure, failures_of
from dfly_tui.errors import StoreFailed
from dfly_tui.text import safe

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from docker.api.client import APIClient
    from requests import Response

PIECE_BYTES = 1 << 20
_LINE_BYTES = 1 << 16
_ATTACHED = {"Detach": False, "Tty": False}
_HEAD_BYTES, _OUTPUT, _ERRORS = 8, 1, 2
"""Of a frame in which a program's output comes."""
_NO_PROGRAM = (126, 127)
_SPECIAL_BITS = 0x8F280000
"""Go's file modes: a folder, a link, a pipe, a socket, a device."""
_FOLDER_BIT = 1 << 31


class Ran(NamedTuple):
    """What a program in a container said.

    Attributes:
        status: Its exit code.
    """

    status: int
    output: bytes
    errors: bytes

    @classmethod
    def missing(cls) -> "Ran":
        """What comes of one that cannot be run."""
        return cls(_NO_PROGRAM[0], b"", b"")

    @property
    def is_missing(self) -> bool:
        """The container has no such program, or does not run any more."""
        return self.status in _NO_PROGRAM

    @property
    def complaint(self) -> str:
        """Its last words."""
        said = (self.errors or self.output).strip()
        return safe(said.rpartition(b"\n")[2], limit=300) or f"exit code {self.status}"


class PathStat(BaseModel):
    """What the engine says of a path in a container."""

    size: int
    mode: int
    modified_at: datetime = Field(alias="mtime")

    @property
    def is_file(self) -> bool:
        return not self.mode & _SPECIAL_BITS

    @property
    def is_folder(self) -> bool:
        return bool(self.mode & _FOLDER_BIT)


class _Answer(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore")


class _Created(_Answer):
    id: str


class _Ended(_Answer):
    exit_code: int


def path_stat(api: "APIClient", container: str, path: str) -> PathStat | None:
    """Size, mode and time of a path. A link's own, unless the path ends in `/.`; None when there is no such path."""
    response = api.head(_archive_url(api, container), params={"path": path}, timeout=api.timeout)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return None
    _raise_for_status(response)
    raw = base64.b64decode(response.headers.get("X-Docker-Container-Path-Stat", ""))
    return PathStat.model_validate(json.loads(raw))


@contextmanager
def archive(api: "APIClient", container: str, path: str, until: Callable[[], None]) -> Iterator[tarfile.TarFile]:
    """The files at a path as a tar stream, which comes as it is read.

    Args:
        until: Called now and then; raises when it has taken too long.
    """
    with (
        closing(_get_streamed(api, _archive_url(api, container), path)) as response,
        _tar_errors(),
        tarfile.open(fileobj=_Stream(response, until), mode="r|", bufsize=PIECE_BYTES) as opened,
    ):
        yield opened


def file_pieces(api: "APIClient", host: str, container: str, path: str) -> Generator[bytes, None, None]:
    """A file's content, of any container. The engine answers nobody who asks about that container meanwhile.

    Raises:
        DockerFailed: The engine broke off, or does not answer.
        StoreFailed: The path is no plain file.
    """
    with translated(host), archive(api, container, path, lambda: None) as opened:
        member = opened.next()
        content = opened.extractfile(member) if member is not None and member.isreg() else None
        if content is None:
            raise StoreFailed(f"{safe(path, limit=200)} in the container is no plain file")
        while piece := content.read(PIECE_BYTES):
            yield piece


def output_pieces(
    api: "APIClient", host: str, container: str, words: Sequence[str], folder: str
) -> Generator[bytes, None, Ran]:
    """What a program in a running container writes, of any length.

    Returns:
        How it ended. Unless it ended well the last of its output, or all of a short one, is in there.

    Raises:
        DockerFailed: The engine broke off, or does not answer.
    """
    output, errors = bytearray(), bytearray()
    with translated(host):
        identity = _prepared(api, container, words, folder)
        if identity is None:
            return Ran.missing()
        with closing(_post_streamed(api, identity)) as response:
            stream = io.BufferedReader(_Stream(response, lambda: None), PIECE_BYTES)
            while head := stream.read(_HEAD_BYTES):
                piece = stream.read(int.from_bytes(head[4:], "big"))
                if head[0] == _OUTPUT:
                    output += piece
                elif len(errors) < PIECE_BYTES:
                    errors += piece
                if len(output) >= PIECE_BYTES:
                    yield bytes(output)
                    output.clear()
        status = _Ended.model_validate(api.exec_inspect(identity)).exit_code
    if status == 0 and output:
        yield bytes(output)
        output.clear()
    return Ran(status, bytes(output), bytes(errors))


def put_archive(api: "APIClient", container: str, folder: str, archive: Iterable[bytes]) -> None:
    """Unpack a tar stream in a folder of the container."""
    response = api.put(_archive_url(api, container), params={"path": folder}, data=archive, timeout=api.timeout)
    _raise_for_status(response)


def run(api: "APIClient", container: str, words: Sequence[str], folder: str) -> Ran:
    """Run a program in a running container, in a folder of it, as the container's own user, and wait for its end."""
    from docker.errors import APIError

    identity = _prepared(api, container, words, folder)
    if identity is None:
        return Ran.missing()
    # Not as the SDK does it: with its `Upgrade` the answer has no end that could be bounded.
    try:
        response = api.post(_exec_url(api, identity), json=_ATTACHED, timeout=api.timeout)
        _raise_for_status(response)
    except APIError as error:
        if error.status_code == HTTPStatus.CONFLICT:
            return Ran.missing()
        raise
    ended = _Ended.model_validate(api.exec_inspect(identity))
    return Ran(ended.exit_code, *_told_apart(response.content))


class Conversation:
    """A running program, which is written to and read from; what it says on its error stream is thrown away."""

    def __init__(self, line: socket.socket, response: "Response") -> None:
        self._line = line
        self._response = response  # closes the line when nobody has it any more
        self._received = bytearray()

    def send(self, data: bytes) -> None:
        self._line.sendall(data)

    def receive(self) -> bytes:
        """The next piece; empty at its end. Raises OSError."""
        while True:
            if len(self._received) >= _HEAD_BYTES:
                end = _HEAD_BYTES + int.from_bytes(self._received[4:_HEAD_BYTES], "big")
                if len(self._received) >= end:
                    stream, piece = self._received[0], bytes(self._received[_HEAD_BYTES:end])
                    del self._received[:end]
                    if stream == _OUTPUT and piece:
                        return piece
                    continue
            more = self._line.recv(_LINE_BYTES)
            if not more:
                return b""
            self._received += more

    def close(self) -> None:
        """Hang up; whoever waits in `receive()` is told the end."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        self._response.close()


def converse(api: "APIClient", container: str, words: Sequence[str]) -> Conversation:
    """Run a program in a running container and talk to it. It ends with the conversation, or on its own."""
    created = api.exec_create(container, list(words), stdin=True)
    response = api.post(
        _exec_url(api, _Created.model_validate(created).id),
        json=_ATTACHED,
        headers={"Connection": "Upgrade", "Upgrade": "tcp"},
        stream=True,
        timeout=api.timeout,
        hooks={"response": _bounded_if_refused(api)},
    )
    _raise_for_status(response)
    reader = api._get_raw_response_socket(response)  # type: ignore[attr-defined]
    line: socket.socket = getattr(reader, "_sock", reader)
    line.settimeout(None)
    return Conversation(line, response)


@contextmanager
def translated(host: str) -> Iterator[None]:
    """What goes wrong with the engine at `host` becomes a `DockerFailed`."""
    try:
        yield
    except failures_of(host) as error:
        raise engine_failure(error, host) from error


def _prepared(api: "APIClient", container: str, words: Sequence[str], folder: str) -> str | None:
    """A program to be run; None if the container does not run."""
    from docker.errors import APIError

    try:
        created = api.exec_create(container, list(words), workdir=folder, environment={"LC_ALL": "C", "TZ": "UTC0"})
    except APIError as error:
        if error.status_code == HTTPStatus.CONFLICT:
            return None
        raise
    return _Created.model_validate(created).id


def _told_apart(frames: bytes) -> tuple[bytes, bytes]:
    """Output and errors, which come as frames of: which of the two, three zeros, four bytes of length, content."""
    told, at = {_OUTPUT: bytearray(), _ERRORS: bytearray()}, 0
    while at + _HEAD_BYTES <= len(frames):
        begin = at + _HEAD_BYTES
        end = begin + int.from_bytes(frames[at + 4 : begin], "big")
        told.get(frames[at], bytearray()).extend(frames[begin:end])
        at = end
    return bytes(told[_OUTPUT]), bytes(told[_ERRORS])


def _archive_url(api: "APIClient", container: str) -> str:
    return f"{api.base_url}/v{api.api_version}/containers/{quote(container, safe='')}/archive"


def _exec_url(api: "APIClient", identity: str) -> str:
    return f"{api.base_url}/v{api.api_version}/exec/{quote(identity, safe='')}/start"


def _get_streamed(api: "APIClient", url: str, path: str) -> "Response":
    response = api.get(
        url,
        params={"path": path},
        headers={"Accept-Encoding": "identity"},
        stream=True,
        timeout=api.timeout,
        hooks={"response": _bounded_if_refused(api)},
    )
    _raise_for_status(response)
    return response


def _post_streamed(api: "APIClient", identity: str) -> "Response":
    response = api.post(
        _exec_url(api, identity),
        json=_ATTACHED,
        stream=True,
        timeout=api.timeout,
        hooks={"response": _bounded_if_refused(api)},
    )
    _raise_for_status(response)
    return response


def _bounded_if_refused(api: "APIClient") -> "Callable[..., None]":
    """In place of what bounds all answers of this client: only those that are refusals."""
    bounds = list(api.hooks["response"])

    def bound(response: "Response", **settings: object) -> None:
        if not response.ok:
            for each in bounds:
                each(response, **settings)

    return bound


def _raise_for_status(response: "Response") -> None:
    from docker.errors import create_api_error_from_http_exception
    from requests.exceptions import HTTPError

    try:
        response.raise_for_status()
    except HTTPError as error:
        create_api_error_from_http_exception(error)


class _Stream(io.RawIOBase):
    """An answer as a file to read from."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def __init__(self, response: "Response", until: Callable[[], None]) -> None:
        self._response = response
        self._until = until

    def read(self, count: int = -1) -> bytes:
        from urllib3.exceptions import HTTPError

        self._until()
        try:
            return self._response.raw.read(count) or b""
        except HTTPError as error:
            raise OSError(f"broken answer: {error}") from None


@contextmanager
def _tar_errors() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise OSError(f"broken answer: {error}") from error
