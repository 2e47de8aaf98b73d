"""A bucket, of Amazon or of any other that speaks S3. boto3 blocks, so it runs in threads, and is imported late."""

import posixpath
import shlex
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import aclosing, closing
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from dfly_tui.clients.stores.names import checked, shown
from dfly_tui.clients.stores.pump import PIECE_BYTES, drawn, in_thread
from dfly_tui.clients.stores.s3_client import Api, Clients, Got, Page, connected
from dfly_tui.clients.stores.s3_errors import Where, failure, failures, may_be_done
from dfly_tui.clients.stores.s3_upload import PART_BYTES, Upload
from dfly_tui.errors import OutcomeUnknown
from dfly_tui.models.snapshots import SnapshotFile
from dfly_tui.settings_backup import StoreConfig
from dfly_tui.text import safe

T = TypeVar("T")


class S3Store:
    """Objects under a prefix, those of `prefix/further/` not among them.

    An upload that was cut off leaves parts that nobody sees and everybody pays for, unless the store could be told:
    let a lifecycle rule of the bucket remove incomplete uploads.

    Args:
        name: `instance`, or as configured.
        config: Where it is.
        secret: Gives the secret key; None when boto3 shall find credentials for itself.
        timeout_seconds: For each request and each piece of an answer.
    """

    def __init__(
        self,
        name: str,
        config: StoreConfig,
        *,
        secret: Callable[[], Awaitable[str | None]],
        timeout_seconds: float,
        part_bytes: int = PART_BYTES,
    ) -> None:
        place = urlsplit(config.url)
        self._name = name
        self._config = config
        self._bucket = place.netloc
        self._prefix = place.path.strip("/") + "/" if place.path.strip("/") else ""
        self._secret = secret
        self._timeout_seconds = timeout_seconds
        self._part_bytes = part_bytes
        self._clients: Clients | None = None
        self._where = Where(self.address, safe(config.endpoint or "Amazon S3", limit=200))

    @property
    def name(self) -> str:
        return self._name

    @property
    def address(self) -> str:
        return safe(f"s3://{posixpath.join(self._bucket, self._prefix)}".rstrip("/"), limit=300)

    async def files(self) -> tuple[SnapshotFile, ...]:
        clients = await self._connected()
        return await self._asked(lambda: self._files(clients.again), "list what is")

    def read(self, name: str) -> AsyncGenerator[bytes, None]:
        return self._read(checked(name))

    async def write(
        self, name: str, content: AsyncIterator[bytes], size_bytes: int, *, modified_at: datetime | None = None
    ) -> None:
        """As the port says; the time of an object is always that of its upload."""
        key = self._key(checked(name))
        clients = await self._connected()
        await Upload(clients, self._bucket, key, self._where, shown(name), self._part_bytes).run(content, size_bytes)

    async def remove(self, name: str) -> None:
        key, clients = self._key(checked(name)), await self._connected()
        try:
            await in_thread(lambda: clients.once.delete_object(Bucket=self._bucket, Key=key))
        except failures() as error:
            wrong = failure(error, self._where, f"remove {shown(name)}")
            if may_be_done(error):
                raise OutcomeUnknown(wrong.detail, "look again: list what is there") from error
            raise wrong from error

    async def space(self) -> None:
        return None

    async def writable(self) -> bool | None:
        """Only trying tells."""
        return None

    def read_text(self, name: str) -> str:
        return shlex.join([*self._aws("cp"), self._url(name), "."])

    def remove_text(self, name: str) -> str:
        return shlex.join([*self._aws("rm"), self._url(name)])

    async def aclose(self) -> None:
        clients, self._clients = self._clients, None
        for client in clients or ():
            client.close()

    def _aws(self, what: str) -> list[str]:
        endpoint = ["--endpoint-url", self._config.endpoint] if self._config.endpoint else []
        return ["aws", *endpoint, "s3", what]

    def _url(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._key(name)}"

    def _key(self, name: str) -> str:
        return self._prefix + name

    async def _connected(self) -> Clients:
        if self._clients is None:
            secret = await self._secret()
            self._clients = await self._asked(
                lambda: connected(self._config, secret, self._timeout_seconds), "connect, to look"
            )
        return self._clients

    async def _asked(self, work: Callable[[], T], doing: str) -> T:
        try:
            return await in_thread(work)
        except failures() as error:
            raise failure(error, self._where, doing) from error

    async def _read(self, name: str) -> AsyncGenerator[bytes, None]:
        clients = await self._connected()
        async with aclosing(drawn(self._pieces(clients.again, name))) as pieces:
            async for piece in pieces:
                yield piece

    def _pieces(self, api: Api, name: str) -> Generator[bytes, None, None]:
        try:
            body = Got.model_validate(api.get_object(Bucket=self._bucket, Key=self._key(name))).body
            with closing(body):
                while piece := body.read(PIECE_BYTES):
                    yield piece
        except failures() as error:
            raise failure(error, self._where, f"read {shown(name)}") from error

    def _files(self, api: Api) -> tuple[SnapshotFile, ...]:
        found: dict[str, SnapshotFile] = {}
        asked = {"Bucket": self._bucket, "Prefix": self._prefix, "Delimiter": "/"}
        token: str | None = None
        while True:
            page = Page.model_validate(
                api.list_objects_v2(**asked, **({"ContinuationToken": token} if token is not None else {}))
            )
            for each in page.contents:
                name = each.key.removeprefix(self._prefix)
                if name and not name.startswith(".") and "/" not in name:
                    found[name] = SnapshotFile(name=name, size_bytes=each.size, modified_at=each.last_modified)
            if not page.next_continuation_token or page.next_continuation_token == token:
                return tuple(found.values())
            token = page.next_continuation_token
